/* tree: the source, then one overlay after the other, each member looked at by the guard. */
#include "ramroot/tree.h"

#include "base/msg.h"
#include "base/util.h"
#include "ramroot/acl.h"

#include <archive.h>
#include <stdlib.h>
#include <string.h>

int tree_stream_open(struct tree_stream *tree, const struct tree_source *source)
{
    *tree = (struct tree_stream){.source = source};
    guard_init(&tree->guard, source->bytes_max);
    return rootfs_open(&tree->rootfs, source->path);
}

#define METADATA_MAX (512 * MIB)
#define FILE_TIB     16 /* of a file, holes and all: what ext4 can have */

static int give_block(struct member *member, const void **data, size_t *len, uint64_t *offset)
{
    struct tree_stream *tree = member->arg;
    int result = rootfs_block(&tree->rootfs, data, len, offset);

    if (result == 1 && guard_bytes(&tree->guard, *len, tree->rootfs.path) < 0)
        return -1;
    return result;
}

/* A member of an overlay goes where the tree's links lead. */
static void redirect(struct tree_stream *tree, struct archive_entry *entry)
{
    bool folder = archive_entry_filetype(entry) == AE_IFDIR && !archive_entry_hardlink(entry);
    const char *link = archive_entry_hardlink(entry);
    char *path = guard_resolve(&tree->guard, archive_entry_pathname(entry), folder);
    char *target = link ? guard_resolve(&tree->guard, link, false) : NULL;

    archive_entry_copy_pathname(entry, *path ? path : ".");
    if (target)
        archive_entry_copy_hardlink(entry, target);
    if (tree->rootfs.kind == &rootfs_folder) {
        archive_entry_set_uid(entry, 0);
        archive_entry_set_gid(entry, 0);
    }
    free(path);
    free(target);
}

static bool is_old_folder(const struct tree_stream *tree, struct archive_entry *entry)
{
    return archive_entry_filetype(entry) == AE_IFDIR &&
           guard_type(&tree->guard, archive_entry_pathname(entry)) == GUARD_FOLDER &&
           !guard_is_implied(&tree->guard, archive_entry_pathname(entry));
}

/* 1: another layer begins; 0: that was the last; -1, reported. */
static int next_layer(struct tree_stream *tree)
{
    const struct strings *overlays = tree->source->overlays;

    if (tree->next_overlay == overlays->n)
        return 0;
    rootfs_close(&tree->rootfs);
    return rootfs_open(&tree->rootfs, overlays->v[tree->next_overlay++]) < 0 ? -1 : 1;
}

/* 1: the next member that is to be in the tree; 0: the layer ends; -1, reported. */
static int next_of_layer(struct tree_stream *tree, struct archive_entry **entry)
{
    bool over = tree->next_overlay;
    int result;

    while ((result = rootfs_next(&tree->rootfs, entry)) == 1) {
        if (over && !guard_path_check(archive_entry_pathname(*entry)))
            redirect(tree, *entry);
        if (!over || !is_old_folder(tree, *entry))
            return guard_member(&tree->guard, *entry, tree->rootfs.path, over) < 0 ? -1 : 1;
    }
    return result;
}

/* A file may be all hole, but within reason; what its header says of the rest need not be read to
 * be too much. */
static int check_size(struct tree_stream *tree, const struct member *member)
{
    const struct guard *guard = &tree->guard;

    if ((uint64_t)archive_entry_size(member->entry) > FILE_TIB * 1024 * GIB)
        return msg_error("%s: reading the root file system: %s: claims to be larger than %d TiB",
                         tree->rootfs.path, archive_entry_pathname(member->entry), FILE_TIB);
    if (member_bytes(member) > guard->bytes_max - guard->bytes)
        return guard_bytes(&tree->guard, guard->bytes_max - guard->bytes + 1, tree->rootfs.path);
    return 0;
}

/* Some of it is kept in memory until the end. */
static int check_metadata(struct tree_stream *tree, struct archive_entry *entry)
{
    tree->metadata += member_metadata(entry);
    if (tree->metadata <= METADATA_MAX)
        return 0;
    return msg_error("%s: reading the root file system: extended attributes and links of more than "
                     "%.0f MiB",
                     tree->rootfs.path, (double)METADATA_MAX / MIB);
}

/* What an archive can have and no root in RAM. */
static void warn_of_rest(struct tree_stream *tree, struct archive_entry *entry)
{
    const char *flags = archive_entry_fflags_text(entry);
    bool nfs4 = archive_entry_acl_types(entry) & ARCHIVE_ENTRY_ACL_TYPE_NFS4;

    if (tree->warned || !(nfs4 || (flags && *flags)))
        return;
    tree->warned = true;
    msg_warn("%s: %s: its %s left out, and so are others'", tree->rootfs.path,
             archive_entry_pathname(entry), nfs4 ? "ACL of NFSv4 is" : "file flags (chattr) are");
}

static int check_attributes(struct tree_stream *tree, struct archive_entry *entry)
{
    const char *why;

    if (check_metadata(tree, entry) < 0)
        return -1;
    warn_of_rest(tree, entry);
    why = acl_normalize(entry);
    return why ? msg_error("%s: reading the root file system: %s: %s", tree->rootfs.path,
                           archive_entry_pathname(entry), why)
               : 0;
}

int tree_stream_next(struct tree_stream *tree, struct member *member)
{
    struct archive_entry *entry;
    int result;

    while ((result = next_of_layer(tree, &entry)) == 0 && (result = next_layer(tree)) == 1)
        ;
    if (result != 1)
        return result;
    *member = (struct member){.entry = entry, .arg = tree};
    if (!archive_entry_hardlink(entry) && archive_entry_filetype(entry) == AE_IFREG)
        member->block = give_block;
    return check_size(tree, member) < 0 || check_attributes(tree, entry) < 0 ? -1 : 1;
}

void tree_stream_close(struct tree_stream *tree)
{
    rootfs_close(&tree->rootfs);
    guard_free(&tree->guard);
}
