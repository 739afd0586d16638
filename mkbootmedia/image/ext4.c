/*
 * ext4: free blocks from the bitmaps, unused inodes from the group descriptors.
 *
 *   group 0:  superblock | descriptors | room for more | bitmaps and inode tables of 16 groups | ..
 *   others:   a copy of the first three in groups 1, 3^n, 5^n, 7^n; then data
 */
#include "image/ext4.h"

#include "base/msg.h"
#include "base/util.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#define SUPER_OFFSET   1024
#define MAGIC          0xef53
#define INCOMPAT       0x2c2 /* filetype, extent, 64bit, flex_bg; no meta_bg */
#define RO_COMPAT      0x46b /* sparse_super .. metadata_csum; no bigalloc */
#define FLAG_NO_BITMAP 0x2   /* BLOCK_UNINIT: the bitmap is not written, but follows from the rest \
                              */
#define FLAG_TABLE_ZERO 0x4  /* INODE_ZEROED: the unused end of the table counts as zeros */

struct super {
    uint8_t inodes[4], blocks[4], reserved[4], free_blocks[4], free_inodes[4], first_block[4];
    uint8_t log_block[4], log_cluster[4], group_blocks[4], group_clusters[4], group_inodes[4];
    uint8_t times[8], mounts[4], magic[2], state[2], errors[2], minor[2], checked[8], os[4];
    uint8_t revision[4], reserved_ids[4], first_inode[4], inode_size[2], group[2], compat[4];
    uint8_t incompat[4], ro_compat[4], ids[100], preallocated[2], reserved_descriptors[2];
    uint8_t journal[46], descriptor_size[2], more[80], blocks_high[4];
};
static_assert(offsetof(struct super, reserved_descriptors) == 0xce, "super");
static_assert(sizeof(struct super) == 0x154, "super");

struct descriptor {
    uint8_t block_bitmap[4], inode_bitmap[4], table[4], free_blocks[2], free_inodes[2], folders[2];
    uint8_t flags[2], exclude[4], sums[4], unused_inodes[2], sum[2];
    uint8_t block_bitmap_high[4], inode_bitmap_high[4], table_high[4], counts_high[6];
    uint8_t unused_inodes_high[2], rest[12];
};
static_assert(sizeof(struct descriptor) == 64, "descriptor");

/* All in blocks, unless it says otherwise. */
struct ext4 {
    const struct sparse *made;
    struct image *image;
    uint64_t blocks, groups;
    uint32_t group_blocks, group_inodes, inode_size; /* bytes */
    uint32_t copy, table;                            /* superblock with descriptors; inode table */
    const char *what;                                /* the spare run that is being gathered */
    uint64_t start, end;
};

struct group {
    uint64_t first, end; /* blocks */
    uint64_t block_bitmap, inode_bitmap, table;
    uint32_t unused_inodes;
    uint16_t flags;
};

static int read_super(struct ext4 *ext4, uint64_t size)
{
    struct super super;
    uint64_t table;

    if (sparse_read(ext4->made, SUPER_OFFSET, &super, sizeof super) < 0)
        return -1;
    ext4->blocks = get_le32(super.blocks) | (uint64_t)get_le32(super.blocks_high) << 32;
    ext4->group_blocks = get_le32(super.group_blocks);
    ext4->group_inodes = get_le32(super.group_inodes);
    ext4->inode_size = get_le16(super.inode_size);
    table = (uint64_t)ext4->group_inodes * ext4->inode_size;
    if (get_le16(super.magic) != MAGIC || get_le32(super.log_block) != 2 ||
        get_le32(super.first_block) != 0 || get_le32(super.incompat) != INCOMPAT ||
        get_le32(super.ro_compat) != RO_COMPAT || ext4->blocks > size / EXT4_BLOCK ||
        get_le16(super.descriptor_size) != sizeof(struct descriptor) ||
        ext4->group_blocks != 8 * EXT4_BLOCK || table % EXT4_BLOCK || !ext4->blocks)
        return msg_error("mke2fs: formatting ext4: it has made another file system than asked for");
    ext4->groups = divide_up(ext4->blocks, ext4->group_blocks);
    ext4->table = (uint32_t)(table / EXT4_BLOCK);
    ext4->copy = (uint32_t)(1 + divide_up(ext4->groups * sizeof(struct descriptor), EXT4_BLOCK) +
                            get_le16(super.reserved_descriptors));
    return 0;
}

static int read_group(const struct ext4 *ext4, uint64_t number, struct group *group)
{
    struct descriptor d;

    if (sparse_read(ext4->made, EXT4_BLOCK + number * sizeof d, &d, sizeof d) < 0)
        return -1;
    group->first = number * ext4->group_blocks;
    group->end = group->first + ext4->group_blocks;
    if (group->end > ext4->blocks)
        group->end = ext4->blocks;
    group->block_bitmap = get_le32(d.block_bitmap) | (uint64_t)get_le32(d.block_bitmap_high) << 32;
    group->inode_bitmap = get_le32(d.inode_bitmap) | (uint64_t)get_le32(d.inode_bitmap_high) << 32;
    group->table = get_le32(d.table) | (uint64_t)get_le32(d.table_high) << 32;
    group->unused_inodes = get_le16(d.unused_inodes) | (uint32_t)get_le16(d.unused_inodes_high)
                                                           << 16;
    group->flags = get_le16(d.flags);
    return 0;
}

/* Has the group a copy of the superblock? Those of which the number is 0, 1 or a power. */
static bool has_copy(uint64_t number)
{
    for (unsigned base = 3; base <= 7; base += 2) {
        uint64_t power = 1;

        while (power < number)
            power *= base;
        if (power == number)
            return true;
    }
    return number == 0;
}

static void mark(uint8_t *bitmap, const struct group *group, uint64_t first, uint64_t count)
{
    for (uint64_t at = first; at < first + count; at++)
        if (at >= group->first && at < group->end)
            bitmap[(at - group->first) / 8] |= (uint8_t)(1 << (at - group->first) % 8);
}

/*
 * Which blocks of a group are in use. A bitmap that is not written has only what the group itself
 * needs; that is how the kernel makes it, too (ext4_init_block_bitmap).
 */
static int read_bitmap(const struct ext4 *ext4, uint64_t number, const struct group *group,
                       uint8_t bitmap[EXT4_BLOCK])
{
    if (!(group->flags & FLAG_NO_BITMAP))
        return sparse_read(ext4->made, group->block_bitmap * EXT4_BLOCK, bitmap, EXT4_BLOCK);
    memset(bitmap, 0, EXT4_BLOCK);
    if (has_copy(number))
        mark(bitmap, group, group->first, ext4->copy);
    mark(bitmap, group, group->block_bitmap, 1);
    mark(bitmap, group, group->inode_bitmap, 1);
    mark(bitmap, group, group->table, ext4->table);
    return 0;
}

static void flush(struct ext4 *ext4)
{
    image_add_spare(ext4->image, ext4->made->offset + ext4->start * EXT4_BLOCK,
                    (ext4->end - ext4->start) * EXT4_BLOCK, ext4->what);
    ext4->start = ext4->end = 0;
}

/* Blocks that come in order; those that touch become one region. */
static void add_spare(struct ext4 *ext4, uint64_t start, uint64_t end)
{
    if (start == end)
        return;
    if (start != ext4->end) {
        flush(ext4);
        ext4->start = start;
    }
    ext4->end = end;
}

static int add_free(struct ext4 *ext4, uint64_t number)
{
    uint8_t bitmap[EXT4_BLOCK];
    struct group group;

    if (read_group(ext4, number, &group) < 0 || read_bitmap(ext4, number, &group, bitmap) < 0)
        return -1;
    for (uint64_t at = group.first; at < group.end; at++) {
        uint64_t bit = at - group.first;

        if (!(bitmap[bit / 8] >> bit % 8 & 1))
            add_spare(ext4, at, at + 1);
    }
    return 0;
}

static int add_unused_inodes(struct ext4 *ext4, uint64_t number)
{
    struct group group;
    uint64_t used;

    if (read_group(ext4, number, &group) < 0)
        return -1;
    if (group.flags & FLAG_TABLE_ZERO || group.unused_inodes > ext4->group_inodes)
        return 0;
    used = (uint64_t)(ext4->group_inodes - group.unused_inodes) * ext4->inode_size;
    add_spare(ext4, group.table + divide_up(used, EXT4_BLOCK), group.table + ext4->table);
    return 0;
}

int ext4_add_spare(const struct sparse *made, uint64_t size, struct image *image)
{
    struct ext4 ext4 = {.made = made, .image = image, .what = "free blocks"};
    int result = read_super(&ext4, size);

    for (uint64_t i = 0; i < ext4.groups && result == 0; i++)
        result = add_free(&ext4, i);
    flush(&ext4);
    ext4.what = "unused inodes";
    for (uint64_t i = 0; i < ext4.groups && result == 0; i++)
        result = add_unused_inodes(&ext4, i);
    flush(&ext4);
    return result;
}
