/* ramroot, its rooms: ramroot.c (the way through), ramroot_kernel.c (kernel and modules of the
 * tree), ramroot_boot.c (what brings the image into memory). */
#ifndef RAMROOT_RAMROOT_PRIVATE_H
#define RAMROOT_RAMROOT_PRIVATE_H

#include "ramroot/adjust.h"
#include "ramroot/collect.h"
#include "ramroot/image.h"
#include "ramroot/modules.h"
#include "ramroot/named_acl.h"
#include "ramroot/ramroot.h"
#include "ramroot/tree.h"

/* Where things are in the image's file: room for the first stage, the header of a member, the
 * image. */
#define RAMROOT_ROOM  (64 * MIB)
#define RAMROOT_HEAD  UINT64_C(512)
#define RAMROOT_START (RAMROOT_ROOM + RAMROOT_HEAD)

/* All that one run holds. */
struct work {
    const struct ramroot_job *job;
    struct ramroot *made;
    const char *subject; /* the source, for messages */
    struct tree_stream tree;
    size_t layer; /* 0: the source; else the overlay that is coming */
    struct collect collect;
    char *config; /* of the kernel; NULL: not known */
    struct adjust adjust;
    struct named_acls named_acls;
    enum compress compress; /* COMPRESS_AUTO: not asked for */
    struct image_settings settings;
    struct root_image image;
    struct modules modules;
    unsigned purposes;
    struct buf extra; /* what the image could not hold */
};

/* A member that goes into the image. */
int ramroot_put(struct work *work, struct member *member);
/* Writes at the offset of an open file; name is for messages. */
int ramroot_write(int fd, const char *name, const char *data, size_t len);

/* Is there something to start, and for this architecture? */
int ramroot_check_init(struct work *work);
/* Finds kernel, version and configuration. */
int ramroot_find_kernel(struct work *work);
/* Can the kernel read the image? -1, reported: no; 1: no, but what work->compress now says. */
int ramroot_check_format(struct work *work);
/* folder: of the kernel's modules in the tree; NULL: there is none. */
int ramroot_check_modules(struct work *work, const char *folder);
/* What was put aside and is wanted goes into the image. */
int ramroot_put_modules(struct work *work, const char *folder);

/* Modules for the first stage. */
int ramroot_find_modules(struct work *work, const char *folder);
/* The first stage: into the image's file before it, or into one of its own. */
int ramroot_make_stage(struct work *work);
int ramroot_take_image(struct work *work);
int ramroot_check_limit(const struct work *work);

#endif
