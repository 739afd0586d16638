/*
 * fat_read: looks into a FAT12, FAT16 or FAT32 volume, whoever made it.
 *
 * Layout: Microsoft FAT specification (fatgen103). Nothing in the volume is believed: clusters out
 * of range end a chain, chains end after as many clusters as there are, folders after FOLDER_MAX
 * entries.
 */
#ifndef IMAGE_FAT_READ_H
#define IMAGE_FAT_READ_H

#include "base/util.h"
#include "image/folder.h"

struct fat_volume {
    struct content content;
    int bits; /* 12, 16 or 32 */
    uint32_t id;
    char label[12];        /* of the root folder's entry, else of the boot sector; "" for none */
    uint64_t size;         /* bytes, as the boot sector says */
    uint64_t cluster_size; /* bytes */
    uint64_t fat_offset;   /* bytes from the start, as are the next ones */
    uint64_t root_offset, root_len; /* FAT12 and FAT16 */
    uint64_t data_offset;
    uint32_t root_cluster; /* FAT32 */
    uint32_t clusters;     /* numbered from 2 */
};

/* 1: it is a FAT volume; 0: it is not; -1, reported. There is nothing to free. */
int fat_read_open(struct fat_volume *volume, const struct content *content);
/* Adds what a folder lists (NULL: the root folder), without "." and "..". -1, reported. */
int fat_read_list(const struct fat_volume *volume, const struct entry *folder, struct folder *out);
/* 1: the file is one run of bytes, *out; 0: it is in pieces, or damaged; -1, reported. */
int fat_read_extent(const struct fat_volume *volume, const struct entry *file, struct content *out);
/* Adds the bytes of a file; 1; 0: its chain is damaged; -1, reported. */
int fat_read_file(const struct fat_volume *volume, const struct entry *file, struct buf *out);

/* Bytes from the volume's start to the end of its last cluster in use; -1, reported. */
int fat_read_used(const struct fat_volume *volume, uint64_t *end);

#endif
