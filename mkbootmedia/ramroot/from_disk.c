/*
 * from_disk: a disk image, whose file systems guestfish (libguestfs) reads in a virtual machine of
 * its own and gives as a tar: nothing of the image is mounted here, and no right is needed.
 *
 * guestfish is told the format, never left to guess it: a raw image whose first bytes are those of
 * a qcow2 header could name any file of this machine as its backing file. For the same reason a
 * qcow2 image must stand alone.
 */
#include "ramroot/rootfs.h"

#include "base/msg.h"
#include "base/run.h"
#include "base/util.h"

#include <archive.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK       (256 * KIB)
#define HEAD_LEN    (128 * KIB)
#define TAR_END_LEN 1024 /* zeros at the end of a tar */

struct disk {
    struct run run;
    int fd; /* guestfish's standard output */
    struct archive *archive;
    char *chunk;
    uint64_t zeros; /* at the end of what has come so far */
};

static bool has(const uint8_t *head, size_t at, const char *magic)
{
    return memcmp(head + at, magic, strlen(magic)) == 0;
}

/* A partition table of the MBR kind (a GPT has one in front), not merely its two last bytes. */
static bool is_partitioned(const uint8_t *head)
{
    unsigned used = 0;

    if (get_le16(head + 510) != 0xaa55 || has(head, 257, "ustar"))
        return false;
    for (const uint8_t *entry = head + 446; entry < head + 510; entry += 16) {
        if (entry[0] != 0 && entry[0] != 0x80)
            return false;
        used += entry[4] && get_le32(entry + 8) && get_le32(entry + 12);
    }
    return used > 0;
}

/* What guestfish calls the format; NULL: no disk image. */
static const char *format_of(const uint8_t *head)
{
    if (has(head, 0, "QFI\xfb"))
        return "qcow2";
    if (is_partitioned(head) || has(head, 0, "XFSB") || get_le16(head + 1080) == 0xef53 ||
        has(head, 65536 + 64, "_BHRfS_M"))
        return "raw";
    return NULL;
}

/* The first bytes of the image, zeros behind its end. */
static int read_head(const char *path, int fd, uint8_t *head)
{
    size_t done = 0;
    ssize_t n = 1;

    memset(head, 0, HEAD_LEN);
    while (n && done < HEAD_LEN) {
        n = pread(fd, head + done, HEAD_LEN - done, (off_t)done);
        if (n < 0 && errno != EINTR)
            return msg_errno(path, "reading");
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int disk_probe(const char *path, int fd)
{
    uint8_t *head;
    struct stat st;
    int result;

    if (fstat(fd, &st) < 0)
        return msg_errno(path, "reading");
    if (!S_ISREG(st.st_mode))
        return 0;
    head = xrealloc(NULL, HEAD_LEN);
    result = read_head(path, fd, head);
    if (result == 0)
        result = format_of(head) != NULL;
    free(head);
    return result;
}

/* QEMU, docs/interop/qcow2.txt: bytes 8 to 15 are where the backing file's name is, bit 2 of
 * those from 72 on (version 3) says that the data are in another file. Both are big-endian. */
static bool stands_alone(const uint8_t *head)
{
    static const uint8_t none[8];

    return memcmp(head + 8, none, 8) == 0 && (head[7] < 3 || !(head[79] & 4));
}

/* Starts guestfish on the image. */
static int start(struct rootfs *rootfs, struct disk *disk, const char *format)
{
    char *path = realpath(rootfs->path, NULL);
    char *option = xasprintf("--format=%s", format);
    const char *const argv[] = {
        "guestfish",         "--ro", option, "-a",          path,        "-i",
        "tar-out",           "/",    "-",    "xattrs:true", "acls:true", "selinux:true",
        "numericowner:true", NULL};

    if (path) {
        setenv("LIBGUESTFS_BACKEND", "direct", 0); /* libvirt is a service, and may not be there */
        disk->fd = run_pipe(&disk->run, argv);
    } else {
        msg_errno(rootfs->path, "opening");
    }
    free(option);
    free(path);
    return disk->fd < 0 ? -1 : 0;
}

static la_ssize_t on_read(struct archive *archive, void *arg, const void **data)
{
    struct disk *disk = arg;
    size_t zeros = 0;
    ssize_t n;

    do
        n = read(disk->fd, disk->chunk, CHUNK);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        archive_set_error(archive, errno, "%s", strerror(errno));
    while (n > 0 && zeros < (size_t)n && !disk->chunk[(size_t)n - 1 - zeros])
        zeros++;
    if (n > 0)
        disk->zeros = zeros == (size_t)n ? disk->zeros + zeros : zeros;
    *data = disk->chunk;
    return n;
}

/* The first line of what guestfish said, without its name: the later ones are general advice. */
static const char *first_line(char *text)
{
    static const char *const starts[] = {"*stdin*:0: ", "guestfish: ", "libguestfs: ", "error: "};

    text[strcspn(text, "\n")] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(starts); i++)
        if (strncmp(text, starts[i], strlen(starts[i])) == 0)
            text += strlen(starts[i]);
    return text;
}

/* guestfish's own words come first: without them the tar is merely short. -1, reported. */
static int finish(struct rootfs *rootfs, bool tar_is_good)
{
    struct disk *disk = rootfs->state;
    struct buf words = {0};
    const void *data;
    int result;

    while (on_read(disk->archive, disk, &data) > 0)
        ;
    result = run_reap(&disk->run, &words);
    if (result < 0)
        msg_error("%s: reading the disk image: guestfish: %s", rootfs->path,
                  words.len ? first_line(words.data) : "failed without a word");
    else if (!tar_is_good)
        result = msg_error("%s: reading the disk image: %s", rootfs->path,
                           archive_error_string(disk->archive));
    else if (disk->zeros < TAR_END_LEN)
        result = msg_error("%s: reading the disk image: guestfish gave a tar without an end",
                           rootfs->path);
    buf_free(&words);
    return result;
}

static int open_tar(struct rootfs *rootfs, struct disk *disk)
{
    disk->archive = archive_read_new();
    disk->chunk = xrealloc(NULL, CHUNK);
    archive_read_support_format_tar(disk->archive);
    if (archive_read_open(disk->archive, disk, NULL, on_read, NULL) != ARCHIVE_OK)
        return finish(rootfs, false);
    return 0;
}

static int disk_open(struct rootfs *rootfs)
{
    struct disk *disk = xcalloc(1, sizeof *disk);
    uint8_t *head = xrealloc(NULL, HEAD_LEN);
    int result = read_head(rootfs->path, rootfs->fd, head);
    const char *format = result < 0 ? NULL : format_of(head);

    disk->fd = -1;
    rootfs->state = disk;
    if (result == 0 && !format)
        result = msg_error("%s: reading the disk image: it has changed", rootfs->path);
    else if (result == 0 && strcmp(format, "qcow2") == 0 && !stands_alone(head))
        result =
            msg_error("%s: reading the disk image: it stands on another file; qemu-img convert "
                      "makes one that does not",
                      rootfs->path);
    free(head);
    if (result < 0 || start(rootfs, disk, format) < 0)
        return -1;
    return open_tar(rootfs, disk);
}

static const char *cleaned(const char *path, char **copy)
{
    *copy = xstrdup(path);
    return *path == '/' ? path : rootfs_clean_path(*copy);
}

static int disk_next(struct rootfs *rootfs, struct archive_entry **entry)
{
    struct disk *disk = rootfs->state;
    int result = archive_read_next_header(disk->archive, entry);
    char *copy;

    if (result == ARCHIVE_EOF)
        return finish(rootfs, true);
    if (result != ARCHIVE_OK || !archive_entry_pathname(*entry))
        return finish(rootfs, false);
    archive_entry_copy_pathname(*entry, cleaned(archive_entry_pathname(*entry), &copy));
    free(copy);
    if (archive_entry_hardlink(*entry)) {
        archive_entry_copy_hardlink(*entry, cleaned(archive_entry_hardlink(*entry), &copy));
        free(copy);
    }
    archive_entry_copy_uname(*entry, NULL);
    archive_entry_copy_gname(*entry, NULL);
    return 1;
}

static int disk_block(struct rootfs *rootfs, const void **data, size_t *len, uint64_t *offset)
{
    struct disk *disk = rootfs->state;
    la_int64_t at;
    int result = archive_read_data_block(disk->archive, data, len, &at);

    if (result == ARCHIVE_EOF)
        return 0;
    if (result != ARCHIVE_OK)
        return finish(rootfs, false);
    *offset = (uint64_t)at;
    return 1;
}

static void disk_close(struct rootfs *rootfs)
{
    struct disk *disk = rootfs->state;
    struct buf words = {0};

    if (!disk)
        return;
    archive_read_free(disk->archive);
    if (disk->fd >= 0)
        close(disk->fd);
    /* who has lost interest: a closed pipe ends guestfish, and it tidies up; a signal would not
     * let it */
    run_reap(&disk->run, &words);
    buf_free(&words);
    free(disk->chunk);
    free(disk);
    rootfs->state = NULL;
}

const struct rootfs_kind rootfs_disk = {
    "a disk image", disk_probe, disk_open, disk_next, disk_block, disk_close,
};
