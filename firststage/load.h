/*
 * load: the root image on its way: one thread reads it, one computes its digest, one takes off the
 * compression, one unpacks; or one stores it as it is; or nobody does anything with it but check
 * it.
 *
 *     source --> flow --+--> digest
 *                       +--> decode --> flow --> unpack
 *                       `--> store
 */
#ifndef FIRSTSTAGE_LOAD_H
#define FIRSTSTAGE_LOAD_H

#include "decode.h"
#include "source.h"

struct load {
    struct source source;
    const char *sha256;                 /* hexadecimal; NULL: not checked */
    const char *folder;                 /* unpack into it */
    const struct decode_format *format; /* of the tar */
    const char *file;                   /* store as this; neither folder nor file: only check */
    const char *doing;                  /* for the progress: "unpacking the root" */
};

/* -1: the trouble is the first cause. Nothing that was written so far is removed. */
int load(struct load *load, struct trouble *trouble);

#endif
