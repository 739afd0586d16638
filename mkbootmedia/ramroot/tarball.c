/*
 * tarball: the root image of mode tmpfs: a pax tar (POSIX.1-2001; extended attributes and ACLs as
 * SCHILY.xattr and SCHILY.acl), compressed, as libarchive writes it.
 */
#include "ramroot/image.h"

#include "base/msg.h"
#include "base/util.h"
#include "ramroot/entry_map.h"
#include "ramroot/extra.h"

#include <archive.h>
#include <stdlib.h>

#define ZEROS (64 * KIB)

struct tarball {
    struct archive *archive;
    struct compressor compressor;
    struct entry_map sockets; /* tar has no such type */
    bool failed;              /* the compressor has said why */
};

static la_ssize_t write_bytes(struct archive *archive, void *arg, const void *data, size_t len)
{
    struct tarball *tarball = arg;

    if (tarball->failed || compressor_add(&tarball->compressor, data, len) < 0) {
        tarball->failed = true;
        archive_set_error(archive, ARCHIVE_FATAL, "writing failed");
        return -1;
    }
    return (la_ssize_t)len;
}

static int fail(struct root_image *image, const char *path)
{
    struct tarball *tarball = image->state;

    if (tarball->failed)
        return -1;
    return msg_error("%s: packing: %s", path, archive_error_string(tarball->archive));
}

static int tarball_begin(struct root_image *image)
{
    const struct image_settings *settings = image->settings;
    struct tarball *tarball = xcalloc(1, sizeof *tarball);

    image->state = tarball;
    tarball->archive = archive_write_new();
    if (compressor_begin(&tarball->compressor, settings->compress, settings->level,
                         settings->threads, image->fd, image->name) < 0)
        return -1;
    archive_write_set_format_pax(tarball->archive);
    archive_write_set_options(tarball->archive, "pax:hdrcharset=BINARY");
    archive_write_set_bytes_per_block(tarball->archive, 64 * 1024);
    archive_write_set_bytes_in_last_block(tarball->archive, 1);
    if (archive_write_open(tarball->archive, tarball, NULL, write_bytes, NULL) != ARCHIVE_OK)
        return fail(image, image->name);
    return 0;
}

/* What says nothing of the file, but of where it was. */
static void forget_origin(struct archive_entry *entry)
{
    archive_entry_unset_atime(entry);
    archive_entry_unset_ctime(entry);
    archive_entry_unset_birthtime(entry);
    archive_entry_set_dev(entry, 0);
    archive_entry_set_ino(entry, 0);
    archive_entry_set_nlink(entry, 1);
    archive_entry_copy_uname(entry, NULL);
    archive_entry_copy_gname(entry, NULL);
    archive_entry_set_fflags(entry, 0, 0);
}

static int put(struct root_image *image, const char *path, const void *data, uint64_t len)
{
    struct tarball *tarball = image->state;

    return archive_write_data(tarball->archive, data, len) == (la_ssize_t)len ? 0
                                                                              : fail(image, path);
}

static int put_zeros(struct root_image *image, const char *path, uint64_t len)
{
    static const char zeros[ZEROS];

    for (; len; len -= len < ZEROS ? len : ZEROS)
        if (put(image, path, zeros, len < ZEROS ? len : ZEROS) < 0)
            return -1;
    return 0;
}

/* All bytes of a member in order, holes as zeros: libarchive leaves those out that it was told of.
 */
static int put_contents(struct root_image *image, struct member *member)
{
    const char *path = archive_entry_pathname(member->entry);
    uint64_t size = (uint64_t)archive_entry_size(member->entry), at = 0, offset;
    const void *data;
    size_t len;
    int result;

    while ((result = member->block(member, &data, &len, &offset)) == 1) {
        if (offset < at || offset > size || len > size - offset)
            return msg_error("%s: packing: its bytes are not where its size says", path);
        if (put_zeros(image, path, offset - at) < 0 || put(image, path, data, len) < 0)
            return -1;
        at = offset + len;
    }
    return result < 0 ? -1 : put_zeros(image, path, size - at);
}

static int tarball_add(struct root_image *image, struct member *member)
{
    struct tarball *tarball = image->state;
    const char *path = archive_entry_pathname(member->entry);

    if (archive_entry_filetype(member->entry) == AE_IFSOCK) {
        entry_map_put(&tarball->sockets, path, member->entry);
        return 0;
    }
    entry_map_drop(&tarball->sockets, path); /* it takes its place */
    forget_origin(member->entry);
    if (!member->block)
        archive_entry_set_size(member->entry, 0);
    if (archive_write_header(tarball->archive, member->entry) != ARCHIVE_OK)
        return fail(image, path);
    if (member->block && put_contents(image, member) < 0)
        return -1;
    return archive_write_finish_entry(tarball->archive) == ARCHIVE_OK ? 0 : fail(image, path);
}

static int end_socket(void *arg, struct archive_entry *entry)
{
    struct root_image *image = arg;
    const char *why = extra_socket(image->extra, entry);

    return why ? msg_error("%s: packing: %s", archive_entry_pathname(entry), why) : 0;
}

static int tarball_end(struct root_image *image)
{
    struct tarball *tarball = image->state;

    if (archive_write_close(tarball->archive) != ARCHIVE_OK)
        return fail(image, image->name);
    if (compressor_end(&tarball->compressor) < 0 ||
        entry_map_walk(&tarball->sockets, end_socket, image) < 0)
        return -1;
    image->len = tarball->compressor.out;
    return 0;
}

static void tarball_free(struct root_image *image)
{
    struct tarball *tarball = image->state;

    if (!tarball)
        return;
    tarball->failed = true; /* nothing more is written */
    archive_write_free(tarball->archive);
    compressor_free(&tarball->compressor);
    entry_map_free(&tarball->sockets);
    free(tarball);
    image->state = NULL;
}

const struct root_image_kind image_tarball = {
    "tmpfs", tarball_begin, tarball_add, tarball_end, tarball_free,
};
