/* draft: open, lock, publish or remove the temporary file of an output. */
#include "media/draft.h"

#include "base/digest.h"
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

#define NAME_ROOM                                                                                  \
    240 /* bytes of a name that leave room for the rest of a draft's (NAME_MAX 255)                \
         */

#define DRAFTS_MAX 4 /* an image, its map, its manifest, and a signature */

/* For the signal handler: the temporary files to remove; "" is none. */
static char signal_names[DRAFTS_MAX][4096 + 256];

static void remove_drafts(int number)
{
    for (size_t i = 0; i < DRAFTS_MAX; i++)
        if (*signal_names[i])
            unlink(signal_names[i]);
    signal(number, SIG_DFL);
    raise(number);
}

static void watch_signals(const char *name)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM, SIGPIPE};

    size_t slot = 0;

    while (slot < DRAFTS_MAX && *signal_names[slot])
        slot++;
    if (slot == DRAFTS_MAX || strlen(name) >= sizeof signal_names[slot])
        return;
    strcpy(signal_names[slot], name);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (signal(numbers[i], remove_drafts) == SIG_IGN) /* as nohup(1) asks for */
            signal(numbers[i], SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file too large is an error of writing, with a message */
}

static void forget(const char *name)
{
    for (size_t i = 0; i < DRAFTS_MAX && name; i++)
        if (strcmp(signal_names[i], name) == 0)
            *signal_names[i] = '\0';
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

/* Is the open file still the one of this name? Another run may have renamed or removed it. */
static bool still_named(int fd, const char *name)
{
    struct stat open_file, named;

    return fstat(fd, &open_file) == 0 && lstat(name, &named) == 0 &&
           open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

/*
 * Locks an open draft, until it is closed. 1: it is ours; 0: somebody has removed it meanwhile; -1,
 * reported. Where a file system knows no locks, two runs at once are not told apart.
 */
static int lock(int fd, const char *name, const char *path)
{
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK)
            return msg_error("%s: writing: another mkbootmedia is writing it", path);
        if (errno != ENOLCK && errno != EOPNOTSUPP && errno != ENOSYS)
            return msg_errno(path, "locking");
    }
    return still_named(fd, name);
}

/* Removes what a run that was killed has left; whoever has not the lock removes nothing. */
static int remove_stale(const char *name, const char *path)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), locked;

    if (fd < 0)
        return errno == ENOENT ? 0 : msg_errno(name, "removing what an earlier run has left");
    locked = lock(fd, name, path);
    if (locked == 1 && unlink(name) < 0)
        locked = msg_errno(name, "removing what an earlier run has left");
    close(fd);
    return locked < 0 ? -1 : 0;
}

/* Makes and locks a new draft: an old one, truncated, would be flushed by close (ext4). */
static int make_draft(struct draft *draft, const char *path)
{
    for (;;) {
        int fd = open(draft->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666), locked;

        if (fd < 0 && errno != EEXIST)
            return msg_errno(path, "writing");
        if (fd < 0 && remove_stale(draft->name, path) < 0)
            return -1;
        if (fd < 0)
            continue;
        locked = lock(fd, draft->name, path);
        if (locked == 1) {
            draft->fd = fd;
            return 0;
        }
        close(fd);
        if (locked < 0)
            return -1;
    }
}

/* ".NAME.mkbootmedia" beside the output; of a name too long for that, its start and a digest. */
static char *name_beside(const char *folder, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    struct digest digest;
    uint8_t sum[DIGEST_LEN];

    if (strlen(base) <= NAME_ROOM)
        return xasprintf("%s/.%s.mkbootmedia", folder, base);
    digest_init(&digest);
    digest_add(&digest, base, strlen(base));
    digest_final(&digest, sum);
    return xasprintf("%s/.%.180s.%.32s.mkbootmedia", folder, base, digest_hex(sum).text);
}

char *draft_name(const char *path)
{
    char *real = resolve(path), *folder = folder_of(real), *name = name_beside(folder, real);

    free(real);
    free(folder);
    return name;
}

int draft_open(struct draft *draft, const char *path, bool no_sync)
{
    struct stat old;

    *draft = (struct draft){.path = resolve(path), .fd = -1, .folder_fd = -1};
    draft->folder = folder_of(draft->path);
    draft->name = name_beside(draft->folder, draft->path);
    if (!no_sync) { /* now: later it would be too late to fail */
        draft->folder_fd = open(draft->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (draft->folder_fd < 0)
            return msg_errno(draft->folder, "opening the folder");
    }
    if (make_draft(draft, path) < 0)
        return -1;
    watch_signals(draft->name);
    if (stat(draft->path, &old) == 0 && fchmod(draft->fd, old.st_mode & 0777) < 0)
        return msg_errno(path, "giving it the old file's mode");
    return 0;
}

int draft_flush(struct draft *draft)
{
    if (!draft->flushed && draft->folder_fd >= 0 && fsync(draft->fd) < 0)
        return msg_errno(draft->path, "writing to the disk");
    draft->flushed = true;
    return 0;
}

int draft_publish(struct draft *draft)
{
    sigset_t all, old;
    int result;

    if (draft_flush(draft) < 0)
        return -1;
    sigfillset(&all); /* no signal may remove the name of what has become the output */
    sigprocmask(SIG_BLOCK, &all, &old);
    errno = ENOENT;
    result = still_named(draft->fd, draft->name) ? rename(draft->name, draft->path) : -1;
    if (result == 0)
        forget(draft->name);
    else
        msg_errno(draft->path, "renaming the finished file");
    sigprocmask(SIG_SETMASK, &old, NULL);
    if (result < 0)
        return -1;
    close(draft->fd);
    draft->fd = -1;
    /* some file systems cannot sync a folder */
    if (draft->folder_fd >= 0 && fsync(draft->folder_fd) < 0 && errno != EINVAL)
        return msg_errno(draft->folder, "syncing the folder");
    return 0;
}

void draft_close(struct draft *draft)
{
    if (draft->fd >= 0) {
        if (still_named(draft->fd, draft->name))
            unlink(draft->name);
        close(draft->fd);
    }
    if (draft->folder_fd >= 0)
        close(draft->folder_fd);
    forget(draft->name);
    free(draft->path);
    free(draft->folder);
    free(draft->name);
    *draft = (struct draft){.fd = -1, .folder_fd = -1};
}
