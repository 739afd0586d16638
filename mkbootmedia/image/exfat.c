/* exfat: boot sector and root folder; the sums of the boot regions. */
#include "image/exfat.h"

#include "base/msg.h"
#include "base/util.h"
#include "image/folder.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLUSTER_FIRST  2
#define BOOT_SECTORS   12 /* of a boot region; the last one holds the sum of the others */
#define SECTOR_MAX     4096
#define ENTRY_LEN      32
#define ROOT_LEN       4096 /* bytes of the root folder that we look at; an entry of its own is early */
#define ENTRY_BITMAP   0x81
#define ENTRY_UPCASE   0x82
#define ENTRY_LABEL    0x83
#define SECTOR_BITS(b) ((b)->sector_bits >= 9 && (b)->sector_bits <= 12)

struct boot_sector {
    uint8_t jump[3], name[8], zeros[53], partition[8], sectors[8], fat[4], fat_sectors[4];
    uint8_t heap[4], clusters[4], root[4], serial[4], revision[2], flags[2];
    uint8_t sector_bits, cluster_bits, fats, drive, percent;
};
static_assert(offsetof(struct boot_sector, serial) == 100, "boot_sector");
static_assert(sizeof(struct boot_sector) == 113, "boot_sector");

/* Bitmap, upcase table and label share the first byte; the first two share all of it. */
struct table_entry {
    uint8_t type, reserved[19], cluster[4], len[8];
};
static_assert(sizeof(struct table_entry) == ENTRY_LEN, "table_entry");

static uint64_t cluster_offset(const struct exfat *exfat, uint32_t cluster)
{
    return exfat->data + (uint64_t)(cluster - CLUSTER_FIRST) * exfat->cluster_size;
}

static void take_label(struct exfat *exfat, const uint8_t *entry)
{
    uint16_t units[EXFAT_LABEL_MAX];
    size_t count = entry[1] < EXFAT_LABEL_MAX ? entry[1] : EXFAT_LABEL_MAX;
    char *label;

    for (size_t i = 0; i < count; i++)
        units[i] = get_le16(entry + 2 + 2 * i);
    label = folder_name_utf16(units, count);
    snprintf(exfat->label, sizeof exfat->label, "%s", label);
    free(label);
}

/* Its clusters are one run, as mkfs.exfat makes it. */
static void take_table(struct exfat *exfat, const struct table_entry *entry)
{
    uint32_t cluster = get_le32(entry->cluster);
    uint64_t len = get_le64(entry->len), end;

    if (cluster < CLUSTER_FIRST || len > exfat->size)
        return;
    end = cluster_offset(exfat, cluster) + round_up(len, exfat->cluster_size);
    if (end > exfat->used)
        exfat->used = end;
}

static int read_root(struct exfat *exfat, const struct content *content, uint64_t root)
{
    uint8_t entries[ROOT_LEN];
    size_t len = exfat->cluster_size < ROOT_LEN ? exfat->cluster_size : ROOT_LEN;

    if (root > content->len || len > content->len - root)
        return 0;
    if (content_read(content, root, entries, len) < 0)
        return -1;
    exfat->used = root + exfat->cluster_size;
    for (const uint8_t *entry = entries; entry < entries + len && *entry; entry += ENTRY_LEN)
        if (*entry == ENTRY_LABEL)
            take_label(exfat, entry);
        else if (*entry == ENTRY_BITMAP || *entry == ENTRY_UPCASE)
            take_table(exfat, (const struct table_entry *)entry);
    return 1;
}

int exfat_open(struct exfat *exfat, const struct content *content)
{
    struct boot_sector boot;
    uint32_t root;

    *exfat = (struct exfat){0};
    if (content->len < sizeof boot)
        return 0;
    if (content_read(content, 0, &boot, sizeof boot) < 0)
        return -1;
    root = get_le32(boot.root);
    if (memcmp(boot.name, "EXFAT   ", sizeof boot.name) != 0 || !SECTOR_BITS(&boot) ||
        boot.cluster_bits > 25 - boot.sector_bits || root < CLUSTER_FIRST ||
        root - CLUSTER_FIRST >= get_le32(boot.clusters) ||
        get_le64(boot.sectors) > UINT64_MAX >> boot.sector_bits)
        return 0;
    exfat->sector_size = UINT32_C(1) << boot.sector_bits;
    exfat->cluster_size = exfat->sector_size << boot.cluster_bits;
    exfat->size = get_le64(boot.sectors) << boot.sector_bits;
    exfat->data = (uint64_t)get_le32(boot.heap) << boot.sector_bits;
    return read_root(exfat, content, cluster_offset(exfat, root));
}

/* Section 3.4: all bytes of the first 11 sectors but those that change while it is in use. */
static uint32_t boot_sum(const uint8_t *region, size_t len)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len; i++)
        if (i != offsetof(struct boot_sector, flags) &&
            i != offsetof(struct boot_sector, flags) + 1 &&
            i != offsetof(struct boot_sector, percent))
            sum = (sum << 31 | sum >> 1) + region[i];
    return sum;
}

int exfat_set_serial(const struct exfat *exfat, int fd, const char *name, uint32_t serial)
{
    uint8_t region[BOOT_SECTORS * SECTOR_MAX];
    size_t len = BOOT_SECTORS * exfat->sector_size, summed = len - exfat->sector_size;

    for (int copy = 0; copy < 2; copy++) {
        off_t at = (off_t)(copy * len);
        uint32_t sum;

        if (pread(fd, region, len, at) != (ssize_t)len)
            return msg_errno(name, "reading the boot sectors");
        put_le32(region + offsetof(struct boot_sector, serial), serial);
        sum = boot_sum(region, summed);
        for (size_t i = summed; i < len; i += sizeof sum)
            put_le32(region + i, sum);
        if (pwrite(fd, region, len, at) != (ssize_t)len)
            return msg_errno(name, "writing the boot sectors");
    }
    return 0;
}
