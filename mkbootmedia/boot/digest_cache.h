/*
 * digest_cache: the SHA-256 of files that have not changed since they were last read whole. A
 * tree's payload is named by its digest, and a run that changes nothing has no time to read it
 * again.
 *
 * A file counts as unchanged when device, inode, size, mtime and ctime are the same to the
 * nanosecond, and the tick of the file system's clock in which it was written last was over when it
 * was read.
 */
#ifndef BOOT_DIGEST_CACHE_H
#define BOOT_DIGEST_CACHE_H

#include "base/digest.h"
#include "base/source.h"
#include "base/util.h"

struct digest_cache {
    struct digest_row *rows;
    size_t count;
    bool changed; /* there is something that the file of the cache does not say */
};

/* Reads a cache that digest_cache_print has made; one that is missing or damaged is empty. */
void digest_cache_read(struct digest_cache *cache, const char *path);
/*
 * The digest of a whole file and a few zeros behind it, read only if it has to be; *changed becomes
 * the file's ctime before that. -1, reported.
 */
int digest_cache_get(struct digest_cache *cache, const struct source *source, uint64_t pad,
                     uint8_t digest[DIGEST_LEN], struct timespec *changed);
/* Appends a line for each file of which the digest was asked for, and for so many others. */
void digest_cache_print(struct buf *out, const struct digest_cache *cache, size_t others);
void digest_cache_free(struct digest_cache *cache);

#endif
