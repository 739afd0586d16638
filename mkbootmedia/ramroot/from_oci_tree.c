/*
 * from_oci_tree: works out which member of which layer is in the tree when all layers have been
 * applied, from their headers alone. Names are kept in memory (about 100 bytes each), contents
 * never.
 *
 * An inode has its own life, apart from its names: a hard link to a file of a lower layer keeps
 * that file's bytes when the first name is taken away or given to another file.
 */
#include "ramroot/from_oci.h"

#include "base/util.h"
#include "ramroot/guard.h"
#include "ramroot/member.h"
#include "ramroot/rootfs.h"

#include <archive.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ROOT      0
#define HOPS_MAX  40 /* as Linux follows symbolic links */
#define DEPTH_MAX (PATH_MAX / 2)
#define BYTES_MAX (512 * MIB)
#define WHITEOUT  ".wh."

static const char too_many[] = "there are too many files";

static uint32_t hash_of(uint32_t parent, const char *name, size_t len)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ parent;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)name[i]) * UINT64_C(0x100000001b3);
    return (uint32_t)(hash ^ hash >> 29 ^ hash >> 47);
}

static uint32_t *bucket_of(const struct oci_tree *tree, uint32_t parent, const char *name,
                           size_t len)
{
    return &tree->buckets[hash_of(parent, name, len) & (tree->bucket_count - 1)];
}

/* The node of that name in a folder, gone or not. */
static uint32_t look(const struct oci_tree *tree, uint32_t parent, const char *name, size_t len)
{
    uint32_t i = *bucket_of(tree, parent, name, len);

    for (; i != OCI_NONE; i = tree->nodes[i].bucket) {
        const struct oci_node *node = &tree->nodes[i];

        if (node->parent == parent && strncmp(node->name, name, len) == 0 && !node->name[len])
            return i;
    }
    return OCI_NONE;
}

static void put_in_bucket(struct oci_tree *tree, uint32_t i)
{
    struct oci_node *node = &tree->nodes[i];
    uint32_t *bucket = bucket_of(tree, node->parent, node->name, strlen(node->name));

    node->bucket = *bucket;
    *bucket = i;
}

static void set_buckets(struct oci_tree *tree, size_t count)
{
    tree->bucket_count = count;
    tree->buckets = xrealloc(tree->buckets, count * sizeof *tree->buckets);
    memset(tree->buckets, 0xff, count * sizeof *tree->buckets); /* OCI_NONE */
    for (size_t i = 1; i < tree->node_count; i++)
        put_in_bucket(tree, (uint32_t)i);
}

static uint32_t new_node(struct oci_tree *tree, uint32_t parent, const char *name, size_t len)
{
    uint32_t i = (uint32_t)tree->node_count;

    tree->nodes = xgrow(tree->nodes, i, sizeof *tree->nodes);
    tree->nodes[i] = (struct oci_node){.name = xasprintf("%.*s", (int)len, name),
                                       .parent = parent,
                                       .child = OCI_NONE,
                                       .sibling = OCI_NONE,
                                       .what = OCI_NONE,
                                       .again = OCI_NONE,
                                       .gone = true};
    tree->bytes += len;
    if (i != ROOT)
        tree->nodes[i].depth = (uint16_t)(tree->nodes[parent].depth + 1);
    if (++tree->node_count > tree->bucket_count)
        set_buckets(tree, 2 * tree->bucket_count);
    else if (i != ROOT)
        put_in_bucket(tree, i);
    return i;
}

void oci_tree_init(struct oci_tree *tree)
{
    *tree = (struct oci_tree){0};
    set_buckets(tree, 1024);
    new_node(tree, ROOT, "", 0);
    tree->nodes[ROOT].gone = false;
}

/* The node of a name in a folder, which is there when this returns; OCI_NONE: there are too many.
 */
static uint32_t enter(struct oci_tree *tree, uint32_t folder, const char *name, size_t len)
{
    uint32_t i = look(tree, folder, name, len);
    struct oci_node *node;

    if (i == OCI_NONE && tree->node_count >= GUARD_MEMBERS_MAX)
        return OCI_NONE;
    if (i == OCI_NONE)
        i = new_node(tree, folder, name, len);
    node = &tree->nodes[i];
    if (node->gone) {
        node->gone = false;
        node->type = OCI_FOLDER;
        node->what = OCI_NONE;
    }
    if (!node->listed) {
        node->listed = true;
        node->sibling = tree->nodes[folder].child;
        tree->nodes[folder].child = i;
    }
    return i;
}

/* Takes what is in a folder away, but not what layer (0: no layer) has put there. */
static void wipe(struct oci_tree *tree, uint32_t folder, uint16_t layer)
{
    uint32_t kept = OCI_NONE, next;

    if (layer && tree->nodes[folder].wiped == layer)
        return; /* once more would be in vain */
    for (uint32_t i = tree->nodes[folder].child; i != OCI_NONE; i = next) {
        struct oci_node *node = &tree->nodes[i];

        next = node->sibling;
        node->gone |= !layer || node->layer != layer;
        node->listed = !node->gone;
        wipe(tree, i, node->gone ? 0 : layer);
        if (!node->gone) {
            node->sibling = kept;
            kept = i;
        }
    }
    tree->nodes[folder].child = kept;
    tree->nodes[folder].wiped = layer;
}

/* A walk along a path: the folder where it stands, and the part of text that is still before it. */
struct walk {
    uint32_t at;
    char *text;
    const char *rest;
    unsigned hops;
    uint16_t layer; /* it makes what is missing; 0: nothing is made */
};

/* Puts the target of a symbolic link before the rest. */
static const char *hop(const struct oci_tree *tree, struct walk *walk, uint32_t link)
{
    const char *target = tree->nodes[link].target;
    char *joined = xasprintf("%s/%s", target, walk->rest);

    free(walk->text);
    walk->text = joined;
    walk->rest = joined;
    if (*target == '/')
        walk->at = ROOT;
    return ++walk->hops > HOPS_MAX ? "its path goes through too many symbolic links" : NULL;
}

static const char *step_into(struct oci_tree *tree, struct walk *walk, const char *part, size_t len)
{
    uint32_t next =
        walk->layer ? enter(tree, walk->at, part, len) : look(tree, walk->at, part, len);

    if (next == OCI_NONE || tree->nodes[next].gone)
        return walk->layer ? too_many : "its folder is not there";
    if (tree->nodes[next].type == OCI_SYMLINK)
        return hop(tree, walk, next);
    if (tree->nodes[next].type != OCI_FOLDER)
        return "its path goes through a file";
    if (tree->nodes[next].depth > DEPTH_MAX)
        return "its path is too long";
    if (walk->layer)
        tree->nodes[next].layer = walk->layer;
    walk->at = next;
    return NULL;
}

/*
 * Goes to the folder of that path (len bytes). A symbolic link on the way is followed inside the
 * tree, as those who run containers do: layers that were not taken from a file system may have
 * "lib/x" where lib is a link to usr/lib.
 */
static const char *go(struct oci_tree *tree, struct walk *walk, const char *path, size_t len)
{
    const char *why = NULL;

    walk->at = ROOT;
    walk->text = xasprintf("%.*s", (int)len, path);
    walk->rest = walk->text;
    while (!why && *walk->rest) {
        const char *part = walk->rest + strspn(walk->rest, "/");
        size_t part_len = strcspn(part, "/");

        walk->rest = part + part_len;
        if (part_len == 2 && memcmp(part, "..", 2) == 0)
            walk->at = tree->nodes[walk->at].parent;
        else if (part_len > 0 && !(part_len == 1 && *part == '.'))
            why = step_into(tree, walk, part, part_len);
    }
    free(walk->text);
    return why;
}

/* The last part of a path; *len is that of what stands before it. */
static const char *last_part(const char *path, size_t *len)
{
    const char *slash = strrchr(path, '/');

    *len = slash ? (size_t)(slash - path) : 0;
    return slash ? slash + 1 : path;
}

/* ".wh.NAME" takes NAME of the layers below away, ".wh..wh..opq" all that is beside it. */
static const char *white_out(struct oci_tree *tree, const char *path, uint16_t layer)
{
    struct walk walk = {0};
    size_t len;
    const char *name = last_part(path, &len) + strlen(WHITEOUT);
    uint32_t i;

    if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return "is a whiteout of nothing";
    if (go(tree, &walk, path, len))
        return NULL; /* there is nothing to take away */
    if (strcmp(name, WHITEOUT ".opq") == 0) {
        wipe(tree, walk.at, layer);
        return NULL;
    }
    i = look(tree, walk.at, name, strlen(name));
    if (i == OCI_NONE || strncmp(name, WHITEOUT, strlen(WHITEOUT)) == 0)
        return NULL; /* .wh..wh.NAME is aufs' own */
    if (tree->nodes[i].layer == layer) {
        wipe(tree, i, layer);
    } else {
        wipe(tree, i, 0);
        tree->nodes[i].gone = true;
    }
    return NULL;
}

static uint32_t new_folder(struct oci_tree *tree)
{
    tree->folders = xgrow(tree->folders, tree->folder_count, sizeof *tree->folders);
    tree->folders[tree->folder_count] = (struct oci_folder){0};
    return (uint32_t)tree->folder_count++;
}

/* The later member of a folder gives its owner, mode and so on; what is in it stays. */
static void set_folder(struct oci_tree *tree, uint32_t i, struct archive_entry *entry)
{
    struct oci_node *node = &tree->nodes[i];
    struct oci_folder *folder;

    if (node->type != OCI_FOLDER || node->what == OCI_NONE)
        node->what = new_folder(tree);
    node->type = OCI_FOLDER;
    folder = &tree->folders[node->what];
    archive_entry_free(folder->entry);
    *folder = (struct oci_folder){.mtime = archive_entry_mtime(entry),
                                  .mtime_ns = archive_entry_mtime_nsec(entry),
                                  .uid = archive_entry_uid(entry),
                                  .gid = archive_entry_gid(entry),
                                  .mode = archive_entry_perm(entry)};
    if (archive_entry_xattr_count(entry) || archive_entry_acl_types(entry))
        folder->entry = archive_entry_clone(entry);
    if (folder->entry) { /* owners are numbers */
        archive_entry_copy_uname(folder->entry, NULL);
        archive_entry_copy_gname(folder->entry, NULL);
    }
    tree->bytes += member_metadata(entry);
}

static uint32_t new_inode(struct oci_tree *tree, uint16_t layer, uint32_t member)
{
    tree->inodes = xgrow(tree->inodes, tree->inode_count, sizeof *tree->inodes);
    tree->inodes[tree->inode_count] =
        (struct oci_inode){.layer = layer, .member = member, .name = OCI_NONE};
    return (uint32_t)tree->inode_count++;
}

/* The node that a hard link names; why it cannot be. */
static const char *find_target(struct oci_tree *tree, const char *path, uint32_t *target)
{
    struct walk walk = {0};
    size_t len;
    const char *name = last_part(path, &len);
    const char *why = go(tree, &walk, path, len);

    *target = why ? OCI_NONE : look(tree, walk.at, name, strlen(name));
    if (*target == OCI_NONE || tree->nodes[*target].gone)
        return "is a hard link to a file that was not there before";
    return tree->nodes[*target].type == OCI_FOLDER ? "is a hard link to a folder" : NULL;
}

/* Gives the node an inode: that of a hard link's target, or a new one. */
static void set_inode(struct oci_tree *tree, uint32_t i, uint32_t inode, enum oci_type type,
                      const char *target)
{
    struct oci_node *node = &tree->nodes[i];
    char *copy = target ? xstrdup(target) : NULL; /* before the old one goes: it may be that */

    tree->bytes += target ? strlen(target) : 0;
    if (node->type == OCI_FOLDER)
        wipe(tree, i, 0);
    free(node->target);
    node->target = copy;
    node->type = (uint8_t)type;
    node->what = inode;
}

static const char *add_link(struct oci_tree *tree, uint32_t i, const char *path)
{
    uint32_t target;
    const char *why = find_target(tree, path, &target);

    if (!why && target == i)
        why = "is a hard link to itself";
    if (!why)
        set_inode(tree, i, tree->nodes[target].what, tree->nodes[target].type,
                  tree->nodes[target].target);
    return why;
}

/* Puts a member that is no whiteout at its name. */
static const char *place(struct oci_tree *tree, struct archive_entry *entry, const char *path,
                         uint16_t layer, uint32_t member)
{
    struct walk walk = {.layer = layer};
    const char *link = archive_entry_hardlink(entry), *why, *name;
    bool is_symlink = archive_entry_filetype(entry) == AE_IFLNK;
    size_t len;
    uint32_t i;

    name = last_part(path, &len);
    why = go(tree, &walk, path, len);
    i = why ? OCI_NONE : enter(tree, walk.at, name, strlen(name));
    if (i == OCI_NONE)
        return why ? why : too_many;
    if (link)
        why = add_link(tree, i, link);
    else if (archive_entry_filetype(entry) == AE_IFDIR)
        set_folder(tree, i, entry);
    else
        set_inode(tree, i, new_inode(tree, layer, member), is_symlink ? OCI_SYMLINK : OCI_OTHER,
                  is_symlink ? archive_entry_symlink(entry) : NULL);
    tree->nodes[i].layer = layer;
    return why;
}

static bool climbs(const char *path)
{
    for (const char *part = path; *part; part += strcspn(part, "/")) {
        part += strspn(part, "/");
        if (strcspn(part, "/") == 2 && memcmp(part, "..", 2) == 0)
            return true;
    }
    return false;
}

/* What is wrong with the form of a member; NULL if nothing. */
static const char *check(struct archive_entry *entry, const char *path)
{
    const char *link = archive_entry_hardlink(entry), *target = archive_entry_symlink(entry);
    bool is_symlink = !link && archive_entry_filetype(entry) == AE_IFLNK;

    if (*path == '/')
        return "its path is absolute";
    if (climbs(path))
        return "its path has '..' in it";
    if (strlen(path) >= PATH_MAX)
        return "its path is too long";
    if (link && (*link == '/' || climbs(link) || strlen(link) >= PATH_MAX))
        return "is a hard link to a path that cannot be";
    if (is_symlink && (!target || !*target || strlen(target) >= PATH_MAX))
        return "is a symbolic link to a path that cannot be";
    if (!link && !archive_entry_filetype(entry))
        return "is of a kind that no root file system has";
    return NULL;
}

const char *oci_tree_add(struct oci_tree *tree, struct archive_entry *entry, uint16_t layer,
                         uint32_t member)
{
    const char *path = archive_entry_pathname(entry), *why = check(entry, path);
    char *copy = xstrdup(path);
    size_t len;

    path = *path == '/' ? copy : rootfs_clean_path(copy);
    if (tree->bytes > BYTES_MAX)
        why = too_many;
    if (why) {
        /* nothing is done */
    } else if (strcmp(path, ".") == 0) {
        if (archive_entry_filetype(entry) == AE_IFDIR && !archive_entry_hardlink(entry))
            set_folder(tree, ROOT, entry);
        else
            why = "is the root, but no folder";
    } else if (strncmp(last_part(path, &len), WHITEOUT, strlen(WHITEOUT)) == 0) {
        why = white_out(tree, path, layer);
    } else {
        why = place(tree, entry, path, layer, member);
    }
    free(copy);
    return why;
}

void oci_tree_end(struct oci_tree *tree)
{
    for (size_t i = tree->node_count; i-- > 0;) {
        struct oci_node *node = &tree->nodes[i];

        if (node->gone || node->type == OCI_FOLDER)
            continue;
        node->again = tree->inodes[node->what].name;
        tree->inodes[node->what].name = (uint32_t)i;
    }
}

char *oci_tree_path(const struct oci_tree *tree, uint32_t node)
{
    char *path = xstrdup(node == ROOT ? "." : tree->nodes[node].name);

    while (node != ROOT && (node = tree->nodes[node].parent) != ROOT) {
        char *longer = xasprintf("%s/%s", tree->nodes[node].name, path);

        free(path);
        path = longer;
    }
    return path;
}

struct archive_entry *oci_tree_folder(const struct oci_tree *tree, uint32_t node)
{
    const struct oci_folder *folder = &tree->folders[tree->nodes[node].what];
    struct archive_entry *entry =
        folder->entry ? archive_entry_clone(folder->entry) : archive_entry_new();
    char *path = oci_tree_path(tree, node);

    archive_entry_copy_pathname(entry, path);
    archive_entry_set_filetype(entry, AE_IFDIR);
    archive_entry_set_perm(entry, folder->mode);
    archive_entry_set_uid(entry, folder->uid);
    archive_entry_set_gid(entry, folder->gid);
    archive_entry_set_mtime(entry, folder->mtime, folder->mtime_ns);
    free(path);
    return entry;
}

void oci_tree_free(struct oci_tree *tree)
{
    for (size_t i = 0; i < tree->node_count; i++) {
        free(tree->nodes[i].name);
        free(tree->nodes[i].target);
    }
    for (size_t i = 0; i < tree->folder_count; i++)
        archive_entry_free(tree->folders[i].entry);
    free(tree->nodes);
    free(tree->inodes);
    free(tree->folders);
    free(tree->buckets);
    *tree = (struct oci_tree){0};
}
