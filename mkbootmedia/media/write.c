/* write: the reader, the checker, and who waits for all. */
#include "media/write.h"

#include "base/msg.h"
#include "base/util.h"
#include "media/write_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define TICK 100000000 /* nanoseconds between two looks at the progress */

/* How many pieces all disks that still take some have taken; -1: none does. */
static int64_t taken_by_all(const struct write_job *job)
{
    uint64_t least = UINT64_MAX;

    for (size_t i = 0; i < job->count; i++)
        if (!job->targets[i].gone && job->targets[i].taken < least)
            least = job->targets[i].taken;
    return least == UINT64_MAX ? -1 : (int64_t)least;
}

/* Waits for a slot that all have read; NULL: nobody needs another. */
static struct write_slot *free_slot(struct write_job *job)
{
    struct write_ring *ring = job->ring;
    struct write_slot *slot = NULL;
    int64_t taken;

    pthread_mutex_lock(&ring->lock);
    while ((taken = taken_by_all(job)) >= 0 && !job->stop &&
           ring->read - (uint64_t)taken >= RING_SLOTS)
        pthread_cond_wait(&ring->changed, &ring->lock);
    if (taken >= 0 && !job->stop)
        slot = &ring->slots[ring->read % RING_SLOTS];
    pthread_mutex_unlock(&ring->lock);
    return slot;
}

/* Waits for a slot that was read; NULL: there will be none. */
static struct write_slot *read_slot(struct write_job *job)
{
    struct write_ring *ring = job->ring;
    struct write_slot *slot = NULL;

    pthread_mutex_lock(&ring->lock);
    while (ring->read == ring->filled && !ring->read_ended && !job->stop)
        pthread_cond_wait(&ring->changed, &ring->lock);
    if (ring->read > ring->filled && !job->stop)
        slot = &ring->slots[ring->filled % RING_SLOTS];
    pthread_mutex_unlock(&ring->lock);
    return slot;
}

/* Keeps what of a piece belongs to the head; nothing may be left of it. */
static void keep_head(struct write_ring *ring, struct write_slot *slot)
{
    struct feed_piece *piece = &slot->piece;
    uint64_t n = piece->offset < WRITE_HEAD ? WRITE_HEAD - piece->offset : 0;

    if (n > piece->len)
        n = piece->len;
    if (n && !piece->zero)
        memcpy(ring->head + piece->offset, slot->buffer, n);
    slot->data = slot->buffer + n;
    piece->offset += n;
    piece->len -= n;
}

static void publish(struct write_job *job, const struct write_slot *slot)
{
    struct write_ring *ring = job->ring;
    struct write_record record = {.piece = slot->piece};

    if (!record.piece.zero && job->verify != VERIFY_NONE)
        record.sum = XXH3_128bits(slot->data, slot->piece.len);
    pthread_mutex_lock(&ring->lock);
    if (record.piece.len) {
        ring->records = xgrow(ring->records, ring->record_count, sizeof *ring->records);
        ring->records[ring->record_count++] = record;
    }
    ring->filled++;
    pthread_cond_broadcast(&ring->changed);
    pthread_mutex_unlock(&ring->lock);
}

/* Where it waits for a stream, and only there, it can be cancelled (media/unpack.h). */
static void *read_feed(void *arg)
{
    struct write_job *job = arg;
    struct write_ring *ring = job->ring;
    struct write_slot *slot;
    int more = 0;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    while ((slot = free_slot(job)) &&
           (more = feed_next(job->feed, &slot->piece, slot->buffer)) > 0) {
        pthread_mutex_lock(&ring->lock);
        ring->read++;
        pthread_cond_broadcast(&ring->changed);
        pthread_mutex_unlock(&ring->lock);
    }
    pthread_mutex_lock(&ring->lock);
    ring->read_failed = more < 0;
    ring->failed |= more != 0;
    ring->read_ended = true;
    pthread_cond_broadcast(&ring->changed);
    pthread_mutex_unlock(&ring->lock);
    return NULL;
}

/* What a wrong piece stops is the writing: the reader finds nobody who takes more. */
static void *check_feed(void *arg)
{
    struct write_job *job = arg;
    struct write_ring *ring = job->ring;
    struct write_slot *slot;
    int result = 0;

    while (result == 0 && (slot = read_slot(job))) {
        result = feed_check(job->feed, &slot->piece, slot->buffer, &ring->wrong);
        keep_head(ring, slot);
        if (result == 0)
            publish(job, slot);
    }
    pthread_mutex_lock(&ring->lock);
    ring->failed |= result < 0;
    ring->ended = true;
    pthread_cond_broadcast(&ring->changed);
    pthread_mutex_unlock(&ring->lock);
    return NULL;
}

static bool all_done(const struct write_job *job)
{
    for (size_t i = 0; i < job->count; i++)
        if (job->targets[i].phase < WRITE_DONE)
            return false;
    return true;
}

/* Looks at the progress until nothing moves any more. */
static void watch(struct write_job *job)
{
    struct write_ring *ring = job->ring;
    struct timespec next;

    pthread_mutex_lock(&ring->lock);
    while (!all_done(job)) {
        clock_gettime(CLOCK_REALTIME, &next);
        next.tv_nsec += TICK;
        if (next.tv_nsec >= 1000000000) {
            next.tv_nsec -= 1000000000;
            next.tv_sec++;
        }
        pthread_cond_timedwait(&ring->changed, &ring->lock, &next);
        if (job->stop) /* whoever waits must see it, too */
            pthread_cond_broadcast(&ring->changed);
        if (job->progress) {
            pthread_mutex_unlock(&ring->lock);
            job->progress(job->progress_arg, job);
            pthread_mutex_lock(&ring->lock);
        }
    }
    pthread_mutex_unlock(&ring->lock);
}

/* A thread that cannot be had is a disk that has failed. */
static void start_target(struct write_target *target, pthread_t *thread)
{
    if (pthread_create(thread, NULL, write_target_run, target) == 0)
        return;
    *thread = 0;
    target->gone = true;
    target->why = xstrdup("writing: no thread is to be had");
    target->phase = WRITE_FAILED;
}

/* Tells the checker that the reader has gone, however that came. */
static void end_reading(struct write_ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    if (!ring->read_ended)
        ring->failed = ring->read_ended = true;
    pthread_cond_broadcast(&ring->changed);
    pthread_mutex_unlock(&ring->lock);
}

static int run(struct write_job *job)
{
    pthread_t reader, checker, *threads = xcalloc(job->count, sizeof *threads);
    bool reads, checks;
    int result = 0;

    for (size_t i = 0; i < job->count; i++)
        start_target(&job->targets[i], &threads[i]);
    reads = pthread_create(&reader, NULL, read_feed, job) == 0;
    checks = pthread_create(&checker, NULL, check_feed, job) == 0;
    if (!reads || !checks)
        job->stop = true; /* tells the disks that nothing comes */
    watch(job);
    if (reads) { /* perhaps it waits for a pipe, and nobody for it any more but the checker */
        pthread_cancel(reader);
        pthread_join(reader, NULL);
    }
    end_reading(job->ring);
    if (checks)
        pthread_join(checker, NULL);
    if (job->ring->wrong && !job->ring->read_failed) /* which has told of it */
        msg_error("%s", job->ring->wrong);
    for (size_t i = 0; i < job->count; i++) {
        if (threads[i])
            pthread_join(threads[i], NULL);
        if (job->targets[i].phase == WRITE_FAILED)
            result = -1;
    }
    free(threads);
    return result;
}

/* In huge pages: a fault for each small one takes longer than a quick disk to write it. */
static uint8_t *new_buffer(void)
{
    uint8_t *buffer = aligned_alloc(FEED_PIECE, FEED_PIECE);

    madvise(buffer, FEED_PIECE, MADV_HUGEPAGE); /* without them it works as well */
    return buffer;
}

int write_run(struct write_job *job)
{
    struct write_ring ring = {.lock = PTHREAD_MUTEX_INITIALIZER,
                              .changed = PTHREAD_COND_INITIALIZER};
    int result;

    job->ring = &ring;
    ring.head = xcalloc(1, WRITE_HEAD);
    for (size_t i = 0; i < RING_SLOTS; i++)
        ring.slots[i].buffer = new_buffer();
    for (size_t i = 0; i < job->count; i++) {
        job->targets[i].job = job;
        job->targets[i].phase = WRITE_WRITING;
    }
    result = run(job);
    for (size_t i = 0; i < RING_SLOTS; i++)
        free(ring.slots[i].buffer);
    free(ring.records);
    free(ring.wrong);
    free(ring.head);
    return result;
}
