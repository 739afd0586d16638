/* from_squashfs_inode: fields of inodes, and extended attributes, at their places. */
#include "ramroot/from_squashfs.h"

#include <sqfs/block.h>

#include <stdlib.h>
#include <sys/stat.h>

#define TARGET_MAX  4096  /* bytes of a symbolic link: PATH_MAX */
#define XATTR_NAME  255   /* of an extended attribute's name */
#define XATTR_VALUE 65536 /* of its value */
#define XATTR_SET   MIB   /* of all values of one inode */

/* By the number of the type, 1 to 7; those of extended inodes are 7 higher. */
static const struct {
    mode_t type;
    uint8_t basic, extended; /* bytes behind what all inodes have */
} types[] = {
    {S_IFDIR, 16, 24}, {S_IFREG, 16, 40}, {S_IFLNK, 8, 8},  {S_IFBLK, 8, 12},
    {S_IFCHR, 8, 12},  {S_IFIFO, 4, 8},   {S_IFSOCK, 4, 8},
};

static void take_folder(const uint8_t *p, bool extended, struct unsquash_inode *inode)
{
    inode->list = get_le32(extended ? p + 8 : p);
    inode->list_len = extended ? get_le32(p + 4) : get_le16(p + 8);
    inode->list_offset = get_le16(extended ? p + 18 : p + 10);
    inode->nlink = get_le32(extended ? p : p + 4);
    inode->xattrs = extended ? get_le32(p + 20) : UNSQUASH_NONE;
}

static void take_file(const uint8_t *p, bool extended, struct unsquash_inode *inode)
{
    inode->start = extended ? get_le64(p) : get_le32(p);
    inode->size = extended ? get_le64(p + 8) : get_le32(p + 12);
    inode->nlink = extended ? get_le32(p + 24) : 1;
    inode->fragment = get_le32(extended ? p + 28 : p + 4);
    inode->fragment_offset = get_le32(extended ? p + 32 : p + 8);
    inode->xattrs = extended ? get_le32(p + 36) : UNSQUASH_NONE;
}

static int take_symlink(struct unsquash *unsquash, const uint8_t *p, bool extended,
                        struct unsquash_inode *inode)
{
    uint32_t len = get_le32(p + 4);
    uint8_t xattrs[4];
    int result;

    inode->nlink = get_le32(p);
    if (!len || len >= TARGET_MAX)
        return unsquash_bad(unsquash, "a symbolic link without a fit target");
    inode->target = xcalloc(1, len + 1);
    result = sqfs_meta_reader_read(unsquash->inodes, inode->target, len);
    if (result == 0 && extended)
        result = sqfs_meta_reader_read(unsquash->inodes, xattrs, sizeof xattrs);
    if (result == 0 && strlen(inode->target) == len) {
        inode->xattrs = extended ? get_le32(xattrs) : UNSQUASH_NONE;
        return 0;
    }
    free(inode->target);
    inode->target = NULL;
    return result ? unsquash_fail(unsquash, result)
                  : unsquash_bad(unsquash, "a symbolic link without a fit target");
}

static void take_other(const uint8_t *p, bool extended, bool device, struct unsquash_inode *inode)
{
    inode->nlink = get_le32(p);
    inode->device = device ? get_le32(p + 4) : 0;
    inode->xattrs = extended ? get_le32(p + (device ? 8 : 4)) : UNSQUASH_NONE;
}

/* What all inodes have: type, permissions, owner, time. */
static int take_base(struct unsquash *unsquash, const uint8_t *p, struct unsquash_inode *inode)
{
    int result = sqfs_id_table_index_to_id(unsquash->ids, get_le16(p + 4), &inode->uid);

    if (result == 0)
        result = sqfs_id_table_index_to_id(unsquash->ids, get_le16(p + 6), &inode->gid);
    inode->mode = get_le16(p + 2) & 07777;
    inode->mtime = get_le32(p + 8);
    return result ? unsquash_fail(unsquash, result) : 0;
}

int unsquash_inode(struct unsquash *unsquash, uint64_t ref, struct unsquash_inode *inode)
{
    uint64_t table = unsquash->super.inode_table_start, block = ref >> 16;
    uint8_t base[16], rest[40];
    bool extended;
    size_t type;
    int result;

    *inode = (struct unsquash_inode){.ref = ref};
    result = sqfs_meta_reader_seek(unsquash->inodes, table + block, ref & 0xffff);
    if (result == 0)
        result = sqfs_meta_reader_read(unsquash->inodes, base, sizeof base);
    if (result)
        return unsquash_fail(unsquash, result);
    type = get_le16(base) - 1U;
    extended = type >= ARRAY_LEN(types);
    type -= extended ? ARRAY_LEN(types) : 0;
    if (type >= ARRAY_LEN(types))
        return unsquash_bad(unsquash, "an inode of a type that is not known");
    result = sqfs_meta_reader_read(unsquash->inodes, rest,
                                   extended ? types[type].extended : types[type].basic);
    if (result)
        return unsquash_fail(unsquash, result);
    if (take_base(unsquash, base, inode) < 0)
        return -1;
    inode->mode |= types[type].type;
    if (S_ISLNK(inode->mode))
        return take_symlink(unsquash, rest, extended, inode);
    if (S_ISDIR(inode->mode))
        take_folder(rest, extended, inode);
    else if (S_ISREG(inode->mode))
        take_file(rest, extended, inode);
    else
        take_other(rest, extended, S_ISBLK(inode->mode) || S_ISCHR(inode->mode), inode);
    return 0;
}

/* A set: where its pairs begin, relative to those of all sets, and how many there are. */
static int find_set(struct unsquash *unsquash, uint32_t number, uint64_t *pairs, uint64_t *ref,
                    uint32_t *count)
{
    uint64_t table = unsquash->super.xattr_id_table_start;
    uint64_t at = (uint64_t)number * sizeof(uint64_t) * 2;
    uint8_t head[16] = {0}, location[8], set[16] = {0};
    sqfs_file_t *file = &unsquash->io.file;
    int result = file->read_at(file, table, head, sizeof head);

    if (result == 0 && number >= get_le32(head + 8))
        return unsquash_bad(unsquash, "extended attributes that are not there");
    if (result == 0)
        result = file->read_at(file, table + 16 + at / SQFS_META_BLOCK_SIZE * 8, location,
                               sizeof location);
    if (result == 0)
        result =
            sqfs_meta_reader_seek(unsquash->tables, get_le64(location), at % SQFS_META_BLOCK_SIZE);
    if (result == 0)
        result = sqfs_meta_reader_read(unsquash->tables, set, sizeof set);
    *pairs = get_le64(head);
    *ref = get_le64(set);
    *count = get_le32(set + 8);
    return result ? unsquash_fail(unsquash, result) : 0;
}

/* A name, with its prefix; *elsewhere: its value is not behind it. */
static int read_name(struct unsquash *unsquash, struct buf *name, bool *elsewhere)
{
    static const char *const prefixes[] = {"user.", "trusted.", "security."};
    uint8_t head[4] = {0}, text[XATTR_NAME];
    int result = sqfs_meta_reader_read(unsquash->tables, head, sizeof head);
    unsigned type = get_le16(head), len = get_le16(head + 2);

    if (result)
        return unsquash_fail(unsquash, result);
    if ((type & 0xff) >= ARRAY_LEN(prefixes) || !len || len > sizeof text)
        return unsquash_bad(unsquash, "an extended attribute of a form that is not known");
    result = sqfs_meta_reader_read(unsquash->tables, text, len);
    if (result)
        return unsquash_fail(unsquash, result);
    if (memchr(text, '\0', len))
        return unsquash_bad(unsquash, "an extended attribute of a form that is not known");
    name->len = 0;
    buf_puts(name, prefixes[type & 0xff]);
    buf_add(name, text, len);
    *elsewhere = type & 0x100;
    return 0;
}

static int read_value(struct unsquash *unsquash, struct buf *value)
{
    uint8_t head[4] = {0}, chunk[1024];
    int result = sqfs_meta_reader_read(unsquash->tables, head, sizeof head);
    size_t left = get_le32(head);

    if (result == 0 && left > XATTR_VALUE)
        return unsquash_bad(unsquash, "an extended attribute that is too long");
    value->len = 0;
    buf_puts(value, "");
    while (result == 0 && left) {
        size_t n = left < sizeof chunk ? left : sizeof chunk;

        result = sqfs_meta_reader_read(unsquash->tables, chunk, n);
        buf_add(value, chunk, n);
        left -= n;
    }
    return result ? unsquash_fail(unsquash, result) : 0;
}

/* A value that is where the one that is here says; goes on behind that. */
static int read_value_elsewhere(struct unsquash *unsquash, uint64_t pairs, struct buf *value)
{
    uint64_t block, ref;
    size_t offset;
    int result;

    if (read_value(unsquash, value) < 0)
        return -1;
    if (value->len != sizeof ref)
        return unsquash_bad(unsquash, "an extended attribute of a form that is not known");
    ref = get_le64(value->data);
    sqfs_meta_reader_get_position(unsquash->tables, &block, &offset);
    result = sqfs_meta_reader_seek(unsquash->tables, pairs + (ref >> 16), ref & 0xffff);
    if (result == 0 && read_value(unsquash, value) < 0)
        return -1;
    if (result == 0)
        result = sqfs_meta_reader_seek(unsquash->tables, block, offset);
    return result ? unsquash_fail(unsquash, result) : 0;
}

static int add_pair(struct unsquash *unsquash, uint64_t pairs, struct buf *name, struct buf *value)
{
    bool elsewhere = false;

    if (read_name(unsquash, name, &elsewhere) < 0 ||
        (elsewhere ? read_value_elsewhere(unsquash, pairs, value) : read_value(unsquash, value)) <
            0)
        return -1;
    archive_entry_xattr_add_entry(unsquash->entry, name->data, value->data, value->len);
    return 0;
}

int unsquash_xattrs(struct unsquash *unsquash, uint32_t number)
{
    struct buf name = {0}, value = {0};
    uint64_t pairs = 0, ref = 0, total = 0;
    uint32_t count = 0;
    int result;

    if (number == UNSQUASH_NONE || unsquash->super.xattr_id_table_start == UINT64_MAX)
        return 0;
    if (find_set(unsquash, number, &pairs, &ref, &count) < 0)
        return -1;
    result = sqfs_meta_reader_seek(unsquash->tables, pairs + (ref >> 16), ref & 0xffff);
    if (result)
        return unsquash_fail(unsquash, result);
    for (; count && result == 0; count--) {
        result = add_pair(unsquash, pairs, &name, &value);
        total += name.len + value.len;
        if (result == 0 && total > XATTR_SET)
            result = unsquash_bad(unsquash, "a file with too many extended attributes");
    }
    buf_free(&name);
    buf_free(&value);
    return result;
}
