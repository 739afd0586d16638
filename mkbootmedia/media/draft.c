/* draft: open, lock, publish or remove the temporary file of an output. */
#include "media/draft.h"

#include "base/msg.h"
#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* For the signal handler: the temporary file to remove; "" if there is none. */
static char signal_name[4096 + 256];

static void remove_draft(int number)
{
    if (*signal_name)
        unlink(signal_name);
    signal(number, SIG_DFL);
    raise(number);
}

static void watch_signals(const char *name)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

    if (strlen(name) >= sizeof signal_name)
        return;
    strcpy(signal_name, name);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (signal(numbers[i], remove_draft) == SIG_IGN) /* as nohup(1) asks for */
            signal(numbers[i], SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file too large is an error of writing, with a message */
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return xstrdup(".");
    return slash == path ? xstrdup("/") : xasprintf("%.*s", (int)(slash - path), path);
}

/* The path behind symbolic links; where one leads to nothing yet, that place. */
static char *resolve(const char *path)
{
    char target[PATH_MAX], *real = realpath(path, NULL), *folder, *next;
    ssize_t len = real ? -1 : readlink(path, target, sizeof target - 1);

    if (len <= 0)
        return real ? real : xstrdup(path);
    target[len] = '\0';
    folder = folder_of(path);
    next = *target == '/' ? xstrdup(target) : xasprintf("%s/%s", folder, target);
    free(folder);
    return next;
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

int draft_open(struct draft *draft, const char *path)
{
    const char *base;
    struct stat old;

    *draft = (struct draft){.path = resolve(path), .fd = -1};
    draft->folder = folder_of(draft->path);
    base = strrchr(draft->path, '/');
    base = base ? base + 1 : draft->path;
    /* a name of 255 bytes leaves no room for more: its end is cut */
    draft->name = xasprintf("%s/.%.*s.mkbootmedia", draft->folder, 200, base);
    if (draft_lock(draft, path) < 0)
        return -1;
    watch_signals(draft->name);
    if (stat(draft->path, &old) == 0) /* who might not read the old file, may not read the new one */
        fchmod(draft->fd, old.st_mode & 0777);
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

int draft_publish(struct draft *draft, bool no_sync)
{
    if (!no_sync && fsync(draft->fd) < 0)
        return msg_errno(draft->path, "writing to the disk");
    if (rename(draft->name, draft->path) < 0)
        return msg_errno(draft->path, "renaming the finished file");
    *signal_name = '\0';
    close(draft->fd);
    draft->fd = -1;
    return no_sync ? 0 : sync_folder(draft);
}

void draft_close(struct draft *draft)
{
    if (draft->fd >= 0) {
        unlink(draft->name);
        close(draft->fd);
    }
    *signal_name = '\0';
    free(draft->path);
    free(draft->folder);
    free(draft->name);
    *draft = (struct draft){.fd = -1};
}
