/*
 * image: the root image, which takes the members of a tree one after the other and becomes a run of
 * bytes in a file: a compressed tar (mode tmpfs) or a squashfs (mode overlay).
 *
 * Members come in any order; folders that no member names are made (0755, root). A member whose
 * path was there before takes its place (folders: the later owner, mode, times and attributes; what
 * is in them stays). Same members, same bytes, whatever the number of threads.
 */
#ifndef RAMROOT_IMAGE_H
#define RAMROOT_IMAGE_H

#include "ramroot/compress.h"
#include "base/util.h"
#include "ramroot/member.h"

#include <time.h>

struct image_settings {
    enum compress compress;
    int level;        /* 0: the format's default */
    unsigned threads; /* at least 1 */
    time_t time;      /* for time stamps of the format's own */
};

struct root_image;

/* One file each, one struct at its foot. */
struct root_image_kind {
    const char *mode; /* "tmpfs", "overlay" */
    int (*begin)(struct root_image *image);
    int (*add)(struct root_image *image, struct member *member);
    int (*end)(struct root_image *image); /* sets len */
    void (*free)(struct root_image *image);
};

struct root_image {
    const struct root_image_kind *kind;
    const struct image_settings *settings;
    int fd;            /* takes the image; open for reading and writing */
    const char *name;  /* of the file, for messages */
    uint64_t start;    /* bytes: where in the file the image begins */
    uint64_t len;      /* bytes of the image, once it has ended */
    struct buf *extra; /* takes what the format cannot hold (ramroot/extra.h) */
    void *state;
};

extern const struct root_image_kind image_tarball, image_squashfs;

#endif
