/* unpack_private: what is known of a compressed file before it is read. */
#ifndef MEDIA_UNPACK_PRIVATE_H
#define MEDIA_UNPACK_PRIVATE_H

#include "media/unpack.h"

/*
 * Is a regular file of len bytes all there, by the lengths that it tells of its parts? Sets *size
 * to its uncompressed size, or leaves it. -1, reported: it is cut short or damaged.
 */
int unpack_check_xz(int fd, const char *name, uint64_t *size);
int unpack_check_zstd(int fd, const char *name, uint64_t len, uint64_t *size);

#endif
