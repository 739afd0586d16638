/*
 * fat_dir: a sorted list of items becomes a tree of folders, and a folder its directory entries.
 *
 * As items are sorted by path, all that is in a folder stands together: the tree is built in one
 * pass, going up to a common folder and down again from one path to the next.
 */
#include "image/fat_private.h"

#include "base/msg.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Appends a node called path[start..end) to a folder; -1, reported, if FAT cannot have the name. */
static int add_node(struct fat *fat, size_t parent, const char *path, size_t start, size_t end)
{
    uint8_t alias[FAT_ALIAS_LEN];
    struct fat_node node = {.path = path, .path_len = end, .parent = parent};
    const char *wrong;
    size_t index = fat->node_count;
    struct fat_node *folder;

    node.name = xasprintf("%.*s", (int)(end - start), path + start);
    wrong = fat_name_check(node.name);
    if (wrong) {
        free(node.name);
        return msg_error("%s: naming it in FAT: FAT cannot hold %s", path, wrong);
    }
    if (fat_alias_basis(node.name, alias) != FAT_FIT_EXACT)
        node.long_entries = (uint8_t)fat_long_count(node.name);
    fat->nodes = xgrow(fat->nodes, index, sizeof *fat->nodes);
    fat->nodes[fat->node_count++] = node;
    folder = &fat->nodes[parent];
    folder->entries += 1u + node.long_entries;
    if (folder->last_child)
        fat->nodes[folder->last_child].next = index;
    else
        folder->first_child = index;
    folder->last_child = index;
    return 0;
}

/* The deepest folder that this path has in common with the folder of the path before. */
static size_t common_folder(const struct fat *fat, size_t folder, const char *path)
{
    while (folder && strncmp(fat->nodes[folder].path, path, fat->nodes[folder].path_len) != 0)
        folder = fat->nodes[folder].parent;
    return folder;
}

/* Adds an item and the folders that it needs; *folder is where the item before was put. */
static int add_item(struct fat *fat, struct item *item, size_t *folder)
{
    const char *path = item->path, *slash;
    size_t start;

    if (item->content.len > FAT_FILE_MAX)
        return msg_error("%s: laying out %s in FAT: %" PRIu64 " bytes are more than the 4 GiB - 1 "
                         "that a file can have there; an ISO can hold it (mkbootmedia iso)",
                         item->content.path ? item->content.path : path, path, item->content.len);
    *folder = common_folder(fat, *folder, path);
    start = fat->nodes[*folder].path_len;
    while ((slash = strchr(path + start, '/'))) {
        if (add_node(fat, *folder, path, start, (size_t)(slash - path)) < 0)
            return -1;
        *folder = fat->node_count - 1;
        start = (size_t)(slash - path) + 1;
        fat->nodes[*folder].path_len = start;
        fat->nodes[*folder].entries = 2; /* "." and ".." */
    }
    if (!path[start] && start) /* an empty folder, or one that is there already */
        return 0;
    if (add_node(fat, *folder, path, start, start + strlen(path + start)) < 0)
        return -1;
    fat->nodes[fat->node_count - 1].item = item;
    return 0;
}

int fat_tree(struct fat *fat)
{
    size_t folder = 0;

    fat->nodes = xgrow(NULL, 0, sizeof *fat->nodes);
    fat->nodes[0] =
        (struct fat_node){.name = xstrdup(""), .path = "", .entries = 1}; /* the label */
    fat->node_count = 1;
    for (size_t i = 0; i < fat->count; i++)
        if (add_item(fat, fat->items[i], &folder) < 0)
            return -1;
    for (size_t i = 0; i < fat->node_count; i++) {
        const struct fat_node *node = &fat->nodes[i];

        if (node->entries > FAT_FOLDER_MAX)
            return msg_error("%.*s: laying it out in FAT: its names take %zu directory entries; a "
                             "folder can have %d",
                             (int)node->path_len, i ? node->path : "/", node->entries,
                             FAT_FOLDER_MAX);
        if (!node->item && fat_alias_folder(fat, node) < 0)
            return -1;
    }
    return 0;
}

/* fatgen103, "Date and Time Formats": 1980 to 2107, two seconds and 10 ms. */
struct fat_date fat_date(time_t time)
{
    const struct fat_date first = {.date = 1 << 5 | 1};
    const struct fat_date last = {.date = 127 << 9 | 12 << 5 | 31, .time = 23 << 11 | 59 << 5 | 29};
    struct tm tm;

    if (!gmtime_r(&time, &tm)) /* a year that no int holds */
        return time > 0 ? last : first;
    if (tm.tm_year < 80 || tm.tm_year > 207)
        return tm.tm_year < 80 ? first : last;
    return (struct fat_date){
        .date = (uint16_t)((tm.tm_year - 80) << 9 | (tm.tm_mon + 1) << 5 | tm.tm_mday),
        .time = (uint16_t)(tm.tm_hour << 11 | tm.tm_min << 5 | tm.tm_sec / 2),
        .tenth = (uint8_t)(tm.tm_sec % 2 * 100),
    };
}

static void write_entry(const struct fat *fat, const struct fat_node *node,
                        const uint8_t name[FAT_ALIAS_LEN], uint8_t *out)
{
    struct fat_date date = fat_date(fat->options.time);
    struct fat_entry entry = {
        .attr = node->item ? FAT_ATTR_ARCHIVE : FAT_ATTR_FOLDER,
        .made_tenth = date.tenth,
    };

    memcpy(entry.name, name, FAT_ALIAS_LEN);
    put_le16(entry.made_time, date.time);
    put_le16(entry.made_date, date.date);
    put_le16(entry.read_date, date.date);
    put_le16(entry.time, date.time);
    put_le16(entry.date, date.date);
    put_le16(entry.cluster_high, (uint16_t)(node->cluster >> 16));
    put_le16(entry.cluster_low, (uint16_t)node->cluster);
    put_le32(entry.size, node->item ? (uint32_t)node->item->content.len : 0);
    memcpy(out, &entry, sizeof entry);
}

void fat_folder_write(const struct fat *fat, const struct fat_node *folder, const uint8_t *label,
                      uint8_t *out)
{
    /* a ".." that means the root says cluster 0, in FAT32 too */
    static const struct fat_node root;
    const struct fat_node *parent = folder->parent ? &fat->nodes[folder->parent] : &root;

    if (folder == fat->nodes) {
        memcpy(out, label, FAT_ENTRY_LEN);
        out += FAT_ENTRY_LEN;
    } else {
        write_entry(fat, folder, (const uint8_t *)".          ", out);
        write_entry(fat, parent, (const uint8_t *)"..         ", out + FAT_ENTRY_LEN);
        out += 2 * FAT_ENTRY_LEN;
    }
    for (size_t i = folder->first_child; i; i = fat->nodes[i].next) {
        const struct fat_node *node = &fat->nodes[i];

        if (node->long_entries)
            fat_long_write(node->name, node->alias, out);
        out += node->long_entries * FAT_ENTRY_LEN;
        write_entry(fat, node, node->alias, out);
        out += FAT_ENTRY_LEN;
    }
}
