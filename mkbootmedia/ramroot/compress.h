/*
 * compress: a stream of bytes through a compressor with several threads into a file. The room for
 * libzstd, liblzma and zlib. Same bytes in, same bytes out, whatever the number of threads.
 */
#ifndef RAMROOT_COMPRESS_H
#define RAMROOT_COMPRESS_H

#include <stddef.h>
#include <stdint.h>

/* COMPRESS_AUTO is for requests; whoever compresses has decided. */
enum compress { COMPRESS_AUTO, COMPRESS_ZSTD, COMPRESS_XZ, COMPRESS_GZIP, COMPRESS_NONE };

struct compressor {
    int fd;           /* where the bytes go, at its file offset, in order */
    const char *name; /* of the file, for messages */
    uint64_t in, out; /* bytes so far */
    void *state;
    enum compress format;
};

/* The word of a format ("zstd"), and back; -1: no such word. */
const char *compress_name(enum compress format);
int compress_find(const char *name);

/*
 * Level 0 is the format's default: zstd 9, xz 6, gzip 9. xz has CRC32 (what Linux demands) and the
 * filter for x86 code; blocks of all formats have a fixed size. -1, reported.
 */
int compressor_begin(struct compressor *compressor, enum compress format, int level,
                     unsigned threads, int fd, const char *name);
int compressor_add(struct compressor *compressor, const void *data, size_t len);
/* Writes what is left; -1, reported. */
int compressor_end(struct compressor *compressor);
/* Frees everything, whether ended or not; safe on {0}. */
void compressor_free(struct compressor *compressor);

#endif
