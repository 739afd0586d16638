/*
 * squash: the root image of mode overlay: a squashfs 4.0, which Linux mounts as it is. The room for
 * libsquashfs's writers (those of squash_*.c included).
 *
 * Contents are compressed and written as members come; names and inodes stay in memory until the
 * end. POSIX ACLs, for which squashfs has no place, go into the image's extra lines.
 */
#include "ramroot/squash_private.h"

#include "base/msg.h"
#include "ramroot/acl.h"

#include <archive.h>
#include <sqfs/error.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 128 /* blocks in flight; fixed, as the order of fragments hangs on it */
#define PAD     4096
#define NAME    255   /* bytes of an extended attribute's name: XATTR_NAME_MAX */
#define VALUE   65536 /* of its value: XATTR_SIZE_MAX */

static const struct {
    SQFS_COMPRESSOR id;
    unsigned level, min, max;
} formats[] = {
    [COMPRESS_ZSTD] = {SQFS_COMP_ZSTD, 9, SQFS_ZSTD_MIN_LEVEL, SQFS_ZSTD_MAX_LEVEL},
    [COMPRESS_XZ] = {SQFS_COMP_XZ, SQFS_XZ_DEFAULT_LEVEL, SQFS_XZ_MIN_LEVEL, SQFS_XZ_MAX_LEVEL},
    [COMPRESS_GZIP] = {SQFS_COMP_GZIP, SQFS_GZIP_DEFAULT_LEVEL, SQFS_GZIP_MIN_LEVEL,
                       SQFS_GZIP_MAX_LEVEL},
    [COMPRESS_NONE] = {SQFS_COMP_GZIP, SQFS_GZIP_MIN_LEVEL, SQFS_GZIP_MIN_LEVEL,
                       SQFS_GZIP_MIN_LEVEL},
};

int squash_fail(const struct squash *squash, const char *subject, int result)
{
    return msg_error("%s: packing: %s", subject, squash_io_why(&squash->io, result));
}

/* A compressor that finds nothing to compress, so that all is stored as it is. */
static sqfs_s32 store_block(sqfs_compressor_t *compressor, const sqfs_u8 *in, sqfs_u32 size,
                            sqfs_u8 *out, sqfs_u32 out_size)
{
    (void)compressor, (void)in, (void)size, (void)out, (void)out_size;
    return 0;
}

static int begin_compressors(struct squash *squash)
{
    const struct image_settings *settings = squash->image->settings;
    unsigned level =
        settings->level ? (unsigned)settings->level : formats[settings->compress].level;
    SQFS_COMPRESSOR id = formats[settings->compress].id;
    sqfs_compressor_config_t config;
    int result = sqfs_compressor_config_init(&config, id, SQUASH_BLOCK, 0);

    squash->stored = settings->compress == COMPRESS_NONE;
    if (!squash->stored &&
        (level < formats[settings->compress].min || level > formats[settings->compress].max))
        return msg_error("%s: packing: the level of %s is a number from %u to %u",
                         squash->image->name, compress_name(settings->compress),
                         formats[settings->compress].min, formats[settings->compress].max);
    if (!squash->stored)
        config.level = level;
    if (result == 0)
        result = sqfs_compressor_create(&config, &squash->compressor);
    config.flags = SQFS_COMP_FLAG_UNCOMPRESS;
    if (result == 0)
        result = sqfs_compressor_create(&config, &squash->uncompressor);
    if (result)
        return squash_fail(squash, squash->image->name, result);
    if (squash->stored)
        squash->compressor->do_block = store_block;
    return 0;
}

/* The super block, to be written again at the end, and what the compressor says of itself. */
static int begin_file(struct squash *squash)
{
    const struct image_settings *settings = squash->image->settings;
    uint32_t time = settings->time < 0            ? 0
                    : settings->time > UINT32_MAX ? UINT32_MAX
                                                  : (uint32_t)settings->time;
    int result =
        sqfs_super_init(&squash->super, SQUASH_BLOCK, time, formats[settings->compress].id);

    if (squash->stored)
        squash->super.flags |= SQFS_FLAG_UNCOMPRESSED_INODES | SQFS_FLAG_UNCOMPRESSED_DATA |
                               SQFS_FLAG_UNCOMPRESSED_FRAGMENTS | SQFS_FLAG_UNCOMPRESSED_XATTRS |
                               SQFS_FLAG_UNCOMPRESSED_IDS;
    squash_tree_init(&squash->tree, time);
    if (result == 0)
        result = sqfs_super_write(&squash->super, &squash->io.file);
    if (result == 0)
        result = squash->compressor->write_options(squash->compressor, &squash->io.file);
    if (result > 0)
        squash->super.flags |= SQFS_FLAG_COMPRESSOR_OPTIONS;
    return result < 0 ? squash_fail(squash, squash->image->name, result) : 0;
}

static int begin_contents(struct squash *squash)
{
    sqfs_block_processor_desc_t desc = {
        .size = sizeof desc,
        .max_block_size = SQUASH_BLOCK,
        .num_workers = squash->image->settings->threads,
        .max_backlog = BACKLOG,
        .cmp = squash->compressor,
        .wr = &squash->blocks.writer,
        .file = &squash->io.file,
        .uncmp = squash->uncompressor,
    };
    int result;

    squash->part = xcalloc(1, SQUASH_BLOCK);
    squash_blocks_init(&squash->blocks, &squash->io);
    squash->fragments = desc.tbl = sqfs_frag_table_create(0);
    squash->ids = sqfs_id_table_create(0);
    squash->xattrs = sqfs_xattr_writer_create(0);
    if (!squash->fragments || !squash->ids || !squash->xattrs)
        return msg_error("%s: packing: not enough memory", squash->image->name);
    result = sqfs_block_processor_create_ex(&desc, &squash->processor);
    return result ? squash_fail(squash, squash->image->name, result) : 0;
}

static int squash_begin(struct root_image *image)
{
    struct squash *squash = xcalloc(1, sizeof *squash);

    image->state = squash;
    squash->image = image;
    squash_io_init(&squash->io, image->fd, image->start, 0);
    if (begin_compressors(squash) < 0 || begin_file(squash) < 0)
        return -1;
    return begin_contents(squash);
}

static struct buf *acl_of(struct squash_inode *inode, int type)
{
    if (!inode->acls)
        inode->acls = xcalloc(2, sizeof *inode->acls);
    return &inode->acls[type == ARCHIVE_ENTRY_ACL_TYPE_DEFAULT];
}

static int take_acls(struct squash_inode *inode, struct archive_entry *entry)
{
    static const int acls[] = {ARCHIVE_ENTRY_ACL_TYPE_ACCESS, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT};
    const char *why = NULL;

    for (size_t i = 0; i < ARRAY_LEN(acls) && !why; i++)
        if (archive_entry_acl_types(entry) & acls[i])
            why = acl_write(entry, acls[i], acl_of(inode, acls[i]));
    return why ? msg_error("%s: packing: %s", archive_entry_pathname(entry), why) : 0;
}

static int take_xattr(struct squash *squash, const char *path, const char *name, const void *value,
                      size_t len)
{
    int result;

    if (strlen(name) > NAME || len > VALUE)
        return msg_error("%s: packing: an extended attribute is too long", path);
    result = sqfs_xattr_writer_add(squash->xattrs, name, value, len);
    if (result == SQFS_ERROR_UNSUPPORTED) {
        msg_warn("%s: packing: a squashfs cannot hold its extended attribute %s", path, name);
        return 0;
    }
    return result ? squash_fail(squash, path, result) : 0;
}

static int take_xattrs(struct squash *squash, struct squash_inode *inode,
                       struct archive_entry *entry)
{
    const char *path = archive_entry_pathname(entry), *name;
    const void *value;
    size_t len;
    int result;

    if (!archive_entry_xattr_reset(entry))
        return 0;
    sqfs_xattr_writer_begin(squash->xattrs, 0);
    while (archive_entry_xattr_next(entry, &name, &value, &len) == ARCHIVE_OK) {
        if (take_xattr(squash, path, name, value, len) < 0)
            return -1;
    }
    result = sqfs_xattr_writer_end(squash->xattrs, &inode->xattrs);
    return result ? squash_fail(squash, path, result) : 0;
}

/* As Linux does: twelve bits of major between twenty of minor. */
static int take_device(struct squash_inode *inode, struct archive_entry *entry)
{
    uint64_t major = archive_entry_rdevmajor(entry), minor = archive_entry_rdevminor(entry);

    if (major > 0xfff || minor > 0xfffff)
        return msg_error("%s: packing: a device with numbers that Linux does not have",
                         archive_entry_pathname(entry));
    inode->device = (uint32_t)((minor & 0xff) | major << 8 | (minor & ~UINT64_C(0xff)) << 12);
    return 0;
}

static int take_target(struct squash_inode *inode, struct archive_entry *entry)
{
    const char *target = archive_entry_symlink(entry);

    if (!target || !*target || strlen(target) >= UINT16_MAX)
        return msg_error("%s: packing: a symbolic link without a fit target",
                         archive_entry_pathname(entry));
    inode->target = xstrdup(target);
    return 0;
}

static int take_attributes(struct squash_inode *inode, struct archive_entry *entry)
{
    int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);
    int64_t mtime = archive_entry_mtime(entry);

    if (uid < 0 || uid > UINT32_MAX || gid < 0 || gid > UINT32_MAX)
        return msg_error("%s: packing: an owner with a number that Linux does not have",
                         archive_entry_pathname(entry));
    inode->uid = (uint32_t)uid;
    inode->gid = (uint32_t)gid;
    inode->mtime = mtime < 0 ? 0 : mtime > UINT32_MAX ? UINT32_MAX : (uint32_t)mtime;
    return 0;
}

static int take_contents(struct squash *squash, struct squash_inode *inode, struct member *member)
{
    switch (inode->mode & S_IFMT) {
    case S_IFREG:
        return squash_contents(squash, inode, member);
    case S_IFLNK:
        return take_target(inode, member->entry);
    case S_IFBLK:
    case S_IFCHR:
        return take_device(inode, member->entry);
    case S_IFDIR:
    case S_IFIFO:
    case S_IFSOCK:
        return 0;
    default:
        return msg_error("%s: packing: is of no type that a squashfs has",
                         archive_entry_pathname(member->entry));
    }
}

static int add_link(struct squash *squash, struct archive_entry *entry)
{
    const char *path = archive_entry_pathname(entry), *target = archive_entry_hardlink(entry);
    struct squash_node *node = squash_tree_find(&squash->tree, target);

    if (!node)
        return msg_error("%s: packing: a hard link to %s, which is not there", path, target);
    if (S_ISDIR(node->inode->mode))
        return msg_error("%s: packing: a hard link to %s, which is a folder", path, target);
    return squash_tree_put(&squash->tree, path, node->inode) ? 0 : -1;
}

static int squash_add(struct root_image *image, struct member *member)
{
    struct squash *squash = image->state;
    struct archive_entry *entry = member->entry;
    struct squash_inode *inode;

    if (archive_entry_hardlink(entry))
        return add_link(squash, entry);
    inode = squash_inode_new(&squash->tree,
                             archive_entry_filetype(entry) | (archive_entry_perm(entry) & 07777));
    if (take_attributes(inode, entry) < 0 || take_acls(inode, entry) < 0 ||
        take_xattrs(squash, inode, entry) < 0 || take_contents(squash, inode, member) < 0)
        return -1;
    return squash_tree_put(&squash->tree, archive_entry_pathname(entry), inode) ? 0 : -1;
}

/* Nothing may stand behind the image, neither what was cut off nor anything older. */
static int end_file(struct squash *squash, struct root_image *image)
{
    image->len = round_up(squash->io.size, PAD);
    if (ftruncate(image->fd, (off_t)(image->start + squash->io.size)) < 0 ||
        ftruncate(image->fd, (off_t)(image->start + image->len)) < 0 ||
        lseek(image->fd, (off_t)(image->start + image->len), SEEK_SET) < 0)
        return msg_errno(image->name, "writing");
    return 0;
}

static int squash_end(struct root_image *image)
{
    struct squash *squash = image->state;
    int result = sqfs_block_processor_finish(squash->processor);

    if (result)
        return squash_fail(squash, image->name, result);
    return squash_write(squash) < 0 ? -1 : end_file(squash, image);
}

/* libsquashfs frees blocks in flight only once they have been taken; after a failure some are left,
 * and each call that fails takes one at least. */
static void end_processor(struct squash *squash)
{
    squash->io.closed = true;
    for (int i = 0; i < 2 * BACKLOG && squash->processor; i++)
        if (sqfs_block_processor_finish(squash->processor) == 0)
            break;
    sqfs_destroy(squash->processor);
}

static void squash_free(struct root_image *image)
{
    struct squash *squash = image->state;

    if (!squash)
        return;
    end_processor(squash); /* first, as it knows of all others */
    sqfs_destroy(squash->xattrs);
    sqfs_destroy(squash->ids);
    sqfs_destroy(squash->fragments);
    sqfs_destroy(squash->uncompressor);
    sqfs_destroy(squash->compressor);
    squash_blocks_free(&squash->blocks);
    squash_tree_free(&squash->tree);
    free(squash->part);
    free(squash);
    image->state = NULL;
}

const struct root_image_kind image_squashfs = {
    "overlay", squash_begin, squash_add, squash_end, squash_free,
};
