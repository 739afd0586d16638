/*
 * iso9660_tree: folders and files from the sorted paths of items, with their identifiers in both
 * hierarchies, sorted as ECMA-119 9.3 asks, and the folders in the order of a path table.
 */
#include "base/msg.h"
#include "image/iso9660_private.h"

#include <stdlib.h>

#define FOLDERS_MAX 65535 /* a path table has 16 bits for a parent's number, ECMA-119 9.4.4 */

static struct iso9660_node *add_node(struct iso9660_layout *layout, struct iso9660_node *parent,
                                     const char *name, size_t len)
{
    struct iso9660_node *node = xcalloc(1, sizeof *node);

    node->name = xcalloc(len + 1, 1);
    memcpy(node->name, name, len);
    layout->nodes = xgrow(layout->nodes, layout->count, sizeof *layout->nodes);
    layout->nodes[layout->count++] = node;
    node->serial = (uint32_t)layout->count;
    node->parent = parent ? parent : node;
    if (parent) {
        parent->children = xgrow(parent->children, parent->count, sizeof *parent->children);
        parent->children[parent->count++] = node;
    }
    return node;
}

static struct iso9660_node *add_folder(struct iso9660_layout *layout, struct iso9660_node *parent,
                                       const char *path, size_t path_len, const char *name)
{
    struct iso9660_node *folder = add_node(layout, parent, name, path_len - (size_t)(name - path));

    folder->path = path;
    folder->path_len = path_len;
    layout->folder_count++;
    if (parent)
        parent->folder_count++;
    return folder;
}

static int check_name(const char *path, const char *name, size_t len)
{
    if (len == 0 || (len == 1 && name[0] == '.') || (len == 2 && name[0] == '.' && name[1] == '.'))
        return msg_error("%s: ISO 9660: a part of the path is no name", path);
    if (len > NAME_MAX_LEN)
        return msg_error("%s: ISO 9660: a name is longer than %d bytes", path, NAME_MAX_LEN);
    return 0;
}

static bool is_below(const char *path, const struct iso9660_node *folder)
{
    return folder->path_len == 0 ||
           (strncmp(path, folder->path, folder->path_len) == 0 && path[folder->path_len] == '/');
}

/*
 * Adds an item, and those of its folders that are not there yet. Paths are sorted, so what is below
 * one folder comes in one run: *folder, the last item's, and its parents are all there is to try.
 */
static int add_item(struct iso9660_layout *layout, struct iso9660_node **folder, struct item *item)
{
    const char *path = item->path, *name, *slash;

    while (!is_below(path, *folder))
        *folder = (*folder)->parent;
    name = path + (*folder)->path_len + ((*folder)->path_len > 0);
    for (; (slash = strchr(name, '/')); name = slash + 1) {
        if (check_name(path, name, (size_t)(slash - name)) < 0)
            return -1;
        *folder = add_folder(layout, *folder, path, (size_t)(slash - path), name);
    }
    if (!*name && name > path) /* "boot/": an empty folder */
        return 0;
    if (check_name(path, name, strlen(name)) < 0)
        return -1;
    add_node(layout, *folder, name, strlen(name))->item = item;
    return 0;
}

static int compare_ids(const struct iso9660_view *a, const struct iso9660_view *b)
{
    int order = memcmp(a->id, b->id, a->id_len < b->id_len ? a->id_len : b->id_len);

    return order ? order : (a->id_len > b->id_len) - (a->id_len < b->id_len);
}

static int compare(const void *a, const void *b, enum hierarchy h)
{
    const struct iso9660_node *x = *(struct iso9660_node *const *)a;
    const struct iso9660_node *y = *(struct iso9660_node *const *)b;
    int order = compare_ids(&x->in[h], &y->in[h]);

    return order ? order : strcmp(x->name, y->name);
}

static int by_primary_id(const void *a, const void *b)
{
    return compare(a, b, PRIMARY);
}

static int by_joliet_id(const void *a, const void *b)
{
    return compare(a, b, JOLIET);
}

static void sort(struct iso9660_node **nodes, size_t count, enum hierarchy h)
{
    if (count)
        qsort(nodes, count, sizeof *nodes, h == JOLIET ? by_joliet_id : by_primary_id);
}

static void set_id(struct iso9660_node *node, enum hierarchy h, unsigned number)
{
    struct iso9660_view *view = &node->in[h];
    uint8_t id[ID_MAX];

    view->id_len = iso9660_id(id, node->name, h, !node->item, number);
    view->id = xrealloc(view->id, view->id_len);
    memcpy(view->id, id, view->id_len);
}

static bool is_taken(const struct iso9660_view *view, struct iso9660_node *const nodes[],
                     size_t count, enum hierarchy h)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_ids(view, &nodes[middle]->in[h]);

        if (order == 0)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

/*
 * Numbers those whose identifier another has already. The number never goes back in a folder, so no
 * two can get the same; only the kept ones need a look, and each of them gives way at most once.
 */
static void number_again(struct iso9660_node *const again[], size_t count,
                         struct iso9660_node *const kept[], size_t kept_count, enum hierarchy h)
{
    unsigned number = 0;

    for (size_t i = 0; i < count; i++)
        do
            set_id(again[i], h, ++number);
        while (is_taken(&again[i]->in[h], kept, kept_count, h));
}

/* Names a folder's children, each differently, and sorts them. */
static int name_children(struct iso9660_node *folder, enum hierarchy h)
{
    struct iso9660_node **nodes = xcalloc(folder->count, sizeof *nodes);
    struct iso9660_node **again = xcalloc(folder->count, sizeof *again);
    size_t kept = 0, count = 0;
    int result = 0;

    folder->in[h].children = nodes;
    for (size_t i = 0; i < folder->count; i++) {
        nodes[i] = folder->children[i];
        set_id(nodes[i], h, 0);
    }
    sort(nodes, folder->count, h);
    for (size_t i = 0; i < folder->count; i++) {
        if (i && compare(&nodes[i - 1], &nodes[i], h) == 0)
            result = msg_error("%s: ISO 9660: there are two of that name", nodes[i]->name);
        if (kept && compare_ids(&nodes[i]->in[h], &nodes[kept - 1]->in[h]) == 0)
            again[count++] = nodes[i];
        else
            nodes[kept++] = nodes[i]; /* never beyond i: what is to come stays */
    }
    memcpy(nodes + kept, again, count * sizeof *nodes);
    number_again(again, count, nodes, kept, h);
    sort(nodes, folder->count, h);
    free(again);
    return result;
}

/* Folders level by level, those of a level by their parents' numbers, then by name
 * (ECMA-119 7.9.2). */
static void order_folders(struct iso9660_layout *layout, enum hierarchy h)
{
    struct iso9660_node **folders = xcalloc(layout->folder_count, sizeof *folders);
    size_t count = 0;

    folders[count++] = layout->nodes[0];
    for (size_t i = 0; i < count; i++) {
        struct iso9660_view *view = &folders[i]->in[h];

        view->number = i + 1;
        for (size_t k = 0; k < folders[i]->count; k++)
            if (!view->children[k]->item)
                folders[count++] = view->children[k];
    }
    layout->folders[h] = folders;
}

int iso9660_tree_build(struct iso9660_layout *layout, struct item *const items[], size_t count)
{
    struct iso9660_node *folder = add_folder(layout, NULL, "", 0, "");

    for (size_t i = 0; i < count; i++)
        if (add_item(layout, &folder, items[i]) < 0)
            return -1;
    if (layout->folder_count > FOLDERS_MAX)
        return msg_error("ISO 9660: %zu folders: more than %d", layout->folder_count, FOLDERS_MAX);
    for (enum hierarchy h = 0; h < HIERARCHIES; h++) {
        for (size_t i = 0; i < layout->count; i++)
            if (!layout->nodes[i]->item && name_children(layout->nodes[i], h) < 0)
                return -1;
        order_folders(layout, h);
    }
    return 0;
}

void iso9660_tree_free(struct iso9660_layout *layout)
{
    for (size_t i = 0; i < layout->count; i++) {
        struct iso9660_node *node = layout->nodes[i];

        for (enum hierarchy h = 0; h < HIERARCHIES; h++) {
            free(node->in[h].id);
            free(node->in[h].children);
        }
        free(node->children);
        free(node->name);
        free(node);
    }
    free(layout->nodes);
    for (enum hierarchy h = 0; h < HIERARCHIES; h++)
        free(layout->folders[h]);
}
