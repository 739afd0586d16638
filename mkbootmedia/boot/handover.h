/*
 * handover: files that one host gets besides its entry's initramfs: a small cpio of its own, which
 * is loaded last, so that its files win.
 */
#ifndef BOOT_HANDOVER_H
#define BOOT_HANDOVER_H

#include "base/strings.h"
#include "base/util.h"

#include <time.h>

/* "FILE:/DEST" or "FILE:/DEST:MODE", taken apart. */
struct handover {
    char *file; /* on this host */
    char *dest; /* in the initramfs, without a '/' at its start */
    unsigned mode;
};

/* NULL, or what is wrong with the text; a DEST that ends in '/' is a folder for FILE; free with
 * handover_free in each case. */
const char *handover_split(struct handover *handover, const char *text);
void handover_free(struct handover *handover);

/*
 * Appends a newc archive (Documentation/driver-api/early-userspace/buffer-format.rst in Linux) with
 * the files of such texts and the folders that they are in: all owned by root, all with this time,
 * sorted by path. Its length is a multiple of 512 bytes. -1, reported: a file cannot be read, is
 * larger than 16 MiB, or two of them want one path.
 */
int handover_archive(struct buf *out, const struct strings *texts, time_t time);

#endif
