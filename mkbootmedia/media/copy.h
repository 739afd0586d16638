/*
 * copy: regions into an open file or stream, by the quickest way that the kernel has for it.
 */
#ifndef MEDIA_COPY_H
#define MEDIA_COPY_H

#include "image/region.h"

#include <stdatomic.h>

/* Where the bytes go, and how far it has come. */
struct copy {
    int fd;
    const char *name;     /* for messages */
    atomic_bool *stop;    /* set by another thread: give up, without a word; NULL: nobody does */
    void *buffer;         /* once it was needed */
    uint64_t done, total; /* bytes that had to be written, zeros of a file not counted */
    void (*progress)(void *arg, uint64_t done, uint64_t total);
    void *progress_arg;
};

/* One region to its offset in a file; zeros are left as the holes they are. -1, reported. */
int copy_to_file(struct copy *copy, const struct region *region);
/* One region to a stream; -1, reported. */
int copy_to_stream(struct copy *copy, const struct region *region);
void copy_free(struct copy *copy);

#endif
