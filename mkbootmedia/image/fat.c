/*
 * fat: mkfs.fat formats a memfd of the volume's size; what it has put into the reserved sectors
 * and the root folder is taken over, and FATs, folders and places of files are added.
 *
 *   | reserved: boot sector, FSInfo, their copies | FAT | FAT | root (FAT16) | cluster 2 ...
 *
 * fat_plan has foreseen the geometry, so that files have their places before mkfs.fat has run; the
 * boot sector that it writes has to agree.
 */
#include "image/fat_private.h"

#include "base/msg.h"
#include "base/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The boot sector up to what we need; fatgen103, "Boot Sector and BPB". */
struct boot_sector {
    uint8_t jump[3], oem[8];
    uint8_t sector_size[2], cluster_sectors, reserved[2], fats, root_entries[2], sectors16[2];
    uint8_t media, fat_sectors16[2], track[2], heads[2], hidden[4], sectors32[4];
    /* FAT32 only */
    uint8_t fat_sectors32[4], flags[2], version[2], root_cluster[4], info[2], backup[2];
};
static_assert(sizeof(struct boot_sector) == 52, "boot_sector");

/* Where Linux notes that a volume is in use: BS_Reserved1. */
#define STATE_FAT16 37
#define STATE_FAT32 65

/* FSInfo; fatgen103, "FAT32 FSInfo Sector Structure and Backup Boot Sector". */
#define INFO_LEAD       0
#define INFO_LEAD_VALUE 0x41615252u
#define INFO_FREE       488
#define INFO_NEXT       492
#define INFO_NEXT_NONE  0xffffffffu

/* The volume as mkfs.fat has made it; all in bytes from its start. */
struct volume {
    int fd;
    uint32_t reserved; /* the first FAT starts here */
    uint64_t fat_len;
    uint64_t root; /* the root folder, with the label */
    uint64_t data; /* cluster 2 */
    uint64_t clusters;
    uint16_t info, backup; /* sectors, 0: none */
};

/*
 * -a: we align ourselves; -M, -D: a hard disk, else some sizes are taken for a floppy disk;
 * -b: backup boot sector; -r: entries of the root folder.
 */
static int start_mkfs(struct fat *fat, uint64_t offset)
{
    struct run_path path = run_path(fat->fd);
    bool fat32 = fat->options.bits == 32;
    char cluster[16], sectors[16], id[16], hidden[16], root[16];

    snprintf(cluster, sizeof cluster, "-s%" PRIu64, fat->cluster_size / SECTOR);
    snprintf(sectors, sizeof sectors, "-R%" PRIu32, fat->reserved);
    snprintf(id, sizeof id, "-i%08" PRIX32, fat->options.volume_id);
    snprintf(hidden, sizeof hidden, "-h%" PRIu32, (uint32_t)(offset / SECTOR));
    snprintf(root, sizeof root, "-r%" PRIu32, fat->root_entries);
    return run_start(&fat->mkfs,
                     (const char *const[]){"mkfs.fat", "--invariant", "-a", "-S512", "-f2",
                                           "-M0xF8", "-D0x80", //
                                           fat32 ? "-F32" : "-F16", fat32 ? "-b6" : root, cluster,
                                           sectors, hidden, id, //
                                           "-n", fat->options.label, path.name, NULL});
}

static int read_memfd(int fd, void *out, size_t len, uint64_t at)
{
    if (pread(fd, out, len, (off_t)at) != (ssize_t)len)
        return msg_errno("mkfs.fat", "reading what it has made");
    return 0;
}

/* Takes the geometry from the boot sector. */
static int read_volume(const struct fat *fat, struct volume *volume)
{
    struct boot_sector boot;
    uint32_t sectors, fat_sectors;

    if (read_memfd(volume->fd, &boot, sizeof boot, 0) < 0)
        return -1;
    sectors = get_le16(boot.sectors16) ? get_le16(boot.sectors16) : get_le32(boot.sectors32);
    fat_sectors = get_le16(boot.fat_sectors16);
    if (fat->options.bits == 32) {
        fat_sectors = get_le32(boot.fat_sectors32);
        volume->info = get_le16(boot.info);
        volume->backup = get_le16(boot.backup);
    }
    volume->reserved = (uint32_t)(get_le16(boot.reserved) * SECTOR);
    volume->fat_len = fat_sectors * SECTOR;
    volume->data = volume->reserved + 2 * volume->fat_len;
    volume->root = volume->data; /* FAT16: before the clusters, FAT32: in the first one */
    volume->data += get_le16(boot.root_entries) * (uint64_t)FAT_ENTRY_LEN;
    if (get_le16(boot.sector_size) != SECTOR || boot.fats != 2 || !volume->reserved ||
        boot.cluster_sectors * SECTOR != fat->cluster_size || sectors * SECTOR > fat->size ||
        volume->data >= sectors * SECTOR || get_le16(boot.root_entries) != fat->root_entries ||
        (fat->options.bits == 32 && get_le32(boot.root_cluster) != FAT_FIRST))
        return msg_error("mkfs.fat: formatting FAT%d: it has made another volume than asked for",
                         fat->options.bits);
    volume->clusters = (sectors * SECTOR - volume->data) / fat->cluster_size;
    return 0;
}

int fat_format(struct fat *fat, uint64_t offset)
{
    assert(offset % ITEM_ALIGN == 0);
    fat_place(fat, offset);
    fat->fd = run_memfd("FAT");
    if (fat->fd < 0)
        return -1;
    if (ftruncate(fat->fd, (off_t)fat->size) < 0)
        msg_errno("FAT", "making a memory file");
    else if (start_mkfs(fat, offset) == 0)
        return 0;
    close(fat->fd);
    return -1;
}

/* Waits for mkfs.fat; the volume must be as fat_plan has foreseen it: places are given already. */
static int take_volume(struct fat *fat, struct volume *volume)
{
    volume->fd = fat->fd;
    if (run_wait(&fat->mkfs) < 0 || read_volume(fat, volume) < 0)
        return -1;
    if (volume->data != fat->data || volume->clusters < fat->next - FAT_FIRST)
        return msg_error("mkfs.fat: formatting FAT%d: clusters start at byte %" PRIu64
                         ", not at %" PRIu64 " as with dosfstools 4.2",
                         fat->options.bits, volume->data, fat->data);
    return 0;
}

/* An item's content may have come out smaller than the room that was kept for it. */
static void settle(struct fat *fat)
{
    for (size_t i = 0; i < fat->node_count; i++) {
        struct fat_node *node = &fat->nodes[i];

        if (!node->item)
            continue;
        node->clusters = (uint32_t)divide_up(node->item->content.len, fat->cluster_size);
        if (!node->clusters)
            node->cluster = 0;
    }
}

static uint64_t clusters_used(const struct fat *fat)
{
    uint64_t used = 0;

    for (size_t i = 0; i < fat->node_count; i++)
        used += fat->nodes[i].clusters;
    return used;
}

/* Notes free clusters in FSInfo at this sector, if it is one. */
static void put_info(const struct fat *fat, const struct volume *volume, uint8_t *reserved,
                     uint32_t sector)
{
    uint8_t *info = reserved + sector * SECTOR;
    bool full = fat->next - FAT_FIRST >= volume->clusters;

    if (sector == 0 || (sector + 1) * SECTOR > volume->reserved ||
        get_le32(info + INFO_LEAD) != INFO_LEAD_VALUE)
        return;
    put_le32(info + INFO_FREE, (uint32_t)(volume->clusters - clusters_used(fat)));
    put_le32(info + INFO_NEXT, full ? INFO_NEXT_NONE : fat->next);
}

static int add_reserved(const struct fat *fat, const struct volume *volume, uint64_t offset,
                        struct image *image)
{
    uint8_t *data = xcalloc(1, volume->reserved);
    uint32_t len = volume->reserved;

    if (read_memfd(volume->fd, data, len, 0) < 0) {
        free(data);
        return -1;
    }
    put_info(fat, volume, data, volume->info);
    put_info(fat, volume, data, volume->info ? (uint32_t)volume->backup + volume->info : 0);
    while (len && !data[len - 1])
        len--;
    image_own(image, offset, data, round_up(len, SECTOR), "FAT boot sector");
    return 0;
}

static void put_chain(const struct fat *fat, uint8_t *table, const struct fat_node *node)
{
    for (uint32_t i = 0; i < node->clusters; i++) {
        uint32_t at = node->cluster + i;
        uint32_t value = i + 1 < node->clusters ? at + 1 : 0x0fffffff;

        if (fat->options.bits == 32)
            put_le32(table + 4 * (size_t)at, value);
        else
            put_le16(table + 2 * (size_t)at, (uint16_t)value);
    }
}

/* Both FATs, up to the last entry in use; the first two entries are mkfs.fat's. */
static int add_fats(const struct fat *fat, const struct volume *volume, uint64_t offset,
                    struct image *image)
{
    size_t entry = (size_t)fat->options.bits / 8;
    uint64_t len = round_up(fat->next * entry, SECTOR);
    uint8_t *table = xcalloc(1, len);

    if (read_memfd(volume->fd, table, FAT_FIRST * entry, volume->reserved) < 0) {
        free(table);
        return -1;
    }
    for (size_t i = 0; i < fat->node_count; i++)
        put_chain(fat, table, &fat->nodes[i]);
    image_own(image, offset + volume->reserved, table, len, "FAT");
    image_add(image, offset + volume->reserved + volume->fat_len, content_memory(table, len),
              "FAT copy");
    return 0;
}

static uint64_t cluster_offset(const struct fat *fat, const struct volume *volume, uint32_t cluster)
{
    return volume->data + (uint64_t)(cluster - FAT_FIRST) * fat->cluster_size;
}

/* From the root folder on. */
static uint64_t folder_offset(const struct fat *fat, const struct volume *volume,
                              const struct fat_node *node)
{
    return node->cluster ? cluster_offset(fat, volume, node->cluster) - volume->root : 0;
}

/* Days on which files are read, in the entries of folders. */
static void add_read_dates(uint64_t offset, const uint8_t *folders, uint64_t len,
                           struct image *image)
{
    for (uint64_t at = 0; at < len; at += FAT_ENTRY_LEN)
        if (folders[at] && folders[at + offsetof(struct fat_entry, attr)] != FAT_ATTR_LONG)
            image_add_changing(image, offset + at + offsetof(struct fat_entry, read_date), 2);
}

/* The root and all other folders, which stand side by side. */
static int add_folders(const struct fat *fat, const struct volume *volume, uint64_t offset,
                       struct image *image)
{
    uint8_t label[FAT_ENTRY_LEN], *data;
    uint64_t len = 0;

    if (read_memfd(volume->fd, label, sizeof label, volume->root) < 0)
        return -1;
    if (label[offsetof(struct fat_entry, attr)] != FAT_ATTR_LABEL)
        return msg_error("mkfs.fat: formatting FAT%d: it has made no label", fat->options.bits);
    for (size_t i = 0; i < fat->node_count; i++)
        if (!fat->nodes[i].item) /* the last one stands last */
            len =
                folder_offset(fat, volume, &fat->nodes[i]) + fat->nodes[i].entries * FAT_ENTRY_LEN;
    len = round_up(len, SECTOR);
    data = xcalloc(1, len);
    for (size_t i = 0; i < fat->node_count; i++)
        if (!fat->nodes[i].item)
            fat_folder_write(fat, &fat->nodes[i], label,
                             data + folder_offset(fat, volume, &fat->nodes[i]));
    image_own(image, offset + volume->root, data, len, "FAT folders");
    add_read_dates(offset + volume->root, data, len, image);
    return 0;
}

static void add_files(const struct fat *fat, struct image *image)
{
    for (size_t i = 0; i < fat->node_count; i++) {
        const struct item *item = fat->nodes[i].item;

        if (item && item->content.len)
            image_add(image, item->place, item->content, item->path);
    }
}

/*
 * What mounting a volume changes: its state (Linux), free clusters in FSInfo, flags in the FATs'
 * second entry (Windows).
 */
static void add_changing(const struct fat *fat, const struct volume *volume, uint64_t offset,
                         struct image *image)
{
    uint64_t entry = (uint64_t)fat->options.bits / 8;

    image_add_changing(image, offset + (fat->options.bits == 32 ? STATE_FAT32 : STATE_FAT16), 1);
    if (volume->info)
        image_add_changing(image, offset + volume->info * SECTOR + INFO_FREE, 8);
    for (uint64_t i = 0; i < 2; i++)
        image_add_changing(image, offset + volume->reserved + i * volume->fat_len + entry, entry);
}

/* Clusters from the first that was never given away on. */
static void add_free(const struct fat *fat, const struct volume *volume, uint64_t offset,
                     struct image *image)
{
    uint64_t start = cluster_offset(fat, volume, fat->next);

    if (start < fat->size)
        image_add_spare(image, offset + start, fat->size - start, "free clusters");
}

int fat_write(struct fat *fat, uint64_t offset, struct image *image)
{
    struct volume volume = {0};
    int result;

    if (!fat->mkfs.pid && fat_format(fat, offset) < 0)
        return -1;
    settle(fat);
    result = take_volume(fat, &volume);
    if (result == 0)
        result = add_reserved(fat, &volume, offset, image);
    if (result == 0)
        result = add_fats(fat, &volume, offset, image);
    if (result == 0)
        result = add_folders(fat, &volume, offset, image);
    if (result == 0) {
        add_files(fat, image);
        add_changing(fat, &volume, offset, image);
        add_free(fat, &volume, offset, image);
    }
    close(volume.fd);
    return result;
}
