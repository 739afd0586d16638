/*
 * datafs: an empty file system for the user's data, ext4 or exFAT, as regions of an image.
 *
 * mke2fs (e2fsprogs) or mkfs.exfat (exfatprogs) formats a sparse memfd of its size. All that may
 * differ from one time or host to the next is given to them, or put right afterwards. What they
 * have not written is zeros, of which those that nobody reads are spare: a large partition costs a
 * disk a few megabytes.
 */
#ifndef IMAGE_DATAFS_H
#define IMAGE_DATAFS_H

#include "base/run.h"
#include "boot/plan.h"
#include "image/region.h"

#include <time.h>

#define DATAFS_LABEL "DATA"

struct datafs_options {
    enum data_fs type;
    uint64_t size;                    /* bytes, a multiple of 1 MiB, at least DATA_SIZE_MIN */
    struct plan_guid uuid, hash_seed; /* ext4; the second for the hashes of its folders */
    uint32_t volume_id;               /* exFAT */
    time_t time;                      /* ext4: of its making */
};

struct datafs {
    struct datafs_options options;
    struct run mkfs; /* while it runs, */
    int fd;          /* and the memfd that it formats */
};

/* Starts formatting in the background; -1, reported. */
int datafs_format(struct datafs *fs, const struct datafs_options *options);
/* Waits for it and adds the file system to the image, at offset. -1, reported. */
int datafs_write(struct datafs *fs, uint64_t offset, struct image *image);
/* Safe on one that was never started. */
void datafs_free(struct datafs *fs);

#endif
