/*
 * fat: a FAT16 or FAT32 volume as regions of an image.
 *
 * mkfs.fat (dosfstools) formats a sparse memfd and so decides on boot sector, FSInfo and geometry;
 * we add directories, long names and cluster chains. File contents stay where they are: each file
 * is one contiguous run of clusters whose first byte stands on a multiple of 4096 bytes of the
 * image (for reflinks), and that place is noted in its item.
 *
 * Layout: Microsoft FAT specification (fatgen103); UEFI 2.10 section 13.3.
 */
#ifndef IMAGE_FAT_H
#define IMAGE_FAT_H

#include "boot/item.h"
#include "image/region.h"

#include <time.h>

#define FAT_FILE_MAX (UINT64_C(0xffffffff)) /* bytes; larger files do not fit in FAT */

struct fat_options {
    const char *label;     /* 1 to 11 characters that fat_label_check accepts */
    uint32_t volume_id;
    time_t time;           /* every file's date, in UTC */
    int bits;              /* 16 or 32 */
    uint64_t size_min;     /* bytes: the volume is at least this large, and no larger than needed */
};

struct fat {
    struct fat_options options;
    struct item **items; /* those of the volume, sorted by path; not owned */
    size_t count;
    uint64_t size;         /* bytes of the volume, a multiple of 1 MiB for bits = 32, of 4 KiB for 16 */
    uint32_t cluster_size; /* bytes */
    /* what else the layout needs between fat_plan and fat_write */
    struct fat_node *nodes;
    size_t node_count;
};

/* NULL if a FAT volume can have this label, else what is wrong with it ("longer than 11 ..."). */
const char *fat_label_check(const char *label);

/*
 * Computes the size from the items. Returns -1, reported, when a file is larger than FAT_FILE_MAX or
 * a name cannot be had in FAT.
 */
int fat_plan(struct fat *fat, const struct fat_options *options, struct item *const items[],
             size_t count);

/* Adds the volume to the image at offset (bytes, a multiple of 4096); notes each item's place. */
int fat_write(struct fat *fat, uint64_t offset, struct image *image);

void fat_free(struct fat *fat);

#endif
