/* compress: the table of formats, and the one place that writes what they make. */
#include "ramroot/compress_private.h"

#include "base/msg.h"
#include "base/util.h"

#include <errno.h>
#include <unistd.h>

#define THREADS_MAX 64

static int none_begin(struct compressor *compressor, int level, unsigned threads)
{
    (void)level;
    (void)threads;
    compressor->state = NULL;
    return 0;
}

static int none_end(struct compressor *compressor)
{
    (void)compressor;
    return 0;
}

static void none_free(struct compressor *compressor)
{
    (void)compressor;
}

static const struct compress_kind compress_none = {
    "none", 0, none_begin, compress_write, none_end, none_free,
};

/* By enum compress; what has not been decided has a word, but no work. */
static const struct compress_kind *const kinds[] = {
    [COMPRESS_AUTO] = NULL,           [COMPRESS_ZSTD] = &compress_zstd,
    [COMPRESS_XZ] = &compress_xz,     [COMPRESS_GZIP] = &compress_gzip,
    [COMPRESS_NONE] = &compress_none,
};

const char *compress_name(enum compress format)
{
    return kinds[format] ? kinds[format]->name : "auto";
}

int compress_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(name, compress_name((enum compress)i)) == 0)
            return (int)i;
    return -1;
}

int compress_fail(const struct compressor *compressor, const char *why)
{
    return msg_error("%s: compressing: %s", compressor->name, why);
}

int compress_write(struct compressor *compressor, const void *data, size_t len)
{
    const char *at = data;

    while (len) {
        ssize_t n = write(compressor->fd, at, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return msg_errno(compressor->name, "writing");
        at += n;
        len -= (size_t)n;
        compressor->out += (uint64_t)n;
    }
    return 0;
}

int compressor_begin(struct compressor *compressor, enum compress format, int level,
                     unsigned threads, int fd, const char *name)
{
    const struct compress_kind *kind;

    if (format == COMPRESS_AUTO)
        format = COMPRESS_ZSTD;
    kind = kinds[format];
    *compressor = (struct compressor){.fd = fd, .name = name, .format = format};
    threads = threads < 1 ? 1 : threads > THREADS_MAX ? THREADS_MAX : threads;
    return kind->begin(compressor, level ? level : kind->level, threads);
}

int compressor_add(struct compressor *compressor, const void *data, size_t len)
{
    compressor->in += len;
    return kinds[compressor->format]->add(compressor, data, len);
}

int compressor_end(struct compressor *compressor)
{
    return kinds[compressor->format]->end(compressor);
}

void compressor_free(struct compressor *compressor)
{
    if (compressor->state)
        kinds[compressor->format]->free(compressor);
    compressor->state = NULL;
}
