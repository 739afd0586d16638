/*
 * from_squashfs: what its files share.
 *
 *   from_squashfs.c         the kind of source: from name to name, folder by folder
 *   from_squashfs_inode.c   inodes and extended attributes
 *   from_squashfs_data.c    contents
 *
 * The file may say anything: sizes, places and counts are looked at before they are used, and
 * nothing of its size is kept but names of hard links and a number for each folder. Of libsquashfs,
 * what unpacks a block and walks through blocks of metadata is used.
 */
#ifndef RAMROOT_FROM_SQUASHFS_H
#define RAMROOT_FROM_SQUASHFS_H

#include "base/util.h"
#include "ramroot/squash_io.h"

#include <archive_entry.h>
#include <sqfs/compressor.h>
#include <sqfs/id_table.h>
#include <sqfs/meta_reader.h>
#include <sqfs/super.h>

#define UNSQUASH_NONE UINT32_MAX /* no extended attributes, no fragment */

/* An inode, as far as it is wanted. */
struct unsquash_inode {
    uint64_t ref; /* where it is: block << 16 | offset */
    uint32_t mode, uid, gid, mtime, nlink, xattrs;
    uint32_t device;
    char *target;               /* of a symbolic link; the inode's user frees it */
    uint32_t list, list_offset; /* of a folder: where its names are, */
    uint32_t list_len;          /* and their bytes, plus 3 */
    uint64_t size, start;       /* of a file: bytes, and where the first block is */
    uint32_t fragment, fragment_offset;
};

/* Contents that are being read. The sizes of blocks come right behind the inode, where the reader
 * of inodes still is. */
struct unsquash_file {
    uint64_t size, at; /* bytes */
    uint64_t block;    /* where the next block is */
    uint64_t blocks;   /* that are still to come */
    uint32_t fragment, fragment_offset;
};

struct unsquash {
    const char *path; /* of the squashfs, for messages */
    struct squash_io io;
    sqfs_super_t super;
    sqfs_compressor_t *uncompressor;
    sqfs_id_table_t *ids;
    sqfs_meta_reader_t *inodes, *names, *tables;
    struct unsquash_file file;
    uint8_t *packed, *data; /* a block each */
    uint8_t *shared;        /* the fragment block that was read last, */
    uint32_t shared_number; /* which one that is, */
    size_t shared_len;      /* and its bytes */
    struct archive_entry *entry;
    struct unsquash_level *levels; /* folders from the root to here */
    size_t depth;
    struct buf name;            /* the path of the member */
    struct unsquash_seen *seen; /* a hash table of folders, and of files with several names */
    size_t seen_room, seen_count;
};

/* "PATH: reading the squashfs: WHY"; -1. */
int unsquash_bad(const struct unsquash *unsquash, const char *why);
/* The same for a SQFS_ERROR. */
int unsquash_fail(const struct unsquash *unsquash, int result);

/* Reads an inode; -1, reported. */
int unsquash_inode(struct unsquash *unsquash, uint64_t ref, struct unsquash_inode *inode);
/* Adds a set of extended attributes to the entry; -1, reported. */
int unsquash_xattrs(struct unsquash *unsquash, uint32_t number);

/* Makes the contents of an inode that was just read those which are read next. */
void unsquash_file_begin(struct unsquash *unsquash, const struct unsquash_inode *inode);
/* As rootfs_kind.block. */
int unsquash_file_block(struct unsquash *unsquash, const void **data, size_t *len,
                        uint64_t *offset);

#endif
