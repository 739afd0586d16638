/*
 * iso9660_dir: directories, ECMA-119 9.1: one record for the folder itself, one for its parent, one
 * for each extent of each child. A record never straddles a block, and a directory is whole blocks.
 */
#include "image/iso9660_private.h"

#include <assert.h>

#define FLAG_FOLDER       0x02
#define FLAG_MULTI_EXTENT 0x80 /* not the last extent of its file */

/* ECMA-119 9.1: a directory record up to its system use field. */
struct disk_record {
    uint8_t len;
    uint8_t extended_len;
    uint8_t extent[8];
    uint8_t data_len[8];
    uint8_t date[7];
    uint8_t flags;
    uint8_t unit_size;
    uint8_t gap_size;
    uint8_t volume[4];
    uint8_t id_len;
};
static_assert(sizeof(struct disk_record) == 33, "ECMA-119 9.1");

#define ID_IN_RECORD_MAX (ID_MAX + 3)
static_assert(sizeof(struct disk_record) + ID_IN_RECORD_MAX <= RECORD_MAX, "fits a record");

/* What a record points to. */
struct extent {
    uint64_t place; /* bytes */
    uint32_t len;   /* bytes; 0: nothing is pointed to */
    uint8_t flags;
};

/* A directory as it grows; out is NULL while only its length is asked for. */
struct directory {
    uint8_t *out;
    uint64_t len;
};

/*
 * A child's identifier as a record has it: in the primary hierarchy a file's ends in its version,
 * ".;1" or ";1". In Joliet nobody writes one, though the standard has it there too.
 */
static size_t put_id(uint8_t *out, const struct iso9660_node *node, enum hierarchy h)
{
    const struct iso9660_view *view = &node->in[h];
    size_t len = view->id_len;

    memcpy(out, view->id, len);
    if (!node->item || h == JOLIET)
        return len;
    if (!memchr(view->id, '.', len))
        out[len++] = '.';
    memcpy(out + len, ";1", 2);
    return len + 2;
}

size_t iso9660_record_len(const struct iso9660_node *node, enum hierarchy h)
{
    uint8_t id[ID_IN_RECORD_MAX];

    return round_up(sizeof(struct disk_record) + put_id(id, node, h), 2);
}

/* A record up to its system use field; returns its length, which is even. */
static size_t put_record(uint8_t *out, const uint8_t *id, size_t id_len, struct extent extent,
                         time_t time)
{
    struct disk_record *record = (struct disk_record *)out;
    size_t len = sizeof *record + id_len;

    *record = (struct disk_record){.flags = extent.flags, .id_len = (uint8_t)id_len};
    iso9660_both32(record->extent, extent.len ? iso9660_block(extent.place) : 0);
    iso9660_both32(record->data_len, extent.len);
    iso9660_date7(record->date, time);
    iso9660_both16(record->volume, 1);
    memcpy(out + sizeof *record, id, id_len);
    if (len % 2)
        out[len++] = 0;
    record->len = (uint8_t)len;
    return len;
}

static struct extent folder_extent(const struct iso9660_node *folder, enum hierarchy h)
{
    const struct iso9660_view *view = &folder->in[h];

    return (struct extent){view->place, (uint32_t)view->len, FLAG_FOLDER};
}

static void append(struct directory *dir, const uint8_t *record, size_t len)
{
    if (dir->len % ISO_BLOCK + len > ISO_BLOCK)
        dir->len = round_up(dir->len, ISO_BLOCK);
    if (dir->out)
        memcpy(dir->out + dir->len, record, len);
    dir->len += len;
}

static void add_record(struct directory *dir, const struct iso9660_layout *layout,
                       const struct iso9660_node *node, enum hierarchy h, enum record_kind kind,
                       struct extent extent)
{
    uint8_t record[RECORD_MAX] = {0}, id[ID_IN_RECORD_MAX] = {0};
    size_t len, id_len = 1; /* the folder itself is "\0", its parent "\1": ECMA-119 7.6.2 */

    if (kind == PARENT)
        id[0] = 1;
    else if (kind == CHILD)
        id_len = put_id(id, node, h);
    len = put_record(record, id, id_len, extent, layout->time);
    if (h == PRIMARY)
        len = round_up(iso9660_system_use(record, len, layout->time, node, kind), 2);
    record[0] = (uint8_t)len;
    append(dir, record, len);
}

static void add_file(struct directory *dir, const struct iso9660_layout *layout,
                     const struct iso9660_node *node, enum hierarchy h)
{
    uint64_t place = dir->out ? node->item->place : 0; /* not known before that */
    uint64_t left = node->item->content.len;

    for (; left > EXTENT_MAX; left -= EXTENT_MAX, place += EXTENT_MAX)
        add_record(dir, layout, node, h, CHILD,
                   (struct extent){place, EXTENT_MAX, FLAG_MULTI_EXTENT});
    add_record(dir, layout, node, h, CHILD, (struct extent){place, (uint32_t)left, 0});
}

uint64_t iso9660_directory(uint8_t *out, const struct iso9660_layout *layout,
                           const struct iso9660_node *folder, enum hierarchy h)
{
    struct directory dir = {out, 0};

    add_record(&dir, layout, folder, h, SELF, folder_extent(folder, h));
    add_record(&dir, layout, folder->parent, h, PARENT, folder_extent(folder->parent, h));
    for (size_t i = 0; i < folder->count; i++) {
        const struct iso9660_node *child = folder->in[h].children[i];

        if (child->item)
            add_file(&dir, layout, child, h);
        else
            add_record(&dir, layout, child, h, CHILD, folder_extent(child, h));
    }
    return round_up(dir.len, ISO_BLOCK);
}

void iso9660_root_record(uint8_t out[ROOT_RECORD_LEN], const struct iso9660_layout *layout,
                         enum hierarchy h)
{
    put_record(out, (const uint8_t *)"", 1, folder_extent(layout->nodes[0], h), layout->time);
}
