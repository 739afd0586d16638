/*
 * write_target: one disk, from the wipe to its first sector.
 *
 * Errors are tried three times where that can help; what then remains is the disk's why.
 */
#include "media/write_private.h"

#include "base/util.h"
#include "image/parttab.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define FIRST FEED_ALIGN /* bytes of the head that come last */
#define TAIL  MIB        /* bytes at the end that are wiped */

#define FLUSH_MIN (32 * MIB) /* bytes since the last flush that are worth another */

/* Old tables and file systems at both ends, which would be found beside the new ones. */
static int wipe(struct write_target *target)
{
    uint64_t end = round_down(target->size, target->sector_size);

    target->touched = true;
    memset(target->buffer, 0, WRITE_CHUNK);
    if (write_put(target, target->buffer, WRITE_HEAD, 0) < 0 ||
        write_put(target, target->buffer, TAIL, end - TAIL) < 0)
        return -1;
    return write_flush(target);
}

/*
 * While there is nothing to write, what was written is flushed: a disk that takes all at once and
 * writes it later would else be waited for at the end, with nothing left to read or to check.
 */
static int flush_idle(struct write_target *target)
{
    struct write_ring *ring = target->job->ring;
    bool idle;

    pthread_mutex_lock(&ring->lock);
    idle = target->taken == ring->filled && !ring->ended;
    pthread_mutex_unlock(&ring->lock);
    if (!idle || target->unflushed < FLUSH_MIN)
        return 0;
    target->unflushed = 0;
    return write_flush(target);
}

/* The next piece of the ring; NULL: there is none any more. */
static const struct write_slot *next_slot(struct write_target *target)
{
    struct write_ring *ring = target->job->ring;
    const struct write_slot *slot = NULL;

    pthread_mutex_lock(&ring->lock);
    while (target->taken == ring->filled && !ring->ended && !target->job->stop)
        pthread_cond_wait(&ring->changed, &ring->lock);
    if (target->taken < ring->filled && !target->job->stop)
        slot = &ring->slots[target->taken % RING_SLOTS];
    pthread_mutex_unlock(&ring->lock);
    return slot;
}

static void release_slot(struct write_target *target)
{
    struct write_ring *ring = target->job->ring;

    pthread_mutex_lock(&ring->lock);
    target->taken++;
    pthread_cond_broadcast(&ring->changed);
    pthread_mutex_unlock(&ring->lock);
}

/* A piece may be longer than the image, in whole FEED_ALIGN; what is too much is zeros. */
static int fit(struct write_target *target, struct feed_piece *piece)
{
    uint64_t end = target->job->feed->size, there;

    if (end > piece->offset + piece->len)
        end = piece->offset + piece->len;
    if (end > target->size)
        return write_fail(target, "writing: the image is larger than its %" PRIu64 " bytes",
                          target->size);
    there = target->size - piece->offset;
    if (piece->len > there)
        piece->len = round_down(there, target->sector_size);
    return 0;
}

static int write_pieces(struct write_target *target)
{
    const struct write_slot *slot;

    while ((slot = next_slot(target))) {
        struct feed_piece piece = slot->piece;
        int result = fit(target, &piece);

        if (result == 0 && piece.len) /* else it was of the head */
            result = piece.zero ? write_zeros(target, piece.len, piece.offset)
                                : write_put(target, slot->data, piece.len, piece.offset);
        if (result < 0)
            return -1;
        target->done += slot->piece.len;
        target->unflushed += piece.zero ? 0 : piece.len;
        release_slot(target);
        if (flush_idle(target) < 0)
            return -1;
    }
    if (target->job->stop)
        return write_fail(target, "writing: interrupted");
    return target->job->ring->failed ? write_fail(target, "writing: the image could not be read")
                                     : 0;
}

/* Is it there? 1: yes, 0: no, -1 with errno. */
static int compare(struct write_target *target, const struct write_record *record)
{
    struct feed_piece piece = record->piece;
    XXH3_state_t *state = XXH3_createState();
    XXH128_hash_t sum;
    uint64_t missing = 0;
    int result = 1;

    if (piece.len > target->size - piece.offset) {
        missing = piece.len - (target->size - piece.offset);
        piece.len -= missing;
    }
    XXH3_128bits_reset(state);
    for (uint64_t at = 0, n; at < piece.len && result == 1; at += n) {
        n = piece.len - at < WRITE_CHUNK ? piece.len - at : WRITE_CHUNK;
        if (write_get(target, target->buffer, n, piece.offset + at) < 0)
            result = -1;
        else if (piece.zero)
            result = write_is_zero(target->buffer, n);
        else
            XXH3_128bits_update(state, target->buffer, n);
    }
    memset(target->buffer, 0, FEED_ALIGN);
    if (result == 1 && !piece.zero) {
        XXH3_128bits_update(state, target->buffer, missing);
        sum = XXH3_128bits_digest(state);
        result = XXH128_isEqual(sum, record->sum);
    }
    XXH3_freeState(state);
    return result;
}

/* Once more from the source, if it is still there to be read. */
static int write_again(struct write_target *target, const struct write_record *record)
{
    const struct feed *feed = target->job->feed;
    struct feed_piece piece = record->piece;
    uint8_t *data;
    int result;

    if (!feed_rereads(feed))
        return 0;
    if (piece.zero) {
        target->zero_fails = true; /* whatever the disk says of it */
        return write_zeros(target, piece.len, piece.offset) == 0 ? write_flush(target) : -1;
    }
    data = aligned_alloc(FEED_ALIGN, FEED_PIECE);
    result = feed_again(feed, &piece, data) < 0
                 ? write_fail(target, "writing: the image could not be read")
                 : fit(target, &piece);
    if (result == 0)
        result = write_put(target, data, piece.len, piece.offset);
    free(data);
    return result == 0 ? write_flush(target) : -1;
}

static int verify_piece(struct write_target *target, const struct write_record *record)
{
    for (unsigned tries = 0; tries < WRITE_TRIES; tries++) {
        int same = compare(target, record);

        if (same == 1)
            return 0;
        if (same < 0 && !write_may_pass(errno))
            return write_fail_at(target, "reading back", record->piece.offset);
        if (tries + 1 == WRITE_TRIES && same < 0)
            return write_fail_at(target, "reading back", record->piece.offset);
        if (tries + 1 < WRITE_TRIES && write_again(target, record) < 0)
            return -1;
    }
    return write_fail(
        target, "reading back bytes %" PRIu64 " to %" PRIu64 ": they are not what was written",
        record->piece.offset, record->piece.offset + record->piece.len - 1);
}

/*
 * Zeros that were written are read back; those that the disk says it has made itself only where
 * they begin and end, unless all is to be read.
 */
static int verify_zeros(struct write_target *target, const struct write_record *record)
{
    const struct feed_piece *piece = &record->piece;
    struct write_record first = {{piece->offset, FEED_ALIGN, true}, {0, 0}};
    struct write_record last = {{piece->offset + piece->len - FEED_ALIGN, FEED_ALIGN, true},
                                {0, 0}};

    if (target->job->verify == VERIFY_FULL || target->zero_fails || piece->len <= 2 * FEED_ALIGN ||
        piece->offset + piece->len > target->size)
        return verify_piece(target, record);
    if (compare(target, &first) == 1 && compare(target, &last) == 1)
        return 0;
    return verify_piece(target, record);
}

static int verify_record(struct write_target *target, const struct write_record *record)
{
    return record->piece.zero ? verify_zeros(target, record) : verify_piece(target, record);
}

/* The disk was found to lie about zeros: those before, of which only the ends were read, too. */
static int verify_zeros_before(struct write_target *target, size_t count)
{
    const struct write_ring *ring = target->job->ring;

    for (size_t i = 0; i < count; i++) {
        if (target->job->stop)
            return write_fail(target, "reading back: interrupted");
        if (ring->records[i].piece.zero && verify_piece(target, &ring->records[i]) < 0)
            return -1;
    }
    return 0;
}

static int verify_pieces(struct write_target *target)
{
    const struct write_ring *ring = target->job->ring;

    target->phase = WRITE_VERIFYING;
    target->done = 0;
    for (size_t i = 0; i < ring->record_count; i++) {
        bool zero_failed = target->zero_fails;

        if (target->job->stop)
            return write_fail(target, "reading back: interrupted");
        if (verify_record(target, &ring->records[i]) < 0)
            return -1;
        if (!zero_failed && target->zero_fails && target->job->verify != VERIFY_FULL &&
            verify_zeros_before(target, i) < 0)
            return -1;
        target->done += ring->records[i].piece.len;
    }
    return 0;
}

/* Writes and reads back, three times if it has to be. */
static int put_checked(struct write_target *target, const uint8_t *data, uint64_t len,
                       uint64_t offset)
{
    bool check = target->job->verify != VERIFY_NONE;

    for (unsigned tries = 0; tries < WRITE_TRIES; tries++) {
        if (write_put(target, data, len, offset) < 0 || write_flush(target) < 0)
            return -1;
        if (!check)
            return 0;
        if (write_get(target, target->buffer, len, offset) == 0 &&
            memcmp(target->buffer, data, len) == 0)
            return 0;
    }
    return write_fail(
        target, "reading back bytes %" PRIu64 " to %" PRIu64 ": they are not what was written",
        offset, offset + len - 1);
}

static int commit(struct write_target *target, const struct parttab_fit *table, const uint8_t *head)
{
    uint8_t *tail = NULL;
    int result = 0;

    if (table->tail) {
        tail = aligned_alloc(FEED_ALIGN, round_up(table->tail_len, FEED_ALIGN));
        memcpy(tail, table->tail, table->tail_len);
        result = put_checked(target, tail, table->tail_len, table->tail_offset);
        free(tail);
    }
    if (result == 0)
        result = put_checked(target, head + FIRST, WRITE_HEAD - FIRST, FIRST);
    if (result == 0 && target->job->stop)
        result = write_fail(target, "writing: interrupted");
    return result == 0 ? put_checked(target, head, FIRST, 0) : -1;
}

/* The head makes the disk bootable. Should it fail, there is none. */
static int write_head(struct write_target *target)
{
    struct parttab_fit table = {.image_size = target->job->feed->size,
                                .disk_size = target->size,
                                .sector_size = target->sector_size};
    uint8_t *head = aligned_alloc(FEED_ALIGN, WRITE_HEAD);
    int result;

    memcpy(head, target->job->ring->head, WRITE_HEAD);
    result = parttab_fit(&table, target->path, head, WRITE_HEAD);
    if (result < 0)
        write_fail(target, "writing: its partition table could not be made");
    else
        result = commit(target, &table, head);
    if (result < 0) {
        memset(head, 0, FIRST);
        write_put(target, head, FIRST, 0);
        fdatasync(target->fd);
    }
    free(table.tail);
    free(head);
    return result;
}

static int run(struct write_target *target)
{
    if (target->job->stop)
        return write_fail(target, "writing: interrupted");
    if (wipe(target) < 0 || write_pieces(target) < 0 || write_flush(target) < 0)
        return -1;
    if (!target->is_file)
        ioctl(target->fd, BLKFLSBUF); /* O_DIRECT passes it; what others have read does not count */
    if (target->job->verify != VERIFY_NONE && verify_pieces(target) < 0)
        return -1;
    if (write_head(target) < 0)
        return -1;
    if (!target->is_file)
        ioctl(target->fd,
              BLKRRPART); /* a disk without partitions, such as a plain loop: no matter */
    return 0;
}

void *write_target_run(void *arg)
{
    struct write_target *target = arg;
    struct write_ring *ring = target->job->ring;
    struct timespec begun;
    int result;

    clock_gettime(CLOCK_MONOTONIC, &begun);
    target->buffer = aligned_alloc(FEED_ALIGN, WRITE_CHUNK);
    result = run(target);
    free(target->buffer);
    target->seconds = seconds_since(&begun);
    pthread_mutex_lock(&ring->lock);
    target->gone = true;
    target->phase = result == 0 ? WRITE_DONE : WRITE_FAILED;
    pthread_cond_broadcast(&ring->changed);
    pthread_mutex_unlock(&ring->lock);
    return NULL;
}
