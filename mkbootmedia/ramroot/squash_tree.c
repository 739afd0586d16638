/* squash_tree: names and inodes. Nodes are never removed: a name that is taken again stays. */
#include "ramroot/squash_private.h"

#include "base/msg.h"

#include <stdlib.h>
#include <sys/stat.h>

#define NAME_BYTES 255 /* of one name: NAME_MAX of Linux */

struct squash_inode *squash_inode_new(struct squash_tree *tree, uint32_t mode)
{
    struct squash_inode *inode = xcalloc(1, sizeof *inode);

    inode->mode = mode;
    inode->mtime = tree->time;
    inode->xattrs = SQUASH_NONE;
    if (tree->last)
        tree->last->next = inode;
    else
        tree->inodes = inode;
    tree->last = inode;
    return inode;
}

static bool is_folder(const struct squash_node *node)
{
    return S_ISDIR(node->inode->mode);
}

/* FNV-1a over the name, from the hash of what it is in. */
static uint64_t hash_name(const struct squash_node *parent, const char *name, size_t len)
{
    uint64_t hash = (parent->hash ^ '/') * UINT64_C(0x100000001b3);

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)name[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static void put_in_slot(struct squash_tree *tree, struct squash_node *node)
{
    struct squash_node **slot = &tree->slots[node->hash & (tree->room - 1)];

    node->chain = *slot;
    *slot = node;
}

static void grow(struct squash_tree *tree)
{
    struct squash_node **old = tree->slots;
    size_t old_room = tree->room;

    tree->room = old_room ? 2 * old_room : 1024;
    tree->slots = xcalloc(tree->room, sizeof *tree->slots);
    for (size_t i = 0; i < old_room; i++)
        for (struct squash_node *node = old[i], *next; node; node = next) {
            next = node->chain;
            put_in_slot(tree, node);
        }
    free(old);
}

static struct squash_node *new_node(struct squash_tree *tree, struct squash_node *parent,
                                    const char *name, size_t len)
{
    struct squash_node *node = xcalloc(1, sizeof *node + len + 1);

    memcpy(node->name, name, len);
    node->parent = parent;
    if (parent) {
        node->hash = hash_name(parent, name, len);
        node->sibling = parent->children;
        parent->children = node;
    }
    if (tree->count++ == tree->room)
        grow(tree);
    put_in_slot(tree, node);
    return node;
}

static void set_inode(struct squash_node *node, struct squash_inode *inode)
{
    if (node->inode)
        node->inode->nlink--;
    node->inode = inode;
    inode->nlink++;
}

void squash_tree_init(struct squash_tree *tree, uint32_t time)
{
    tree->time = time;
    tree->root = new_node(tree, NULL, "", 0);
    set_inode(tree->root, squash_inode_new(tree, S_IFDIR | 0755));
}

static void free_acls(struct squash_inode *inode)
{
    for (size_t i = 0; inode->acls && i < 2; i++)
        buf_free(&inode->acls[i]);
    free(inode->acls);
}

void squash_tree_free(struct squash_tree *tree)
{
    for (size_t i = 0; i < tree->room; i++)
        for (struct squash_node *node = tree->slots[i], *next; node; node = next) {
            next = node->chain;
            free(node);
        }
    free(tree->slots);
    for (struct squash_inode *inode = tree->inodes, *next; inode; inode = next) {
        next = inode->next;
        free(inode->target);
        squash_file_free(inode->file);
        free_acls(inode);
        free(inode);
    }
    *tree = (struct squash_tree){0};
}

static struct squash_node *find_child(const struct squash_tree *tree,
                                      const struct squash_node *parent, const char *name,
                                      size_t len)
{
    uint64_t hash = hash_name(parent, name, len);
    struct squash_node *node = tree->slots[hash & (tree->room - 1)];

    while (node && !(node->hash == hash && node->parent == parent &&
                     strncmp(node->name, name, len) == 0 && !node->name[len]))
        node = node->chain;
    return node;
}

/* The next part of a path, which is moved to its end; 0: there is none. "." is no part. */
static size_t next_part(const char **path)
{
    size_t len;

    do {
        *path += strspn(*path, "/");
        len = strcspn(*path, "/");
        if (len != 1 || **path != '.')
            return len;
        *path += 1;
    } while (true);
}

struct squash_node *squash_tree_find(const struct squash_tree *tree, const char *path)
{
    struct squash_node *node = tree->root;

    for (size_t len; node && (len = next_part(&path)) > 0; path += len)
        node = find_child(tree, node, path, len);
    return node;
}

/* The node of a path, with the folders above it; NULL, reported. Its inode may be NULL. */
static struct squash_node *make_node(struct squash_tree *tree, const char *path)
{
    struct squash_node *node = tree->root, *child;
    const char *at = path;

    for (size_t len; (len = next_part(&at)) > 0; at += len) {
        if (!node->inode)
            set_inode(node, squash_inode_new(tree, S_IFDIR | 0755));
        if (!is_folder(node)) {
            msg_error("%s: packing: goes through a file", path);
            return NULL;
        }
        if (len > NAME_BYTES || (len == 2 && memcmp(at, "..", 2) == 0)) {
            msg_error("%s: packing: %s", path, len > 2 ? "a name is too long" : "has \"..\"");
            return NULL;
        }
        child = find_child(tree, node, at, len);
        node = child ? child : new_node(tree, node, at, len);
    }
    return node;
}

static void take_over(struct squash_inode *folder, struct squash_inode *from)
{
    folder->mode = from->mode;
    folder->uid = from->uid;
    folder->gid = from->gid;
    folder->mtime = from->mtime;
    folder->xattrs = from->xattrs;
    free_acls(folder);
    folder->acls = from->acls;
    from->acls = NULL;
}

struct squash_inode *squash_tree_put(struct squash_tree *tree, const char *path,
                                     struct squash_inode *inode)
{
    struct squash_node *node = make_node(tree, path);

    if (!node)
        return NULL;
    if (node->inode && is_folder(node) && S_ISDIR(inode->mode)) {
        if (node->inode != inode)
            take_over(node->inode, inode);
        return node->inode;
    }
    if (node->children || node == tree->root) {
        msg_error("%s: packing: a file in the place of a folder that is not empty", path);
        return NULL;
    }
    set_inode(node, inode);
    return inode;
}

static int compare_names(const void *a, const void *b)
{
    const struct squash_node *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

static void sort_children(struct squash_node *folder)
{
    struct squash_node **list = NULL;
    size_t n = 0;

    for (struct squash_node *node = folder->children; node; node = node->sibling) {
        list = xgrow(list, n, sizeof *list);
        list[n++] = node;
    }
    if (n)
        qsort(list, n, sizeof *list, compare_names);
    folder->children = NULL;
    for (; n; n--) {
        list[n - 1]->sibling = folder->children;
        folder->children = list[n - 1];
    }
    free(list);
}

void squash_tree_sort(struct squash_tree *tree)
{
    for (size_t i = 0; i < tree->room; i++)
        for (struct squash_node *node = tree->slots[i]; node; node = node->chain)
            sort_children(node);
}

/* The first of siblings that is a folder; then down to one that has no folders. */
static struct squash_node *descend(struct squash_node *node)
{
    struct squash_node *found = NULL;

    for (;;) {
        while (node && !is_folder(node))
            node = node->sibling;
        if (!node)
            return found;
        found = node;
        node = node->children;
    }
}

struct squash_node *squash_tree_first(const struct squash_tree *tree)
{
    return descend(tree->root);
}

struct squash_node *squash_tree_next(const struct squash_node *node)
{
    struct squash_node *next = node->parent ? descend(node->sibling) : NULL;

    return next ? next : node->parent;
}

char *squash_node_path(const struct squash_node *node)
{
    size_t len = 0;
    char *path;

    if (!node->parent)
        return xstrdup(".");
    for (const struct squash_node *up = node; up->parent; up = up->parent)
        len += strlen(up->name) + 1;
    path = xcalloc(len, 1);
    for (len--; node->parent; node = node->parent) {
        size_t part = strlen(node->name);

        memcpy(path + len - part, node->name, part);
        if (len > part)
            path[len - part - 1] = '/';
        len -= len > part ? part + 1 : part;
    }
    return path;
}
