/* fat_read: boot sector, cluster chains, folders with long and short names. */
#include "image/fat_read.h"

#include <ctype.h>
#include <stdlib.h>

#define ENTRY_LEN   32
#define ATTR_VOLUME 0x08
#define ATTR_FOLDER 0x10
#define ATTR_LONG   0x0f
#define LONG_PARTS  20 /* entries of one long name */
#define LONG_CHARS  13 /* UTF-16 code units in each */
#define WINDOW      4096

/* A walk along a cluster chain, with the part of the table that was read last. */
struct walk {
    const struct fat_volume *volume;
    uint8_t window[WINDOW];
    uint64_t window_offset; /* in the volume */
    size_t window_len;      /* 0: nothing read yet */
    uint32_t steps;
};

static bool is_power_of_2(uint64_t n)
{
    return n && (n & (n - 1)) == 0;
}

/* Geometry from the boot sector; false if it is none of FAT. */
static bool parse_boot_sector(struct fat_volume *volume, const uint8_t *boot)
{
    uint64_t sector = get_le16(boot + 11), reserved = get_le16(boot + 14), fats = boot[16];
    uint64_t fat_len = get_le16(boot + 22), sectors = get_le16(boot + 19);

    if (get_le16(boot + 510) != 0xaa55 || (boot[0] != 0xeb && boot[0] != 0xe9))
        return false;
    if (!is_power_of_2(sector) || sector < 512 || sector > 4096 || !is_power_of_2(boot[13]))
        return false;
    fat_len = fat_len ? fat_len : get_le32(boot + 36);
    sectors = sectors ? sectors : get_le32(boot + 32);
    volume->cluster_size = sector * boot[13];
    volume->size = sectors * sector;
    volume->fat_offset = reserved * sector;
    volume->root_offset = (reserved + fats * fat_len) * sector;
    volume->root_len = (uint64_t)get_le16(boot + 17) * ENTRY_LEN;
    volume->data_offset = volume->root_offset + round_up(volume->root_len, sector);
    if (!reserved || !fats || !fat_len || volume->data_offset > volume->size)
        return false;
    volume->clusters = (uint32_t)((volume->size - volume->data_offset) / volume->cluster_size);
    volume->bits = volume->clusters < 4085 ? 12 : volume->clusters < 65525 ? 16 : 32;
    if (volume->bits == 32)
        volume->root_cluster = get_le32(boot + 44);
    /* clusters that the table has no room for do not exist */
    if (volume->clusters > fat_len * sector * 8 / (uint64_t)volume->bits)
        volume->clusters = (uint32_t)(fat_len * sector * 8 / (uint64_t)volume->bits);
    return true;
}

static void copy_label(char label[12], const uint8_t *from)
{
    size_t len = 11;

    memcpy(label, from, len);
    while (len && (label[len - 1] == ' ' || label[len - 1] == '\0'))
        len--;
    label[len] = '\0';
    if (strcmp(label, "NO NAME") == 0)
        label[0] = '\0';
}

/* The entry of a cluster in the table; 0 (which ends a chain) where there is none. */
static int next_cluster(struct walk *walk, uint32_t cluster, uint32_t *next)
{
    const struct fat_volume *volume = walk->volume;
    uint64_t at = volume->fat_offset + (uint64_t)cluster * (unsigned)volume->bits / 8;
    uint32_t value;

    *next = 0;
    if (at + 4 > volume->content.len)
        return 0;
    if (at < walk->window_offset || at + 4 > walk->window_offset + walk->window_len) {
        uint64_t left = volume->content.len - at;

        walk->window_offset = at;
        walk->window_len = left < WINDOW ? (size_t)left : WINDOW;
        if (content_read(&volume->content, at, walk->window, walk->window_len) < 0)
            return -1;
    }
    value = get_le32(walk->window + (at - walk->window_offset));
    if (volume->bits == 12)
        value = (cluster & 1 ? value >> 4 : value) & 0xfff;
    else
        value &= volume->bits == 16 ? 0xffff : 0x0fffffff;
    *next = value;
    return 0;
}

/* Is there such a cluster, with all its bytes, and has the chain not gone round? */
static bool cluster_valid(struct walk *walk, uint32_t cluster, uint64_t *offset)
{
    const struct fat_volume *volume = walk->volume;

    if (cluster < 2 || cluster - 2 >= volume->clusters || walk->steps++ > volume->clusters)
        return false;
    *offset = volume->data_offset + (cluster - 2) * volume->cluster_size;
    return *offset + volume->cluster_size <= volume->content.len;
}

/* Adds len bytes of a chain (or all of it, if it is shorter); 1, or 0 if it was. */
static int read_chain(const struct fat_volume *volume, uint32_t cluster, uint64_t len,
                      struct buf *out)
{
    struct walk walk = {.volume = volume};
    uint8_t *bytes = xcalloc(volume->cluster_size, 1);
    uint64_t offset;
    int result = 1;

    while (len && result == 1) {
        size_t n = len < volume->cluster_size ? (size_t)len : (size_t)volume->cluster_size;

        if (!cluster_valid(&walk, cluster, &offset)) {
            result = 0;
        } else if (content_read(&volume->content, offset, bytes, n) < 0 ||
                   next_cluster(&walk, cluster, &cluster) < 0) {
            result = -1;
        } else {
            buf_add(out, bytes, n);
            len -= n;
        }
    }
    free(bytes);
    return result;
}

/* The raw entries of a folder. */
static int read_folder(const struct fat_volume *volume, const struct entry *folder, struct buf *out)
{
    uint64_t start = folder ? folder->start : volume->root_cluster;
    uint64_t len = volume->root_len;

    if (start)
        return read_chain(volume, (uint32_t)start, FOLDER_MAX * ENTRY_LEN, out) < 0 ? -1 : 0;
    if (volume->bits == 32 || volume->root_offset + len > volume->content.len)
        return 0;
    buf_add(out, "", 0);
    out->data = xrealloc(out->data, len + 1);
    out->len = len;
    return content_read(&volume->content, volume->root_offset, out->data, len);
}

/* "BOOT    CFG" with the flags of Windows NT (byte 12) that make base or extension small. */
static char *short_name(const uint8_t *raw)
{
    char name[13];
    size_t len = 0;

    for (size_t i = 0; i < 11; i++) {
        int c = i == 0 && raw[0] == 0x05 ? 0xe5 : raw[i];

        if (i == 8 && raw[8] != ' ')
            name[len++] = '.';
        if (c == ' ')
            continue;
        if (raw[12] & (i < 8 ? 0x08 : 0x10))
            c = tolower(c);
        name[len++] = c < 0x20 || c >= 0x7f ? '?' : (char)c;
    }
    name[len] = '\0';
    return xstrdup(name);
}

/* A long name as it is gathered: entries stand before the short one, the last part first. */
struct long_name {
    uint16_t units[LONG_PARTS * LONG_CHARS];
    unsigned parts;  /* 0: none begun */
    unsigned wanted; /* the next part's number; 0: whole */
    uint8_t sum;
};

static void add_long_part(struct long_name *name, const uint8_t *raw)
{
    static const uint8_t places[LONG_CHARS] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
    unsigned number = raw[0] & 0x3f;

    if (raw[0] & 0x40)
        *name = (struct long_name){.parts = number, .wanted = number, .sum = raw[13]};
    if (!number || number > LONG_PARTS || number != name->wanted || raw[13] != name->sum) {
        name->parts = 0;
        return;
    }
    for (size_t i = 0; i < LONG_CHARS; i++)
        name->units[(number - 1) * LONG_CHARS + i] = get_le16(raw + places[i]);
    name->wanted--;
}

static uint8_t short_sum(const uint8_t *raw)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < 11; i++)
        sum = (uint8_t)((sum >> 1 | sum << 7) + raw[i]);
    return sum;
}

static void add_entry(const uint8_t *raw, const struct long_name *name, struct folder *out)
{
    bool is_folder = raw[11] & ATTR_FOLDER;
    struct entry entry = {
        .folder = is_folder,
        .start = get_le16(raw + 26) | (uint64_t)get_le16(raw + 20) << 16,
        .len = is_folder ? 0 : get_le32(raw + 28),
    };

    if (name->parts && !name->wanted && name->sum == short_sum(raw))
        entry.name = folder_name_utf16(name->units, name->parts * LONG_CHARS);
    else
        entry.name = short_name(raw);
    folder_add(out, entry);
}

int fat_read_list(const struct fat_volume *volume, const struct entry *folder, struct folder *out)
{
    struct long_name name = {.parts = 0};
    struct buf raw = {0};
    int result = read_folder(volume, folder, &raw);

    for (size_t at = 0; result == 0 && at + ENTRY_LEN <= raw.len; at += ENTRY_LEN) {
        const uint8_t *entry = (const uint8_t *)raw.data + at;

        if (entry[0] == 0)
            break;
        if (entry[0] != 0xe5 && (entry[11] & 0x3f) == ATTR_LONG) {
            add_long_part(&name, entry);
            continue;
        }
        if (entry[0] != 0xe5 && entry[0] != '.' && !(entry[11] & ATTR_VOLUME))
            add_entry(entry, &name, out);
        name.parts = 0;
    }
    buf_free(&raw);
    return result;
}

/* The label is an entry of the root folder. */
static int read_label(struct fat_volume *volume)
{
    struct buf raw = {0};
    int result = read_folder(volume, NULL, &raw);

    for (size_t at = 0; at + ENTRY_LEN <= raw.len && raw.data[at]; at += ENTRY_LEN) {
        const uint8_t *entry = (const uint8_t *)raw.data + at;

        if (entry[0] != 0xe5 && (entry[11] & 0x3f) != ATTR_LONG && (entry[11] & ATTR_VOLUME)) {
            copy_label(volume->label, entry);
            break;
        }
    }
    buf_free(&raw);
    return result;
}

int fat_read_open(struct fat_volume *volume, const struct content *content)
{
    uint8_t boot[512];
    size_t extended;

    *volume = (struct fat_volume){.content = *content};
    if (content->len < sizeof boot)
        return 0;
    if (content_read(content, 0, boot, sizeof boot) < 0)
        return -1;
    if (!parse_boot_sector(volume, boot))
        return 0;
    extended = volume->bits == 32 ? 64 : 36;
    if (boot[extended + 2] == 0x29) {
        volume->id = get_le32(boot + extended + 3);
        copy_label(volume->label, boot + extended + 7);
    }
    return read_label(volume) < 0 ? -1 : 1;
}

int fat_read_extent(const struct fat_volume *volume, const struct entry *file, struct content *out)
{
    struct walk walk = {.volume = volume};
    uint32_t cluster = (uint32_t)file->start;
    uint64_t left = divide_up(file->len, volume->cluster_size), offset, first = 0;

    for (uint64_t i = 0; i < left; i++) {
        if (!cluster_valid(&walk, cluster, &offset))
            return 0;
        if (i == 0)
            first = offset;
        if (offset != first + i * volume->cluster_size)
            return 0;
        if (next_cluster(&walk, cluster, &cluster) < 0)
            return -1;
    }
    *out = content_slice(volume->content, first, file->len);
    return 1;
}

int fat_read_file(const struct fat_volume *volume, const struct entry *file, struct buf *out)
{
    return read_chain(volume, (uint32_t)file->start, file->len, out);
}

int fat_read_used(const struct fat_volume *volume, uint64_t *end)
{
    struct walk walk = {.volume = volume};
    uint32_t entry;

    *end = volume->data_offset;
    for (uint32_t i = 0; i < volume->clusters; i++) {
        if (next_cluster(&walk, i + 2, &entry) < 0)
            return -1;
        if (entry)
            *end = volume->data_offset + (i + UINT64_C(1)) * volume->cluster_size;
    }
    return 0;
}
