/*
 * sparse: what another program or library has written into an empty memory file, as regions of an
 * image: the units that are not all zeros. They are copied, so the file may be closed.
 */
#ifndef IMAGE_SPARSE_H
#define IMAGE_SPARSE_H

#include "image/region.h"

#define SPARSE_UNIT_MAX 4096

struct sparse {
    int fd;
    const char *name; /* of what is made there, for messages */
    uint64_t unit;    /* bytes: a multiple of SECTOR, at most SPARSE_UNIT_MAX */
    uint64_t offset;  /* where the file stands in the image */
};

/* Adds what is there of the file's bytes from start up to end, multiples of unit. -1, reported. */
int sparse_add(const struct sparse *from, uint64_t start, uint64_t end, const char *what,
               struct image *image);

/* Reads len bytes at a place that must be there; -1, reported. */
int sparse_read(const struct sparse *from, uint64_t at, void *out, size_t len);

#endif
