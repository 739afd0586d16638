/*
 * feed: runs first, then pieces of them.
 *
 *     image    |data|zeros|data|    spare     |data|spare|
 *     runs     |----|zzzzz|----|              |----|          on multiples of FEED_ALIGN: what is
 *     pieces   |--|-|zzzzz|--|-|              |----|          around a small gap is read with it
 *
 * Of a stream without a map nothing is known: it is one run without an end.
 */
#include "media/feed.h"

#include "base/msg.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define GAP_MIN (64 * KIB) /* bytes: smaller ones are written as the zeros that they are */

/* Adds [from, to), which begins where the last run ends or behind it. */
static void add_run(struct feed *feed, uint64_t from, uint64_t to, bool zero)
{
    struct feed_run *last = feed->run_count ? &feed->runs[feed->run_count - 1] : NULL;

    if (from >= to)
        return;
    if (last && last->offset + last->len == from && last->zero == zero) {
        last->len += to - from;
    } else {
        feed->runs = xgrow(feed->runs, feed->run_count, sizeof *feed->runs);
        feed->runs[feed->run_count++] = (struct feed_run){from, to - from, zero};
    }
    feed->total += to - from;
}

/* Everything is data that is not part of a large gap. */
static void find_runs(struct feed *feed, const struct image *image)
{
    uint64_t done = 0;

    for (size_t i = 0; i < image->count; i++) {
        const struct region *region = &image->regions[i];
        uint64_t from = round_up(region->offset, FEED_ALIGN);
        uint64_t to = round_down(region->offset + region->len, FEED_ALIGN);

        if (!region->zero || from + GAP_MIN > to)
            continue;
        add_run(feed, done, from, false);
        if (!region->spare)
            add_run(feed, from, to, true);
        done = to;
    }
    add_run(feed, done, round_up(image->size, FEED_ALIGN), false);
}

void feed_open_image(struct feed *feed, const struct image *image, const char *name)
{
    *feed = (struct feed){.name = name, .image = image, .size = image->size, .file.fd = -1};
    find_runs(feed, image);
}

/* The blocks of a map; runs, too, begin and end on FEED_ALIGN. */
static void find_mapped(struct feed *feed)
{
    for (size_t i = 0; i < feed->map->count; i++) {
        uint64_t from = round_down(feed->map->ranges[i].offset, FEED_ALIGN);
        uint64_t to = round_up(feed->map->ranges[i].offset + feed->map->ranges[i].len, FEED_ALIGN);
        struct feed_run *last = feed->run_count ? &feed->runs[feed->run_count - 1] : NULL;

        if (last && from < last->offset + last->len)
            from = last->offset + last->len;
        add_run(feed, from, to, false);
    }
}

/* The holes of a file are zeros of the image. */
static int lay_out_file(struct feed *feed)
{
    struct content whole = source_content(&feed->file);
    off_t data = 0, hole = 0, size = (off_t)feed->file.size;

    while (hole < size) {
        data = lseek(whole.fd, hole, SEEK_DATA);
        if (data < 0 && errno != ENXIO) /* a file system that knows no holes */
            data = hole;
        if (data < 0)
            break;
        hole = lseek(whole.fd, data, SEEK_HOLE);
        if (hole < 0)
            hole = size;
        image_add(&feed->own, (uint64_t)data,
                  content_slice(whole, (uint64_t)data, (uint64_t)(hole - data)), feed->name);
    }
    feed->image = &feed->own;
    return image_finish(&feed->own, feed->file.size);
}

static int open_file(struct feed *feed)
{
    uint8_t head[16];
    ssize_t n = pread(feed->file.fd, head, sizeof head, 0);

    if (n < 0)
        return msg_errno(feed->name, "reading");
    if (unpack_is_compressed(head, (size_t)n)) {
        feed->stream = unpack_open(feed->file.fd, feed->name);
        feed->size = feed->stream ? unpack_size(feed->stream) : 0;
        return feed->stream ? 0 : -1;
    }
    feed->size = feed->file.size;
    return lay_out_file(feed);
}

static int open_stdin(struct feed *feed)
{
    feed->stream = unpack_open(STDIN_FILENO, feed->name);
    feed->size = feed->stream ? unpack_size(feed->stream) : 0;
    return feed->stream ? 0 : -1;
}

int feed_open(struct feed *feed, const char *path, const struct bmap *map, const char *map_name)
{
    bool from_stdin = strcmp(path, "-") == 0;

    *feed = (struct feed){.name = from_stdin ? "standard input" : path,
                          .file.fd = -1,
                          .map = map,
                          .map_name = map_name};
    if (!from_stdin && source_open_disk(&feed->file, path) < 0)
        return -1;
    if ((from_stdin ? open_stdin(feed) : open_file(feed)) < 0)
        return -1;
    if (map && feed->size != FEED_UNKNOWN && feed->size != map->size)
        return msg_error("%s: writing %s: it is the map of an image of %" PRIu64
                         " bytes, and this one has %" PRIu64,
                         map_name, feed->name, map->size, feed->size);
    if (map) {
        feed->size = map->size;
        find_mapped(feed);
    } else if (feed->image) {
        find_runs(feed, feed->image);
    } else {
        add_run(feed, 0, round_down(UINT64_MAX, FEED_PIECE), false);
        feed->total = feed->size;
    }
    return 0;
}

/* Cuts the next piece off the current run; false: there is none. */
static bool cut(struct feed *feed, struct feed_piece *piece)
{
    const struct feed_run *run;
    uint64_t left, most;

    while (feed->run < feed->run_count && feed->at == feed->runs[feed->run].len) {
        feed->run++;
        feed->at = 0;
    }
    if (feed->run == feed->run_count)
        return false;
    run = &feed->runs[feed->run];
    *piece = (struct feed_piece){.offset = run->offset + feed->at, .zero = run->zero};
    left = run->len - feed->at;
    most = run->zero ? FEED_ZEROS : FEED_PIECE;
    piece->len = most - piece->offset % most;
    if (piece->len > left)
        piece->len = left;
    feed->at += piece->len;
    return true;
}

/* Bytes of an image; what is asked for behind its end is zeros. */
static int read_image(const struct image *image, uint64_t offset, uint8_t *out, uint64_t len)
{
    uint64_t there = offset < image->size ? image->size - offset : 0;

    if (there > len)
        there = len;
    memset(out + there, 0, len - there);
    return image_read(image, offset, out, there);
}

/* Passes what is not in the map. */
static int skip(struct feed *feed, uint64_t offset, uint8_t *data)
{
    while (feed->stream_at < offset) {
        uint64_t left = offset - feed->stream_at;
        int64_t n = unpack_read(feed->stream, data, left < FEED_PIECE ? left : FEED_PIECE);

        if (n < 0)
            return -1;
        if (n == 0)
            return msg_error("%s: reading: it ends at byte %" PRIu64 ", before its map does",
                             feed->name, feed->stream_at);
        feed->stream_at += (uint64_t)n;
    }
    return 0;
}

/* 1, or 0 at the end of a stream of unknown length. */
static int read_stream(struct feed *feed, struct feed_piece *piece, uint8_t *data)
{
    int64_t n;

    if (skip(feed, piece->offset, data) < 0)
        return -1;
    n = unpack_read(feed->stream, data, piece->len);
    if (n < 0)
        return -1;
    feed->stream_at += (uint64_t)n;
    memset(data + n, 0, piece->len - (uint64_t)n);
    if ((uint64_t)n == piece->len)
        return 1;
    if (feed->map && feed->stream_at < feed->map->size)
        return msg_error("%s: reading: it ends at byte %" PRIu64 ", before its map does",
                         feed->name, feed->stream_at);
    if (!feed->map) { /* there is no more behind this piece */
        feed->size = feed->stream_at;
        feed->run = feed->run_count;
        piece->len = round_up((uint64_t)n, FEED_ALIGN);
    }
    return piece->len > 0;
}

/*
 * Behind the last piece. What of a compressed stream is not in the map is read, too: whether it is
 * whole shows at its end.
 */
static int finish(struct feed *feed, uint8_t *data)
{
    int64_t n = feed->stream ? 1 : 0;

    while (n > 0) {
        n = unpack_read(feed->stream, data, FEED_PIECE);
        if (n < 0)
            return -1;
        feed->stream_at += (uint64_t)n;
    }
    if (feed->map && feed->stream && feed->stream_at != feed->map->size)
        return msg_error("%s: reading: it has %" PRIu64 " bytes, not %" PRIu64 " as %s says",
                         feed->name, feed->stream_at, feed->map->size, feed->map_name);
    if (feed->stream)
        feed->size = feed->stream_at;
    return feed->size ? 0 : msg_error("%s: reading: is empty", feed->name);
}

int feed_next(struct feed *feed, struct feed_piece *piece, void *data)
{
    int more = cut(feed, piece);

    if (more && !piece->zero) {
        more = feed->image ? read_image(feed->image, piece->offset, data, piece->len)
                           : read_stream(feed, piece, data);
        if (more < 0)
            return -1;
        more = feed->image ? 1 : more;
    }
    return more ? 1 : finish(feed, data);
}

int feed_check(struct feed *feed, const struct feed_piece *piece, const void *data, char **why)
{
    const uint8_t *bytes = data;
    uint64_t end = piece->offset + piece->len, from, to;
    uint8_t digest[DIGEST_LEN];

    for (; feed->map && feed->range < feed->map->count; feed->range++) {
        const struct bmap_range *range = &feed->map->ranges[feed->range];

        from = range->offset > piece->offset ? range->offset : piece->offset;
        to = range->offset + range->len < end ? range->offset + range->len : end;
        if (from >= to)
            break;
        if (range->summed && from == range->offset)
            digest_init(&feed->sum);
        if (range->summed)
            digest_add(&feed->sum, bytes + (from - piece->offset), to - from);
        if (to < range->offset + range->len)
            break;
        if (!range->summed)
            continue;
        digest_final(&feed->sum, digest);
        if (memcmp(digest, range->digest, sizeof digest) != 0) {
            *why = xasprintf("%s: reading: bytes %" PRIu64 " to %" PRIu64
                             " are not those that %s has the checksum of",
                             feed->name, range->offset, range->offset + range->len - 1,
                             feed->map_name);
            return -1;
        }
    }
    return 0;
}

bool feed_rereads(const struct feed *feed)
{
    return feed->image;
}

int feed_again(const struct feed *feed, const struct feed_piece *piece, void *data)
{
    return read_image(feed->image, piece->offset, data, piece->len);
}

void feed_close(struct feed *feed)
{
    digest_final(&feed->sum, NULL);
    unpack_close(feed->stream);
    if (feed->own.regions)
        image_free(&feed->own);
    if (feed->file.fd >= 0)
        source_close(&feed->file);
    free(feed->runs);
    *feed = (struct feed){.file.fd = -1};
}
