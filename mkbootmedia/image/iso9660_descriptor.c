/*
 * iso9660_descriptor: volume descriptors from block 16 on (ECMA-119 8, Joliet 1995, El Torito 1.0
 * figure 7), and path tables (ECMA-119 9.4).
 *
 *   16 primary   [17 boot record]   Joliet's supplementary   set terminator
 */
#include "image/iso9660_private.h"

#include <assert.h>

#define WHO "MKBOOTMEDIA"

/* ECMA-119 8.4, table 4, and 8.5, table 6: what both hierarchies' descriptors are. */
struct disk_descriptor {
    uint8_t type;
    uint8_t id[5];
    uint8_t version;
    uint8_t flags; /* unused in the primary one */
    uint8_t system[32];
    uint8_t label[32];
    uint8_t unused[8];
    uint8_t blocks[8];
    uint8_t escapes[32]; /* unused in the primary one */
    uint8_t set_size[4];
    uint8_t sequence[4];
    uint8_t block_size[4];
    uint8_t path_table_len[8];
    uint8_t path_table_l[4];
    uint8_t path_table_l_copy[4];
    uint8_t path_table_m[4];
    uint8_t path_table_m_copy[4];
    uint8_t root[ROOT_RECORD_LEN];
    uint8_t set[128];
    uint8_t publisher[128];
    uint8_t preparer[128];
    uint8_t application[128];
    uint8_t copyright_file[37];
    uint8_t abstract_file[37];
    uint8_t bibliographic_file[37];
    uint8_t created[17];
    uint8_t modified[17];
    uint8_t expires[17];
    uint8_t effective[17];
    uint8_t structure_version;
    uint8_t reserved;
    uint8_t application_use[512];
    uint8_t reserved_end[653];
};
static_assert(sizeof(struct disk_descriptor) == ISO_BLOCK, "ECMA-119 8.4");

/* El Torito 1.0, figure 7 */
struct disk_boot_record {
    uint8_t type;
    uint8_t id[5];
    uint8_t version;
    uint8_t system[32];
    uint8_t unused[32];
    uint8_t catalog[4];
    uint8_t unused_end[1973];
};
static_assert(sizeof(struct disk_boot_record) == ISO_BLOCK, "El Torito 1.0, figure 7");

enum { TYPE_BOOT = 0, TYPE_PRIMARY = 1, TYPE_SUPPLEMENTARY = 2, TYPE_TERMINATOR = 255 };

static void put_head(uint8_t *out, uint8_t type)
{
    out[0] = type;
    memcpy(out + 1, "CD001", 5);
    out[6] = 1; /* version */
}

static void put_texts(struct disk_descriptor *d, const char *label, enum hierarchy h)
{
    iso9660_text(d->system, sizeof d->system, "", h);
    iso9660_text(d->label, sizeof d->label, label, h);
    iso9660_text(d->set, sizeof d->set, WHO, h);
    iso9660_text(d->publisher, sizeof d->publisher, WHO, h);
    iso9660_text(d->preparer, sizeof d->preparer, WHO, h);
    iso9660_text(d->application, sizeof d->application, WHO, h);
    iso9660_text(d->copyright_file, sizeof d->copyright_file, "", h);
    iso9660_text(d->abstract_file, sizeof d->abstract_file, "", h);
    iso9660_text(d->bibliographic_file, sizeof d->bibliographic_file, "", h);
}

static void put_dates(struct disk_descriptor *d, time_t time)
{
    static const uint8_t unset[17] = "0000000000000000"; /* ECMA-119 8.4.26.1; offset 0 */

    iso9660_date17(d->created, time);
    iso9660_date17(d->modified, time);
    memcpy(d->expires, unset, sizeof unset);
    memcpy(d->effective, unset, sizeof unset);
}

static void put_descriptor(uint8_t *out, const struct iso9660 *iso, uint64_t volume_size,
                           enum hierarchy h)
{
    const struct iso9660_layout *layout = iso->layout;
    struct disk_descriptor *d = (struct disk_descriptor *)out;

    put_head(out, h == JOLIET ? TYPE_SUPPLEMENTARY : TYPE_PRIMARY);
    if (h == JOLIET)
        memcpy(d->escapes, "%/E", 3); /* UCS-2 level 3 */
    put_texts(d, iso->options.label, h);
    put_dates(d, iso->options.time);
    iso9660_both32(d->blocks, (uint32_t)(volume_size / ISO_BLOCK));
    iso9660_both16(d->set_size, 1);
    iso9660_both16(d->sequence, 1);
    iso9660_both16(d->block_size, ISO_BLOCK);
    iso9660_both32(d->path_table_len, (uint32_t)layout->table_len[h]);
    put_le32(d->path_table_l, iso9660_block(layout->tables[h][0]));
    put_be32(d->path_table_m, iso9660_block(layout->tables[h][1]));
    iso9660_root_record(d->root, layout, h);
    d->structure_version = 1;
}

static void put_boot_record(uint8_t *out, uint64_t catalog)
{
    struct disk_boot_record *record = (struct disk_boot_record *)out;

    put_head(out, TYPE_BOOT);
    memcpy(record->system, "EL TORITO SPECIFICATION", 23);
    put_le32(record->catalog, iso9660_block(catalog));
}

void iso9660_descriptors_write(uint8_t *out, const struct iso9660 *iso, uint64_t volume_size)
{
    put_descriptor(out, iso, volume_size, PRIMARY);
    out += ISO_BLOCK;
    if (iso->catalog) {
        put_boot_record(out, iso->catalog); /* El Torito 1.0, 2.0: it has to be block 17 */
        out += ISO_BLOCK;
    }
    put_descriptor(out, iso, volume_size, JOLIET);
    put_head(out + ISO_BLOCK, TYPE_TERMINATOR);
}

/* The root's identifier is one zero byte. */
static size_t folder_id_len(const struct iso9660_node *folder, enum hierarchy h)
{
    return folder->parent == folder ? 1 : folder->in[h].id_len;
}

uint64_t iso9660_path_table_len(const struct iso9660_layout *layout, enum hierarchy h)
{
    uint64_t len = 0;

    for (size_t i = 0; i < layout->folder_count; i++)
        len += round_up(8 + folder_id_len(layout->folders[h][i], h), 2);
    return len;
}

void iso9660_path_table_write(uint8_t *out, const struct iso9660_layout *layout, enum hierarchy h,
                              bool big_endian)
{
    for (size_t i = 0; i < layout->folder_count; i++) {
        const struct iso9660_node *folder = layout->folders[h][i];
        const struct iso9660_view *view = &folder->in[h];
        uint16_t parent = (uint16_t)folder->parent->in[h].number;
        size_t id_len = folder_id_len(folder, h);

        out[0] = (uint8_t)id_len;
        if (big_endian) {
            put_be32(out + 2, iso9660_block(view->place));
            put_be16(out + 6, parent);
        } else {
            put_le32(out + 2, iso9660_block(view->place));
            put_le16(out + 6, parent);
        }
        if (view->id_len)
            memcpy(out + 8, view->id, view->id_len);
        out += round_up(8 + id_len, 2);
    }
}
