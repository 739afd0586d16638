/*
 * newc: the cpio archives that Linux unpacks as an initramfs
 * (Documentation/driver-api/early-userspace/buffer-format.rst), owned by root.
 */
#ifndef BOOT_NEWC_H
#define BOOT_NEWC_H

#include "base/util.h"

#include <time.h>

#define NEWC_UNIT       512
#define NEWC_HEADER_LEN 110
#define NEWC_TRAILER    "TRAILER!!!"
#define NEWC_FILE_MAX   UINT32_MAX /* bytes of a member */

struct newc {
    unsigned number; /* of the inode */
    unsigned mode;   /* with the type */
    time_t time;
    uint64_t size;     /* bytes of contents, at most NEWC_FILE_MAX */
    uint64_t device;   /* dev_t of a device node */
    unsigned name_len; /* bytes of the name with NULs behind it; 0: with one */
};

/* A member's header and name; its contents and newc_pad(out, 4) follow. */
void newc_member(struct buf *out, const char *name, const struct newc *newc);
/* Zeros up to a multiple of unit bytes. */
void newc_pad(struct buf *out, size_t unit);
/* What ends an archive; out is a multiple of NEWC_UNIT then. */
void newc_end(struct buf *out);

#endif
