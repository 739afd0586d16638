/* unpack: one reader below, three ways above it: as it is, zlib, libarchive. */
#include "media/unpack.h"

#include "base/msg.h"
#include "base/util.h"
#include "media/unpack_private.h"

#include <archive.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define CHUNK (256 * 1024)
#define HEAD  16

enum packing { PLAIN, GZIP, OTHER };

struct unpack {
    int fd;
    const char *name;
    enum packing packing;
    uint64_t size;
    uint8_t *chunk;
    size_t len, pos; /* of what is in chunk */
    bool failed;     /* to read, reported */
    z_stream zlib;
    bool in_member; /* of a gzip file, which may have several */
    struct archive *archive;
};

static const struct {
    const char *magic;
    size_t len;
    enum packing packing;
} magics[] = {
    {"\x1f\x8b\x08", 3, GZIP},
    {"\xfd"
     "7zXZ\0",
     6, OTHER},
    {"\x28\xb5\x2f\xfd", 4, OTHER},
    {"BZh", 3, OTHER},
    {"\x04\x22\x4d\x18", 4, OTHER},
};

static enum packing packing_of(const uint8_t *head, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(magics); i++)
        if (len >= magics[i].len && memcmp(head, magics[i].magic, magics[i].len) == 0)
            return magics[i].packing;
    return PLAIN;
}

bool unpack_is_compressed(const uint8_t *head, size_t len)
{
    return packing_of(head, len) != PLAIN;
}

/* Another chunk; 0: the end; -1, reported. */
static ssize_t fill(struct unpack *unpack)
{
    ssize_t n;
    int state;

    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
    do
        n = read(unpack->fd, unpack->chunk + unpack->len, CHUNK - unpack->len);
    while (n < 0 && errno == EINTR);
    pthread_setcancelstate(state, NULL);
    if (n < 0) {
        unpack->failed = true;
        return msg_errno(unpack->name, "reading");
    }
    unpack->len += (size_t)n;
    return n;
}

/* What is left of the chunk, or a new one. */
static ssize_t more(struct unpack *unpack, const void **data)
{
    if (unpack->pos == unpack->len) {
        unpack->pos = unpack->len = 0;
        if (fill(unpack) < 0)
            return -1;
    }
    *data = unpack->chunk + unpack->pos;
    return (ssize_t)(unpack->len - unpack->pos);
}

static la_ssize_t on_read(struct archive *archive, void *arg, const void **data)
{
    struct unpack *unpack = arg;
    ssize_t n = more(unpack, data);

    (void)archive;
    unpack->pos = unpack->len;
    return n;
}

static int fail(const struct unpack *unpack, const char *why)
{
    return unpack->failed ? -1 : msg_error("%s: unpacking: %s", unpack->name, why);
}

static int open_archive(struct unpack *unpack)
{
    struct archive_entry *entry;
    const char *why;

    unpack->archive = archive_read_new();
    if (!unpack->archive)
        return msg_error("libarchive: starting: out of memory");
    archive_read_support_filter_bzip2(unpack->archive);
    archive_read_support_filter_xz(unpack->archive);
    archive_read_support_filter_zstd(unpack->archive);
    archive_read_support_filter_lz4(unpack->archive);
    archive_read_support_format_raw(unpack->archive);
    if (archive_read_open(unpack->archive, unpack, NULL, on_read, NULL) == ARCHIVE_OK &&
        archive_read_next_header(unpack->archive, &entry) == ARCHIVE_OK)
        return 0;
    why = archive_error_string(unpack->archive);
    return fail(unpack, why ? why : "it is damaged");
}

/* What a regular file tells of itself; a file that is not compressed may have any size. */
static int look_ahead(struct unpack *unpack)
{
    struct stat st;

    if (fstat(unpack->fd, &st) < 0 || !S_ISREG(st.st_mode))
        return 0;
    if (unpack->packing == PLAIN)
        unpack->size = (uint64_t)st.st_size;
    else if (unpack->chunk[0] == 0xfd)
        return unpack_check_xz(unpack->fd, unpack->name, &unpack->size);
    else if (unpack->chunk[0] == 0x28)
        return unpack_check_zstd(unpack->fd, unpack->name, (uint64_t)st.st_size, &unpack->size);
    return 0;
}

static int begin(struct unpack *unpack)
{
    ssize_t n = 1;
    off_t here = lseek(unpack->fd, 0, SEEK_CUR);

    while (n > 0 && unpack->len < HEAD)
        n = fill(unpack);
    if (n < 0)
        return -1;
    unpack->packing = packing_of(unpack->chunk, unpack->len);
    if (look_ahead(unpack) < 0)
        return -1;
    if (here >= 0) /* a look at the end has moved it */
        lseek(unpack->fd, here + (off_t)unpack->len, SEEK_SET);
    if (unpack->packing == GZIP && inflateInit2(&unpack->zlib, 15 + 16) != Z_OK)
        return msg_error("zlib: starting: out of memory");
    return unpack->packing == OTHER ? open_archive(unpack) : 0;
}

struct unpack *unpack_open(int fd, const char *name)
{
    struct unpack *unpack = xcalloc(1, sizeof *unpack);

    *unpack =
        (struct unpack){.fd = fd, .name = name, .size = UINT64_MAX, .chunk = xrealloc(NULL, CHUNK)};
    if (begin(unpack) == 0)
        return unpack;
    unpack_close(unpack);
    return NULL;
}

uint64_t unpack_size(const struct unpack *unpack)
{
    return unpack->size;
}

static int64_t read_plain(struct unpack *unpack, uint8_t *out, size_t len)
{
    const void *data;
    ssize_t n = more(unpack, &data);

    if (n > 0) {
        n = (size_t)n < len ? n : (ssize_t)len;
        memcpy(out, data, (size_t)n);
        unpack->pos += (size_t)n;
    }
    return n;
}

/* Some bytes of a gzip file; 0: its last member has ended well, and nothing is behind it. */
static int64_t read_gzip(struct unpack *unpack, uint8_t *out, size_t len)
{
    z_stream *zlib = &unpack->zlib;
    int code = Z_OK;

    zlib->next_out = out;
    zlib->avail_out = (unsigned)len;
    while (zlib->avail_out == len) {
        const void *data;
        ssize_t n = more(unpack, &data);

        if (n < 0)
            return -1;
        if (n == 0)
            return code == Z_STREAM_END || !unpack->in_member ? 0 : fail(unpack, "it is cut short");
        unpack->in_member = true;
        zlib->next_in = (uint8_t *)data;
        zlib->avail_in = (unsigned)n;
        code = inflate(zlib, Z_NO_FLUSH);
        unpack->pos += (size_t)n - zlib->avail_in;
        if (code == Z_STREAM_END) {
            unpack->in_member = false;
            inflateReset(zlib);
        } else if (code != Z_OK) {
            return fail(unpack, zlib->msg ? zlib->msg : "it is damaged");
        }
    }
    return (int64_t)(len - zlib->avail_out);
}

static int64_t read_archive(struct unpack *unpack, uint8_t *out, size_t len)
{
    la_ssize_t n = archive_read_data(unpack->archive, out, len);
    const char *why;

    if (n >= 0)
        return n;
    why = archive_error_string(unpack->archive);
    return fail(unpack, why ? why : "it is damaged");
}

int64_t unpack_read(struct unpack *unpack, void *out, size_t len)
{
    size_t done = 0;

    while (done < len) {
        uint8_t *to = (uint8_t *)out + done;
        int64_t n = unpack->packing == PLAIN  ? read_plain(unpack, to, len - done)
                    : unpack->packing == GZIP ? read_gzip(unpack, to, len - done)
                                              : read_archive(unpack, to, len - done);

        if (n < 0)
            return -1;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (int64_t)done;
}

void unpack_close(struct unpack *unpack)
{
    if (!unpack)
        return;
    if (unpack->packing == GZIP)
        inflateEnd(&unpack->zlib);
    archive_read_free(unpack->archive);
    free(unpack->chunk);
    free(unpack);
}
