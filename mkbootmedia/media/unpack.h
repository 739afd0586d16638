/*
 * unpack: a stream of bytes out of a file, uncompressed on the way if it was compressed. gzip goes
 * through zlib, which checks what libarchive does not; all others through libarchive.
 */
#ifndef MEDIA_UNPACK_H
#define MEDIA_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unpack;

/* Do the bytes at the start of a file (up to 16) say that it is compressed? */
bool unpack_is_compressed(const uint8_t *head, size_t len);

/*
 * Begins to read an open file or pipe from where it is; it stays the caller's. NULL, reported: it
 * cannot be read, or is damaged as far as that can be seen without reading all of it.
 */
struct unpack *unpack_open(int fd, const char *name);
/* How many bytes there will be; UINT64_MAX: unknown. */
uint64_t unpack_size(const struct unpack *unpack);
/*
 * Reads len bytes, fewer at the end only; -1, reported: cut short, damaged. A thread that waits for
 * a pipe in here can be cancelled, also one that does not want to be elsewhere.
 */
int64_t unpack_read(struct unpack *unpack, void *out, size_t len);
void unpack_close(struct unpack *unpack);

#endif
