/*
 * from_folder: a folder of this host, walked in the order of names, with numbers for owners and all
 * extended attributes. What cannot be read is an error, not a hole. Other file systems mounted in
 * it are walked too, but for those that the kernel makes (proc, sysfs and their like).
 */
#include "ramroot/rootfs.h"

#include "base/msg.h"
#include "base/strings.h"
#include "base/util.h"
#include "ramroot/acl.h"

#include <archive.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define CHUNK     MIB
#define DEPTH_MAX 1000

/* A folder that is being walked. */
struct level {
    int fd;
    struct strings names; /* sorted */
    size_t next;
    size_t path_len; /* of the folder in walk.path */
};

struct walk {
    struct level *levels;
    size_t depth;
    struct buf path; /* of the member */
    struct archive_entry *entry;
    struct archive_entry_linkresolver *links;
    int file; /* of the member, -1: none */
    uint64_t at, size;
    char *chunk;
    bool root_done;
};

static int fail(const struct rootfs *rootfs, const struct walk *walk)
{
    char *name = xasprintf("%s/%s", rootfs->path, walk->path.len ? walk->path.data : "");
    int result = msg_errno(name, "reading the root file system");

    free(name);
    return result;
}

static int folder_probe(const char *path, int fd)
{
    struct stat st;

    (void)path;
    return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) && faccessat(fd, "oci-layout", F_OK, 0) < 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Does the kernel make what is in there? Its contents are no part of a root file system. */
static bool is_virtual(int fd)
{
    static const long magics[] = {PROC_SUPER_MAGIC, SYSFS_MAGIC, DEBUGFS_MAGIC,
                                  CGROUP2_SUPER_MAGIC};
    struct statfs fs;

    if (fstatfs(fd, &fs) < 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(magics); i++)
        if ((long)fs.f_type == magics[i])
            return true;
    return false;
}

static int read_names(struct level *level)
{
    int copy = fcntl(level->fd, F_DUPFD_CLOEXEC, 3);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    struct dirent *found;

    if (!dir) {
        if (copy >= 0)
            close(copy);
        return -1;
    }
    for (errno = 0; (found = readdir(dir)); errno = 0)
        if (strcmp(found->d_name, ".") != 0 && strcmp(found->d_name, "..") != 0)
            strings_add(&level->names, found->d_name);
    copy = errno;
    closedir(dir);
    errno = copy;
    if (level->names.n)
        qsort(level->names.v, level->names.n, sizeof *level->names.v, by_name);
    return errno ? -1 : 0;
}

/* Goes into the folder of the member, which fd is then; the fd is the walk's from then on. */
static int enter(struct rootfs *rootfs, struct walk *walk, int fd)
{
    struct level *level;

    walk->levels = xgrow(walk->levels, walk->depth, sizeof *walk->levels);
    level = &walk->levels[walk->depth++];
    *level = (struct level){.fd = fd, .path_len = walk->path.len};
    if (walk->depth > DEPTH_MAX)
        return msg_error("%s: reading the root file system: more than %d folders in one another",
                         rootfs->path, DEPTH_MAX);
    if (!is_virtual(fd) && read_names(level) < 0)
        return fail(rootfs, walk);
    return 0;
}

static void leave(struct walk *walk)
{
    struct level *level = &walk->levels[--walk->depth];

    close(level->fd);
    strings_free(&level->names);
}

static int folder_open(struct rootfs *rootfs)
{
    struct walk *walk = xcalloc(1, sizeof *walk);
    int fd = fcntl(rootfs->fd, F_DUPFD_CLOEXEC, 3);

    rootfs->state = walk;
    walk->file = -1;
    walk->links = archive_entry_linkresolver_new();
    /* later names of a file are links, as in a tar */
    archive_entry_linkresolver_set_strategy(walk->links, ARCHIVE_FORMAT_TAR);
    walk->entry = archive_entry_new();
    walk->chunk = xrealloc(NULL, CHUNK);
    if (fd < 0)
        return fail(rootfs, walk);
    return enter(rootfs, walk, fd);
}

/* "/proc/self/fd/N/NAME": what calls without an -at form take. */
static char *reachable(int folder, const char *name)
{
    return xasprintf("/proc/self/fd/%d/%s", folder, name);
}

static int add_xattr(struct walk *walk, const char *path, const char *name)
{
    ssize_t len = lgetxattr(path, name, NULL, 0);
    char *value;

    if (len < 0)
        return errno == ENODATA ? 0 : -1;
    value = xrealloc(NULL, (size_t)len + 1);
    len = lgetxattr(path, name, value, (size_t)len + 1);
    if (len >= 0 && !acl_type(name)) {
        archive_entry_xattr_add_entry(walk->entry, name, value, (size_t)len);
    } else if (len >= 0 && acl_read(walk->entry, acl_type(name), value, (size_t)len)) {
        len = -1;
        errno = EINVAL;
    }
    free(value);
    return len < 0 ? -1 : 0;
}

static int add_xattrs(struct walk *walk, const char *path)
{
    char *names;
    ssize_t len = llistxattr(path, NULL, 0);
    int result = 0;

    if (len <= 0)
        return len == 0 || errno == ENOTSUP ? 0 : -1;
    names = xrealloc(NULL, (size_t)len);
    len = llistxattr(path, names, (size_t)len);
    for (ssize_t at = 0; at < len && result == 0; at += (ssize_t)strlen(names + at) + 1)
        result = add_xattr(walk, path, names + at);
    free(names);
    return len < 0 ? -1 : result;
}

static int add_symlink(struct walk *walk, const char *path)
{
    char target[PATH_MAX];
    ssize_t len = readlink(path, target, sizeof target - 1);

    if (len < 0)
        return -1;
    target[len] = '\0';
    archive_entry_copy_symlink(walk->entry, target);
    return 0;
}

/* The holes of a file, as libarchive writes them down. */
static int add_runs(struct walk *walk, const struct stat *st)
{
    off_t data = 0, end;

    if ((uint64_t)st->st_blocks * 512 >= (uint64_t)st->st_size)
        return 0;
    while (data < st->st_size) {
        data = lseek(walk->file, data, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            break;
        end = data < 0 ? -1 : lseek(walk->file, data, SEEK_HOLE);
        if (end < 0)
            return -1;
        archive_entry_sparse_add_entry(walk->entry, data, end - data);
        data = end;
    }
    if (archive_entry_sparse_count(walk->entry) == 0) /* nothing but a hole */
        archive_entry_sparse_add_entry(walk->entry, st->st_size, 0);
    return 0;
}

/* All that the entry says of a member but its bytes; opens a file or a folder. */
static int describe(struct walk *walk, int folder, const char *name, int *fd)
{
    char *path = reachable(folder, name);
    struct stat st;
    int result = fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW);

    *fd = -1;
    archive_entry_clear(walk->entry);
    if (result == 0) {
        archive_entry_copy_stat(walk->entry, &st);
        result = add_xattrs(walk, path);
    }
    if (result == 0 && S_ISLNK(st.st_mode))
        result = add_symlink(walk, path);
    if (result == 0 && (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode))) {
        *fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        result = *fd < 0 ? -1 : 0;
    }
    if (result == 0 && S_ISREG(st.st_mode)) {
        walk->file = *fd;
        walk->at = 0;
        walk->size = (uint64_t)st.st_size;
        result = add_runs(walk, &st);
    }
    free(path);
    return result;
}

static void close_file(struct walk *walk)
{
    if (walk->file >= 0)
        close(walk->file);
    walk->file = -1;
}

/* The root itself is the first member. */
static int give_root(struct rootfs *rootfs, struct walk *walk)
{
    int fd;

    walk->root_done = true;
    if (describe(walk, walk->levels[0].fd, ".", &fd) < 0)
        return fail(rootfs, walk);
    close(fd);
    archive_entry_copy_pathname(walk->entry, ".");
    return 1;
}

static int give(struct rootfs *rootfs, struct walk *walk, struct level *level)
{
    const char *name = level->names.v[level->next++];
    struct archive_entry *entry = walk->entry, *spare = NULL;
    int fd;

    walk->path.len = level->path_len;
    buf_printf(&walk->path, "%s%s", walk->path.len ? "/" : "", name);
    if (describe(walk, level->fd, name, &fd) < 0)
        return fail(rootfs, walk);
    archive_entry_copy_pathname(entry, walk->path.data);
    if (archive_entry_filetype(entry) != AE_IFDIR)
        archive_entry_linkify(walk->links, &entry, &spare);
    if (archive_entry_hardlink(walk->entry))
        close_file(walk);
    return archive_entry_filetype(walk->entry) == AE_IFDIR && enter(rootfs, walk, fd) < 0 ? -1 : 1;
}

static int folder_next(struct rootfs *rootfs, struct archive_entry **entry)
{
    struct walk *walk = rootfs->state;

    close_file(walk);
    *entry = walk->entry;
    if (!walk->root_done)
        return give_root(rootfs, walk);
    while (walk->depth &&
           walk->levels[walk->depth - 1].next == walk->levels[walk->depth - 1].names.n)
        leave(walk);
    if (!walk->depth)
        return 0;
    return give(rootfs, walk, &walk->levels[walk->depth - 1]);
}

static int folder_block(struct rootfs *rootfs, const void **data, size_t *len, uint64_t *offset)
{
    struct walk *walk = rootfs->state;
    off_t start = walk->file < 0 ? -1 : lseek(walk->file, (off_t)walk->at, SEEK_DATA);
    off_t end = start < 0 ? -1 : lseek(walk->file, start, SEEK_HOLE);
    ssize_t n;

    if (walk->file < 0 || walk->at >= walk->size || (start < 0 && errno == ENXIO))
        return 0;
    if (end < 0)
        return fail(rootfs, walk);
    if (end > (off_t)walk->size)
        end = (off_t)walk->size;
    n = pread(walk->file, walk->chunk, end - start < (off_t)CHUNK ? (size_t)(end - start) : CHUNK,
              start);
    if (n < 0)
        return fail(rootfs, walk);
    if (n == 0)
        return msg_error("%s/%s: reading the root file system: the file has become shorter",
                         rootfs->path, walk->path.data);
    *data = walk->chunk;
    *len = (size_t)n;
    *offset = (uint64_t)start;
    walk->at = (uint64_t)start + (uint64_t)n;
    return 1;
}

static void folder_close(struct rootfs *rootfs)
{
    struct walk *walk = rootfs->state;

    if (!walk)
        return;
    close_file(walk);
    while (walk->depth)
        leave(walk);
    free(walk->levels);
    free(walk->chunk);
    buf_free(&walk->path);
    archive_entry_free(walk->entry);
    archive_entry_linkresolver_free(walk->links);
    free(walk);
    rootfs->state = NULL;
}

const struct rootfs_kind rootfs_folder = {
    "a folder", folder_probe, folder_open, folder_next, folder_block, folder_close,
};
