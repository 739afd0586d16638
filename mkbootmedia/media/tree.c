/* tree: opening a directory that is ours, and staging what is new. */
#include "media/tree_private.h"

#include "base/msg.h"
#include "boot/added.h"
#include "boot/plan.h"
#include "media/draft.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER      (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define FOLDER_MODE 0755
#define FILE_MODE   0644
#define PRIVATE     PLAN_NET_PRIVATE

int tree_errno(const struct tree *tree, const char *path, const char *doing)
{
    char *subject = xasprintf("%s/%s", tree->name, path);

    if (errno == ELOOP || errno == ENOTDIR)
        msg_error("%s: %s: a symbolic link or a file is in the way", subject, doing);
    else
        msg_errno(subject, doing);
    free(subject);
    return -1;
}

/* A folder within another one, made if it has to be. */
static int open_folder(int fd, const char *name, bool make)
{
    int folder = openat(fd, name, FOLDER | O_NOFOLLOW);

    if (folder >= 0 || errno != ENOENT || !make)
        return folder;
    if (mkdirat(fd, name, FOLDER_MODE) < 0 && errno != EEXIST)
        return -1;
    return openat(fd, name, FOLDER | O_NOFOLLOW);
}

/* Opens the folders of a path one by one. */
static int walk_down(struct tree *tree, const char *folders, bool make)
{
    int fd = tree->fd;

    for (const char *part = folders; *part;) {
        size_t len = strcspn(part, "/");
        char *name = xasprintf("%.*s", (int)len, part);
        int next = open_folder(fd, name, make), error = errno;

        free(name);
        if (fd != tree->fd)
            close(fd);
        errno = error;
        if (next < 0)
            return -1;
        fd = next;
        part += len + (part[len] == '/');
    }
    return fd;
}

void tree_forget_parent(struct tree *tree)
{
    if (tree->parent_fd >= 0)
        close(tree->parent_fd);
    tree->parent_fd = -1;
    free(tree->parent);
    tree->parent = NULL;
}

int tree_parent(struct tree *tree, const char *path, const char **name, bool make)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    int error;

    if (added_dest_check(path)) {
        errno = EINVAL;
        return tree_errno(tree, path, "opening its folder");
    }
    *name = slash ? slash + 1 : path;
    if (!len)
        return tree->fd;
    if (tree->parent && strlen(tree->parent) == len && memcmp(tree->parent, path, len) == 0)
        return tree->parent_fd;
    tree_forget_parent(tree);
    tree->parent = xasprintf("%.*s", (int)len, path);
    tree->parent_fd = walk_down(tree, tree->parent, make);
    if (tree->parent_fd >= 0)
        return tree->parent_fd;
    error = errno;
    tree_forget_parent(tree);
    errno = error;
    return errno == ENOENT && !make ? -1 : tree_errno(tree, path, "opening its folder");
}

/* Does a folder hold nothing? A new file system's lost+found does not count, nor what a run left.
 */
static int is_empty(int fd, const char *name)
{
    int copy = openat(fd, ".", FOLDER);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *entry;
    bool empty = true;

    if (!dir)
        return msg_errno(name, "reading the folder");
    while (empty && (entry = readdir(dir)))
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
                strcmp(entry->d_name, "lost+found") == 0 || strcmp(entry->d_name, PRIVATE) == 0;
    closedir(dir);
    return empty;
}

/* A folder with files is ours if a generation is in it. */
static int check_ours(const struct tree *tree)
{
    struct stat st;
    int empty;

    if (fstatat(tree->fd, PRIVATE "/generations", &st, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    empty = is_empty(tree->fd, tree->name);
    if (empty < 0)
        return -1;
    return empty
               ? 0
               : msg_error("%s: writing: the folder holds files that mkbootmedia net did not make",
                           tree->name);
}

static int lock(struct tree *tree)
{
    tree->locked = flock(tree->fd, LOCK_EX | LOCK_NB) == 0 || errno == ENOLCK ||
                   errno == EOPNOTSUPP || errno == ENOSYS;
    if (tree->locked)
        return 0;
    if (errno == EWOULDBLOCK)
        return msg_error("%s: writing: another mkbootmedia is writing it", tree->name);
    return msg_errno(tree->name, "locking");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type;
    return ftw->level == 0 || remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

/* All that is in a draft. */
static void empty_draft(const struct tree *tree)
{
    nftw(tree->draft, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A draft, beside where the tree will be; what a run that was killed has left goes. */
static int open_draft(struct tree *tree)
{
    struct stat st;

    tree->draft = draft_name(tree->name);
    if (mkdir(tree->draft, FOLDER_MODE) < 0 && errno != EEXIST)
        return msg_errno(tree->name, "making the folder");
    tree->fd = open(tree->draft, FOLDER | O_NOFOLLOW);
    if (tree->fd < 0 || fstat(tree->fd, &st) < 0)
        return msg_errno(tree->draft, "opening the folder");
    if (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH))
        return msg_error(
            "%s: writing: %s is there, and is not what an earlier run of ours has left", tree->name,
            tree->draft);
    if (lock(tree) < 0)
        return -1;
    empty_draft(tree);
    return 0;
}

/* The folder itself, or a draft; -1, reported. */
static int open_top(struct tree *tree)
{
    tree->fd = open(tree->name, FOLDER);
    if (tree->fd < 0 && errno != ENOENT)
        return msg_errno(tree->name, "opening the folder");
    if (tree->fd >= 0)
        return lock(tree) < 0 ? -1 : check_ours(tree);
    return tree->dry_run ? 0 : open_draft(tree);
}

/* The folder of the program's own, and in it one for what is staged. */
static int open_private(struct tree *tree)
{
    static const char *const folders[] = {"generations", "files", "new"};
    bool make = !tree->dry_run;
    struct stat st;

    tree->private_fd = open_folder(tree->fd, PRIVATE, make);
    if (tree->private_fd < 0 && !(errno == ENOENT && !make))
        return tree_errno(tree, PRIVATE, "opening the folder");
    for (size_t i = 0; i < ARRAY_LEN(folders) && tree->private_fd >= 0; i++)
        if (fstatat(tree->private_fd, folders[i], &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            !S_ISDIR(st.st_mode)) {
            errno = ELOOP;
            return tree_errno(tree, PRIVATE, "opening its folders");
        }
    return make ? tree_make_private(tree, "generations") : 0;
}

/* Set by a signal that ends the program: the next file is not begun, and nothing remains. */
static volatile sig_atomic_t interrupted;
static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

static atomic_bool *stop; /* of the copy that is going on */

static void interrupt(int number)
{
    interrupted = number;
    *stop = true;
}

static void watch_signals(struct tree *tree)
{
    interrupted = 0;
    stop = &tree->meter.stop;
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        if (signal(signals[i], interrupt) == SIG_IGN) /* as nohup(1) asks for */
            signal(signals[i], SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file too large is an error of writing, with a message */
}

/* What came meanwhile ends the program now, as if nobody had caught it. */
static void forget_signals(void)
{
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        if (signal(signals[i], SIG_DFL) == SIG_IGN)
            signal(signals[i], SIG_IGN);
    if (interrupted)
        raise(interrupted);
}

int tree_open(struct tree *tree, const char *path, const struct tree_options *options)
{
    size_t len = strlen(path);

    while (len > 1 && path[len - 1] == '/')
        len--;
    *tree = (struct tree){.name = xasprintf("%.*s", (int)len, path),
                          .fd = -1,
                          .private_fd = -1,
                          .stage_fd = -1,
                          .parent_fd = -1,
                          .no_sync = options->no_sync,
                          .dry_run = options->dry_run,
                          .meter = {.shown = PTHREAD_MUTEX_INITIALIZER,
                                    .progress = options->progress,
                                    .progress_arg = options->progress_arg}};
    watch_signals(tree);
    tree->umask = umask(022); /* whoever serves the tree must be able to read it */
    if (open_top(tree) < 0)
        return -1;
    if (tree->fd < 0) /* a dry run, and nothing is there */
        return 0;
    if (open_private(tree) < 0)
        return -1;
    if (tree->dry_run && tree->private_fd >= 0 && tree_has_begun(tree))
        return msg_error("%s: looking at it: an earlier run was cut short; the next one, without "
                         "--dry-run, ends it first",
                         tree->name);
    if (!tree->dry_run && tree_recover(tree) < 0)
        return -1;
    tree->generation = tree_newest(tree);
    if (!tree->generation)
        return 0;
    return tree_read_generation(tree, &tree->old, tree->generation, "");
}

/* 1: the file is in place as it should be; 0: it is not; -1, reported. */
static int in_place(struct tree *tree, const struct tree_file *file)
{
    const struct tree_file *old = tree_list_find(&tree->old, file->path);
    const char *name;
    struct stat st;
    int parent;

    if (tree->draft || tree->fd < 0) /* there was nothing */
        return 0;
    parent = tree_parent(tree, file->path, &name, false);
    if (parent < 0)
        return errno == ENOENT ? 0 : -1;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : tree_errno(tree, file->path, "looking at it");
    if (!S_ISREG(st.st_mode)) {
        errno = ELOOP;
        return tree_errno(tree, file->path, "writing");
    }
    if (file->order == TREE_PAYLOAD) /* the path names the bytes */
        return (uint64_t)st.st_size == file->size;
    if (!old && file->order < TREE_SUMS)
        return msg_error("%s/%s: writing: a file that mkbootmedia did not make is in the way",
                         tree->name, file->path);
    return old && memcmp(old->digest, file->digest, DIGEST_LEN) == 0 &&
           (uint64_t)st.st_size == file->size;
}

int tree_make_private(const struct tree *tree, const char *name)
{
    if (mkdirat(tree->private_fd, name, FOLDER_MODE) == 0 || errno == EEXIST)
        return 0;
    return tree_errno(tree, name, "making the folder");
}

int tree_open_stage(struct tree *tree)
{
    if (tree->stage_fd < 0)
        tree->stage_fd = open_folder(tree->private_fd, "new", true);
    return tree->stage_fd < 0 ? tree_errno(tree, PRIVATE "/new", "opening the folder") : 0;
}

/* Where a new file's bytes go: of a draft already to its own name, else to a number. */
static int staged_place(struct tree *tree, struct tree_file *file, const char **name)
{
    if (tree->draft)
        return tree_parent(tree, file->path, name, true);
    if (tree_open_stage(tree) < 0)
        return -1;
    snprintf(tree->number, sizeof tree->number, "%u", file->staged);
    *name = tree->number;
    return tree->stage_fd;
}

static int open_staged(struct tree *tree, struct tree_file *file)
{
    const char *name;
    int parent = staged_place(tree, file, &name), fd;

    if (parent < 0)
        return -1;
    fd = openat(parent, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (fd < 0 && errno == EEXIST && file->order == TREE_PAYLOAD)
        return fd; /* the same bytes, for another host */
    return fd < 0 ? tree_errno(tree, file->path, "writing") : fd;
}

static int stage(struct tree *tree, struct tree_file *file, const struct content *content)
{
    struct copy copy = {.name = tree->name, .meter = &tree->meter};
    struct region region = {0, content->len, file->path, false, false, *content};
    int result = 0;

    file->staged = ++tree->staged;
    if (tree->dry_run)
        return 0;
    errno = 0;
    copy.fd = open_staged(tree, file);
    if (copy.fd < 0)
        return errno == EEXIST && file->order == TREE_PAYLOAD ? 0 : -1;
    if (content->len)
        result = copy_to_file(&copy, &region);
    if (result < 0 && interrupted)
        msg_error("%s: writing: interrupted", tree->name);
    /* neither padding nor a hole at the end is copied */
    if (result == 0 && ftruncate(copy.fd, (off_t)file->size) < 0)
        result = tree_errno(tree, file->path, "writing");
    copy_free(&copy);
    close(copy.fd);
    return result;
}

void tree_expect(struct tree *tree, uint64_t bytes)
{
    tree->meter.total += bytes;
}

/* Has a file been written to since its digest was taken? Then the digest is not what was copied. */
static int check_unchanged(const struct item *item)
{
    struct stat st;

    if (!item->hashed || item->content.fd < 0)
        return 0;
    if (fstat(item->content.fd, &st) < 0)
        return msg_errno(item->content.path, "reading");
    if (st.st_ctim.tv_sec == item->changed.tv_sec && st.st_ctim.tv_nsec == item->changed.tv_nsec)
        return 0;
    return msg_error("%s: reading: the file has changed meanwhile", item->content.path);
}

int tree_add(struct tree *tree, const struct item *item, enum tree_order order)
{
    struct tree_file *file;
    int found;

    if (interrupted)
        return msg_error("%s: writing: interrupted", tree->name);
    file = tree_list_add(&tree->files, xstrdup(item->path));
    file->order = order;
    file->size = item->content.len + item->pad;
    if (item->hashed)
        memcpy(file->digest, item->digest, DIGEST_LEN);
    else if (digest_content(&item->content, item->pad, file->digest) < 0)
        return -1;
    found = in_place(tree, file);
    if (found == 1)
        tree->meter.done += item->content.len;
    if (found)
        return found < 0 ? -1 : 0;
    return stage(tree, file, &item->content) < 0 ? -1 : check_unchanged(item);
}

void tree_free(struct tree *tree)
{
    int *const fds[] = {&tree->parent_fd, &tree->stage_fd, &tree->private_fd, &tree->fd};

    if (!tree->name) /* it was never opened */
        return;
    if (!tree->dry_run && tree->private_fd >= 0)
        tree_unstage(tree);
    if (!tree->dry_run && tree->private_fd >= 0 && !tree->generation &&
        unlinkat(tree->private_fd, "generations", AT_REMOVEDIR) == 0)
        unlinkat(tree->fd, PRIVATE, AT_REMOVEDIR); /* it is not ours after all */
    if (tree->draft && tree->locked) {
        empty_draft(tree);
        rmdir(tree->draft);
    }
    umask(tree->umask);
    forget_signals();
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        if (*fds[i] >= 0)
            close(*fds[i]);
        *fds[i] = -1;
    }
    free(tree->name);
    free(tree->draft);
    free(tree->parent);
    tree_list_free(&tree->old);
    tree_list_free(&tree->files);
    tree->name = tree->draft = tree->parent = NULL;
}
