/*
 * fat: a FAT16 or FAT32 volume as regions of an image.
 *
 * mkfs.fat (dosfstools) formats a sparse memfd and so decides on boot sector, FSInfo and geometry;
 * we add directories, long names and cluster chains. File contents stay where they are: each file
 * is one contiguous run of clusters from an aligned place on (boot/item.h), which is noted in its
 * item. Clusters are 512 bytes for small volumes and grow with them: GRUB reads a file cluster by
 * cluster, so few large ones load faster, and a FAT stays at about 512 KiB.
 *
 * Layout: Microsoft FAT specification (fatgen103); UEFI 2.10 section 13.3.
 */
#ifndef IMAGE_FAT_H
#define IMAGE_FAT_H

#include "base/run.h"
#include "boot/item.h"
#include "image/region.h"

#include <time.h>

#define FAT_FILE_MAX (UINT64_C(0xffffffff)) /* bytes; larger files do not fit in FAT */

struct fat_options {
    const char *label; /* 1 to 11 characters that fat_label_check accepts */
    uint32_t volume_id;
    time_t time;       /* every file's date, in UTC */
    int bits;          /* 16 or 32 */
    uint64_t size_min; /* bytes: the volume is at least this large, and no larger than needed */
};

struct fat {
    struct fat_options options; /* label: not owned */
    struct item **items;        /* those of the volume, sorted by path; only the array is owned */
    size_t count;
    uint64_t size; /* bytes of the volume, a multiple of 1 MiB for bits = 32, of 4 KiB for 16 */
    uint32_t cluster_size; /* bytes */
    /* what else the layout needs between fat_plan and fat_write (fat_private.h) */
    struct fat_node *nodes; /* [0] is the root folder; a folder stands before what is in it */
    size_t node_count;
    uint32_t reserved;     /* sectors before the first FAT */
    uint64_t data;         /* the first cluster, bytes from the start of the volume */
    uint32_t root_entries; /* of FAT16's root folder; 0 for FAT32 */
    uint32_t next;         /* the cluster after the last one in use */
    struct run mkfs;       /* mkfs.fat while it runs, */
    int fd;                /* and the memfd that it formats */
};

/*
 * NULL if a FAT volume can have this label, else what is wrong with it ("longer than 11 ...").
 * Lower case is refused: mkfs.fat warns of it, and some systems show or search it in upper case.
 */
const char *fat_label_check(const char *label);

/*
 * Computes the size from the items (sorted by path, all of them for this volume). Returns -1,
 * reported, when a file is larger than FAT_FILE_MAX or a name cannot be had in FAT; fat_free is due
 * then too. The items must live as long as the image (their paths name its regions).
 */
int fat_plan(struct fat *fat, const struct fat_options *options, struct item *const items[],
             size_t count);

/*
 * Notes each item's place in an image that has the volume at offset (bytes, a multiple of 4096).
 * Folders and empty files have no bytes, so they keep PLACE_NONE.
 */
void fat_place(struct fat *fat, uint64_t offset);

/* As fat_place, and starts mkfs.fat in the background. -1, reported. */
int fat_format(struct fat *fat, uint64_t offset);

/*
 * Adds the volume to the image, formatted at the same offset (if it is not yet, that is done
 * first); every item has its content by now.
 */
int fat_write(struct fat *fat, uint64_t offset, struct image *image);

void fat_free(struct fat *fat);

#endif
