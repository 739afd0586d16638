/*
 * fat_private: what the files of fat share: the tree of names, directory entries, geometry.
 *
 * fat_names.c  what FAT can be called, 8.3 aliases, long-name entries
 * fat_alias.c  aliases that are unique in a folder
 * fat_dir.c    items -> tree of folders -> directory entries
 * fat_plan.c   tree -> clusters -> size
 * fat.c        mkfs.fat, FATs, FSInfo, regions
 */
#ifndef IMAGE_FAT_PRIVATE_H
#define IMAGE_FAT_PRIVATE_H

#include "base/util.h"
#include "image/fat.h"

#include <assert.h>

#define FAT_ALIGN        ITEM_ALIGN_LARGE /* bytes: where the first cluster starts */
#define FAT_ENTRY_LEN    32
#define FAT_ALIAS_LEN    11    /* 8 + 3 characters, padded with blanks, no dot */
#define FAT_NAME_MAX     255   /* UTF-16 code units */
#define FAT_FOLDER_MAX   65536 /* entries in a folder (2 MiB) */
#define FAT_FIRST        2     /* the number of the first cluster */
#define FAT_ATTR_LABEL   0x08
#define FAT_ATTR_FOLDER  0x10
#define FAT_ATTR_ARCHIVE 0x20
#define FAT_ATTR_LONG    0x0f

/* A directory entry; fatgen103, "FAT Directory Structure". */
struct fat_entry {
    uint8_t name[FAT_ALIAS_LEN];
    uint8_t attr;
    uint8_t nt_case;
    uint8_t made_tenth; /* 10 ms: 0 to 199 */
    uint8_t made_time[2], made_date[2];
    uint8_t read_date[2];
    uint8_t cluster_high[2]; /* 0 in FAT16 */
    uint8_t time[2], date[2];
    uint8_t cluster_low[2];
    uint8_t size[4];
};
static_assert(sizeof(struct fat_entry) == FAT_ENTRY_LEN, "fat_entry");

/* 13 units of a long name; fatgen103, "FAT Long Directory Entries". */
struct fat_long_entry {
    uint8_t order; /* 1 for the name's first units, + 0x40 for its last ones, which come first */
    uint8_t name1[10];
    uint8_t attr, type;
    uint8_t sum; /* of the alias */
    uint8_t name2[12];
    uint8_t cluster[2];
    uint8_t name3[4];
};
static_assert(sizeof(struct fat_long_entry) == FAT_ENTRY_LEN, "fat_long_entry");

/* A file or a folder. Nodes refer to each other by index; 0, the root, is nobody's child. */
struct fat_node {
    char *name;        /* "" for the root */
    struct item *item; /* of a file; NULL: a folder */
    const char *path;  /* starts with the whole path of the node, */
    size_t path_len;   /* this long, with the '/' behind a folder */
    size_t parent, first_child, last_child, next;
    size_t entries; /* of a folder: directory entries in it, "." and label included */
    uint8_t alias[FAT_ALIAS_LEN];
    uint8_t long_entries; /* before its own entry; 0: the alias is its name */
    uint32_t cluster;     /* its first; 0: none */
    uint32_t clusters;
};

/* A date as FAT holds it. */
struct fat_date {
    uint16_t date, time;
    uint8_t tenth;
};

/* What mkfs.fat will make of a size; sectors of 512 bytes, two FATs. */
struct fat_geometry {
    uint32_t reserved, fat_sectors, root_sectors;
    uint32_t data;     /* the first sector of the first cluster */
    uint32_t clusters; /* 0: the size is too small for anything */
};

enum fat_fit {
    FAT_FIT_EXACT, /* the alias is the name */
    FAT_FIT_CASE,  /* the alias is the name in upper case */
    FAT_FIT_TAIL,  /* the alias is another name and needs a ~number */
};

/* fat_names.c */
const char *fat_name_check(const char *name); /* NULL: good, else what is wrong with it */
enum fat_fit fat_alias_basis(const char *name, uint8_t alias[FAT_ALIAS_LEN]);
void fat_alias_tail(uint8_t alias[FAT_ALIAS_LEN], uint32_t number);
uint8_t fat_alias_sum(const uint8_t alias[FAT_ALIAS_LEN]);
size_t fat_long_count(const char *name);
void fat_long_write(const char *name, const uint8_t alias[FAT_ALIAS_LEN], uint8_t *entries);
uint16_t fat_fold(uint16_t unit); /* the same for an upper and a lower case letter */

/* fat_alias.c: the aliases of a folder's children; -1, reported, if two have the same name. */
int fat_alias_folder(struct fat *fat, const struct fat_node *folder);

/* fat_dir.c */
int fat_tree(struct fat *fat); /* items -> nodes; -1, reported */
struct fat_date fat_date(time_t time);
/* A folder's entries (folder->entries of them); label: the root's first entry, from mkfs.fat. */
void fat_folder_write(const struct fat *fat, const struct fat_node *folder, const uint8_t *label,
                      uint8_t *out);

/* fat_plan.c */
struct fat_geometry fat_geometry(int bits, uint64_t size, uint32_t cluster_size,
                                 uint32_t root_entries);

#endif
