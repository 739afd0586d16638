/*
 * bmap: which blocks of an image hold something, with a checksum for each run of them, as bmaptool
 * reads and writes it (version 2.0). Blocks that are not in the map may have any content.
 */
#ifndef MEDIA_BMAP_H
#define MEDIA_BMAP_H

#include "base/digest.h"
#include "base/util.h"
#include "image/region.h"

#define BMAP_BLOCK UINT64_C(4096) /* bytes; of maps that are made here */

struct bmap_range {
    uint64_t offset, len; /* bytes */
    bool summed;          /* has a digest */
    uint8_t digest[DIGEST_LEN];
};

struct bmap {
    uint64_t size; /* bytes of the image */
    struct bmap_range *ranges;
    size_t count;
};

/* Reads a map, with its own checksum; -1, reported. Free it in each case. */
int bmap_read(struct bmap *bmap, const char *path);
void bmap_free(struct bmap *bmap);

/* Appends the map of an image, of which the bytes are read for the checksums; -1, reported. */
int bmap_print(struct buf *out, const struct image *image);

#endif
