/* from_squashfs_data: a file's blocks one after the other, then its part of a fragment block. */
#include "ramroot/from_squashfs.h"

#include <sqfs/block.h>

#define FRAGMENT_LEN 16 /* bytes of an entry of the table of fragment blocks */

void unsquash_file_begin(struct unsquash *unsquash, const struct unsquash_inode *inode)
{
    uint64_t unit = unsquash->super.block_size;

    unsquash->file = (struct unsquash_file){
        .size = inode->size,
        .block = inode->start,
        .fragment = inode->fragment,
        .fragment_offset = inode->fragment_offset,
        .blocks = inode->fragment == UNSQUASH_NONE ? inode->size / unit + !!(inode->size % unit)
                                                   : inode->size / unit,
    };
}

/* Unpacks a block of the size that its list gives to out, which has room for a whole one. */
static int unpack(struct unsquash *unsquash, uint64_t at, uint32_t size, uint8_t *out, size_t *len)
{
    sqfs_file_t *file = &unsquash->io.file;
    uint32_t stored = SQFS_ON_DISK_BLOCK_SIZE(size), room = unsquash->super.block_size;
    bool packed = SQFS_IS_BLOCK_COMPRESSED(size);
    int result;

    if (stored > room || size >> 25)
        return unsquash_bad(unsquash, "it is damaged: a block that is too large");
    result = file->read_at(file, at, packed ? unsquash->packed : out, stored);
    if (result)
        return unsquash_fail(unsquash, result);
    *len = stored;
    if (!packed)
        return 0;
    result = unsquash->uncompressor->do_block(unsquash->uncompressor, unsquash->packed, stored, out,
                                              room);
    if (result <= 0 || (uint32_t)result > room)
        return unsquash_bad(unsquash, "it is damaged: a block cannot be unpacked");
    *len = (size_t)result;
    return 0;
}

/* Makes a fragment block the one that was read last. */
static int load_fragment(struct unsquash *unsquash, uint32_t number)
{
    uint64_t table = unsquash->super.fragment_table_start;
    uint64_t at = (uint64_t)number * FRAGMENT_LEN;
    uint8_t location[8], fragment[FRAGMENT_LEN];
    sqfs_file_t *file = &unsquash->io.file;
    int result;

    if (number == unsquash->shared_number)
        return 0;
    if (number >= unsquash->super.fragment_entry_count || table >= unsquash->super.bytes_used)
        return unsquash_bad(unsquash, "it is damaged: a fragment that is not there");
    result = file->read_at(file, table + at / SQFS_META_BLOCK_SIZE * 8, location, sizeof location);
    if (result == 0)
        result =
            sqfs_meta_reader_seek(unsquash->tables, get_le64(location), at % SQFS_META_BLOCK_SIZE);
    if (result == 0)
        result = sqfs_meta_reader_read(unsquash->tables, fragment, sizeof fragment);
    if (result)
        return unsquash_fail(unsquash, result);
    unsquash->shared_number = UNSQUASH_NONE;
    if (unpack(unsquash, get_le64(fragment), get_le32(fragment + 8), unsquash->shared,
               &unsquash->shared_len) < 0)
        return -1;
    unsquash->shared_number = number;
    return 0;
}

/* 1: a block; 0: a hole; -1, reported. */
static int next_block(struct unsquash *unsquash, const void **data, size_t *len)
{
    struct unsquash_file *file = &unsquash->file;
    uint64_t left = file->size - file->at, unit = unsquash->super.block_size;
    uint8_t field[4];
    uint32_t size;
    size_t want = left < unit ? (size_t)left : (size_t)unit;
    int result = sqfs_meta_reader_read(unsquash->inodes, field, sizeof field);

    if (result)
        return unsquash_fail(unsquash, result);
    size = get_le32(field);
    file->blocks--;
    file->at += want;
    if (!size)
        return 0;
    if (unpack(unsquash, file->block, size, unsquash->data, len) < 0)
        return -1;
    if (*len != want)
        return unsquash_bad(unsquash, "it is damaged: a block of a wrong size");
    file->block += SQFS_ON_DISK_BLOCK_SIZE(size);
    *data = unsquash->data;
    return 1;
}

static int read_tail(struct unsquash *unsquash, const void **data, size_t *len)
{
    struct unsquash_file *file = &unsquash->file;

    *len = (size_t)(file->size - file->at);
    if (load_fragment(unsquash, file->fragment) < 0)
        return -1;
    if (file->fragment_offset > unsquash->shared_len ||
        *len > unsquash->shared_len - file->fragment_offset)
        return unsquash_bad(unsquash, "it is damaged: a fragment that is not there");
    *data = unsquash->shared + file->fragment_offset;
    file->at = file->size;
    return 1;
}

int unsquash_file_block(struct unsquash *unsquash, const void **data, size_t *len, uint64_t *offset)
{
    struct unsquash_file *file = &unsquash->file;

    while (file->at < file->size) {
        int result;

        *offset = file->at;
        result = file->blocks ? next_block(unsquash, data, len) : read_tail(unsquash, data, len);
        if (result)
            return result;
    }
    return 0;
}
