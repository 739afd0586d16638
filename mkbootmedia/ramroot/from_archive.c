/*
 * from_archive: a tar, plain or compressed, as libarchive reads it; also from a pipe.
 *
 *   fd -> outer (decompresses) -> pax_binary (names stay as they are) -> inner (takes the tar
 * apart)
 */
#include "ramroot/rootfs.h"

#include "base/msg.h"
#include "base/util.h"
#include "ramroot/blob.h"
#include "ramroot/pax_binary.h"

#include <archive.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define CHUNK    MIB
#define REST_MAX GIB /* bytes that are read behind the end of the archive */

struct reader {
    struct archive *outer, *inner;
    struct pax_binary pax;
    int result; /* the outer's last: ARCHIVE_OK, ARCHIVE_EOF, or what went wrong */
};

static int fail_why(const struct rootfs *rootfs, const char *why)
{
    return msg_error("%s: reading the archive: %s", rootfs->path, why ? why : "it is damaged");
}

/* What libarchive says; the inner one can only tell that it got too little from the outer one. */
static int fail(const struct rootfs *rootfs)
{
    struct reader *reader = rootfs->state;
    bool outer = reader->result != ARCHIVE_OK && reader->result != ARCHIVE_EOF;

    return fail_why(rootfs, archive_error_string(outer ? reader->outer : reader->inner));
}

/* The next bytes of the outer archive, once the filter has none left. */
static int refill(struct reader *reader)
{
    const void *data;
    size_t len;
    la_int64_t offset;

    if (reader->result == ARCHIVE_OK)
        reader->result = archive_read_data_block(reader->outer, &data, &len, &offset);
    if (reader->result == ARCHIVE_OK)
        pax_binary_give(&reader->pax, data, len);
    return reader->result;
}

/* The inner archive's source. */
static la_ssize_t give(struct archive *inner, void *arg, const void **run)
{
    struct reader *reader = arg;
    size_t len;

    while ((len = pax_binary_take(&reader->pax, run)) == 0) {
        int result = refill(reader);

        if (result == ARCHIVE_EOF)
            return (la_ssize_t)pax_binary_rest(&reader->pax, run);
        if (result != ARCHIVE_OK) {
            archive_set_error(inner, archive_errno(reader->outer), "it cannot be read");
            return ARCHIVE_FATAL;
        }
    }
    return (la_ssize_t)len;
}

/* An ARCHIVE_ code; reader_free is due in each case. */
static int reader_open(struct reader *reader, int fd)
{
    struct archive_entry *entry;

    reader->outer = blob_raw_reader();
    archive_read_support_format_empty(reader->outer);
    reader->inner = archive_read_new();
    archive_read_support_format_tar(reader->inner);
    reader->result = archive_read_open_fd(reader->outer, fd, CHUNK);
    if (reader->result == ARCHIVE_OK)
        reader->result = archive_read_next_header(reader->outer, &entry);
    if (reader->result != ARCHIVE_OK && reader->result != ARCHIVE_EOF)
        return reader->result;
    return archive_read_open(reader->inner, reader, NULL, give, NULL);
}

static void reader_free(struct reader *reader)
{
    archive_read_free(reader->inner);
    archive_read_free(reader->outer);
    pax_binary_free(&reader->pax);
}

static int archive_probe(const char *path, int fd)
{
    struct reader reader = {0};
    struct archive_entry *entry;
    int result = reader_open(&reader, fd);

    if (result == ARCHIVE_OK)
        result = archive_read_next_header(reader.inner, &entry);
    reader_free(&reader);
    if (lseek(fd, 0, SEEK_SET) < 0)
        return msg_errno(path, "reading the root file system");
    return result == ARCHIVE_OK || result == ARCHIVE_WARN || result == ARCHIVE_EOF;
}

static int archive_open(struct rootfs *rootfs)
{
    struct reader *reader = xcalloc(1, sizeof *reader);

    rootfs->state = reader;
    return reader_open(reader, rootfs->fd) == ARCHIVE_OK ? 0 : fail(rootfs);
}

/* Owners are numbers: names would be looked up on the machine that boots, or nowhere. */
static int clean(struct rootfs *rootfs, struct archive_entry *entry)
{
    const char *path = archive_entry_pathname(entry);
    const char *link = archive_entry_hardlink(entry);
    char *copy;

    if (!path)
        return msg_error("%s: reading the archive: a member has no name", rootfs->path);
    copy = xstrdup(path);
    /* what climbs out is kept as it is, for the guard to refuse */
    archive_entry_copy_pathname(entry, *path == '/' ? path : rootfs_clean_path(copy));
    free(copy);
    if (link) {
        copy = xstrdup(link);
        archive_entry_copy_hardlink(entry, *link == '/' ? link : rootfs_clean_path(copy));
        free(copy);
    }
    archive_entry_copy_uname(entry, NULL);
    archive_entry_copy_gname(entry, NULL);
    return 0;
}

/* The tar has ended. Reads the rest of what it was in, whose own end may tell of damage, and so
 * that who writes into a pipe is not cut off; of a bomb not all. */
static int finish(struct rootfs *rootfs)
{
    struct reader *reader = rootfs->state;
    const void *run;
    uint64_t rest = 0;
    size_t len;

    /* libarchive takes the end of the file for the end of the archive */
    if (reader->result == ARCHIVE_EOF && pax_binary_is_cut(&reader->pax))
        return fail_why(rootfs, "it is truncated");
    do {
        while ((len = pax_binary_take(&reader->pax, &run)))
            rest += len;
    } while (rest < REST_MAX && refill(reader) == ARCHIVE_OK);
    return rest >= REST_MAX || reader->result == ARCHIVE_EOF ? 0 : fail(rootfs);
}

static int archive_next(struct rootfs *rootfs, struct archive_entry **entry)
{
    struct reader *reader = rootfs->state;
    int result = archive_read_next_header(reader->inner, entry);

    if (result == ARCHIVE_EOF)
        return finish(rootfs);
    if (result != ARCHIVE_OK)
        return fail(rootfs);
    return clean(rootfs, *entry) < 0 ? -1 : 1;
}

static int archive_block(struct rootfs *rootfs, const void **data, size_t *len, uint64_t *offset)
{
    struct reader *reader = rootfs->state;
    la_int64_t at;
    int result = archive_read_data_block(reader->inner, data, len, &at);

    if (result == ARCHIVE_EOF)
        return 0;
    if (result != ARCHIVE_OK)
        return fail(rootfs);
    *offset = (uint64_t)at;
    return 1;
}

static void archive_done(struct rootfs *rootfs)
{
    if (rootfs->state)
        reader_free(rootfs->state);
    free(rootfs->state);
    rootfs->state = NULL;
}

const struct rootfs_kind rootfs_archive = {
    "an archive", archive_probe, archive_open, archive_next, archive_block, archive_done,
};
