/*
 * compress_gzip: one gzip member (RFC 1952) without a name or a time, by threads of our own.
 *
 * The input is cut into blocks; each is deflated for itself, with the 32 KiB before it as the
 * dictionary, and all but the last end on a byte (an empty stored block), so that the results are
 * simply put one behind the other:
 *
 *   header | block | 00 00 ff ff | block | 00 00 ff ff | ... | last block | CRC-32 | size
 *
 * Blocks go through a ring: the caller fills and writes them in order, workers deflate what is
 * between.
 */
#include "ramroot/compress_private.h"

#include "base/util.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <zlib.h>

#define BLOCK      (512 * KIB)
#define DICTIONARY (32 * KIB)
#define MEM_LEVEL  9 /* zlib: larger runs of symbols share a Huffman code */

struct block {
    uint8_t *in; /* the dictionary, then the block's own bytes */
    uint8_t *out;
    size_t dictionary, len, out_len, out_room;
    uint32_t crc;
    bool last, done, failed;
};

struct worker {
    struct gzip *gzip;
    pthread_t thread;
    z_stream stream;
    bool started;
};

/* filled, taken and written count blocks since the beginning; a block's place is its number modulo
 * slots. written <= taken <= filled, and the block that is being filled has number filled. */
struct gzip {
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    struct block *ring;
    struct worker *workers;
    size_t slots, threads;
    uint64_t filled, taken, written;
    uint32_t crc, size;
    bool quit;
};

static struct block *block_at(struct gzip *gzip, uint64_t number)
{
    return &gzip->ring[number % gzip->slots];
}

static void deflate_block(z_stream *stream, struct block *block)
{
    int how = block->last ? Z_FINISH : Z_SYNC_FLUSH;
    int result = deflateReset(stream);

    if (result == Z_OK && block->dictionary)
        result = deflateSetDictionary(stream, block->in, (uInt)block->dictionary);
    stream->next_in = block->in + block->dictionary;
    stream->avail_in = (uInt)block->len;
    stream->next_out = block->out;
    stream->avail_out = (uInt)block->out_room;
    if (result == Z_OK)
        result = deflate(stream, how);
    block->failed =
        result != (block->last ? Z_STREAM_END : Z_OK) || stream->avail_in || !stream->avail_out;
    block->out_len = block->out_room - stream->avail_out;
    block->crc = (uint32_t)crc32_z(0, block->in + block->dictionary, block->len);
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    struct gzip *gzip = worker->gzip;

    pthread_mutex_lock(&gzip->lock);
    for (;;) {
        struct block *block;

        while (gzip->taken == gzip->filled && !gzip->quit)
            pthread_cond_wait(&gzip->work, &gzip->lock);
        if (gzip->quit)
            break;
        block = block_at(gzip, gzip->taken++);
        pthread_mutex_unlock(&gzip->lock);
        deflate_block(&worker->stream, block);
        pthread_mutex_lock(&gzip->lock);
        block->done = true;
        pthread_cond_signal(&gzip->done);
    }
    pthread_mutex_unlock(&gzip->lock);
    return NULL;
}

/* The oldest block that is not written yet, if it is deflated; wait: once it is. */
static struct block *oldest(struct gzip *gzip, bool wait)
{
    struct block *block = block_at(gzip, gzip->written);
    bool done;

    pthread_mutex_lock(&gzip->lock);
    while (!block->done && wait)
        pthread_cond_wait(&gzip->done, &gzip->lock);
    done = block->done;
    pthread_mutex_unlock(&gzip->lock);
    return done ? block : NULL;
}

/* Writes blocks that are deflated, until at most left of them are in the ring. */
static int write_blocks(struct compressor *compressor, size_t left)
{
    struct gzip *gzip = compressor->state;

    while (gzip->written < gzip->filled) {
        struct block *block = oldest(gzip, gzip->filled - gzip->written > left);

        if (!block)
            break;
        if (block->failed)
            return compress_fail(compressor, "zlib failed");
        if (compress_write(compressor, block->out, block->out_len) < 0)
            return -1;
        gzip->crc = (uint32_t)crc32_combine(gzip->crc, block->crc, (z_off_t)block->len);
        gzip->size += (uint32_t)block->len;
        block->done = false;
        gzip->written++;
    }
    return 0;
}

/* Gives the current block to the workers; the next one begins with this one's end. */
static int submit(struct compressor *compressor, bool last)
{
    struct gzip *gzip = compressor->state;
    struct block *block = block_at(gzip, gzip->filled), *next;

    block->last = last;
    if (write_blocks(compressor, gzip->slots - 2) < 0)
        return -1;
    next = block_at(gzip, gzip->filled + 1);
    next->len = 0;
    next->dictionary = last ? 0 : DICTIONARY;
    memcpy(next->in, block->in + block->dictionary + block->len - next->dictionary,
           next->dictionary);
    pthread_mutex_lock(&gzip->lock);
    gzip->filled++;
    pthread_cond_signal(&gzip->work);
    pthread_mutex_unlock(&gzip->lock);
    return 0;
}

static int gzip_add(struct compressor *compressor, const void *data, size_t len)
{
    struct gzip *gzip = compressor->state;
    const char *at = data;

    while (len) {
        struct block *block = block_at(gzip, gzip->filled);
        size_t n = BLOCK - block->len;

        if (!n) {
            if (submit(compressor, false) < 0)
                return -1;
            continue;
        }
        n = len < n ? len : n;
        memcpy(block->in + block->dictionary + block->len, at, n);
        block->len += n;
        at += n;
        len -= n;
    }
    return 0;
}

static int gzip_end(struct compressor *compressor)
{
    struct gzip *gzip = compressor->state;
    uint8_t tail[8];

    if (submit(compressor, true) < 0 || write_blocks(compressor, 0) < 0)
        return -1;
    put_le32(tail, gzip->crc);
    put_le32(tail + 4, gzip->size);
    return compress_write(compressor, tail, sizeof tail);
}

/* RFC 1952, 2.3.1: no flags, no time, best compression, Unix. */
static int write_header(struct compressor *compressor, int level)
{
    const uint8_t header[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, level == 9 ? 2 : 0, 3};

    return compress_write(compressor, header, sizeof header);
}

static void make_ring(struct gzip *gzip)
{
    gzip->slots = 2 * gzip->threads + 2;
    gzip->ring = xcalloc(gzip->slots, sizeof *gzip->ring);
    for (size_t i = 0; i < gzip->slots; i++) {
        struct block *block = &gzip->ring[i];

        block->in = xrealloc(NULL, DICTIONARY + BLOCK);
        block->out_room = deflateBound(NULL, BLOCK) + 16; /* + the end on a byte */
        block->out = xrealloc(NULL, block->out_room);
    }
}

static int start(struct compressor *compressor, struct worker *worker, int level)
{
    worker->gzip = compressor->state;
    if (deflateInit2(&worker->stream, level, Z_DEFLATED, -MAX_WBITS, MEM_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return compress_fail(compressor, "zlib does not start at that level");
    errno = pthread_create(&worker->thread, NULL, work, worker);
    if (errno) {
        deflateEnd(&worker->stream);
        return compress_fail(compressor, strerror(errno));
    }
    worker->started = true;
    return 0;
}

static int gzip_begin(struct compressor *compressor, int level, unsigned threads)
{
    struct gzip *gzip = xcalloc(1, sizeof *gzip);

    compressor->state = gzip;
    gzip->threads = threads;
    gzip->workers = xcalloc(threads, sizeof *gzip->workers);
    make_ring(gzip);
    pthread_mutex_init(&gzip->lock, NULL);
    pthread_cond_init(&gzip->work, NULL);
    pthread_cond_init(&gzip->done, NULL);
    for (size_t i = 0; i < threads; i++)
        if (start(compressor, &gzip->workers[i], level) < 0)
            return -1;
    return write_header(compressor, level);
}

static void stop(struct gzip *gzip)
{
    pthread_mutex_lock(&gzip->lock);
    gzip->quit = true;
    pthread_cond_broadcast(&gzip->work);
    pthread_mutex_unlock(&gzip->lock);
    for (size_t i = 0; i < gzip->threads; i++) {
        if (!gzip->workers[i].started)
            continue;
        pthread_join(gzip->workers[i].thread, NULL);
        deflateEnd(&gzip->workers[i].stream);
    }
}

static void gzip_free(struct compressor *compressor)
{
    struct gzip *gzip = compressor->state;

    stop(gzip);
    for (size_t i = 0; i < gzip->slots; i++) {
        free(gzip->ring[i].in);
        free(gzip->ring[i].out);
    }
    pthread_cond_destroy(&gzip->done);
    pthread_cond_destroy(&gzip->work);
    pthread_mutex_destroy(&gzip->lock);
    free(gzip->ring);
    free(gzip->workers);
    free(gzip);
}

const struct compress_kind compress_gzip = {
    "gzip", 9, gzip_begin, gzip_add, gzip_end, gzip_free,
};
