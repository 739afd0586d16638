/*
 * flow: a bounded run of bytes from one thread to one or two others, in slots of a ring. Each
 * reader sees all bytes; the slowest one holds the writer back.
 */
#ifndef FIRSTSTAGE_FLOW_H
#define FIRSTSTAGE_FLOW_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLOW_SLOTS   16
#define FLOW_SLOT    (256 * 1024) /* bytes */
#define FLOW_READERS 2

struct flow {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char *slots;
    size_t len[FLOW_SLOTS];
    uint64_t written; /* slots, ever */
    struct flow_reader {
        uint64_t read; /* slots, ever */
        bool holds;    /* one more is being read */
        bool gone;
    } readers[FLOW_READERS];
    bool ended, broken; /* broken: it ended before its time */
};

/* Readers that nobody plays have to leave. */
void flow_init(struct flow *flow);
void flow_free(struct flow *flow);

/* FLOW_SLOT bytes to fill, or NULL: all readers are gone, or the flow is broken. */
void *flow_space(struct flow *flow);
void flow_put(struct flow *flow, size_t len);
void flow_end(struct flow *flow);
/* For any thread: everybody stops. */
void flow_break(struct flow *flow);

/* The next bytes, valid until the next call; NULL at the end, and when the flow is broken. */
const void *flow_get(struct flow *flow, unsigned reader, size_t *len);
bool flow_broken(struct flow *flow);
/* The reader wants no more. */
void flow_leave(struct flow *flow, unsigned reader);

#endif
