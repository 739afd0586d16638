/*
 * item: one file on the medium: where it goes, and its bytes.
 *
 * A path on the medium is UTF-8 with '/' between its parts and none at its start
 * ("boot/grub/grub.cfg"); folders are implied by the paths. A path that ends in '/' is an empty
 * folder. Items are sorted by path, each path once.
 */
#ifndef BOOT_ITEM_H
#define BOOT_ITEM_H

#include "base/content.h"

/* The volumes of a medium that an item is to be seen in. A stick has only the ESP. */
enum item_volume {
    ON_ESP = 1,  /* the FAT that firmware reads */
    ON_ROOT = 2, /* where the payload is: the ISO 9660 file system; on a stick the ESP again */
};

#define PLACE_NONE UINT64_MAX

struct item {
    char *path;
    struct content content;
    unsigned volumes; /* enum item_volume, ored */
    uint64_t place;   /* first byte in the image; PLACE_NONE until an output has laid it out */
};

#endif
