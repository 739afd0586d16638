/*
 * copy: regions into an open file or stream, by the quickest way that the kernel has for it.
 */
#ifndef MEDIA_COPY_H
#define MEDIA_COPY_H

#include "image/region.h"

#include <pthread.h>
#include <stdatomic.h>

/* What several threads that write one output have in common. */
struct copy_meter {
    atomic_bool stop;             /* somebody has failed, and said so: the others give up */
    _Atomic uint64_t done, total; /* bytes to write, zeros of a file not counted */
    pthread_mutex_t shown;        /* one thread at a time shows the progress */
    void (*progress)(void *arg, uint64_t done, uint64_t total); /* NULL: nobody looks */
    void *progress_arg;
};

/* Where the bytes of one thread go. */
struct copy {
    int fd;
    const char *name; /* for messages */
    struct copy_meter *meter;
    void *buffer; /* once it was needed */
    int offload;  /* is copy_file_range worth it? 0: not asked yet, 1: yes, -1: no */
};

/* One region to its offset in a file; zeros are left as the holes they are. -1, reported. */
int copy_to_file(struct copy *copy, const struct region *region);
/* One region to a stream; -1, reported. */
int copy_to_stream(struct copy *copy, const struct region *region);
void copy_free(struct copy *copy);

#endif
