/*
 * from_oci: a container image: an OCI image layout (a folder or a tar) or what docker save writes.
 *
 * The layers are read twice. The first time headers alone are looked at, from the lowest layer to
 * the topmost, digests are checked, and from_oci_tree learns what is in the tree at the end. The
 * second time that is given: all folders first (the topmost layer that has a folder says whose it
 * is), then, layer by layer, what else is left. A file that has several names is given once with
 * its bytes and then as hard links.
 */
#include "ramroot/from_oci.h"

#include "base/digest.h"
#include "base/msg.h"
#include "base/util.h"
#include "ramroot/blob.h"
#include "ramroot/guard.h"
#include "ramroot/rootfs.h"

#include <stdlib.h>
#include <string.h>

struct oci {
    struct oci_files files;
    struct oci_layers layers;
    struct oci_tree tree;
    uint32_t members; /* of all layers, in the first reading */

    uint32_t node;                /* folders of nodes before it have been given */
    struct archive_entry *folder; /* the one given last */

    size_t layer;            /* the one that is open, from 1; 0: none yet */
    struct archive *archive; /* of it */
    struct blob blob;
    struct archive_entry *entry; /* its member that was read last */
    uint32_t member;             /* how many were read */
    uint32_t inode;              /* those before it have been given or are not wanted */
    uint32_t again;              /* the next name of the one that was given last */
    char *first;                 /* its first name, if others are hard links to it */
    bool has_bytes;              /* the member given last has bytes to come */
};

static int fail(const struct rootfs *rootfs, const char *layer, const char *why)
{
    return msg_error("%s: reading the container image: %s: %s", rootfs->path, layer, why);
}

static void close_layer(struct oci *oci)
{
    archive_read_free(oci->archive);
    oci->archive = NULL;
    oci->entry = NULL;
    blob_close(&oci->blob);
}

/* number: from 1 */
static int open_layer(struct rootfs *rootfs, size_t number)
{
    struct oci *oci = rootfs->state;
    const struct oci_layer *layer = &oci->layers.list[number - 1];

    close_layer(oci);
    oci->layer = number;
    oci->member = 0;
    oci->archive = blob_tar_reader();
    if (blob_open(&oci->blob, oci->archive, &layer->content) != ARCHIVE_OK)
        return fail(rootfs, layer->name, blob_why(oci->archive));
    return 0;
}

/* The next member of the open layer: 1 there is one, 0 its end, -1 reported. */
static int next_member(struct rootfs *rootfs)
{
    struct oci *oci = rootfs->state;
    const char *layer = oci->layers.list[oci->layer - 1].name;
    int result = archive_read_next_header(oci->archive, &oci->entry);

    if (result == ARCHIVE_EOF)
        return 0;
    if (result != ARCHIVE_OK)
        return fail(rootfs, layer, blob_why(oci->archive));
    if (!archive_entry_pathname(oci->entry))
        return fail(rootfs, layer, "a member has no name");
    oci->member++;
    return 1;
}

/* Applies the headers of the open layer to the tree. */
static int learn_layer(struct rootfs *rootfs)
{
    struct oci *oci = rootfs->state;
    const char *layer = oci->layers.list[oci->layer - 1].name;
    int result;

    while ((result = next_member(rootfs)) == 1) {
        const char *why = oci_tree_add(&oci->tree, oci->entry, (uint16_t)oci->layer, oci->member);

        if (!why && ++oci->members > GUARD_MEMBERS_MAX)
            why = "there are too many files";
        if (why)
            return msg_error("%s: reading the container image: %s: %s: %s", rootfs->path, layer,
                             archive_entry_pathname(oci->entry), why);
    }
    return result;
}

/* The digest of each layer comes first: what has another one is not looked into. */
static int check_layer(struct rootfs *rootfs, const struct oci_layer *layer)
{
    uint8_t digest[DIGEST_LEN];

    if (!layer->digest)
        return 0;
    if (digest_content(&layer->content, 0, digest) < 0)
        return -1;
    if (strcmp(digest_hex(digest).text, layer->digest) != 0)
        return fail(rootfs, layer->name, "its SHA-256 digest is another than its name says");
    return 0;
}

static int learn(struct rootfs *rootfs)
{
    struct oci *oci = rootfs->state;

    for (size_t i = 0; i < oci->layers.count; i++)
        if (check_layer(rootfs, &oci->layers.list[i]) < 0 || open_layer(rootfs, i + 1) < 0 ||
            learn_layer(rootfs) < 0)
            return -1;
    oci_tree_end(&oci->tree);
    close_layer(oci);
    oci->layer = 0;
    return 0;
}

static int oci_open(struct rootfs *rootfs)
{
    struct oci *oci = xcalloc(1, sizeof *oci);

    rootfs->state = oci;
    oci->again = OCI_NONE;
    oci_tree_init(&oci->tree);
    if (oci_files_open(&oci->files, rootfs->path, rootfs->fd) < 0 ||
        oci_layers_find(&oci->layers, &oci->files) < 0)
        return -1;
    return learn(rootfs);
}

/* The next folder that a member named; NULL when all have been given. */
static struct archive_entry *next_folder(struct oci *oci)
{
    archive_entry_free(oci->folder);
    oci->folder = NULL;
    while (oci->node < oci->tree.node_count && !oci->folder) {
        const struct oci_node *node = &oci->tree.nodes[oci->node];

        if (!node->gone && node->type == OCI_FOLDER && node->what != OCI_NONE)
            oci->folder = oci_tree_folder(&oci->tree, oci->node);
        oci->node++;
    }
    return oci->folder;
}

/* Moves to the next inode that has a name left; false: there is none. */
static bool find_inode(struct oci *oci)
{
    while (oci->inode < oci->tree.inode_count && oci->tree.inodes[oci->inode].name == OCI_NONE)
        oci->inode++;
    return oci->inode < oci->tree.inode_count;
}

/* Reads the layers up to the member of the next inode; as rootfs_kind.next. */
static int find_member(struct rootfs *rootfs)
{
    struct oci *oci = rootfs->state;
    const struct oci_inode *inode;
    int result;

    if (!find_inode(oci))
        return 0;
    inode = &oci->tree.inodes[oci->inode];
    if (oci->layer != inode->layer && open_layer(rootfs, inode->layer) < 0)
        return -1;
    while (oci->member < inode->member) {
        result = next_member(rootfs);
        if (result == 0)
            return fail(rootfs, oci->layers.list[oci->layer - 1].name,
                        "has changed while it was read");
        if (result < 0)
            return -1;
    }
    oci->again = inode->name;
    oci->inode++;
    return 1;
}

/* Gives the member that was read last the next of its names. */
static void name_member(struct oci *oci)
{
    char *path = oci_tree_path(&oci->tree, oci->again);

    oci->again = oci->tree.nodes[oci->again].again;
    archive_entry_copy_pathname(oci->entry, path);
    if (oci->first) {
        archive_entry_copy_hardlink(oci->entry, oci->first);
        archive_entry_set_size(oci->entry, 0);
        archive_entry_sparse_clear(oci->entry);
        free(path);
    } else {
        archive_entry_copy_uname(oci->entry, NULL);
        archive_entry_copy_gname(oci->entry, NULL);
        if (archive_entry_filetype(oci->entry) == AE_IFREG)
            oci->first = path;
        else
            free(path); /* links, devices: several names are several of them */
    }
}

static int oci_next(struct rootfs *rootfs, struct archive_entry **entry)
{
    struct oci *oci = rootfs->state;
    int result;

    oci->has_bytes = false;
    *entry = next_folder(oci);
    if (*entry)
        return 1;
    if (oci->again == OCI_NONE) {
        free(oci->first);
        oci->first = NULL;
        result = find_member(rootfs);
        if (result <= 0)
            return result;
        oci->has_bytes = true;
    }
    name_member(oci);
    *entry = oci->entry;
    return 1;
}

static int oci_block(struct rootfs *rootfs, const void **data, size_t *len, uint64_t *offset)
{
    struct oci *oci = rootfs->state;
    la_int64_t at;
    int result;

    if (!oci->has_bytes)
        return 0;
    result = archive_read_data_block(oci->archive, data, len, &at);
    if (result == ARCHIVE_EOF)
        return 0;
    if (result != ARCHIVE_OK)
        return fail(rootfs, oci->layers.list[oci->layer - 1].name, blob_why(oci->archive));
    *offset = (uint64_t)at;
    return 1;
}

static void oci_close(struct rootfs *rootfs)
{
    struct oci *oci = rootfs->state;

    if (!oci)
        return;
    close_layer(oci);
    archive_entry_free(oci->folder);
    free(oci->first);
    oci_tree_free(&oci->tree);
    oci_layers_free(&oci->layers);
    oci_files_free(&oci->files);
    free(oci);
    rootfs->state = NULL;
}

const struct rootfs_kind rootfs_oci = {
    "a container image", oci_files_probe, oci_open, oci_next, oci_block, oci_close,
};
