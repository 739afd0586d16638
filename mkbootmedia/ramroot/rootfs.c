/* rootfs: finds out what a source is, and passes the calls on to its kind. */
#include "ramroot/rootfs.h"

#include "base/msg.h"
#include "base/util.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The order matters: a container image is an archive too, and an archive can be anything. */
static const struct rootfs_kind *const kinds[] = {&rootfs_oci, &rootfs_folder, &rootfs_squashfs,
                                                  &rootfs_disk, &rootfs_archive};

static bool is_stdin(const char *path)
{
    return strcmp(path, "-") == 0;
}

/* Sets kind. A source that cannot be looked at twice is an archive. */
static int find_kind(struct rootfs *rootfs)
{
    struct stat st;

    if (fstat(rootfs->fd, &st) < 0)
        return msg_errno(rootfs->path, "reading the root file system");
    if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || S_ISCHR(st.st_mode)) {
        rootfs->kind = &rootfs_archive;
        return 0;
    }
    if (S_ISBLK(st.st_mode))
        return msg_error("%s: reading the root file system: is a device", rootfs->path);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        int is = kinds[i]->probe(rootfs->path, rootfs->fd);

        if (is < 0)
            return -1;
        if (is) {
            rootfs->kind = kinds[i];
            return 0;
        }
    }
    return msg_error("%s: reading the root file system: neither a folder nor an archive, a "
                     "container image, a squashfs or a disk image",
                     rootfs->path);
}

int rootfs_open(struct rootfs *rootfs, const char *path)
{
    *rootfs = (struct rootfs){.path = path};
    /* a FIFO that nobody writes to is empty, and not waited for */
    rootfs->fd = is_stdin(path) ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (rootfs->fd < 0 || (!is_stdin(path) && fcntl(rootfs->fd, F_SETFL, 0) < 0))
        return msg_errno(path, "opening");
    if (is_stdin(path))
        rootfs->path = "standard input";
    if (find_kind(rootfs) < 0)
        return -1;
    msg_detail("%s: is %s", rootfs->path, rootfs->kind->what);
    return rootfs->kind->open(rootfs);
}

int rootfs_next(struct rootfs *rootfs, struct archive_entry **entry)
{
    return rootfs->kind->next(rootfs, entry);
}

int rootfs_block(struct rootfs *rootfs, const void **data, size_t *len, uint64_t *offset)
{
    return rootfs->kind->block(rootfs, data, len, offset);
}

void rootfs_close(struct rootfs *rootfs)
{
    if (rootfs->kind)
        rootfs->kind->close(rootfs);
    if (rootfs->fd >= 0)
        close(rootfs->fd);
    rootfs->kind = NULL;
    rootfs->fd = -1;
}

const char *rootfs_clean_path(char *path)
{
    size_t len;

    while (*path == '/' || (path[0] == '.' && path[1] == '/'))
        path += *path == '/' ? 1 : 2;
    len = strlen(path);
    while (len && path[len - 1] == '/')
        path[--len] = '\0';
    return len ? path : ".";
}
