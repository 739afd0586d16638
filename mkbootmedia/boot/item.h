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
#include "base/digest.h"

#include <stdbool.h>
#include <time.h>

/* The volumes of a medium that an item is to be seen in. A stick has only the ESP. */
enum item_volume {
    ON_ESP = 1,  /* the FAT that firmware reads */
    ON_ROOT = 2, /* where the payload is: the ISO 9660 file system; on a stick the ESP again */
};

#define PLACE_NONE UINT64_MAX

/*
 * Where contents begin in an image: on multiples of 4096 bytes, so that file systems can share
 * their blocks; large ones on multiples of 64 KiB, so that the kernel copies them in whole runs of
 * pages (measured on ext4, 272 MiB by copy_file_range: 0.11 s against 0.14 s).
 */
#define ITEM_ALIGN       UINT64_C(4096)
#define ITEM_ALIGN_LARGE UINT64_C(65536)

static inline uint64_t item_alignment(uint64_t len)
{
    return len >= UINT64_C(1) << 20 ? ITEM_ALIGN_LARGE : ITEM_ALIGN;
}

struct item {
    char *path;
    struct content content;
    unsigned volumes; /* enum item_volume, ored */
    uint64_t place;   /* first byte in the image; PLACE_NONE until an output has laid it out */
    uint64_t pad;     /* zeros behind the content, in a tree */
    bool hashed;      /* digest is known: SHA-256 of content and zeros */
    uint8_t digest[DIGEST_LEN];
    struct timespec changed; /* the file's ctime when its digest was taken */
    uint64_t room; /* bytes kept for a content that is still being made (len 0); 0: it is there */
};

/* How many bytes of the image a layout has to keep for an item. */
static inline uint64_t item_room(const struct item *item)
{
    return item->room > item->content.len ? item->room : item->content.len;
}

#endif
