/*
 * volume: a file system inside an image, whatever it is: its type and label; and its folders and
 * files when it is FAT or ISO 9660. A folder of this system can be looked at in the same way.
 */
#ifndef IMAGE_VOLUME_H
#define IMAGE_VOLUME_H

#include "image/fat_read.h"
#include "image/host_folder.h"
#include "image/iso9660_read.h"

enum volume_kind { VOLUME_OTHER, VOLUME_FAT, VOLUME_ISO9660, VOLUME_FOLDER };

struct volume {
    enum volume_kind kind;
    const char *type; /* "FAT32", "ISO 9660", "ext4", ..; NULL: nothing that we know */
    char label[64];   /* "" for none */
    uint64_t size;    /* bytes, as the file system says; 0: not known */
    struct fat_volume fat;
    struct iso9660_volume iso;
    struct host_folder *host; /* the caller's */
};

/* Looks at what is there; -1, reported. There is nothing to free. */
int volume_open(struct volume *volume, const struct content *content);
void volume_open_host(struct volume *volume, struct host_folder *host);

/* Adds what a folder lists (NULL: the root folder). VOLUME_OTHER lists nothing. -1, reported. */
int volume_list(const struct volume *volume, const struct entry *folder, struct folder *out);

/* "EFI/BOOT/BOOTX64.EFI", in any case but in a VOLUME_FOLDER: 1 and *entry, whose name is
 * malloc'ed; 0: not there; -1, reported. */
int volume_find(const struct volume *volume, const char *path, struct entry *entry);

/* A file that was found: its bytes where they are or, if it is in pieces, in memory. */
struct file {
    struct content content;
    struct buf owned;
    bool opened; /* the content's descriptor is the file's own */
};
#define FILE_PIECES_MAX (64 * MIB) /* larger ones are only had in one run */

/* 1; 0: it is damaged, or too large to be gathered from pieces; -1, reported. file_free always. */
int volume_file(const struct volume *volume, const struct entry *entry, struct file *file);
/* volume_find and volume_file in one; 0 too if it is a folder. */
int volume_open_file(const struct volume *volume, const char *path, struct file *file);
void file_free(struct file *file);

#endif
