/*
 * decode: zstd, xz and gzip, each a few steps of its library.
 */
#include "decode.h"

#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

static int begin_zstd(void **state)
{
    *state = ZSTD_createDCtx();
    return *state ? 0 : -1;
}

static int step_zstd(void *state, struct decode_step *step)
{
    ZSTD_inBuffer in = {step->in, step->in_len, 0};
    ZSTD_outBuffer out = {step->out, step->out_len, 0};
    size_t left = ZSTD_decompressStream(state, &out, &in);

    step->in += in.pos;
    step->in_len -= in.pos;
    step->out += out.pos;
    step->out_len -= out.pos;
    return ZSTD_isError(left) ? -1 : !left;
}

static void end_zstd(void *state)
{
    ZSTD_freeDCtx(state);
}

static int begin_xz(void **state)
{
    lzma_stream *stream = calloc(1, sizeof *stream);

    *state = stream;
    return stream && lzma_stream_decoder(stream, UINT64_MAX, LZMA_CONCATENATED) == LZMA_OK ? 0 : -1;
}

static int step_xz(void *state, struct decode_step *step)
{
    lzma_stream *stream = state;
    lzma_ret code;

    stream->next_in = (const uint8_t *)step->in;
    stream->avail_in = step->in_len;
    stream->next_out = (uint8_t *)step->out;
    stream->avail_out = step->out_len;
    code = lzma_code(stream, step->last ? LZMA_FINISH : LZMA_RUN);
    step->in = (const char *)stream->next_in;
    step->in_len = stream->avail_in;
    step->out = (char *)stream->next_out;
    step->out_len = stream->avail_out;
    if (code == LZMA_STREAM_END)
        return 1;
    return code == LZMA_OK || code == LZMA_BUF_ERROR ? 0 : -1;
}

static void end_xz(void *state)
{
    if (state)
        lzma_end(state);
    free(state);
}

static int begin_gzip(void **state)
{
    z_stream *stream = calloc(1, sizeof *stream);

    *state = stream;
    return stream && inflateInit2(stream, 16 + MAX_WBITS) == Z_OK ? 0 : -1;
}

/* A file may hold several streams, one behind the other. */
static int step_gzip(void *state, struct decode_step *step)
{
    z_stream *stream = state;
    int code;

    stream->next_in = (Bytef *)(uintptr_t)step->in;
    stream->avail_in = (uInt)step->in_len;
    stream->next_out = (Bytef *)step->out;
    stream->avail_out = (uInt)step->out_len;
    code = inflate(stream, Z_NO_FLUSH);
    step->in = (const char *)stream->next_in;
    step->in_len = stream->avail_in;
    step->out = (char *)stream->next_out;
    step->out_len = stream->avail_out;
    if (code == Z_STREAM_END)
        return inflateReset(stream) == Z_OK ? 1 : -1;
    return code == Z_OK || code == Z_BUF_ERROR ? 0 : -1;
}

static void end_gzip(void *state)
{
    if (state)
        inflateEnd(state);
    free(state);
}

static const struct decode_format formats[] = {
    {"zstd", begin_zstd, step_zstd, end_zstd},
    {"xz", begin_xz, step_xz, end_xz},
    {"gzip", begin_gzip, step_gzip, end_gzip},
    {"none", NULL, NULL, NULL},
};

const struct decode_format *decode_find(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (!strcmp(formats[i].name, name))
            return &formats[i];
    return NULL;
}

/* Room for a step: what is full goes out, what is empty is filled. -1: one of the flows is broken.
 */
static int prepare(struct decode_step *step, struct flow *in, unsigned reader, struct flow *out)
{
    if (!step->out_len) {
        if (step->out)
            flow_put(out, FLOW_SLOT);
        step->out = flow_space(out);
        step->out_len = FLOW_SLOT;
        if (!step->out)
            return -1;
    }
    if (!step->in_len && !step->last) {
        step->in = flow_get(in, reader, &step->in_len);
        step->last = !step->in;
    }
    return step->last && flow_broken(in) ? -1 : 0;
}

static int run(const struct decode_format *format, void *state, struct flow *in, unsigned reader,
               struct flow *out, struct trouble *why)
{
    struct decode_step step = {0};
    bool whole = false;

    for (;;) {
        size_t in_before, out_before;
        int code;

        if (prepare(&step, in, reader, out) < 0)
            return -1;
        in_before = step.in_len;
        out_before = step.out_len;
        if (step.last && whole)
            break;
        code = format->step(state, &step);
        if (code < 0)
            return trouble(why, "the image is damaged: its %s data are bad", format->name);
        if (code || step.in_len != in_before || step.out_len != out_before)
            whole = code;
        else if (step.last)
            return trouble(why, "the image is damaged: its %s data end too early", format->name);
    }
    if (step.out_len < FLOW_SLOT)
        flow_put(out, FLOW_SLOT - step.out_len);
    return 0;
}

int decode(const struct decode_format *format, struct flow *in, unsigned reader, struct flow *out,
           struct trouble *why)
{
    void *state = NULL;
    int code = format->begin(&state) < 0 ? trouble(why, "out of memory")
                                         : run(format, state, in, reader, out, why);

    format->end(state);
    if (code < 0)
        flow_break(out);
    else
        flow_end(out);
    flow_leave(in, reader);
    return code;
}
