/*
 * compress_xz: one .xz stream of blocks of a fixed size, by liblzma's own threads. The check is
 * CRC32 and the filters are x86 + LZMA2, which Linux unpacks (BusyBox 1.35 does not undo the x86
 * filter: its unxz is of no use here).
 *
 * A block costs ratio at its start, and each thread costs memory for the block it works on: at
 * 24 MiB the x86 filter gains more than the cuts lose, against one block without it.
 */
#include "ramroot/compress_private.h"

#include "base/util.h"

#include <lzma.h>
#include <stdlib.h>

#define BLOCK      (24 * MIB)
#define MEMORY_MAX (2 * GIB)

struct xz {
    lzma_stream stream;
    uint8_t *out;
};

static int xz_fail(const struct compressor *compressor, lzma_ret result)
{
    switch (result) {
    case LZMA_MEM_ERROR:
        return compress_fail(compressor, "there is not enough memory for liblzma");
    case LZMA_OPTIONS_ERROR:
        return compress_fail(compressor, "liblzma knows no such level");
    default:
        return compress_fail(compressor, "liblzma failed");
    }
}

/* As many threads as a quarter of the memory is enough for; the bytes do not depend on it. */
static void limit_threads(lzma_mt *mt)
{
    uint64_t room = lzma_physmem() / 4;

    if (!room || room > MEMORY_MAX)
        room = MEMORY_MAX;
    while (mt->threads > 1 && lzma_stream_encoder_mt_memusage(mt) > room)
        mt->threads--;
}

static int xz_begin(struct compressor *compressor, int level, unsigned threads)
{
    struct xz *xz = xcalloc(1, sizeof *xz);
    lzma_options_lzma options;
    lzma_filter filters[] = {
        {LZMA_FILTER_X86, NULL}, {LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, NULL}};
    lzma_mt mt = {
        .threads = threads, .block_size = BLOCK, .filters = filters, .check = LZMA_CHECK_CRC32};
    lzma_ret result = LZMA_OPTIONS_ERROR;

    compressor->state = xz;
    xz->stream = (lzma_stream)LZMA_STREAM_INIT;
    xz->out = xrealloc(NULL, COMPRESS_OUT);
    xz->stream.next_out = xz->out;
    xz->stream.avail_out = COMPRESS_OUT;
    if (level > 0 && !lzma_lzma_preset(&options, (uint32_t)level)) {
        limit_threads(&mt);
        result = lzma_stream_encoder_mt(&xz->stream, &mt);
    }
    return result == LZMA_OK ? 0 : xz_fail(compressor, result);
}

/* One step; *done: all has come out (only at the end). */
static int xz_step(struct compressor *compressor, lzma_action action, bool *done)
{
    struct xz *xz = compressor->state;
    lzma_ret result = lzma_code(&xz->stream, action);
    size_t len = COMPRESS_OUT - xz->stream.avail_out;

    *done = result == LZMA_STREAM_END;
    if (result != LZMA_OK && !*done)
        return xz_fail(compressor, result);
    if (xz->stream.avail_out && !*done)
        return 0;
    xz->stream.next_out = xz->out;
    xz->stream.avail_out = COMPRESS_OUT;
    return compress_write(compressor, xz->out, len);
}

static int xz_add(struct compressor *compressor, const void *data, size_t len)
{
    struct xz *xz = compressor->state;
    bool done;

    xz->stream.next_in = data;
    xz->stream.avail_in = len;
    while (xz->stream.avail_in)
        if (xz_step(compressor, LZMA_RUN, &done) < 0)
            return -1;
    return 0;
}

static int xz_end(struct compressor *compressor)
{
    struct xz *xz = compressor->state;
    bool done;

    xz->stream.next_in = NULL;
    xz->stream.avail_in = 0;
    do {
        if (xz_step(compressor, LZMA_FINISH, &done) < 0)
            return -1;
    } while (!done);
    return 0;
}

static void xz_free(struct compressor *compressor)
{
    struct xz *xz = compressor->state;

    lzma_end(&xz->stream);
    free(xz->out);
    free(xz);
}

const struct compress_kind compress_xz = {
    "xz", 6, xz_begin, xz_add, xz_end, xz_free,
};
