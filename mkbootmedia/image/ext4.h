/*
 * ext4: what nobody reads of a file system that mke2fs has just made, so that a disk may keep there
 * what it has.
 *
 * Two things are of no use before the kernel has written them: blocks that are free, and the unused
 * end of an inode table, which the kernel clears when it is first mounted (lazy_itable_init). All
 * else is written, zeros too: the journal above all, for what looks like a transaction in it would
 * be replayed after the first crash.
 *
 * Layout: the kernel's Documentation/filesystems/ext4, "Super Block", "Block Group Descriptors".
 */
#ifndef IMAGE_EXT4_H
#define IMAGE_EXT4_H

#include "image/sparse.h"

#define EXT4_BLOCK 4096 /* bytes, as we have it made */

/* With these features: the layout below them is what is known here. */
#define EXT4_FEATURES                                                                              \
    "none,has_journal,ext_attr,dir_index,filetype,extent,64bit,flex_bg,sparse_super,"              \
    "large_file,huge_file,dir_nlink,extra_isize,metadata_csum"

/* Adds them as spare regions; -1, reported: it is another file system than we asked for. */
int ext4_add_spare(const struct sparse *made, uint64_t size, struct image *image);

#endif
