/*
 * iso9660: plans and writes an ISO 9660 file system with Rock Ridge and Joliet.
 *
 *   0      system area (not ours)
 *   16     volume descriptors
 *          path tables: primary L, primary M, Joliet L, Joliet M
 *          directories of the primary hierarchy, level by level, each with its continuation area
 *          directories of Joliet's hierarchy
 *          boot catalog (its bytes are not ours)
 *          files, aligned (boot/item.h), in the order of their paths
 */
#include "image/iso9660.h"

#include "base/msg.h"
#include "image/iso9660_private.h"

#include <stdlib.h>

const char *iso9660_label_check(const char *label)
{
    static const char others[] = " !\"%&'()*+,-./:;<=>?_";
    size_t len = strlen(label);

    if (len == 0)
        return "empty";
    if (len > 32)
        return "longer than 32 characters";
    for (const char *p = label; *p; p++) {
        bool letter = (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z');

        if (!letter && !(*p >= '0' && *p <= '9') && !strchr(others, *p))
            return "has a character other than A-Z a-z 0-9 blank ! \" % & ' ( ) * + , - . / : ; < "
                   "= "
                   "> ? _";
    }
    return label[len - 1] == ' ' ? "ends in a blank" : NULL;
}

static uint64_t place_directories(struct iso9660_layout *layout, enum hierarchy h, uint64_t pos)
{
    for (size_t i = 0; i < layout->folder_count; i++) {
        struct iso9660_node *folder = layout->folders[h][i];
        struct iso9660_view *view = &folder->in[h];

        view->place = pos;
        view->len = iso9660_directory(NULL, layout, folder, h);
        pos += view->len;
        if (h != PRIMARY)
            continue;
        iso9660_continuation_plan(folder);
        folder->continuation = pos;
        pos += round_up(folder->continuation_len, ISO_BLOCK);
    }
    return pos;
}

static void place_metadata(struct iso9660_layout *layout, uint64_t pos)
{
    for (enum hierarchy h = 0; h < HIERARCHIES; h++)
        layout->table_len[h] = iso9660_path_table_len(layout, h);
    for (enum hierarchy h = 0; h < HIERARCHIES; h++)
        for (int order = 0; order < 2; order++) {
            layout->tables[h][order] = pos;
            pos += round_up(layout->table_len[h], ISO_BLOCK);
        }
    pos = place_directories(layout, PRIMARY, pos);
    layout->metadata_end = place_directories(layout, JOLIET, pos);
}

/* Nodes are in the order of their paths. An empty file stands where the next one begins. */
static uint64_t place_files(struct iso9660_layout *layout, uint64_t end)
{
    for (size_t i = 0; i < layout->count; i++) {
        struct iso9660_node *node = layout->nodes[i];

        if (!node->item || node->item->place != PLACE_NONE)
            continue;
        node->placed = true;
        node->item->place = round_up(end, item_alignment(item_room(node->item)));
        if (item_room(node->item))
            end = round_up(node->item->place + item_room(node->item), ISO_BLOCK);
    }
    return end;
}

int iso9660_plan(struct iso9660 *iso, const struct iso9660_options *options,
                 struct item *const items[], size_t count)
{
    struct iso9660_layout *layout = xcalloc(1, sizeof *layout);
    unsigned descriptors = options->boot_catalog ? 4 : 3;

    *iso = (struct iso9660){.options = *options, .items = items, .count = count, .layout = layout};
    layout->time = options->time;
    if (iso9660_tree_build(layout, items, count) < 0)
        return -1;
    place_metadata(layout, DESCRIPTORS + descriptors * ISO_BLOCK);
    iso->end = layout->metadata_end;
    if (options->boot_catalog) {
        iso->catalog = iso->end;
        iso->end += ISO_BLOCK;
    }
    iso->end = place_files(layout, iso->end);
    if (iso->end / ISO_BLOCK > UINT32_MAX)
        return msg_error("ISO 9660: the files are more than the 8 TiB that it can hold");
    return 0;
}

/* All of a layout's directories and tables into out, which is the image from DESCRIPTORS on. */
static void write_metadata(uint8_t *out, const struct iso9660_layout *layout)
{
    for (enum hierarchy h = 0; h < HIERARCHIES; h++) {
        for (int order = 0; order < 2; order++)
            iso9660_path_table_write(out + (layout->tables[h][order] - DESCRIPTORS), layout, h,
                                     order == 1);
        for (size_t i = 0; i < layout->folder_count; i++) {
            const struct iso9660_node *folder = layout->folders[h][i];

            iso9660_directory(out + (folder->in[h].place - DESCRIPTORS), layout, folder, h);
            if (h == PRIMARY)
                iso9660_continuation_write(out + (folder->continuation - DESCRIPTORS), folder);
        }
    }
}

int iso9660_write(struct iso9660 *iso, uint64_t volume_size, struct image *image)
{
    const struct iso9660_layout *layout = iso->layout;
    uint64_t len = layout->metadata_end - DESCRIPTORS;
    uint8_t *out;

    if (volume_size < iso->end || volume_size / ISO_BLOCK > UINT32_MAX)
        return msg_error("ISO 9660: a volume is at most 8 TiB, and holds all of its files");
    out = xcalloc(1, len);
    iso9660_descriptors_write(out, iso, volume_size);
    write_metadata(out, layout);
    image_own(image, DESCRIPTORS, out, len, "ISO 9660");
    for (size_t i = 0; i < layout->count; i++) {
        const struct item *item = layout->nodes[i]->item;

        if (layout->nodes[i]->placed)
            image_add(image, item->place, item->content, item->path);
    }
    return 0;
}

void iso9660_free(struct iso9660 *iso)
{
    if (iso->layout)
        iso9660_tree_free(iso->layout);
    free(iso->layout);
    *iso = (struct iso9660){0};
}
