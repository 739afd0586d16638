/*
 * verify_private: what the files of verify share.
 *
 * verify.c        which manifest, image or tree
 * verify_find.c   the manifest inside an image
 * verify_view.c   a disk as the image that was written to it
 * verify_image.c  the comparison of an image
 * verify_tree.c   and of a tree, or of several outputs
 */
#ifndef MEDIA_VERIFY_PRIVATE_H
#define MEDIA_VERIFY_PRIVATE_H

#include "base/source.h"
#include "image/volume.h"
#include "media/verify.h"

#define VERIFY_HEAD       MIB                  /* bytes: no table is longer */
#define VERIFY_TABLE      (34 * SECTOR)        /* MBR, GPT and its entries */
#define VERIFY_TABLE_4096 (6 * UINT64_C(4096)) /* where sectors have 4096 bytes */

/* A disk, or an image, as the image was made. */
struct verify_view {
    const char *path;
    struct content content;
    unsigned sector_size; /* bytes */
    uint64_t size;        /* of the image, bytes */
    uint8_t *head, *tail; /* as they were; tail NULL: it is what is there */
    size_t head_len, tail_len;
    uint64_t tail_offset;
};

/* -1, reported. Free it in each case. */
int verify_view_open(struct verify_view *view, const char *path, const struct content *content,
                     uint64_t size, struct verify_report *report);
int verify_view_read(const struct verify_view *view, uint64_t offset, void *out, size_t len);
void verify_view_free(struct verify_view *view);

/* 512, or 4096 if that is where a GPT's header is. */
unsigned verify_sector_size(const struct content *content);

/* A volume of an image that may hold a manifest. */
struct verify_volume {
    struct volume volume;
    uint64_t offset; /* bytes */
};
/* 1: the volume that the manifest is in, or should be in; 0: there is none; -1, reported. */
int verify_volume(struct verify_volume *out, const char *path, const struct content *content);
/* The manifest's bytes: 1; 0: there is none; -1, reported. */
int verify_find(struct buf *text, const char *path, const struct content *content);

void verify_fault(struct verify_report *report, const char *what, const char *why);
void verify_fault_at(struct verify_report *report, const char *what, uint64_t offset, uint64_t len,
                     const char *why);

int verify_image(struct verify_report *report, const char *path, const struct content *content,
                 const struct verify_options *options);
int verify_tree(struct verify_report *report, const char *path,
                const struct verify_options *options);

#endif
