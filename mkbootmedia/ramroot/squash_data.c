/*
 * squash_data: contents on their way into the squashfs. libsquashfs compresses blocks with several
 * threads and gives them back in order; holes never reach it. What is left of a file behind its
 * last whole block becomes part of a fragment block, which it shares with others.
 */
#include "ramroot/squash_private.h"

#include "base/msg.h"

#include <sqfs/block.h>
#include <sqfs/error.h>

#include <stdlib.h>

#define COMPARE   (64 * KIB)      /* bytes that are read at a time */
#define COMING    UINT32_MAX      /* a block that libsquashfs has not given back yet */
#define STORED    (1U << 24)      /* the flag of a block that is not compressed */
#define SIZES_MAX (4 * KIB * GIB) /* of all files: lists of blocks are in memory */
#define FNV       UINT64_C(0x100000001b3)

/* Blocks of one file, one behind the other. */
struct squash_run {
    uint64_t hash, start, len; /* len 0: a free slot */
};

/* 1: the same bytes; 0: not; a SQFS_ERROR. */
static int same_bytes(struct squash_io *io, uint64_t a, uint64_t b, uint64_t len)
{
    char *chunk = xcalloc(2, COMPARE);
    int result = 1;

    while (result == 1 && len) {
        size_t n = len < COMPARE ? len : COMPARE;
        int error = io->file.read_at(&io->file, a, chunk, n);

        if (!error)
            error = io->file.read_at(&io->file, b, chunk + COMPARE, n);
        result = error ? error : memcmp(chunk, chunk + COMPARE, n) == 0;
        a += n;
        b += n;
        len -= n;
    }
    free(chunk);
    return result;
}

static void put_run(struct squash_blocks *blocks, struct squash_run run)
{
    size_t i = run.hash & (blocks->room - 1);

    while (blocks->runs[i].len)
        i = (i + 1) & (blocks->room - 1);
    blocks->runs[i] = run;
}

static void add_run(struct squash_blocks *blocks, struct squash_run run)
{
    struct squash_run *old = blocks->runs;
    size_t old_room = blocks->room;

    if (2 * blocks->count >= blocks->room) {
        blocks->room = old_room ? 2 * old_room : 1024;
        blocks->runs = xcalloc(blocks->room, sizeof *blocks->runs);
        for (size_t i = 0; i < old_room; i++)
            if (old[i].len)
                put_run(blocks, old[i]);
        free(old);
    }
    put_run(blocks, run);
    blocks->count++;
}

/* Where the blocks of a file that has ended are: here, or where the same ones were before. */
static int end_run(struct squash_blocks *blocks, struct squash_file *file)
{
    struct squash_run run = {blocks->hash, blocks->start, blocks->io->size - blocks->start};
    size_t i = blocks->room ? run.hash & (blocks->room - 1) : 0;

    file->start = run.start;
    if (!run.len)
        return 0;
    for (; blocks->room && blocks->runs[i].len; i = (i + 1) & (blocks->room - 1)) {
        int same = 0;

        if (blocks->runs[i].hash == run.hash && blocks->runs[i].len == run.len)
            same = same_bytes(blocks->io, blocks->runs[i].start, run.start, run.len);
        if (same < 0)
            return same;
        if (same) {
            file->start = blocks->runs[i].start;
            return blocks->io->file.truncate(&blocks->io->file, run.start);
        }
    }
    add_run(blocks, run);
    return 0;
}

/* The size of the next block of a file that was not known. */
static void note_block(struct squash_file *file, uint32_t size)
{
    while (file->blocks[file->done] != COMING)
        file->done++;
    file->blocks[file->done++] = size;
}

static int take_block(struct squash_blocks *blocks, struct squash_file *file, uint32_t size,
                      uint32_t sum, uint32_t flags)
{
    if (blocks->file != file) {
        blocks->file = file;
        blocks->start = blocks->io->size;
        blocks->hash = FNV;
    }
    if (flags & SQFS_BLK_LAST_BLOCK) {
        blocks->file = NULL;
        return end_run(blocks, file);
    }
    if (flags & SQFS_BLK_IS_SPARSE)
        size = 0;
    else if (!(flags & SQFS_BLK_IS_COMPRESSED))
        size |= STORED;
    note_block(file, size);
    blocks->hash = (((blocks->hash ^ size) * FNV) ^ sum) * FNV;
    return 0;
}

/* As libsquashfs calls it; user is the file, flags say what kind of block it is. */
static int write_block(sqfs_block_writer_t *writer, void *user, sqfs_u32 size, sqfs_u32 sum,
                       sqfs_u32 flags, const sqfs_u8 *data, sqfs_u64 *location)
{
    struct squash_blocks *blocks = (struct squash_blocks *)writer;
    sqfs_file_t *file = &blocks->io->file;
    int result = 0;

    *location = blocks->io->size;
    if (!(flags & SQFS_BLK_FRAGMENT_BLOCK))
        result = take_block(blocks, user, size, sum, flags);
    if (result || !size || flags & SQFS_BLK_IS_SPARSE)
        return result;
    blocks->written++;
    return file->write_at(file, *location, data, size);
}

static sqfs_u64 count_blocks(const sqfs_block_writer_t *writer)
{
    return ((const struct squash_blocks *)writer)->written;
}

static void nothing(sqfs_object_t *object)
{
    (void)object;
}

void squash_blocks_init(struct squash_blocks *blocks, struct squash_io *io)
{
    *blocks =
        (struct squash_blocks){.writer = {{nothing, NULL}, write_block, count_blocks}, .io = io};
}

void squash_blocks_free(struct squash_blocks *blocks)
{
    free(blocks->runs);
    blocks->runs = NULL;
}

static void add_block(struct squash_file *file, uint32_t size)
{
    file->blocks = xgrow(file->blocks, file->count, sizeof *file->blocks);
    file->blocks[file->count++] = size;
}

static int put_block(struct squash *squash, const void *data)
{
    add_block(squash->file, COMING);
    return sqfs_block_processor_submit_block(squash->processor, squash->file,
                                             squash->stored ? SQFS_BLK_DONT_COMPRESS : 0, data,
                                             SQUASH_BLOCK);
}

static int end_part(struct squash *squash)
{
    if (squash->part_len < SQUASH_BLOCK)
        return 0;
    squash->part_len = 0;
    return put_block(squash, squash->part);
}

static int put(struct squash *squash, const char *data, uint64_t len)
{
    int result = 0;

    while (len && result == 0) {
        size_t n = SQUASH_BLOCK - squash->part_len;

        if (n > len)
            n = len;
        if (n == SQUASH_BLOCK) {
            result = put_block(squash, data);
        } else {
            memcpy(squash->part + squash->part_len, data, n);
            squash->part_len += n;
            result = end_part(squash);
        }
        data += n;
        len -= n;
    }
    return result;
}

static int put_zeros(struct squash *squash, uint64_t len)
{
    int result = 0;

    while (len && result == 0) {
        size_t n = SQUASH_BLOCK - squash->part_len;

        if (n > len)
            n = len;
        if (n == SQUASH_BLOCK) {
            add_block(squash->file, 0);
        } else {
            memset(squash->part + squash->part_len, 0, n);
            squash->part_len += n;
            result = end_part(squash);
        }
        len -= n;
    }
    return result;
}

/* Behind the last whole block: an empty one that tells the writer, and the rest of the file. */
static int put_end(struct squash *squash)
{
    sqfs_block_processor_t *processor = squash->processor;
    int result = 0;

    if (squash->file->count)
        result =
            sqfs_block_processor_submit_block(processor, squash->file, SQFS_BLK_LAST_BLOCK, "", 0);
    if (result == 0 && squash->part_len) {
        result = sqfs_block_processor_begin_file(processor, &squash->file->tail, NULL,
                                                 squash->stored ? SQFS_BLK_DONT_COMPRESS : 0);
        if (result == 0)
            result = sqfs_block_processor_append(processor, squash->part, squash->part_len);
        if (result == 0)
            result = sqfs_block_processor_end_file(processor);
    }
    return result;
}

static int put_runs(struct squash *squash, struct member *member, const char *path)
{
    uint64_t size = squash->file->size, at = 0, offset;
    int more, result = 0;
    const void *data;
    size_t len;

    while (result == 0 && (more = member->block(member, &data, &len, &offset)) != 0) {
        if (more < 0)
            return -1;
        if (offset < at || offset > size || len > size - offset)
            return msg_error("%s: packing: its bytes are not where its size says", path);
        result = put_zeros(squash, offset - at);
        if (result == 0)
            result = put(squash, data, len);
        at = offset + len;
    }
    if (result == 0)
        result = put_zeros(squash, size - at);
    if (result == 0)
        result = put_end(squash);
    return result ? squash_fail(squash, squash->image->name, result) : 0;
}

int squash_contents(struct squash *squash, struct squash_inode *inode, struct member *member)
{
    int64_t size = archive_entry_size(member->entry);
    const char *path = archive_entry_pathname(member->entry);

    if (size < 0 || (uint64_t)size > SIZES_MAX - squash->sizes)
        return msg_error("%s: packing: its size, or that of all files, is too large", path);
    squash->sizes += (uint64_t)size;
    inode->file = xcalloc(1, sizeof *inode->file);
    inode->file->size = member->block ? (uint64_t)size : 0;
    squash->file = inode->file;
    squash->part_len = 0;
    return member->block ? put_runs(squash, member, path) : 0;
}

void squash_file_free(struct squash_file *file)
{
    if (!file)
        return;
    free(file->blocks);
    sqfs_free(file->tail);
    free(file);
}
