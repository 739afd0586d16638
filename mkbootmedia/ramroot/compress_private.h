/* compress_private: what the files of compress share: one file a format, one struct at its foot. */
#ifndef RAMROOT_COMPRESS_PRIVATE_H
#define RAMROOT_COMPRESS_PRIVATE_H

#include "ramroot/compress.h"

#define COMPRESS_OUT (1 << 20) /* bytes that are written at a time */

struct compress_kind {
    const char *name;
    int level; /* when none is asked for */
    /* Sets state; -1, reported. The others are called only if it is set. */
    int (*begin)(struct compressor *compressor, int level, unsigned threads);
    int (*add)(struct compressor *compressor, const void *data, size_t len);
    int (*end)(struct compressor *compressor);
    void (*free)(struct compressor *compressor);
};

extern const struct compress_kind compress_zstd, compress_xz, compress_gzip;

/* Writes to the compressor's file; -1, reported. */
int compress_write(struct compressor *compressor, const void *data, size_t len);
/* "FILE: compressing: WHY"; -1. */
int compress_fail(const struct compressor *compressor, const char *why);

#endif
