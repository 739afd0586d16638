/*
 * exfat: an exFAT volume, as far as we look into it: where its parts are, and its label.
 *
 *   | boot region, 12 sectors | its copy | .. FAT .. | cluster 2, 3 ...
 *
 * Layout: Microsoft's exFAT file system specification, sections 3 and 7.
 */
#ifndef IMAGE_EXFAT_H
#define IMAGE_EXFAT_H

#include "base/content.h"

#define EXFAT_LABEL_MAX 11 /* UTF-16 units */

struct exfat {
    uint32_t sector_size, cluster_size; /* bytes */
    uint64_t size;                      /* bytes of the volume */
    uint64_t data;                      /* cluster 2, bytes from the start */
    uint64_t used; /* end of root folder, bitmap and upcase table: a new volume has nothing else */
    char label[3 * EXFAT_LABEL_MAX + 1];
};

/* 1; 0: it is none, or damaged; -1, reported. There is nothing to free. */
int exfat_open(struct exfat *exfat, const struct content *content);

/* Gives a volume in an open file another serial number, with the sums that go with it. -1. */
int exfat_set_serial(const struct exfat *exfat, int fd, const char *name, uint32_t serial);

#endif
