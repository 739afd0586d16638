/*
 * decode: takes off the compression, from one flow to another. The room for libzstd, liblzma, zlib.
 */
#ifndef FIRSTSTAGE_DECODE_H
#define FIRSTSTAGE_DECODE_H

#include "flow.h"
#include "say.h"

/* What lies before a step, and after it what it has left. */
struct decode_step {
    const char *in;
    char *out;
    size_t in_len, out_len; /* bytes */
    bool last;              /* no more comes behind in */
};

/* One compression each. */
struct decode_format {
    const char *name;
    int (*begin)(void **state);
    /* 1: stands at the end of a whole stream; 0: in the midst of one; -1: the bytes are bad */
    int (*step)(void *state, struct decode_step *step);
    void (*end)(void *state);
};

/* The format of that name; "none" has no functions; NULL: there is no such. */
const struct decode_format *decode_find(const char *name);
/* Decodes in to its end, as its reader number `reader`; ends out, or breaks it. */
int decode(const struct decode_format *format, struct flow *in, unsigned reader, struct flow *out,
           struct trouble *trouble);

#endif
