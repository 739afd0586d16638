/*
 * blob: a run of bytes of an open file, given to libarchive, so that an archive can be read inside
 * another one without being copied.
 */
#ifndef RAMROOT_BLOB_H
#define RAMROOT_BLOB_H

#include "base/content.h"

#include <archive.h>

struct blob {
    struct content content; /* of a file */
    uint64_t at;            /* bytes of it that have been read or skipped */
    char *chunk;
};

/*
 * Begins to read a content as an archive of the formats that were set up in archive. The blob must
 * live until the archive is freed. An ARCHIVE_ code, not reported.
 */
int blob_open(struct blob *blob, struct archive *archive, const struct content *content);
void blob_close(struct blob *blob); /* safe on {0} */

/* Readers of a tar, and of bytes, through any usual compression; never NULL. */
struct archive *blob_tar_reader(void);
struct archive *blob_raw_reader(void);
/* Why an archive could not be read, for messages. */
const char *blob_why(struct archive *archive);

/*
 * An anonymous file with the bytes of a compressed content, uncompressed: sets *out to all of it;
 * 1: made, whoever calls closes its descriptor; 0: it was not compressed; -1, reported.
 */
int blob_unpack(const struct content *content, struct content *out);

#endif
