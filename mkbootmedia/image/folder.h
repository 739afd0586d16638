/*
 * folder: what a directory of some file system lists, for the readers of foreign images.
 *
 * Names are UTF-8; characters that cannot be had in it become U+FFFD, so that two names may be
 * alike. Names are found without regard to the case of A-Z, as firmware and GRUB find them on FAT.
 */
#ifndef IMAGE_FOLDER_H
#define IMAGE_FOLDER_H

#include "base/content.h"

#include <stdbool.h>

#define FOLDER_MAX 65536 /* entries that a reader lists at most: hostile images are endless */

struct entry {
    char *name;
    bool folder;
    bool pieces;    /* ISO 9660: its extents do not follow each other */
    uint64_t start; /* FAT: first cluster, 0: none; ISO 9660: first byte in the volume */
    uint64_t len;   /* bytes; of a FAT folder 0 */
};

struct folder {
    struct entry *list;
    size_t count;
};

/* Takes over entry.name. */
void folder_add(struct folder *folder, struct entry entry);
void folder_free(struct folder *folder);
/* The entry whose name is the first len bytes of name; NULL. */
struct entry *folder_find(const struct folder *folder, const char *name, size_t len);

/* UTF-8 of count UTF-16 code units, up to the first 0; malloc'ed. */
char *folder_name_utf16(const uint16_t *units, size_t count);

#endif
