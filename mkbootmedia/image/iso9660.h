/*
 * iso9660: an ISO 9660 level 3 file system with Rock Ridge and Joliet, as regions of an image.
 *
 * Metadata (descriptors, path tables, directories) is laid out in memory; file contents stay
 * where they are. Blocks are 2048 bytes; every file starts on a multiple of 4096 bytes (for
 * reflinks); a file over 4 GiB - 4096 bytes has several extents. An item that has a place already
 * (a file inside the ESP) is not laid out again: its directory records point there.
 *
 * Layout: ECMA-119 4th edition (= ISO 9660:2023), IEEE P1281 (SUSP 1.12), IEEE P1282 (Rock Ridge 1.12),
 * Joliet 1995. The first 32 KiB (system area) are left to others.
 */
#ifndef IMAGE_ISO9660_H
#define IMAGE_ISO9660_H

#include "boot/item.h"
#include "image/region.h"

#include <time.h>

#define ISO_BLOCK UINT64_C(2048)

struct iso9660_options {
    const char *label;  /* 1 to 32 characters that iso9660_label_check accepts */
    time_t time;        /* every date in it, in UTC */
    bool boot_catalog;  /* leave a block for El Torito's boot catalog, and write its descriptor */
};

struct iso9660 {
    struct iso9660_options options;
    struct item **items; /* those of the volume, sorted by path; not owned */
    size_t count;
    uint64_t catalog; /* first byte of the block for the boot catalog; 0: none */
    uint64_t end;     /* first byte after all that iso9660_plan has placed */
    /* what else the layout needs between iso9660_plan and iso9660_write */
    struct iso9660_node *root;
};

/* NULL if an ISO 9660 volume can have this label, else what is wrong with it. */
const char *iso9660_label_check(const char *label);

/* Places metadata and every item that has no place yet; what follows may be put from iso->end on. */
int iso9660_plan(struct iso9660 *iso, const struct iso9660_options *options,
                 struct item *const items[], size_t count);

/* Adds metadata and contents to the image; volume_size (bytes) is the whole file system's. */
int iso9660_write(struct iso9660 *iso, uint64_t volume_size, struct image *image);

void iso9660_free(struct iso9660 *iso);

#endif
