/*
 * iso9660: an ISO 9660 level 3 file system with Rock Ridge and Joliet, as regions of an image.
 *
 * Metadata (descriptors, path tables, directories) is laid out in memory; file contents stay
 * where they are. Blocks are 2048 bytes; where a file starts, item_alignment says (boot/item.h); a
 * file over 4 GiB - 4096 bytes has several extents. An item that has a place already (a file inside
 * the ESP) is not laid out again: its directory records point there. That place, a multiple of
 * 2048, is read by iso9660_write and may still change until then.
 *
 * Layout: ECMA-119 4th edition (= ISO 9660:2023), IEEE P1281 (SUSP 1.12), IEEE P1282 (Rock
 * Ridge 1.12), Joliet 1995. The first 32 KiB (system area) are left to others.
 */
#ifndef IMAGE_ISO9660_H
#define IMAGE_ISO9660_H

#include "boot/item.h"
#include "image/region.h"

#include <time.h>

#define ISO_BLOCK UINT64_C(2048)

struct iso9660_options {
    const char *label; /* 1 to 32 characters that iso9660_label_check accepts */
    time_t time;       /* every date in it, in UTC */
    bool boot_catalog; /* leave a block for El Torito's boot catalog, and write its descriptor */
};

struct iso9660 {
    struct iso9660_options options;
    struct item *const *items; /* those of the volume, sorted by path; not owned */
    size_t count;
    uint64_t catalog; /* first byte of the block for the boot catalog; 0: none */
    uint64_t end; /* first byte after all that iso9660_plan has placed; a multiple of ISO_BLOCK */
    struct iso9660_layout *layout; /* iso9660_private.h */
};

/*
 * NULL if an ISO 9660 volume can have this label, else what is wrong with it ("longer than 32
 * characters"). Taken are the a-characters of ECMA-119 annex A and, as everybody does, lower case:
 * A-Z a-z 0-9 blank ! " % & ' ( ) * + , - . / : ; < = > ? _. Joliet shows the first 16 of them.
 */
const char *iso9660_label_check(const char *label);

/*
 * Places metadata and every item that has no place yet; what follows may be put from iso->end on.
 * Returns -1, reported, for a name longer than 255 bytes (Linux shows 253 of them at most), one
 * that is there twice or is no name
 * ("", ".", ".."), more than 65535 folders, or more than the 8 TiB that 32-bit block numbers reach.
 * iso9660_free is due in any case.
 */
int iso9660_plan(struct iso9660 *iso, const struct iso9660_options *options,
                 struct item *const items[], size_t count);

/*
 * Adds metadata and the contents that iso9660_plan has placed to the image; volume_size (bytes, a
 * multiple of ISO_BLOCK) is the whole file system's, so at least iso->end. The boot catalog's block
 * is the caller's to add. Items outlive the image.
 */
int iso9660_write(struct iso9660 *iso, uint64_t volume_size, struct image *image);

void iso9660_free(struct iso9660 *iso);

#endif
