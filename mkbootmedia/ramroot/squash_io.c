/* squash_io: reads and writes at offsets; nothing is kept. */
#include "ramroot/squash_io.h"

#include "base/util.h"

#include <sqfs/error.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int io_failed(struct squash_io *io, int error)
{
    io->error = error;
    return SQFS_ERROR_IO;
}

static int io_read(sqfs_file_t *file, sqfs_u64 offset, void *data, size_t size)
{
    struct squash_io *io = (struct squash_io *)file;

    if (offset > io->size || size > io->size - offset)
        return SQFS_ERROR_OUT_OF_BOUNDS;
    for (size_t at = 0; at < size;) {
        ssize_t n = pread(io->fd, (char *)data + at, size - at, (off_t)(io->start + offset + at));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return io_failed(io, errno);
        if (n == 0)
            return SQFS_ERROR_OUT_OF_BOUNDS;
        at += (size_t)n;
    }
    return 0;
}

static int io_write(sqfs_file_t *file, sqfs_u64 offset, const void *data, size_t size)
{
    struct squash_io *io = (struct squash_io *)file;

    for (size_t at = 0; at < size && !io->closed;) {
        ssize_t n =
            pwrite(io->fd, (const char *)data + at, size - at, (off_t)(io->start + offset + at));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return io_failed(io, errno);
        at += (size_t)n;
    }
    if (offset + size > io->size)
        io->size = offset + size;
    return 0;
}

static sqfs_u64 io_size(const sqfs_file_t *file)
{
    return ((const struct squash_io *)file)->size;
}

/* The bytes behind the new end stay until they are written over, or cut off with the file. */
static int io_truncate(sqfs_file_t *file, sqfs_u64 size)
{
    ((struct squash_io *)file)->size = size;
    return 0;
}

static void io_destroy(sqfs_object_t *object)
{
    (void)object;
}

void squash_io_init(struct squash_io *io, int fd, uint64_t start, uint64_t size)
{
    *io = (struct squash_io){
        .file = {{io_destroy, NULL}, io_read, io_write, io_size, io_truncate},
        .fd = fd,
        .start = start,
        .size = size,
    };
}

const char *squash_io_why(const struct squash_io *io, int result)
{
    static const struct {
        int result;
        const char *why;
    } whys[] = {
        {SQFS_ERROR_ALLOC, "not enough memory"},
        {SQFS_ERROR_COMPRESSOR, "compressing or unpacking a block failed"},
        {SQFS_ERROR_UNSUPPORTED, "it has something that is not supported"},
        {SQFS_ERROR_OVERFLOW, "more owners or larger numbers than a squashfs can hold"},
        {SQFS_ERROR_OUT_OF_BOUNDS, "it is damaged: it refers to bytes that are not there"},
    };

    if (result == SQFS_ERROR_IO && io->error)
        return strerror(io->error);
    for (size_t i = 0; i < ARRAY_LEN(whys); i++)
        if (whys[i].result == result)
            return whys[i].why;
    return "it is damaged";
}
