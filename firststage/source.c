/*
 * source: a file, which may be given back to the system as it is read, or HTTP.
 */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int source_open(struct source *source, struct trouble *why)
{
    struct stat st;

    source->fd = -1;
    if (!source->path) {
        source->http.size = source->size;
        return http_check_urls(&source->http, why); /* it connects at the first read */
    }
    source->fd = open(source->path, (source->consume ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (source->fd < 0 || fstat(source->fd, &st) < 0)
        return trouble_errno(why, source->path, "opening");
    if (!S_ISREG(st.st_mode))
        return trouble(why, "%s: not a regular file", source->path);
    if ((uint64_t)st.st_size != source->size)
        return trouble(why, "%s: has %lld bytes, and the root image has %llu", source->path,
                       (long long)st.st_size, (unsigned long long)source->size);
    posix_fadvise(source->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return 0;
}

/*
 * In a tmpfs a hole gives the memory back. A rootfs that is a ramfs cannot: there the image takes
 * its memory until it is deleted. Of other files only what is cached is dropped.
 */
static void forget(struct source *source, off_t len)
{
    off_t start = (off_t)source->offset;

    if (!source->consume)
        posix_fadvise(source->fd, start, len, POSIX_FADV_DONTNEED);
    else if (fallocate(source->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, start, len) < 0)
        source->consume = false;
}

static ssize_t read_file(struct source *source, void *buf, size_t len, struct trouble *why)
{
    ssize_t got;

    do
        got = pread(source->fd, buf, len, (off_t)source->offset);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return trouble_errno(why, source->path, "reading");
    if (!got)
        return trouble(why, "%s: became shorter while it was read", source->path);
    forget(source, got);
    return got;
}

ssize_t source_read(struct source *source, void *buf, size_t len, struct trouble *why)
{
    uint64_t left = source->size - source->offset;
    ssize_t got;

    if (!left)
        return 0;
    if (len > left)
        len = left;
    got = source->path ? read_file(source, buf, len, why) : http_read(&source->http, buf, len, why);
    if (got > 0)
        source->offset += (uint64_t)got;
    return got;
}

void source_close(struct source *source)
{
    if (source->fd >= 0)
        close(source->fd);
    http_close(&source->http);
}
