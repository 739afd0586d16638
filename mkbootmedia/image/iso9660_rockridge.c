/*
 * iso9660_rockridge: the system use fields of the primary hierarchy's records: SUSP 1.12 (IEEE
 * P1281) and Rock Ridge 1.12 (IEEE P1282).
 *
 *   root's "."    SP PX TF CE -> ER        a long name    PX TF NM CE -> NM
 *   "." and ".."  PX TF                    others         PX TF NM
 *
 * What a CE points to is in a continuation area right behind its directory: libarchive, which reads
 * a medium once, wants to meet it before the folder that it names. No part of it straddles a
 * block, since Linux reads one block for a CE. Nobody owns what is on a boot medium: everything is
 * readable by all and belongs to root.
 */
#include "image/iso9660_private.h"

#include <assert.h>

#define PX_LEN 44
#define TF_LEN 12
#define CE_LEN 28
#define SP_LEN 7
#define NM_LEN 5 /* before the name */

#define NM_CONTINUE 0x01
#define TF_MODIFY   0x02

#define MODE_FILE   0100444
#define MODE_FOLDER 0040555

/* Rock Ridge 1.12, 4.3: the identifier, and the texts that go with it. */
static const char er_id[] = "IEEE_P1282";
static const char er_text[] =
    "THE IEEE P1282 PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS";
static const char er_source[] = "PLEASE CONTACT THE IEEE STANDARDS DEPARTMENT, PISCATAWAY, NJ, USA "
                                "FOR THE P1282 SPECIFICATION.";
#define ER_LEN (8 + sizeof er_id - 1 + sizeof er_text - 1 + sizeof er_source - 1)
static_assert(ER_LEN <= 255, "an entry's length is one byte");

static uint8_t *put_head(uint8_t *p, const char signature[2], size_t len)
{
    memcpy(p, signature, 2);
    p[2] = (uint8_t)len;
    p[3] = 1; /* version */
    return p + len;
}

/* SUSP 5.3: SUSP is in use, and begins at once in every record. */
static uint8_t *put_sp(uint8_t *p)
{
    p[4] = 0xbe;
    p[5] = 0xef;
    p[6] = 0;
    return put_head(p, "SP", SP_LEN);
}

/* SUSP 5.1 */
static uint8_t *put_ce(uint8_t *p, uint64_t place, uint32_t len)
{
    iso9660_both32(p + 4, iso9660_block(round_down(place, ISO_BLOCK)));
    iso9660_both32(p + 12, (uint32_t)(place % ISO_BLOCK));
    iso9660_both32(p + 20, len);
    return put_head(p, "CE", CE_LEN);
}

/* SUSP 5.5 */
static uint8_t *put_er(uint8_t *p)
{
    p[4] = sizeof er_id - 1;
    p[5] = sizeof er_text - 1;
    p[6] = sizeof er_source - 1;
    p[7] = 1; /* version of the extension */
    memcpy(p + 8, er_id, sizeof er_id - 1);
    memcpy(p + 8 + p[4], er_text, sizeof er_text - 1);
    memcpy(p + 8 + p[4] + p[5], er_source, sizeof er_source - 1);
    return put_head(p, "ER", ER_LEN);
}

/* Rock Ridge 4.1.1: mode, links, owner, group and serial number. */
static uint8_t *put_px(uint8_t *p, const struct iso9660_node *node)
{
    iso9660_both32(p + 4, node->item ? MODE_FILE : MODE_FOLDER);
    iso9660_both32(p + 12, node->item ? 1 : 2 + (uint32_t)node->folder_count);
    iso9660_both32(p + 20, 0);
    iso9660_both32(p + 28, 0);
    iso9660_both32(p + 36, node->serial);
    return put_head(p, "PX", PX_LEN);
}

/* Rock Ridge 4.1.6 */
static uint8_t *put_tf(uint8_t *p, time_t time)
{
    p[4] = TF_MODIFY;
    iso9660_date7(p + 5, time);
    return put_head(p, "TF", TF_LEN);
}

/* Rock Ridge 4.1.4 */
static uint8_t *put_nm(uint8_t *p, const char *name, size_t len, uint8_t flags)
{
    p[4] = flags;
    memcpy(p + NM_LEN, name, len);
    return put_head(p, "NM", NM_LEN + len);
}

/* How much of the name goes into a child's record that is len bytes without system use. */
static size_t name_in_record(const struct iso9660_node *node, size_t len)
{
    size_t name_len = strlen(node->name), room = RECORD_MAX - len - PX_LEN - TF_LEN - NM_LEN;

    return name_len <= room ? name_len : room - CE_LEN;
}

static size_t rest_len(const struct iso9660_node *node)
{
    return strlen(node->name) - name_in_record(node, iso9660_record_len(node, PRIMARY));
}

void iso9660_continuation_plan(struct iso9660_node *folder)
{
    size_t end = folder->parent == folder ? ER_LEN : 0;

    for (size_t i = 0; i < folder->count; i++) {
        struct iso9660_node *node = folder->children[i];
        size_t len = rest_len(node);

        if (!len)
            continue;
        len += NM_LEN;
        if (end / ISO_BLOCK != (end + len - 1) / ISO_BLOCK)
            end = round_up(end, ISO_BLOCK);
        node->rest = end;
        end += len;
    }
    folder->continuation_len = end;
}

void iso9660_continuation_write(uint8_t *out, const struct iso9660_node *folder)
{
    if (folder->parent == folder)
        put_er(out);
    for (size_t i = 0; i < folder->count; i++) {
        const struct iso9660_node *node = folder->children[i];
        size_t len = rest_len(node);

        if (len)
            put_nm(out + node->rest, node->name + strlen(node->name) - len, len, 0);
    }
}

static uint8_t *put_name(uint8_t *p, const struct iso9660_node *node, size_t record_len)
{
    size_t n = name_in_record(node, record_len), rest = strlen(node->name) - n;

    p = put_nm(p, node->name, n, rest ? NM_CONTINUE : 0);
    if (!rest)
        return p;
    return put_ce(p, node->parent->continuation + node->rest, (uint32_t)(NM_LEN + rest));
}

size_t iso9660_system_use(uint8_t *record, size_t len, time_t time, const struct iso9660_node *node,
                          enum record_kind kind)
{
    bool root = kind == SELF && node == node->parent;
    uint8_t *p = record + len;

    if (root)
        p = put_sp(p);
    p = put_px(p, node);
    p = put_tf(p, time);
    if (root)
        p = put_ce(p, node->continuation, ER_LEN);
    if (kind == CHILD)
        p = put_name(p, node, len);
    return (size_t)(p - record);
}
