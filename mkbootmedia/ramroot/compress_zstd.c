/*
 * compress_zstd: one zstd frame (RFC 8878) with a checksum of its contents, by libzstd's own
 * threads.
 *
 * There is always at least one thread besides the caller: libzstd cuts what it gets into jobs only
 * then, and the cuts show in the output. The size of a job is ours, so that neither the number of
 * threads nor the level changes where they are.
 */
#include "ramroot/compress_private.h"

#include "base/util.h"

#include <stdlib.h>
#include <zstd.h>

#define JOB (8 * MIB)

struct zstd {
    ZSTD_CCtx *context;
    ZSTD_outBuffer out;
};

static int zstd_set(struct compressor *compressor, ZSTD_cParameter parameter, int value)
{
    struct zstd *zstd = compressor->state;
    size_t result = ZSTD_CCtx_setParameter(zstd->context, parameter, value);

    return ZSTD_isError(result) ? compress_fail(compressor, ZSTD_getErrorName(result)) : 0;
}

static int zstd_begin(struct compressor *compressor, int level, unsigned threads)
{
    struct zstd *zstd = xcalloc(1, sizeof *zstd);

    compressor->state = zstd;
    zstd->context = ZSTD_createCCtx();
    zstd->out = (ZSTD_outBuffer){xrealloc(NULL, COMPRESS_OUT), COMPRESS_OUT, 0};
    if (!zstd->context)
        return compress_fail(compressor, "libzstd does not start");
    if (zstd_set(compressor, ZSTD_c_compressionLevel, level) < 0 ||
        zstd_set(compressor, ZSTD_c_checksumFlag, 1) < 0 ||
        zstd_set(compressor, ZSTD_c_nbWorkers, (int)threads) < 0)
        return -1;
    return zstd_set(compressor, ZSTD_c_jobSize, (int)JOB);
}

/* One step; *rest is 0 once all has come out (only at the end). */
static int zstd_step(struct compressor *compressor, ZSTD_inBuffer *in, ZSTD_EndDirective how,
                     size_t *rest)
{
    struct zstd *zstd = compressor->state;

    *rest = ZSTD_compressStream2(zstd->context, &zstd->out, in, how);
    if (ZSTD_isError(*rest))
        return compress_fail(compressor, ZSTD_getErrorName(*rest));
    if (zstd->out.pos == zstd->out.size || (how == ZSTD_e_end && *rest == 0)) {
        size_t len = zstd->out.pos;

        zstd->out.pos = 0;
        return compress_write(compressor, zstd->out.dst, len);
    }
    return 0;
}

/* The caller waits only while every job's input is full. */
static int zstd_add(struct compressor *compressor, const void *data, size_t len)
{
    ZSTD_inBuffer in = {data, len, 0};
    size_t rest;

    while (in.pos < in.size)
        if (zstd_step(compressor, &in, ZSTD_e_continue, &rest) < 0)
            return -1;
    return 0;
}

static int zstd_end(struct compressor *compressor)
{
    ZSTD_inBuffer in = {"", 0, 0};
    size_t rest;

    do {
        if (zstd_step(compressor, &in, ZSTD_e_end, &rest) < 0)
            return -1;
    } while (rest);
    return 0;
}

static void zstd_free(struct compressor *compressor)
{
    struct zstd *zstd = compressor->state;

    ZSTD_freeCCtx(zstd->context);
    free(zstd->out.dst);
    free(zstd);
}

const struct compress_kind compress_zstd = {
    "zstd", 9, zstd_begin, zstd_add, zstd_end, zstd_free,
};
