/* source: open, check that it is a regular file with something in it, keep it open. */
#include "base/source.h"

#include "base/msg.h"
#include "base/util.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is welcome besides a regular file with something in it. */
enum welcome { FILES, EMPTY_FILES, DISKS };

static const char *why_not(const struct stat *st, uint64_t size, enum welcome welcome)
{
    if (S_ISDIR(st->st_mode))
        return "is a directory, not a file";
    if (!S_ISREG(st->st_mode) && !(S_ISBLK(st->st_mode) && welcome == DISKS))
        return welcome == DISKS ? "is neither a regular file nor a disk" : "is not a regular file";
    return size == 0 && welcome != EMPTY_FILES ? "is empty" : NULL;
}

static uint64_t size_of(int fd, const struct stat *st)
{
    uint64_t size = 0;

    if (!S_ISBLK(st->st_mode))
        return (uint64_t)st->st_size;
    return ioctl(fd, BLKGETSIZE64, &size) < 0 ? 0 : size;
}

static int open_source(struct source *source, const char *path, enum welcome welcome)
{
    struct stat st;
    const char *why;

    /* O_NONBLOCK: a FIFO must be refused, not waited for */
    *source = (struct source){.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (source->fd < 0 || fstat(source->fd, &st) < 0) {
        msg_errno(path, "opening");
        source_close(source);
        return -1;
    }
    source->size = size_of(source->fd, &st);
    why = why_not(&st, source->size, welcome);
    if (why) {
        source_close(source);
        return msg_error("%s: opening: %s", path, why);
    }
    source->path = xstrdup(path);
    source->mtime = st.st_mtime;
    source->dev = st.st_dev;
    source->ino = st.st_ino;
    return 0;
}

int source_open(struct source *source, const char *path)
{
    return open_source(source, path, FILES);
}

int source_open_any(struct source *source, const char *path)
{
    return open_source(source, path, EMPTY_FILES);
}

int source_open_disk(struct source *source, const char *path)
{
    return open_source(source, path, DISKS);
}

int source_take(struct source *source, const char *name, int fd, uint64_t start, uint64_t size)
{
    struct stat st;

    *source = (struct source){.path = xstrdup(name), .fd = fd, .start = start, .size = size};
    if (fstat(fd, &st) < 0)
        return msg_errno(name, "reading");
    source->dev = st.st_dev;
    source->ino = st.st_ino;
    return 0;
}

void source_close(struct source *source)
{
    if (source->fd >= 0)
        close(source->fd);
    free(source->path);
    *source = (struct source){.fd = -1};
}

struct content source_content(const struct source *source)
{
    struct content content = content_file(source->path, source->fd, source->size);

    content.offset = source->start;
    return content;
}

void source_raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}
