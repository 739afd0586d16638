/* write_private: the ring between the reader, the checker and the disks. */
#ifndef MEDIA_WRITE_PRIVATE_H
#define MEDIA_WRITE_PRIVATE_H

#include "media/write.h"

#include <pthread.h>
#include <xxhash.h>

#define RING_SLOTS  6   /* pieces: 24 MiB */
#define WRITE_TRIES 3   /* of what may pass */
#define WRITE_CHUNK MIB /* bytes of a target's buffer */

/* A piece that was written, for reading it back. */
struct write_record {
    struct feed_piece piece;
    XXH128_hash_t sum; /* unless it is zero */
};

struct write_slot {
    struct feed_piece piece;
    uint8_t *buffer; /* FEED_PIECE bytes */
    uint8_t *data;   /* of the piece, in buffer */
};

struct write_ring {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct write_slot slots[RING_SLOTS];
    uint64_t read;    /* pieces that the reader has put in, ever */
    uint64_t filled;  /* those of them that the checker has passed on */
    bool read_ended;  /* there will be no more of the first */
    bool ended;       /* nor of the second */
    bool failed;      /* the feed has; what there is, is not whole */
    bool read_failed; /* and the reader has reported it */
    char *wrong;      /* what the checker has found; NULL: nothing */
    uint8_t *head;    /* WRITE_HEAD bytes of the image; whole once ended */
    struct write_record *records;
    size_t record_count;
};

/* Keeps the first reason why a disk has failed; -1. */
int write_fail(struct write_target *target, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same with the place and errno. */
int write_fail_at(struct write_target *target, const char *doing, uint64_t offset);
/* Is another try of any use after this errno? */
bool write_may_pass(int cause);
/* All of data to offset; both are multiples of a sector. -1: failed. */
int write_put(struct write_target *target, const uint8_t *data, uint64_t len, uint64_t offset);
/* Reads all of it; -1 with errno, the target has not failed by that. */
int write_get(const struct write_target *target, uint8_t *data, uint64_t len, uint64_t offset);
/* Zeros, through the target's buffer if need be. -1: failed. */
int write_zeros(struct write_target *target, uint64_t len, uint64_t offset);
int write_flush(struct write_target *target);
bool write_is_zero(const uint8_t *data, uint64_t len);

/* The life of one disk: arg is a struct write_target. */
void *write_target_run(void *arg);

#endif
