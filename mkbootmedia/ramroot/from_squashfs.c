/*
 * from_squashfs: a squashfs 4.0, read from its file. Files with several names are known by where
 * their inode is; a folder has one name, so that no way leads back to where it came from.
 */
#include "ramroot/from_squashfs.h"
#include "ramroot/rootfs.h"

#include "base/msg.h"

#include <sqfs/dir.h>
#include <sqfs/error.h>

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct unsquash_level {
    sqfs_readdir_state_t state;
    size_t name_len; /* bytes of its path */
};

struct unsquash_seen {
    uint64_t ref; /* plus 1; 0: a free slot */
    char *path;   /* of the first name; NULL: a folder */
};

int unsquash_bad(const struct unsquash *unsquash, const char *why)
{
    return msg_error("%s: reading the squashfs: %s", unsquash->path, why);
}

int unsquash_fail(const struct unsquash *unsquash, int result)
{
    if (result == SQFS_ERROR_COMPRESSOR)
        return unsquash_bad(unsquash, "it is damaged: a block cannot be unpacked");
    return unsquash_bad(unsquash, squash_io_why(&unsquash->io, result));
}

static int squashfs_probe(const char *path, int fd)
{
    struct stat st;
    uint8_t magic[4];

    if (fstat(fd, &st) < 0)
        return msg_errno(path, "reading");
    if (!S_ISREG(st.st_mode))
        return 0;
    return pread(fd, magic, sizeof magic, 0) == sizeof magic && get_le32(magic) == SQFS_MAGIC;
}

/* The tables are where they can be; those that are read are looked at again when they are. */
static int check_super(struct unsquash *unsquash)
{
    const sqfs_super_t *super = &unsquash->super;

    if (super->bytes_used > unsquash->io.size)
        return unsquash_bad(unsquash, "its end is missing");
    if (super->inode_table_start >= super->directory_table_start ||
        super->directory_table_start > super->bytes_used)
        return unsquash_bad(unsquash, "it is damaged: its tables are nowhere");
    unsquash->io.size = super->bytes_used;
    return 0;
}

static int read_super(struct unsquash *unsquash)
{
    sqfs_compressor_config_t config;
    const char *name;
    int result = sqfs_super_read(&unsquash->super, &unsquash->io.file);

    if (result == SFQS_ERROR_SUPER_VERSION)
        return unsquash_bad(unsquash, "its version is not 4.0");
    if (result)
        return unsquash_fail(unsquash, result);
    if (check_super(unsquash) < 0)
        return -1;
    result = sqfs_compressor_config_init(&config, unsquash->super.compression_id,
                                         unsquash->super.block_size, SQFS_COMP_FLAG_UNCOMPRESS);
    if (result == 0)
        result = sqfs_compressor_create(&config, &unsquash->uncompressor);
    name = sqfs_compressor_name_from_id(unsquash->super.compression_id);
    if (result == SQFS_ERROR_UNSUPPORTED)
        return msg_error("%s: reading the squashfs: it is compressed by %s, which cannot be read",
                         unsquash->path, name ? name : "something unknown");
    return result ? unsquash_fail(unsquash, result) : 0;
}

static int begin_readers(struct unsquash *unsquash)
{
    const sqfs_super_t *super = &unsquash->super;
    sqfs_file_t *file = &unsquash->io.file;
    sqfs_compressor_t *uncompressor = unsquash->uncompressor;
    int result;

    unsquash->packed = xcalloc(3, super->block_size);
    unsquash->data = unsquash->packed + super->block_size;
    unsquash->shared = unsquash->data + super->block_size;
    unsquash->shared_number = UNSQUASH_NONE;
    unsquash->inodes = sqfs_meta_reader_create(file, uncompressor, super->inode_table_start,
                                               super->directory_table_start);
    unsquash->names = sqfs_meta_reader_create(file, uncompressor, super->directory_table_start,
                                              super->bytes_used);
    unsquash->tables =
        sqfs_meta_reader_create(file, uncompressor, sizeof *super, super->bytes_used);
    unsquash->ids = sqfs_id_table_create(0);
    if (!unsquash->inodes || !unsquash->names || !unsquash->tables || !unsquash->ids)
        return unsquash_bad(unsquash, "not enough memory");
    result = sqfs_id_table_read(unsquash->ids, file, super, uncompressor);
    return result ? unsquash_fail(unsquash, result) : 0;
}

static int squashfs_open(struct rootfs *rootfs)
{
    struct unsquash *unsquash = xcalloc(1, sizeof *unsquash);
    struct stat st;

    rootfs->state = unsquash;
    unsquash->path = rootfs->path;
    unsquash->entry = archive_entry_new();
    if (fstat(rootfs->fd, &st) < 0)
        return msg_errno(rootfs->path, "reading the squashfs");
    squash_io_init(&unsquash->io, rootfs->fd, 0, (uint64_t)st.st_size);
    return read_super(unsquash) < 0 ? -1 : begin_readers(unsquash);
}

static struct unsquash_seen *find_seen(const struct unsquash *unsquash, uint64_t ref)
{
    size_t i = (ref + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 20;

    for (;; i++) {
        struct unsquash_seen *seen = &unsquash->seen[i & (unsquash->seen_room - 1)];

        if (!seen->ref || seen->ref == ref + 1)
            return seen;
    }
}

static void grow_seen(struct unsquash *unsquash)
{
    struct unsquash_seen *old = unsquash->seen;
    size_t room = unsquash->seen_room;

    unsquash->seen_room = room ? 2 * room : 256;
    unsquash->seen = xcalloc(unsquash->seen_room, sizeof *unsquash->seen);
    for (size_t i = 0; i < room; i++)
        if (old[i].ref)
            *find_seen(unsquash, old[i].ref - 1) = old[i];
    free(old);
}

/* Notes an inode that must be known again. 1: it has been seen before, and *path becomes its first
 * name; 0: not. */
static int see(struct unsquash *unsquash, const struct unsquash_inode *inode, const char **path)
{
    struct unsquash_seen *seen;

    if (2 * unsquash->seen_count >= unsquash->seen_room)
        grow_seen(unsquash);
    seen = find_seen(unsquash, inode->ref);
    if (seen->ref) {
        *path = seen->path;
        return 1;
    }
    seen->ref = inode->ref + 1;
    seen->path = S_ISDIR(inode->mode) ? NULL : xstrdup(unsquash->name.data);
    unsquash->seen_count++;
    return 0;
}

static int enter_folder(struct unsquash *unsquash, const struct unsquash_inode *inode)
{
    struct unsquash_level *level;
    const char *path;

    if (see(unsquash, inode, &path))
        return unsquash_bad(unsquash, "it is damaged: a folder that is in two places");
    unsquash->levels = xgrow(unsquash->levels, unsquash->depth, sizeof *unsquash->levels);
    level = &unsquash->levels[unsquash->depth++];
    *level = (struct unsquash_level){.name_len = unsquash->depth == 1 ? 0 : unsquash->name.len};
    level->state.init.block = unsquash->super.directory_table_start + inode->list;
    level->state.init.offset = inode->list_offset;
    level->state.init.size = inode->list_len;
    sqfs_readdir_state_reset(&level->state);
    return 0;
}

/* Linux: a minor number around twelve bits of major. */
static void set_device(struct archive_entry *entry, uint32_t device)
{
    archive_entry_set_rdevmajor(entry, device >> 8 & 0xfff);
    archive_entry_set_rdevminor(entry, (device & 0xff) | (device >> 12 & 0xfff00));
}

static void fill_entry(struct unsquash *unsquash, const struct unsquash_inode *inode)
{
    struct archive_entry *entry = unsquash->entry;

    archive_entry_clear(entry);
    archive_entry_copy_pathname(entry, unsquash->name.data);
    archive_entry_set_mode(entry, inode->mode);
    archive_entry_set_uid(entry, inode->uid);
    archive_entry_set_gid(entry, inode->gid);
    archive_entry_set_mtime(entry, inode->mtime, 0);
    archive_entry_set_size(entry, (int64_t)inode->size);
    archive_entry_set_nlink(entry, inode->nlink);
    if (inode->target)
        archive_entry_copy_symlink(entry, inode->target);
    if (S_ISBLK(inode->mode) || S_ISCHR(inode->mode))
        set_device(entry, inode->device);
}

/* The member of unsquash->name; 1, or -1, reported. */
static int take_member(struct unsquash *unsquash, const struct unsquash_inode *inode)
{
    const char *first;

    if (inode->size > INT64_MAX)
        return unsquash_bad(unsquash, "it is damaged: a file that is too large");
    fill_entry(unsquash, inode);
    unsquash->file = (struct unsquash_file){0};
    if (!S_ISDIR(inode->mode) && inode->nlink > 1 && see(unsquash, inode, &first)) {
        archive_entry_copy_hardlink(unsquash->entry, first);
        archive_entry_unset_size(unsquash->entry);
        return 1;
    }
    if (S_ISREG(inode->mode))
        unsquash_file_begin(unsquash, inode);
    if (S_ISDIR(inode->mode) && enter_folder(unsquash, inode) < 0)
        return -1;
    return unsquash_xattrs(unsquash, inode->xattrs) < 0 ? -1 : 1;
}

static int take_inode(struct unsquash *unsquash, uint64_t ref)
{
    struct unsquash_inode inode;
    int result = unsquash_inode(unsquash, ref, &inode) < 0 ? -1 : 0;

    if (result == 0 && !unsquash->depth && !S_ISDIR(inode.mode))
        result = unsquash_bad(unsquash, "it is damaged: its root is no folder");
    if (result == 0)
        result = take_member(unsquash, &inode);
    free(inode.target);
    return result;
}

/* Makes the path of a name in the folder that is being read. */
static int take_name(struct unsquash *unsquash, const sqfs_dir_entry_t *found)
{
    const char *name = (const char *)found->name;
    size_t len = (size_t)found->size + 1;

    if (len > NAME_MAX || strlen(name) != len || strchr(name, '/') || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0)
        return unsquash_bad(unsquash, "it is damaged: a name that is none");
    unsquash->name.len = unsquash->levels[unsquash->depth - 1].name_len;
    if (unsquash->name.len)
        buf_puts(&unsquash->name, "/");
    buf_add(&unsquash->name, name, len);
    if (unsquash->name.len >= PATH_MAX)
        return unsquash_bad(unsquash, "a path is longer than Linux can have it");
    return 0;
}

static int squashfs_next(struct rootfs *rootfs, struct archive_entry **entry)
{
    struct unsquash *unsquash = rootfs->state;
    int result = 1;

    *entry = unsquash->entry;
    if (!unsquash->name.data) {
        buf_puts(&unsquash->name, ".");
        return take_inode(unsquash, unsquash->super.root_inode_ref);
    }
    while (unsquash->depth) {
        sqfs_dir_entry_t *found;
        uint64_t ref;

        result = sqfs_meta_reader_readdir(
            unsquash->names, &unsquash->levels[unsquash->depth - 1].state, &found, NULL, &ref);
        if (result < 0)
            return unsquash_fail(unsquash, result);
        if (result == 0) {
            result = take_name(unsquash, found);
            sqfs_free(found);
            return result < 0 ? -1 : take_inode(unsquash, ref);
        }
        unsquash->depth--;
    }
    return 0;
}

static int squashfs_block(struct rootfs *rootfs, const void **data, size_t *len, uint64_t *offset)
{
    return unsquash_file_block(rootfs->state, data, len, offset);
}

static void squashfs_close(struct rootfs *rootfs)
{
    struct unsquash *unsquash = rootfs->state;

    if (!unsquash)
        return;
    for (size_t i = 0; i < unsquash->seen_room; i++)
        free(unsquash->seen[i].path);
    free(unsquash->seen);
    free(unsquash->levels);
    free(unsquash->packed);
    buf_free(&unsquash->name);
    archive_entry_free(unsquash->entry);
    sqfs_destroy(unsquash->ids);
    sqfs_destroy(unsquash->tables);
    sqfs_destroy(unsquash->names);
    sqfs_destroy(unsquash->inodes);
    sqfs_destroy(unsquash->uncompressor);
    free(unsquash);
    rootfs->state = NULL;
}

const struct rootfs_kind rootfs_squashfs = {
    "a squashfs", squashfs_probe, squashfs_open, squashfs_next, squashfs_block, squashfs_close,
};
