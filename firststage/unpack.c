/*
 * unpack: libarchive reads and writes; whatever it warns of is an error here.
 *
 * Names are bytes: the C locale leaves them as they are, and our tars say hdrcharset=BINARY.
 */
#include "unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define KEEP                                                                                       \
    (ARCHIVE_EXTRACT_OWNER | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_XATTR | \
     ARCHIVE_EXTRACT_ACL)

#define PAGE 4096

static la_ssize_t read_flow(struct archive *archive, void *arg, const void **bytes)
{
    struct unpack *unpack = arg;
    size_t len = 0;

    *bytes = flow_get(unpack->flow, unpack->reader, &len);
    if (*bytes || !flow_broken(unpack->flow))
        return (la_ssize_t)len;
    archive_set_error(archive, EIO, "the image breaks off");
    return -1;
}

/* The tree's folder may be full; then that is what has to be said. */
static int fail_writing(struct unpack *unpack, struct archive *disk, const char *path,
                        struct trouble *why)
{
    unpack->writing_failed = true;
    if (archive_errno(disk) == ENOSPC)
        return trouble(
            why, "%s: unpacking: the root's tmpfs is full (mkbootmedia.size= makes it larger)",
            path);
    return trouble(why, "%s: unpacking: %s", path, archive_error_string(disk));
}

static int fail_reading(struct archive *tar, const char *path, struct trouble *why)
{
    return trouble(why, "%s: reading the image: %s", path, archive_error_string(tar));
}

static bool is_zero(const char *bytes, size_t len)
{
    return !bytes[0] && !memcmp(bytes, bytes + 1, len - 1);
}

/*
 * Runs of data, with holes between them. Runs of zeros become holes too. (ARCHIVE_EXTRACT_SPARSE
 * does that by the page, with a system call for each page that is none.)
 */
static int unpack_data(struct unpack *unpack, struct archive *tar, struct archive *disk,
                       const char *path, struct trouble *why)
{
    const void *bytes;
    la_int64_t offset;
    size_t len;
    int code;

    while ((code = archive_read_data_block(tar, &bytes, &len, &offset)) == ARCHIVE_OK)
        if (!(len >= PAGE && is_zero(bytes, len)) &&
            archive_write_data_block(disk, bytes, len, offset) != ARCHIVE_OK)
            return fail_writing(unpack, disk, path, why);
    return code == ARCHIVE_EOF ? 0 : fail_reading(tar, path, why);
}

/*
 * Attributes of the name space "user." are taken out of an entry: a tmpfs of Linux before 6.6 has
 * none, and then they are left out; the others come as libarchive sets them.
 */
static void split_user(struct archive_entry *entry, struct archive_entry *user)
{
    struct archive_entry *all = archive_entry_clone(entry);
    const char *name;
    const void *value;
    size_t len;

    archive_entry_xattr_clear(entry);
    archive_entry_xattr_reset(all);
    while (archive_entry_xattr_next(all, &name, &value, &len) == ARCHIVE_OK)
        archive_entry_xattr_add_entry(strncmp(name, "user.", 5) == 0 ? user : entry, name, value,
                                      len);
    archive_entry_free(all);
}

static int set_user(struct archive_entry *user, const char *path, struct trouble *why)
{
    const char *name;
    const void *value;
    size_t len;

    archive_entry_xattr_reset(user);
    while (archive_entry_xattr_next(user, &name, &value, &len) == ARCHIVE_OK)
        if (lsetxattr(path, name, value, len, 0) < 0 && errno != EOPNOTSUPP)
            return trouble_errno(why, path, "setting an attribute");
    return 0;
}

static int unpack_entry(struct unpack *unpack, struct archive *tar, struct archive *disk,
                        struct archive_entry *entry, struct trouble *why)
{
    struct archive_entry *user;
    const char *path = archive_entry_pathname(entry);
    int code;

    if (!path)
        return trouble(why, "the image has a file without a name");
    user = archive_entry_new();
    split_user(entry, user);
    if (archive_write_header(disk, entry) != ARCHIVE_OK)
        code = fail_writing(unpack, disk, path, why);
    else if (archive_entry_size(entry) > 0 && unpack_data(unpack, tar, disk, path, why) < 0)
        code = -1;
    else if (archive_write_finish_entry(disk) != ARCHIVE_OK)
        code = fail_writing(unpack, disk, path, why);
    else
        code = set_user(user, path, why);
    archive_entry_free(user);
    return code;
}

/* Of the folder itself, which changes as long as something is made in it, the tar may say
 * something. */
static bool is_top(const char *path)
{
    return path && *path == '.' && !path[1 + strspn(path + 1, "/")];
}

static int unpack_entries(struct unpack *unpack, struct archive *tar, struct archive *disk,
                          struct archive_entry **top, struct trouble *why)
{
    struct archive_entry *entry;
    int code;

    while ((code = archive_read_next_header(tar, &entry)) == ARCHIVE_OK)
        if (is_top(archive_entry_pathname(entry))) {
            archive_entry_free(*top);
            *top = archive_entry_clone(entry);
        } else if (unpack_entry(unpack, tar, disk, entry, why) < 0) {
            return -1;
        }
    if (code == ARCHIVE_WARN)
        return fail_reading(tar, archive_entry_pathname(entry), why);
    return code == ARCHIVE_EOF ? 0 : fail_reading(tar, "root image", why);
}

/* Modes and times of folders come when the writer is closed. */
static int close_disk(struct unpack *unpack, struct archive *disk, struct trouble *why)
{
    return archive_write_close(disk) == ARCHIVE_OK ? 0 : fail_writing(unpack, disk, "folders", why);
}

static int unpack_top(struct unpack *unpack, struct archive *tar, struct archive_entry *top,
                      struct trouble *why)
{
    struct archive *disk = archive_write_disk_new();
    int code;

    archive_write_disk_set_options(disk, KEEP);
    code = unpack_entry(unpack, tar, disk, top, why) < 0 ? -1 : close_disk(unpack, disk, why);
    archive_write_free(disk);
    return code;
}

static int unpack_all(struct unpack *unpack, struct archive *tar, struct archive *disk,
                      struct trouble *why)
{
    struct archive_entry *top = NULL;
    size_t len;
    int code;

    if (archive_read_open(tar, unpack, NULL, read_flow, NULL) != ARCHIVE_OK)
        return fail_reading(tar, "root image", why);
    code = unpack_entries(unpack, tar, disk, &top, why) < 0 || close_disk(unpack, disk, why) < 0 ||
                   (top && unpack_top(unpack, tar, top, why) < 0)
               ? -1
               : 0;
    archive_entry_free(top);
    while (!code && flow_get(unpack->flow, unpack->reader, &len))
        continue; /* what fills up the tar's last block */
    return flow_broken(unpack->flow) ? -1 : code;
}

/* The root and the working folder of this thread only. */
static int enter(struct unpack *unpack, struct trouble *why)
{
    if (unshare(CLONE_FS) == 0 && chroot(unpack->folder) == 0 && chdir("/") == 0) {
        umask(0);
        return 0;
    }
    unpack->writing_failed = true;
    return trouble_errno(why, unpack->folder, "entering");
}

int unpack(struct unpack *unpack, struct trouble *why)
{
    struct archive *tar = archive_read_new(), *disk = archive_write_disk_new();
    int code = -1;

    if (!tar || !disk)
        trouble(why, "out of memory");
    else if (enter(unpack, why) == 0) {
        archive_read_support_format_tar(tar);
        archive_write_disk_set_options(disk, KEEP);
        code = unpack_all(unpack, tar, disk, why);
    }
    archive_read_free(tar);
    archive_write_free(disk);
    flow_leave(unpack->flow, unpack->reader);
    return code;
}
