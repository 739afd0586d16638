/*
 * squash_write: what comes behind the contents.
 *
 *   | super block | options | blocks, fragments | inodes | folders | fragment table |
 *   | export table | owners | extended attributes |
 *
 * An entry of a folder names the place of its inode, so inodes come before what they are in.
 */
#include "ramroot/squash_private.h"

#include "ramroot/acl.h"
#include "ramroot/extra.h"

#include <sqfs/block.h>
#include <sqfs/dir_writer.h>
#include <sqfs/error.h>
#include <sqfs/meta_writer.h>
#include <sqfs/table.h>

#include <stdlib.h>
#include <sys/stat.h>

/* Of one call of squash_write. */
struct writing {
    struct squash *squash;
    sqfs_meta_writer_t *inodes, *folders;
    sqfs_dir_writer_t *folder;
    uint64_t *refs; /* of inodes by number - 1, little-endian: the export table */
    uint32_t count;
};

static const struct {
    mode_t type;
    uint16_t basic, extended;
} types[] = {
    {S_IFREG, SQFS_INODE_FILE, SQFS_INODE_EXT_FILE},
    {S_IFLNK, SQFS_INODE_SLINK, SQFS_INODE_EXT_SLINK},
    {S_IFBLK, SQFS_INODE_BDEV, SQFS_INODE_EXT_BDEV},
    {S_IFCHR, SQFS_INODE_CDEV, SQFS_INODE_EXT_CDEV},
    {S_IFIFO, SQFS_INODE_FIFO, SQFS_INODE_EXT_FIFO},
    {S_IFSOCK, SQFS_INODE_SOCKET, SQFS_INODE_EXT_SOCKET},
};

static uint16_t find_type(uint32_t mode, bool extended)
{
    size_t i = 0;

    while (i + 1 < ARRAY_LEN(types) && types[i].type != (mode & S_IFMT))
        i++;
    return extended ? types[i].extended : types[i].basic;
}

/* Numbers of siblings are near each other, as entries of a folder give differences. */
static uint32_t number_inodes(const struct squash_tree *tree)
{
    uint32_t number = 0;

    for (struct squash_node *folder = squash_tree_first(tree); folder;
         folder = squash_tree_next(folder))
        for (struct squash_node *node = folder->children; node; node = node->sibling)
            if (!node->inode->number)
                node->inode->number = ++number;
    tree->root->inode->number = ++number;
    return number;
}

/* What all types have. */
static int fill_base(struct writing *writing, const struct squash_inode *inode, sqfs_inode_t *base)
{
    sqfs_id_table_t *ids = writing->squash->ids;
    int result = sqfs_id_table_id_to_index(ids, inode->uid, &base->uid_idx);

    base->mode = (uint16_t)inode->mode;
    base->mod_time = inode->mtime;
    base->inode_number = inode->number;
    return result ? result : sqfs_id_table_id_to_index(ids, inode->gid, &base->gid_idx);
}

/* Bytes of the file that no block holds. */
static uint64_t count_sparse(const struct squash_file *file)
{
    uint64_t sparse = 0, left = file->size;

    for (size_t i = 0; i < file->count; i++, left -= SQUASH_BLOCK)
        if (!file->blocks[i])
            sparse += left < SQUASH_BLOCK ? left : SQUASH_BLOCK;
    return sparse;
}

static int write_blocks(struct writing *writing, const struct squash_file *file)
{
    uint8_t chunk[4096];
    int result = 0;

    for (size_t i = 0; i < file->count && result == 0;) {
        size_t n = 0;

        for (; i < file->count && n < sizeof chunk; i++, n += 4)
            put_le32(chunk + n, file->blocks[i]);
        result = sqfs_meta_writer_append(writing->inodes, chunk, n);
    }
    return result;
}

/* A tail without a fragment was nothing but zeros: then it is one more hole. */
static void find_tail(struct squash_file *file, uint32_t *fragment, uint32_t *offset)
{
    *fragment = *offset = SQUASH_NONE;
    if (!file->tail)
        return;
    sqfs_inode_get_frag_location(file->tail, fragment, offset);
    if (*fragment != SQUASH_NONE)
        return;
    file->blocks = xgrow(file->blocks, file->count, sizeof *file->blocks);
    file->blocks[file->count++] = 0;
}

static int write_file(struct writing *writing, const struct squash_inode *inode,
                      sqfs_inode_generic_t *out)
{
    struct squash_file *file = inode->file;
    uint32_t fragment, offset;
    uint64_t sparse;
    int result;

    find_tail(file, &fragment, &offset);
    sparse = count_sparse(file);
    if (inode->xattrs != SQUASH_NONE || inode->nlink > 1 || sparse || file->size > UINT32_MAX ||
        file->start > UINT32_MAX) {
        out->base.type = SQFS_INODE_EXT_FILE;
        out->data.file_ext = (sqfs_inode_file_ext_t){
            file->start, file->size, sparse, inode->nlink, fragment, offset, inode->xattrs};
    } else {
        out->data.file =
            (sqfs_inode_file_t){(uint32_t)file->start, fragment, offset, (uint32_t)file->size};
    }
    result = sqfs_meta_writer_write_inode(writing->inodes, out);
    return result ? result : write_blocks(writing, file);
}

/* out has room for the target behind it. */
static int write_symlink(struct writing *writing, const struct squash_inode *inode,
                         sqfs_inode_generic_t *out)
{
    size_t len = strlen(inode->target);

    out->data.slink_ext = (sqfs_inode_slink_ext_t){inode->nlink, (uint32_t)len, inode->xattrs};
    memcpy(out->extra, inode->target, len);
    return sqfs_meta_writer_write_inode(writing->inodes, out);
}

static int write_other(struct writing *writing, const struct squash_inode *inode,
                       sqfs_inode_generic_t *out)
{
    if (S_ISBLK(inode->mode) || S_ISCHR(inode->mode))
        out->data.dev_ext = (sqfs_inode_dev_ext_t){inode->nlink, inode->device, inode->xattrs};
    else
        out->data.ipc_ext = (sqfs_inode_ipc_ext_t){inode->nlink, inode->xattrs};
    return sqfs_meta_writer_write_inode(writing->inodes, out);
}

static void note_ref(struct writing *writing, struct squash_inode *inode)
{
    uint64_t block;
    uint32_t offset;

    sqfs_meta_writer_get_position(writing->inodes, &block, &offset);
    inode->ref = block << 16 | offset;
    inode->written = true;
    put_le64(&writing->refs[inode->number - 1], inode->ref);
}

/* An inode of anything but a folder. */
static int write_inode(struct writing *writing, struct squash_inode *inode)
{
    size_t target = inode->target ? strlen(inode->target) : 0;
    sqfs_inode_generic_t *out;
    int result;

    if (inode->written)
        return 0;
    out = xcalloc(1, sizeof *out + target);
    result = fill_base(writing, inode, &out->base);
    out->base.type = find_type(inode->mode, inode->xattrs != SQUASH_NONE);
    note_ref(writing, inode);
    if (result == 0)
        result = (S_ISREG(inode->mode)   ? write_file
                  : S_ISLNK(inode->mode) ? write_symlink
                                         : write_other)(writing, inode, out);
    free(out);
    return result;
}

static int write_entries(struct writing *writing, const struct squash_node *folder,
                         uint32_t *folders)
{
    int result = sqfs_dir_writer_begin(writing->folder, 0);

    for (struct squash_node *node = folder->children; node && result == 0; node = node->sibling) {
        result = sqfs_dir_writer_add_entry(writing->folder, node->name, node->inode->number,
                                           node->inode->ref, (uint16_t)node->inode->mode);
        *folders += S_ISDIR(node->inode->mode);
    }
    return result ? result : sqfs_dir_writer_end(writing->folder);
}

static int write_folder_inode(struct writing *writing, const struct squash_node *folder,
                              uint32_t nlink)
{
    uint32_t parent = folder->parent ? folder->parent->inode->number : writing->count + 1;
    sqfs_inode_generic_t *out =
        sqfs_dir_writer_create_inode(writing->folder, 0, folder->inode->xattrs, parent);
    int result;

    if (!out)
        return SQFS_ERROR_ALLOC;
    if (out->base.type == SQFS_INODE_EXT_DIR)
        out->data.dir_ext.nlink = nlink;
    else
        out->data.dir.nlink = nlink;
    result = fill_base(writing, folder->inode, &out->base);
    note_ref(writing, folder->inode);
    if (result == 0)
        result = sqfs_meta_writer_write_inode(writing->inodes, out);
    sqfs_free(out);
    return result;
}

/* What is in it, then the folder itself; folders in it have been before. */
static int write_folder(struct writing *writing, struct squash_node *folder)
{
    uint32_t folders = 0;
    int result = 0;

    for (struct squash_node *node = folder->children; node && result == 0; node = node->sibling)
        if (!S_ISDIR(node->inode->mode))
            result = write_inode(writing, node->inode);
    if (result == 0)
        result = write_entries(writing, folder, &folders);
    return result ? result : write_folder_inode(writing, folder, folders + 2);
}

static int write_tree(struct writing *writing)
{
    struct squash *squash = writing->squash;
    struct squash_node *node = squash_tree_first(&squash->tree);
    int result = 0;

    squash->super.inode_table_start = squash->io.size;
    for (; node && result == 0; node = squash_tree_next(node))
        result = write_folder(writing, node);
    if (result == 0)
        result = sqfs_meta_writer_flush(writing->inodes);
    if (result == 0)
        result = sqfs_meta_writer_flush(writing->folders);
    squash->super.directory_table_start = squash->io.size;
    squash->super.root_inode_ref = squash->tree.root->inode->ref;
    squash->super.inode_count = writing->count;
    return result ? result : sqfs_meta_write_write_to_file(writing->folders);
}

static int write_tables(struct writing *writing)
{
    struct squash *squash = writing->squash;
    sqfs_file_t *file = &squash->io.file;
    sqfs_super_t *super = &squash->super;
    sqfs_compressor_t *compressor = squash->compressor;
    int result = sqfs_frag_table_write(squash->fragments, file, super, compressor);

    if (result == 0)
        result = sqfs_write_table(file, compressor, writing->refs, 8 * (size_t)writing->count,
                                  &super->export_table_start);
    super->flags |= SQFS_FLAG_EXPORTABLE;
    if (result == 0)
        result = sqfs_id_table_write(squash->ids, file, super, compressor);
    if (result == 0)
        result = sqfs_xattr_writer_flush(squash->xattrs, file, super, compressor);
    super->bytes_used = squash->io.size;
    return result ? result : sqfs_super_write(super, file);
}

static void write_acls(const struct squash *squash, const struct squash_node *node)
{
    static const int types_of_acl[] = {ARCHIVE_ENTRY_ACL_TYPE_ACCESS,
                                       ARCHIVE_ENTRY_ACL_TYPE_DEFAULT};
    const struct buf *acls = node->inode->acls;
    char *path = acls ? squash_node_path(node) : NULL;

    for (size_t i = 0; acls && i < ARRAY_LEN(types_of_acl); i++)
        if (acls[i].len)
            extra_xattr(squash->image->extra, path, acl_xattr(types_of_acl[i]), acls[i].data,
                        acls[i].len);
    free(path);
}

/* ACLs, which the first stage sets. Each name of a file, as it is a file of its own once the
 * overlay has copied it. */
static void write_extra(const struct squash *squash)
{
    const struct squash_node *folder = squash_tree_first(&squash->tree);

    for (; folder; folder = squash_tree_next(folder))
        for (const struct squash_node *node = folder->children; node; node = node->sibling)
            write_acls(squash, node);
    write_acls(squash, squash->tree.root);
}

int squash_write(struct squash *squash)
{
    struct writing writing = {.squash = squash};
    int result = SQFS_ERROR_ALLOC;

    squash_tree_sort(&squash->tree);
    writing.count = number_inodes(&squash->tree);
    writing.refs = xcalloc(writing.count, sizeof *writing.refs);
    writing.inodes = sqfs_meta_writer_create(&squash->io.file, squash->compressor, 0);
    writing.folders = sqfs_meta_writer_create(&squash->io.file, squash->compressor,
                                              SQFS_META_WRITER_KEEP_IN_MEMORY);
    writing.folder = writing.folders ? sqfs_dir_writer_create(writing.folders, 0) : NULL;
    if (writing.inodes && writing.folder)
        result = write_tree(&writing);
    if (result == 0)
        result = write_tables(&writing);
    if (result == 0)
        write_extra(squash);
    sqfs_destroy(writing.folder);
    sqfs_destroy(writing.folders);
    sqfs_destroy(writing.inodes);
    free(writing.refs);
    return result ? squash_fail(squash, squash->image->name, result) : 0;
}
