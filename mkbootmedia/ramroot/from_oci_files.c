/*
 * from_oci_files: the files of a container image. A tar is looked through once, its contents are
 * skipped: later they are read where they lie. A compressed tar is unpacked into an anonymous file
 * before that.
 */
#include "ramroot/from_oci.h"

#include "base/msg.h"
#include "base/util.h"
#include "ramroot/blob.h"
#include "ramroot/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 100000
#define LINKS_MAX 8

static const char hex_digits[] = "0123456789abcdef";

/* What the names in an archive have told so far. */
struct evidence {
    bool manifest, layout, index, blob, other;
};

static bool ends_with(const char *s, const char *end)
{
    size_t len = strlen(s), end_len = strlen(end);

    return len >= end_len && strcmp(s + len - end_len, end) == 0;
}

/* Can a member of that name be in a container image? Their layers have names made of digests. */
static bool fits(const char *path)
{
    static const char *const names[] = {".",          "blobs",      "manifest.json",
                                        "index.json", "oci-layout", "repositories"};
    static const char *const ends[] = {".json", ".tar", ".tar.gz", ".tar.zst"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(path, names[i]) == 0)
            return true;
    if (strncmp(path, "blobs/", 6) == 0 || strspn(path, hex_digits) >= 32)
        return true;
    if (strncmp(path, "sha256:", 7) == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (ends_with(path, ends[i]))
            return true;
    return false;
}

static void weigh(struct evidence *evidence, const char *path)
{
    size_t hex = strspn(path, hex_digits);

    evidence->manifest |= strcmp(path, "manifest.json") == 0;
    evidence->layout |= strcmp(path, "oci-layout") == 0;
    evidence->index |= strcmp(path, "index.json") == 0;
    evidence->blob |=
        strncmp(path, "blobs/sha256/", 13) == 0 && strspn(path + 13, hex_digits) == 64;
    evidence->blob |= hex == 64 && (!strcmp(path + hex, ".json") || !strcmp(path + hex, ".tar") ||
                                    !strcmp(path + hex, "/layer.tar"));
    evidence->other |= !fits(path);
}

/* Reads headers until it is clear, which is soon: a compressed archive would have to be unpacked.
 */
static bool is_image(struct archive *archive)
{
    struct evidence seen = {0};
    struct archive_entry *entry;

    while (!seen.other && !seen.blob && archive_read_next_header(archive, &entry) == ARCHIVE_OK) {
        char *path = xstrdup(archive_entry_pathname(entry) ? archive_entry_pathname(entry) : "?");

        weigh(&seen, rootfs_clean_path(path));
        free(path);
    }
    return !seen.other && (seen.blob || seen.manifest || (seen.layout && seen.index));
}

int oci_files_probe(const char *path, int fd)
{
    struct content content;
    struct archive *archive;
    struct blob blob;
    struct stat st;
    int result;

    if (fstat(fd, &st) < 0)
        return msg_errno(path, "reading");
    if (S_ISDIR(st.st_mode))
        return faccessat(fd, "oci-layout", F_OK, 0) == 0 &&
               faccessat(fd, "index.json", F_OK, 0) == 0;
    if (!S_ISREG(st.st_mode))
        return 0;
    content = content_file(path, fd, (uint64_t)st.st_size);
    archive = blob_tar_reader();
    result = blob_open(&blob, archive, &content) == ARCHIVE_OK && is_image(archive);
    archive_read_free(archive);
    blob_close(&blob);
    return result;
}

static struct oci_file *add(struct oci_files *files, const char *path, int fd)
{
    files->list = xgrow(files->list, files->count, sizeof *files->list);
    files->list[files->count] = (struct oci_file){.path = xstrdup(path), .fd = fd};
    return &files->list[files->count++];
}

/* "a/b", "../c/d" -> "c/d": where a symbolic link of the tar leads, by its text; malloc'ed. */
static char *follow(const char *path, const char *target)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    char *folder;

    for (; strncmp(target, "../", 3) == 0; target += 3) {
        while (len && path[len - 1] != '/')
            len--;
        len -= len > 0;
    }
    folder = xasprintf("%.*s%s%s", (int)len, path, len ? "/" : "", target);
    return folder;
}

/* offset: where the member's bytes begin. */
static void note(struct oci_files *files, struct archive_entry *entry, uint64_t offset)
{
    const char *name = archive_entry_pathname(entry);
    char *copy = xstrdup(name ? name : ""), *link = NULL;
    const char *path = rootfs_clean_path(copy);
    struct oci_file *file;

    if (archive_entry_hardlink(entry)) {
        char *target = xstrdup(archive_entry_hardlink(entry));

        link = xstrdup(rootfs_clean_path(target));
        free(target);
    } else if (archive_entry_filetype(entry) == AE_IFLNK && archive_entry_symlink(entry)) {
        link = follow(path, archive_entry_symlink(entry));
    }
    if (link || archive_entry_filetype(entry) == AE_IFREG) {
        file = add(files, path, link ? -1 : files->fd);
        file->link = link;
        file->offset = offset;
        file->len = (uint64_t)archive_entry_size(entry);
    }
    free(copy);
}

static int list(struct oci_files *files, struct archive *archive, uint64_t size)
{
    struct archive_entry *entry;
    int result;

    while ((result = archive_read_next_header(archive, &entry)) == ARCHIVE_OK) {
        uint64_t offset = (uint64_t)archive_filter_bytes(archive, 0);
        la_int64_t len = archive_entry_size(entry);

        if (files->count >= FILES_MAX)
            return msg_error("%s: reading the container image: more than %d files in it",
                             files->subject, FILES_MAX);
        if (strlen(archive_entry_pathname(entry) ? archive_entry_pathname(entry) : "") >= PATH_MAX)
            return msg_error("%s: reading the container image: a path in it is too long",
                             files->subject);
        if (len < 0 || offset > size || (uint64_t)len > size - offset)
            return msg_error("%s: reading the container image: it ends in the middle of a file",
                             files->subject);
        note(files, entry, offset);
    }
    if (result != ARCHIVE_EOF)
        return msg_error("%s: reading the container image: %s", files->subject, blob_why(archive));
    return 0;
}

int oci_files_open(struct oci_files *files, const char *subject, int fd)
{
    struct content content, unpacked;
    struct archive *archive;
    struct blob blob;
    struct stat st;
    int result;

    *files = (struct oci_files){.subject = subject, .fd = fd};
    if (fstat(fd, &st) < 0)
        return msg_errno(subject, "reading");
    files->is_folder = S_ISDIR(st.st_mode);
    if (files->is_folder)
        return 0;
    content = content_file(subject, fd, (uint64_t)st.st_size);
    result = blob_unpack(&content, &unpacked);
    if (result < 0)
        return -1;
    if (result) {
        content = unpacked;
        files->fd = content.fd;
        files->owned = true;
    }
    archive = archive_read_new();
    archive_read_support_format_tar(archive);
    result = blob_open(&blob, archive, &content) == ARCHIVE_OK
                 ? list(files, archive, content.len)
                 : msg_error("%s: reading the container image: %s", subject, blob_why(archive));
    archive_read_free(archive);
    blob_close(&blob);
    return result;
}

/* Opens a file of a folder; 1, 0 or -1 as oci_files_find. */
static int open_file(struct oci_files *files, const char *path)
{
    int fd = openat(files->fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct oci_file *file;
    struct stat st;

    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0 || fstat(fd, &st) < 0) {
        msg_error("%s: reading the container image: %s: %s", files->subject, path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    if (!S_ISREG(st.st_mode)) {
        close(fd);
        return msg_error("%s: reading the container image: %s: is no regular file", files->subject,
                         path);
    }
    file = add(files, path, fd);
    file->len = (uint64_t)st.st_size;
    return 1;
}

/* The last of that name: a tar may have a newer one behind an older one. */
static const struct oci_file *look(const struct oci_files *files, const char *path)
{
    for (size_t i = files->count; i-- > 0;)
        if (strcmp(files->list[i].path, path) == 0)
            return &files->list[i];
    return NULL;
}

int oci_files_find(struct oci_files *files, const char *path, struct content *content)
{
    const struct oci_file *file = look(files, path);
    int result;

    for (unsigned links = 0; file && file->link && links < LINKS_MAX; links++)
        file = look(files, file->link);
    if (!file && files->is_folder) {
        result = open_file(files, path);
        if (result <= 0)
            return result;
        file = look(files, path);
    }
    if (!file || file->link)
        return 0;
    *content = content_file(files->subject, file->fd, file->len);
    content->offset = file->offset;
    return 1;
}

void oci_files_free(struct oci_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->list[i].path);
        free(files->list[i].link);
        if (files->is_folder)
            close(files->list[i].fd);
    }
    free(files->list);
    if (files->owned)
        close(files->fd);
    *files = (struct oci_files){0};
}
