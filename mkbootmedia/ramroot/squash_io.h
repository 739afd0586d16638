/*
 * squash_io: a file as libsquashfs wants to see one: a squashfs may begin anywhere in it.
 */
#ifndef RAMROOT_SQUASH_IO_H
#define RAMROOT_SQUASH_IO_H

#include <sqfs/io.h>

#include <stdbool.h>
#include <stdint.h>

struct squash_io {
    sqfs_file_t file; /* first, as libsquashfs knows this only */
    int fd;
    uint64_t start; /* bytes: where in the file the squashfs begins */
    uint64_t size;  /* bytes of the squashfs so far */
    int error;      /* errno of what failed last */
    bool closed;    /* nothing is written any more */
};

void squash_io_init(struct squash_io *io, int fd, uint64_t start, uint64_t size);
/* What a SQFS_ERROR means, for messages. */
const char *squash_io_why(const struct squash_io *io, int result);

#endif
