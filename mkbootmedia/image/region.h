/*
 * region: a disk image as a list of runs of bytes, each from memory, from a range of an open file,
 * or zeros. An image is its total size and its regions; nothing else is known about a disk below
 * this line (media/sink.h writes it, whatever it is).
 *
 * Makers add regions in any order; image_finish sorts them, fills the gaps with zeros and checks
 * that no two overlap. Memory that is added belongs to the image from then on. Zeros are part of
 * the image as data is; only what a maker calls spare may be left on a disk as it was.
 */
#ifndef IMAGE_REGION_H
#define IMAGE_REGION_H

#include "base/content.h"

#include <stdbool.h>
#include <stddef.h>

struct region {
    uint64_t offset;  /* first byte in the image */
    uint64_t len;     /* bytes, > 0 */
    const char *what; /* for people: "FAT", "boot/linux/vmlinuz"; lives as long as the image */
    bool zero;        /* all zeros; content is empty then */
    bool spare;       /* zeros that nobody reads: free clusters */
    struct content content;
};

/* Bytes that whoever boots or mounts the medium may change without harm. */
struct image_range {
    uint64_t offset, len;
};

struct image {
    uint64_t size; /* bytes; set by image_finish */
    struct region *regions;
    size_t count;
    void **owned; /* memory that image_free frees */
    size_t owned_count;
    struct image_range *changing;
    size_t changing_count;
};

/* data (malloc'ed, len bytes) becomes the image's and stands at offset. len 0 only frees data. */
void image_own(struct image *image, uint64_t offset, void *data, uint64_t len, const char *what);
/* Somebody else's bytes, which outlive the image. len 0 adds nothing. */
void image_add(struct image *image, uint64_t offset, struct content content, const char *what);

/* Zeros that nobody reads. */
void image_add_spare(struct image *image, uint64_t offset, uint64_t len, const char *what);

/* Notes bytes that a boot may change: the date on which a file was last read. */
void image_add_changing(struct image *image, uint64_t offset, uint64_t len);

/* Zeros those bytes of data, which are the image's at offset, that are in one of the ranges. */
void image_ranges_clear(const struct image_range *ranges, size_t count, uint64_t offset, void *data,
                        size_t len);

/*
 * Sorts, fills gaps and the end up to size with zeros. Returns -1, reported, if two regions overlap
 * or one passes size: a mistake in a layout, never the user's.
 */
int image_finish(struct image *image, uint64_t size);

/* Copies len bytes of a finished image at offset into out; -1 and reported if a file fails. */
int image_read(const struct image *image, uint64_t offset, void *out, size_t len);

void image_free(struct image *image);

#endif
