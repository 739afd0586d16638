/*
 * parttab_private: a disk's partition table on a memfd, for libfdisk.
 *
 * parttab.c       makes one for an image
 * parttab_fit.c   fits an image's to a disk, and back
 * parttab_read.c  what one says
 */
#ifndef IMAGE_PARTTAB_PRIVATE_H
#define IMAGE_PARTTAB_PRIVATE_H

#include "image/parttab.h"

#include <libfdisk.h>

/* A memfd of a disk's size with the disk's first bytes; -1, reported. */
int parttab_memfd(uint64_t size, const uint8_t *head, size_t len);
/* What libfdisk finds there, disk is for messages; NULL, reported. */
struct fdisk_context *parttab_open(const char *disk, int fd, unsigned sector_size);
bool parttab_is_gpt(struct fdisk_context *context);
void parttab_close(struct fdisk_context *context);

#endif
