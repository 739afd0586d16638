/*
 * flow: one writer, at most two readers, a ring of slots.
 */
#include "flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void flow_init(struct flow *flow)
{
    memset(flow, 0, sizeof *flow);
    pthread_mutex_init(&flow->lock, NULL);
    pthread_cond_init(&flow->changed, NULL);
    flow->slots = malloc((size_t)FLOW_SLOTS * FLOW_SLOT);
    if (!flow->slots) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
}

void flow_free(struct flow *flow)
{
    free(flow->slots);
}

/* Slots that the slowest reader still needs; -1: nobody reads. */
static int slots_in_use(const struct flow *flow)
{
    int most = -1;

    for (unsigned i = 0; i < FLOW_READERS; i++) {
        int used = (int)(flow->written - flow->readers[i].read);

        if (!flow->readers[i].gone && used > most)
            most = used;
    }
    return most;
}

void *flow_space(struct flow *flow)
{
    int used;

    pthread_mutex_lock(&flow->lock);
    while ((used = slots_in_use(flow)) == FLOW_SLOTS && !flow->broken)
        pthread_cond_wait(&flow->changed, &flow->lock);
    if (flow->broken)
        used = -1;
    pthread_mutex_unlock(&flow->lock);
    return used < 0 ? NULL : flow->slots + flow->written % FLOW_SLOTS * FLOW_SLOT;
}

void flow_put(struct flow *flow, size_t len)
{
    pthread_mutex_lock(&flow->lock);
    flow->len[flow->written++ % FLOW_SLOTS] = len;
    pthread_cond_broadcast(&flow->changed);
    pthread_mutex_unlock(&flow->lock);
}

static void set(struct flow *flow, bool *what)
{
    pthread_mutex_lock(&flow->lock);
    *what = true;
    pthread_cond_broadcast(&flow->changed);
    pthread_mutex_unlock(&flow->lock);
}

void flow_end(struct flow *flow)
{
    set(flow, &flow->ended);
}

void flow_break(struct flow *flow)
{
    set(flow, &flow->broken);
}

void flow_leave(struct flow *flow, unsigned reader)
{
    set(flow, &flow->readers[reader].gone);
}

const void *flow_get(struct flow *flow, unsigned reader, size_t *len)
{
    struct flow_reader *me = &flow->readers[reader];
    const void *bytes = NULL;

    pthread_mutex_lock(&flow->lock);
    if (me->holds) {
        me->read++;
        me->holds = false;
        pthread_cond_broadcast(&flow->changed);
    }
    while (me->read == flow->written && !flow->ended && !flow->broken)
        pthread_cond_wait(&flow->changed, &flow->lock);
    if (!flow->broken && me->read < flow->written) {
        me->holds = true;
        bytes = flow->slots + me->read % FLOW_SLOTS * FLOW_SLOT;
        *len = flow->len[me->read % FLOW_SLOTS];
    }
    pthread_mutex_unlock(&flow->lock);
    return bytes;
}

bool flow_broken(struct flow *flow)
{
    bool broken;

    pthread_mutex_lock(&flow->lock);
    broken = flow->broken;
    pthread_mutex_unlock(&flow->lock);
    return broken;
}
