/* sink: the life of an output file, and streams. */
#include "media/sink.h"

#include "base/msg.h"
#include "base/util.h"
#include "media/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

/* A new output that is not yet under its name. */
struct draft {
    char *path;   /* the output, symbolic links resolved */
    char *folder; /* that it is in */
    char *name;   /* the temporary name, beside it */
    int fd;
};

/* For the signal handler: the temporary file to remove; "" if there is none. */
static char draft_name[4096 + 256];

static void remove_draft(int number)
{
    if (*draft_name)
        unlink(draft_name);
    signal(number, SIG_DFL);
    raise(number);
}

static void watch_signals(const char *name)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};

    if (strlen(name) >= sizeof draft_name)
        return;
    strcpy(draft_name, name);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        signal(numbers[i], remove_draft);
}

/* The path behind symbolic links; of a file that is not there yet, the path itself. */
static char *resolve(const char *path)
{
    char *real = realpath(path, NULL);

    return real ? real : xstrdup(path);
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return xstrdup(".");
    return slash == path ? xstrdup("/") : xasprintf("%.*s", (int)(slash - path), path);
}

int sink_check(const char *path, struct stat *st)
{
    char *folder;
    int result = 0;

    *st = (struct stat){0};
    if (stat(path, st) == 0) {
        if (S_ISBLK(st->st_mode))
            return msg_error("%s: writing: is a block device; make an image and write that to it",
                             path);
        if (S_ISDIR(st->st_mode))
            return msg_error("%s: writing: is a directory, not a file", path);
        if (!S_ISREG(st->st_mode))
            return msg_error("%s: writing: is not a regular file; -o - writes to a pipe", path);
    } else if (errno != ENOENT) {
        return msg_errno(path, "writing");
    } else if (!*path || path[strlen(path) - 1] == '/') {
        return msg_error("%s: writing: is not the name of a file", path);
    }
    folder = folder_of(path);
    if (access(folder, W_OK | X_OK) < 0)
        result = msg_errno(folder, "writing into the folder");
    free(folder);
    return result;
}

/* Is the open file still the one of this name? Another run may have renamed it in between. */
static bool still_named(int fd, const char *name)
{
    struct stat open_file, named;

    return fstat(fd, &open_file) == 0 && lstat(name, &named) == 0 &&
           open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

/* Opens and locks a new temporary file in the place of what a run that was killed has left. */
static int draft_lock(struct draft *draft, const char *path)
{
    for (;;) {
        int fd = open(draft->name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        struct stat st;

        if (fd < 0)
            return msg_errno(path, "writing");
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
            close(fd);
            return msg_error("%s: writing: another mkbootmedia is writing it", path);
        }
        if (fstat(fd, &st) == 0 && st.st_size) /* truncated, it would be flushed by close (ext4) */
            unlink(draft->name);
        if (still_named(fd, draft->name)) {
            draft->fd = fd;
            return 0;
        }
        close(fd);
    }
}

static int draft_open(struct draft *draft, const char *path)
{
    const char *base;

    *draft = (struct draft){.path = resolve(path), .fd = -1};
    draft->folder = folder_of(draft->path);
    base = strrchr(draft->path, '/');
    base = base ? base + 1 : draft->path;
    /* a name of 255 bytes leaves no room for more: its end is cut */
    draft->name = xasprintf("%s/.%.*s.mkbootmedia", draft->folder, 200, base);
    if (draft_lock(draft, path) < 0)
        return -1;
    watch_signals(draft->name);
    return 0;
}

static int sync_folder(const struct draft *draft)
{
    int fd = open(draft->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = fd < 0 || fsync(fd) < 0 ? -1 : 0;

    if (result < 0 && errno != EINVAL) /* some file systems cannot sync a folder */
        msg_errno(draft->folder, "syncing the folder");
    else
        result = 0;
    if (fd >= 0)
        close(fd);
    return result;
}

/* Puts the finished draft under the output's name. */
static int draft_publish(struct draft *draft, bool no_sync)
{
    if (!no_sync && fsync(draft->fd) < 0)
        return msg_errno(draft->path, "writing to the disk");
    if (rename(draft->name, draft->path) < 0)
        return msg_errno(draft->path, "renaming the finished file");
    *draft_name = '\0';
    return no_sync ? 0 : sync_folder(draft);
}

/* Removes what was not published. */
static void draft_close(struct draft *draft, bool remove)
{
    if (draft->fd >= 0 && remove)
        unlink(draft->name);
    if (draft->fd >= 0)
        close(draft->fd);
    *draft_name = '\0';
    free(draft->path);
    free(draft->folder);
    free(draft->name);
}

static struct copy copy_init(const struct image *image, int fd, const char *name, bool zeros,
                             const struct sink_options *options)
{
    struct copy copy = {.fd = fd,
                        .name = name,
                        .progress = options->progress,
                        .progress_arg = options->progress_arg};

    for (size_t i = 0; i < image->count; i++)
        if (zeros || !image->regions[i].zero)
            copy.total += image->regions[i].len;
    return copy;
}

static int write_regions(const struct image *image, const struct draft *draft, const char *path,
                         const struct sink_options *options)
{
    struct copy copy = copy_init(image, draft->fd, path, false, options);
    int result = 0;

    if (ftruncate(draft->fd, (off_t)image->size) < 0)
        return msg_errno(path, "writing");
    for (size_t i = 0; i < image->count && result == 0; i++)
        result = copy_to_file(&copy, &image->regions[i]);
    copy_free(&copy);
    return result;
}

int sink_file(const struct image *image, const char *path, const struct sink_options *options)
{
    struct draft draft;
    int result = draft_open(&draft, path);

    if (result == 0)
        result = write_regions(image, &draft, path, options);
    if (result == 0)
        result = draft_publish(&draft, options->no_sync);
    draft_close(&draft, result < 0);
    return result;
}

int sink_stream(const struct image *image, int fd, const char *name,
                const struct sink_options *options)
{
    struct copy copy = copy_init(image, fd, name, true, options);
    int result = 0;

    signal(SIGPIPE, SIG_IGN); /* a reader that goes away is an error of writing, with a message */
    for (size_t i = 0; i < image->count && result == 0; i++)
        result = copy_to_stream(&copy, &image->regions[i]);
    copy_free(&copy);
    return result;
}
