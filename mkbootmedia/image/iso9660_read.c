/* iso9660_read: volume descriptors, directory records, Rock Ridge and Joliet names. */
#include "image/iso9660_read.h"

#include "base/util.h"

#include <stdlib.h>

#define BLOCK           2048
#define DESCRIPTORS_MAX 64
#define FOLDER_BYTES    (8 * MIB)
#define RECORD_MIN      34
#define CONTINUED_MAX   16 /* SUSP continuation areas of one record */

#define FLAG_FOLDER 0x02
#define FLAG_MORE   0x80 /* another record goes on with this file */

/* Text padded with blanks. */
static void copy_text(char *out, const uint8_t *from, size_t len)
{
    memcpy(out, from, len);
    while (len && (out[len - 1] == ' ' || out[len - 1] == '\0'))
        len--;
    out[len] = '\0';
}

static void set_root(struct iso9660_volume *volume, const uint8_t *record)
{
    volume->root = (struct entry){
        .folder = true,
        .start = get_le32(record + 2) * volume->block,
        .len = get_le32(record + 10),
    };
}

/* Joliet: a supplementary descriptor with one of three escape sequences at 88. */
static bool is_joliet(const uint8_t *descriptor)
{
    return memcmp(descriptor + 88, "%/", 2) == 0 &&
           (descriptor[90] == '@' || descriptor[90] == 'C' || descriptor[90] == 'E');
}

static void take_primary(struct iso9660_volume *volume, const uint8_t *descriptor)
{
    volume->block = get_le16(descriptor + 128);
    volume->size = get_le32(descriptor + 80) * volume->block;
    copy_text(volume->label, descriptor + 40, 32);
    copy_text(volume->publisher, descriptor + 318, 128);
    copy_text(volume->application, descriptor + 574, 128);
    set_root(volume, descriptor + 156);
}

/* A continuation area that a CE field names; false if there is none there. */
static int read_continuation(const struct iso9660_volume *volume, const uint8_t *field,
                             uint8_t area[BLOCK], size_t *len)
{
    uint64_t at = get_le32(field + 4) * volume->block + get_le32(field + 12);

    *len = get_le32(field + 20);
    if (*len > BLOCK || at > volume->content.len || *len > volume->content.len - at)
        *len = 0;
    return *len ? content_read(&volume->content, at, area, *len) : 0;
}

/* What the system use fields of a record say. */
struct fields {
    struct buf name;
    bool named;     /* NM */
    uint64_t child; /* CL: the block of a folder that was moved; 0: none */
    int skip;       /* SP: bytes to skip in other records; -1: none */
};

static void take_field(struct fields *fields, const uint8_t *field, size_t len)
{
    if (memcmp(field, "NM", 2) == 0 && len > 5 && !(field[4] & 0x06)) {
        buf_add(&fields->name, field + 5, len - 5);
        fields->named = true;
    } else if (memcmp(field, "CL", 2) == 0 && len >= 12) {
        fields->child = get_le32(field + 4);
    } else if (memcmp(field, "SP", 2) == 0 && len >= 7 && field[4] == 0xbe && field[5] == 0xef) {
        fields->skip = field[6];
    }
}

static int read_fields(const struct iso9660_volume *volume, const uint8_t *p, size_t len,
                       struct fields *fields)
{
    uint8_t area[BLOCK], next[28];

    for (int round = 0; round < CONTINUED_MAX; round++) {
        bool more = false;

        while (len >= 4 && p[2] >= 4 && p[2] <= len) {
            if (memcmp(p, "ST", 2) == 0)
                break;
            if (memcmp(p, "CE", 2) == 0 && p[2] >= 28) {
                memcpy(next, p, sizeof next);
                more = true;
            }
            take_field(fields, p, p[2]);
            len -= p[2];
            p += p[2];
        }
        if (!more)
            break;
        if (read_continuation(volume, next, area, &len) < 0)
            return -1;
        p = area;
    }
    return 0;
}

/* Where the system use area of a record begins. */
static size_t fields_at(const uint8_t *record)
{
    return 33 + record[32] + (record[32] % 2 == 0);
}

/* Rock Ridge is there if the first record of the root folder has an SP field. */
static int probe_rock_ridge(struct iso9660_volume *volume)
{
    struct fields fields = {.skip = -1};
    uint8_t record[256] = {0};
    uint64_t at = volume->root.start;
    int result;

    if (at > volume->content.len || volume->content.len - at < sizeof record)
        return 0;
    if (content_read(&volume->content, at, record, sizeof record) < 0)
        return -1;
    if (record[0] < fields_at(record))
        return 0;
    result =
        read_fields(volume, record + fields_at(record), record[0] - fields_at(record), &fields);
    buf_free(&fields.name);
    volume->rock_ridge = fields.skip >= 0;
    volume->skip = fields.skip >= 0 ? (size_t)fields.skip : 0;
    return result;
}

int iso9660_read_open(struct iso9660_volume *volume, const struct content *content)
{
    uint8_t descriptor[BLOCK], joliet[34];

    *volume = (struct iso9660_volume){.content = *content};
    for (uint64_t i = 16; i < 16 + DESCRIPTORS_MAX && (i + 1) * BLOCK <= content->len; i++) {
        if (content_read(content, i * BLOCK, descriptor, BLOCK) < 0)
            return -1;
        if (memcmp(descriptor + 1, "CD001", 5) != 0 || descriptor[0] == 255)
            break;
        if (descriptor[0] == 0 && memcmp(descriptor + 7, "EL TORITO SPECIFICATION", 23) == 0)
            volume->catalog = get_le32(descriptor + 71) * (uint64_t)BLOCK;
        if (descriptor[0] == 1 && !volume->block)
            take_primary(volume, descriptor);
        if (descriptor[0] == 2 && is_joliet(descriptor)) {
            memcpy(joliet, descriptor + 156, sizeof joliet);
            volume->joliet = true;
        }
    }
    if (volume->block != 512 && volume->block != 1024 && volume->block != 2048)
        return 0;
    if (probe_rock_ridge(volume) < 0)
        return -1;
    if (volume->joliet && !volume->rock_ridge)
        set_root(volume, joliet);
    return 1;
}

/* "VMLINUZ.;1" is VMLINUZ */
static char *plain_name(const uint8_t *from, size_t len)
{
    struct buf name = {0};
    char *version;

    buf_add(&name, from, len);
    version = strrchr(name.data, ';');
    if (version)
        *version = '\0';
    len = strlen(name.data);
    if (len && name.data[len - 1] == '.')
        name.data[len - 1] = '\0';
    return name.data;
}

static char *joliet_name(const uint8_t *from, size_t len)
{
    uint16_t units[128];
    size_t count = len / 2;
    char *name, *version;

    for (size_t i = 0; i < count; i++)
        units[i] = (uint16_t)(from[2 * i] << 8 | from[2 * i + 1]);
    name = folder_name_utf16(units, count);
    version = strrchr(name, ';');
    if (version)
        *version = '\0';
    return name;
}

/* Names with a NUL or a slash inside are nothing that we could find or print. */
static char *rock_ridge_name(struct fields *fields)
{
    for (size_t i = 0; i < fields->name.len; i++)
        if (fields->name.data[i] == '\0' || fields->name.data[i] == '/')
            fields->name.data[i] = '?';
    return xstrdup(fields->name.data);
}

/* A record that goes on with the one before it, after FLAG_MORE. */
static void add_extent(struct entry *entry, uint64_t start, uint64_t len)
{
    if (start != entry->start + entry->len)
        entry->pieces = true;
    entry->len += len;
}

/* The first bytes of a moved folder are its "." record, which knows its length. */
static int follow_child(const struct iso9660_volume *volume, uint64_t block, struct entry *entry)
{
    uint8_t record[RECORD_MIN];
    uint64_t at = block * volume->block;

    if (at > volume->content.len || volume->content.len - at < sizeof record)
        return 0;
    if (content_read(&volume->content, at, record, sizeof record) < 0)
        return -1;
    entry->folder = true;
    entry->start = at;
    entry->len = get_le32(record + 10);
    return 0;
}

static int add_record(const struct iso9660_volume *volume, const uint8_t *record,
                      struct folder *out)
{
    struct fields fields = {.skip = -1};
    struct entry entry = {
        .folder = record[25] & FLAG_FOLDER,
        .start = (get_le32(record + 2) + (uint64_t)record[1]) * volume->block,
        .len = get_le32(record + 10),
    };
    size_t at = fields_at(record) + volume->skip;
    int result = 0;

    if (volume->rock_ridge && at < record[0])
        result = read_fields(volume, record + at, record[0] - at, &fields);
    if (fields.named)
        entry.name = rock_ridge_name(&fields);
    else if (volume->joliet && !volume->rock_ridge)
        entry.name = joliet_name(record + 33, record[32]);
    else
        entry.name = plain_name(record + 33, record[32]);
    if (result == 0 && fields.child)
        result = follow_child(volume, fields.child, &entry);
    buf_free(&fields.name);
    folder_add(out, entry);
    return result;
}

/* Records of one folder; none crosses the end of a sector, where zeros are left. */
static int parse_records(const struct iso9660_volume *volume, const uint8_t *bytes, size_t len,
                         struct folder *out)
{
    bool more = false;

    for (size_t at = 0; at < len && out->count < FOLDER_MAX;) {
        const uint8_t *record = bytes + at;

        if (record[0] == 0) {
            at = (size_t)round_up(at + 1, BLOCK);
            continue;
        }
        if (record[0] < RECORD_MIN || record[0] > len - at || 33u + record[32] > record[0])
            break;
        if (record[32] == 1 && record[33] <= 1) /* "." and ".." */
            more = false;
        else if (more && out->count)
            add_extent(&out->list[out->count - 1], get_le32(record + 2) * volume->block,
                       get_le32(record + 10));
        else if (add_record(volume, record, out) < 0)
            return -1;
        more = record[25] & FLAG_MORE;
        at += record[0];
    }
    return 0;
}

int iso9660_read_list(const struct iso9660_volume *volume, const struct entry *folder,
                      struct folder *out)
{
    uint64_t start, len;
    uint8_t *bytes;
    int result;

    folder = folder ? folder : &volume->root;
    start = folder->start;
    len = folder->len < FOLDER_BYTES ? folder->len : FOLDER_BYTES;
    if (start > volume->content.len || len > volume->content.len - start)
        return 0;
    bytes = xcalloc(len, 1);
    result = content_read(&volume->content, start, bytes, len);
    if (result == 0)
        result = parse_records(volume, bytes, len, out);
    free(bytes);
    return result;
}

int iso9660_read_extent(const struct iso9660_volume *volume, const struct entry *file,
                        struct content *out)
{
    if (file->pieces || file->start > volume->content.len ||
        file->len > volume->content.len - file->start)
        return 0;
    *out = content_slice(volume->content, file->start, file->len);
    return 1;
}
