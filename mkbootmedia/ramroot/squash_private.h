/*
 * squash_private: what the files of the squashfs writer share.
 *
 *   squash_tree.c    names and inodes, in memory
 *   squash_data.c    contents: blocks and fragments, straight to the file
 *   squash_write.c   inodes and folders, once all members have come
 *   squash.c         the kind of root image
 *
 * The format: Documentation/filesystems/squashfs.rst of Linux.
 */
#ifndef RAMROOT_SQUASH_PRIVATE_H
#define RAMROOT_SQUASH_PRIVATE_H

#include "base/util.h"
#include "ramroot/image.h"
#include "ramroot/squash_io.h"

#include <sqfs/block_processor.h>
#include <sqfs/block_writer.h>
#include <sqfs/compressor.h>
#include <sqfs/frag_table.h>
#include <sqfs/id_table.h>
#include <sqfs/inode.h>
#include <sqfs/super.h>
#include <sqfs/xattr_writer.h>

#define SQUASH_BLOCK ((size_t)128 * KIB) /* bytes of contents that are compressed together */
#define SQUASH_NONE  UINT32_MAX          /* no extended attributes, no fragment */

/* Contents of a regular file. */
struct squash_file {
    uint64_t size;
    uint64_t start;             /* of the first block that is there, in the squashfs */
    uint32_t *blocks;           /* as an inode has them: 0 is a hole */
    size_t count, done;         /* how many there are; how many of them are known */
    sqfs_inode_generic_t *tail; /* libsquashfs notes here where the bytes behind the blocks are */
};

struct squash_inode {
    struct squash_inode *next; /* of all, in the order in which they were made */
    uint32_t mode;             /* with its type */
    uint32_t uid, gid, mtime;
    uint32_t xattrs; /* number of a set of extended attributes */
    uint32_t nlink;  /* names it has; 0: replaced, not written */
    uint32_t number; /* from 1; 0: none yet */
    bool written;
    uint64_t ref;    /* where it was written: block << 16 | offset */
    uint32_t device; /* as Linux encodes it */
    char *target;    /* of a symbolic link */
    struct squash_file *file;
    struct buf *acls; /* of access, of default: squashfs has no place for them; or NULL */
};

struct squash_node {
    struct squash_node *chain; /* next in the same slot */
    struct squash_node *parent, *children, *sibling;
    struct squash_inode *inode;
    uint64_t hash; /* of its path */
    char name[];
};

/* Names are found through a hash of their paths. */
struct squash_tree {
    struct squash_node *root;
    struct squash_node **slots;
    size_t room, count;
    struct squash_inode *inodes, *last;
    uint32_t time; /* of folders that no member names */
};

/* Takes blocks from libsquashfs in order and finds those that are there already. */
struct squash_blocks {
    sqfs_block_writer_t writer; /* first, as libsquashfs knows this only */
    struct squash_io *io;
    struct squash_run *runs; /* a hash table */
    size_t room, count;
    struct squash_file *file; /* whose blocks are coming */
    uint64_t start, hash;     /* of them */
    uint64_t written;         /* blocks */
};

struct squash {
    const struct root_image *image;
    struct squash_io io;
    struct squash_tree tree;
    struct squash_blocks blocks;
    struct squash_file *file; /* whose contents are coming */
    char *part;               /* of a block that is not full yet */
    size_t part_len;
    uint64_t sizes; /* of all files so far */
    bool stored;    /* nothing is compressed */
    sqfs_super_t super;
    sqfs_compressor_t *compressor, *uncompressor;
    sqfs_block_processor_t *processor;
    sqfs_frag_table_t *fragments;
    sqfs_id_table_t *ids;
    sqfs_xattr_writer_t *xattrs;
};

/* "SUBJECT: packing: WHY" for a SQFS_ERROR; -1. */
int squash_fail(const struct squash *squash, const char *subject, int result);

void squash_tree_init(struct squash_tree *tree, uint32_t time);
void squash_tree_free(struct squash_tree *tree);
/* An inode without a name. */
struct squash_inode *squash_inode_new(struct squash_tree *tree, uint32_t mode);
struct squash_node *squash_tree_find(const struct squash_tree *tree, const char *path);
/* Gives an inode that name. NULL, reported; else the inode that now has it: of a folder that was
 * there before it is the old one, with what the new one says. */
struct squash_inode *squash_tree_put(struct squash_tree *tree, const char *path,
                                     struct squash_inode *inode);
/* Sorts the names of each folder, as Linux looks them up. */
void squash_tree_sort(struct squash_tree *tree);
/* Folders, those in a folder before it; the root is the last. NULL: no more. */
struct squash_node *squash_tree_first(const struct squash_tree *tree);
struct squash_node *squash_tree_next(const struct squash_node *node);
/* A node's path, malloc'ed. */
char *squash_node_path(const struct squash_node *node);

void squash_blocks_init(struct squash_blocks *blocks, struct squash_io *io);
void squash_blocks_free(struct squash_blocks *blocks);
/* Takes a member's contents; -1, reported. */
int squash_contents(struct squash *squash, struct squash_inode *inode, struct member *member);
void squash_file_free(struct squash_file *file);

/* Writes inodes, folders and tables; -1, reported. */
int squash_write(struct squash *squash);

#endif
