/* blob: callbacks of libarchive over pread. */
#include "ramroot/blob.h"

#include "base/msg.h"
#include "base/util.h"
#include "ramroot/anonymous.h"

#include <archive_entry.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define CHUNK (256 * KIB)

/* The next bytes: how many, 0 at the end, -1 with errno. */
static ssize_t read_chunk(struct blob *blob)
{
    uint64_t left = blob->content.len - blob->at;
    size_t len = left < CHUNK ? (size_t)left : CHUNK;
    ssize_t n;

    if (!len)
        return 0;
    do
        n = pread(blob->content.fd, blob->chunk, len, (off_t)(blob->content.offset + blob->at));
    while (n < 0 && errno == EINTR);
    if (n == 0)
        errno = ENODATA; /* the file has become shorter */
    if (n <= 0)
        return -1;
    blob->at += (uint64_t)n;
    return n;
}

static la_ssize_t on_read(struct archive *archive, void *arg, const void **data)
{
    struct blob *blob = arg;
    ssize_t n = read_chunk(blob);

    *data = blob->chunk;
    if (n < 0)
        archive_set_error(archive, errno, "%s", strerror(errno));
    return n;
}

/* Skips at most to the end. */
static la_int64_t on_skip(struct archive *archive, void *arg, la_int64_t request)
{
    struct blob *blob = arg;
    uint64_t left = blob->content.len - blob->at;
    uint64_t n = (uint64_t)request < left ? (uint64_t)request : left;

    (void)archive;
    blob->at += n;
    return (la_int64_t)n;
}

int blob_open(struct blob *blob, struct archive *archive, const struct content *content)
{
    *blob = (struct blob){.content = *content};
    blob->chunk = xrealloc(NULL, CHUNK);
    return archive_read_open2(archive, blob, NULL, on_read, on_skip, NULL);
}

void blob_close(struct blob *blob)
{
    free(blob->chunk);
    *blob = (struct blob){0};
}

/* Compressions that libarchive reads by itself: none that would start a program. */
static void support_filters(struct archive *archive)
{
    archive_read_support_filter_gzip(archive);
    archive_read_support_filter_bzip2(archive);
    archive_read_support_filter_xz(archive);
    archive_read_support_filter_lzma(archive);
    archive_read_support_filter_zstd(archive);
    archive_read_support_filter_lz4(archive);
}

static struct archive *new_reader(void)
{
    struct archive *archive = archive_read_new();

    if (!archive) {
        msg_error("libarchive: starting: out of memory");
        exit(1);
    }
    support_filters(archive);
    return archive;
}

struct archive *blob_tar_reader(void)
{
    struct archive *archive = new_reader();

    archive_read_support_format_tar(archive);
    return archive;
}

struct archive *blob_raw_reader(void)
{
    struct archive *archive = new_reader();

    archive_read_support_format_raw(archive);
    return archive;
}

const char *blob_why(struct archive *archive)
{
    const char *why = archive_error_string(archive);

    return why ? why : "it is damaged";
}

/* Copies the one member of a "raw" archive into a file. */
static int copy(struct archive *archive, int fd, const char *name, uint64_t *len)
{
    const void *data;
    la_int64_t offset;
    size_t n;
    int result;

    while ((result = archive_read_data_block(archive, &data, &n, &offset)) == ARCHIVE_OK) {
        struct content block = content_memory(data, n);

        if (content_write(&block, fd, "temporary file", (uint64_t)offset) < 0)
            return -1;
        *len = (uint64_t)offset + n;
    }
    return result == ARCHIVE_EOF ? 0 : msg_error("%s: unpacking: %s", name, blob_why(archive));
}

int blob_unpack(const struct content *content, struct content *out)
{
    struct archive *archive = blob_raw_reader();
    struct archive_entry *entry;
    struct blob blob = {0};
    uint64_t len = 0;
    int fd = -1, result = 0;

    /* one filter is there always: it passes the bytes on */
    if (blob_open(&blob, archive, content) == ARCHIVE_OK &&
        archive_read_next_header(archive, &entry) == ARCHIVE_OK &&
        archive_filter_count(archive) > 1) {
        fd = anonymous_file();
        result = fd < 0 ? -1 : copy(archive, fd, content->path, &len);
    }
    archive_read_free(archive);
    blob_close(&blob);
    if (result < 0 && fd >= 0)
        close(fd);
    if (result < 0 || fd < 0)
        return result;
    *out = content_file(content->path, fd, len);
    return 1;
}
