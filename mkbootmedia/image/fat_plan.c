/*
 * fat_plan: how many clusters the tree takes, how large clusters and volume are.
 *
 * Cluster 2 and up: all folders, then the files in the order of their paths, each from the next
 * aligned place on (boot/item.h). What FAT a volume has is decided by the number of its clusters
 * alone (fatgen103, "FAT Type Determination"), so we keep 16 away from the limits, as it advises.
 */
#include "image/fat_private.h"

#include "base/msg.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RESERVED_MIN    32 /* sectors: usual for FAT32, where the backup boot sector is the sixth */
#define CLUSTER_LEN_MAX (32 * KIB)

static const struct kind {
    int bits;
    uint64_t unit;     /* the volume is a multiple of */
    uint64_t size_min; /* bytes */
    uint32_t clusters_min;
    uint32_t clusters_max; /* rather have larger clusters than more of them */
    bool larger;           /* there may be more of the largest clusters */
} kinds[] = {
    {16, 4 * KIB, 0, 4085 + 16, 65524 - 16, false},
    {32, MIB, 36 * MIB, 65525 + 16, 2 * (65525 + 16), true},
};

/* The geometry with so many reserved sectors; data is 0 if there is no room for a cluster. */
static struct fat_geometry with_reserved(uint32_t bits, uint64_t size, uint32_t cluster_size,
                                         uint32_t root_sectors, uint32_t reserved)
{
    struct fat_geometry g = {.reserved = reserved, .root_sectors = root_sectors};
    uint32_t entry = bits / 8;
    uint64_t rest = size / SECTOR, clusters;

    if (rest <= reserved + root_sectors)
        return g;
    rest -= reserved + root_sectors;
    /* a cluster takes its own bytes and an entry in either FAT; so do the first two entries */
    clusters = (rest * SECTOR + (uint64_t)FAT_FIRST * 2 * entry) / (cluster_size + 2 * entry);
    g.fat_sectors = (uint32_t)divide_up((clusters + FAT_FIRST) * entry, SECTOR);
    if (rest <= 2 * (uint64_t)g.fat_sectors)
        return g;
    g.data = reserved + 2 * g.fat_sectors + root_sectors;
    g.clusters = (uint32_t)((rest - 2 * (uint64_t)g.fat_sectors) * SECTOR / cluster_size);
    return g;
}

struct fat_geometry fat_geometry(int bits, uint64_t size, uint32_t cluster_size,
                                 uint32_t root_entries)
{
    const uint32_t unit = FAT_ALIGN / SECTOR;
    uint32_t root_sectors = (uint32_t)divide_up(root_entries * (uint64_t)FAT_ENTRY_LEN, SECTOR);
    uint32_t reserved = RESERVED_MIN;
    struct fat_geometry g;

    /* as sectors are added to the front, the FATs can only become shorter: this ends */
    do {
        g = with_reserved((uint32_t)bits, size, cluster_size, root_sectors, reserved);
        reserved += unit - g.data % unit;
    } while (g.data % unit);
    return g;
}

/* len bytes from cluster *next on. */
static void take(struct fat_node *node, uint64_t len, uint64_t *next, uint32_t cluster_size)
{
    node->clusters = (uint32_t)divide_up(len, cluster_size);
    node->cluster = (uint32_t)*next;
    *next += node->clusters;
}

/* Gives folders and files their clusters; returns the number of the first cluster behind them. */
static uint64_t take_clusters(struct fat *fat, uint32_t cluster_size)
{
    uint64_t next = FAT_FIRST;

    for (size_t i = fat->root_entries ? 1 : 0; i < fat->node_count; i++)
        if (!fat->nodes[i].item)
            take(&fat->nodes[i], fat->nodes[i].entries * FAT_ENTRY_LEN, &next, cluster_size);
    for (size_t i = 0; i < fat->node_count; i++) {
        const struct item *item = fat->nodes[i].item;
        uint64_t step;

        if (!item || !item_room(item))
            continue;
        step = item_alignment(item_room(item)) / cluster_size;
        if (step > 1)
            next = FAT_FIRST + round_up(next - FAT_FIRST, step);
        take(&fat->nodes[i], item_room(item), &next, cluster_size);
    }
    return next;
}

/* The smallest volume that has at least so many clusters; *g is its geometry. */
static uint64_t size_for(const struct fat *fat, const struct kind *kind, uint32_t cluster_size,
                         uint64_t clusters, struct fat_geometry *g)
{
    uint64_t size = round_up(clusters * cluster_size, kind->unit);

    if (size < kind->size_min)
        size = kind->size_min;
    if (size < fat->options.size_min)
        size = round_up(fat->options.size_min, kind->unit);
    while (size / SECTOR <= UINT32_MAX) {
        *g = fat_geometry(kind->bits, size, cluster_size, fat->root_entries);
        if (g->clusters >= clusters)
            break;
        size += kind->unit;
    }
    return size;
}

/* The smallest cluster size that gives few enough of them. */
static int choose_size(struct fat *fat, const struct kind *kind)
{
    struct fat_geometry g = {0};

    for (uint32_t cluster = SECTOR; cluster <= CLUSTER_LEN_MAX; cluster *= 2) {
        uint64_t next = take_clusters(fat, cluster);
        uint64_t need = next - FAT_FIRST;

        if (need < kind->clusters_min)
            need = kind->clusters_min;
        fat->size = size_for(fat, kind, cluster, need, &g);
        fat->cluster_size = cluster;
        fat->next = (uint32_t)next;
        fat->reserved = g.reserved;
        fat->data = g.data * SECTOR;
        if (fat->size / SECTOR > UINT32_MAX) /* the boot sector has 32 bits for the sectors */
            continue;
        if (g.clusters <= kind->clusters_max || (kind->larger && cluster == CLUSTER_LEN_MAX))
            return 0;
    }
    return msg_error("FAT%d: laying out %zu files: a volume of %" PRIu64 " MiB is too large for it",
                     kind->bits, fat->count, fat->size / MIB);
}

/* FAT16's root folder has a size of its own, a multiple of 4096 bytes and usually 16 KiB. */
static uint32_t root_entries(const struct fat *fat)
{
    uint64_t entries = round_up(fat->nodes[0].entries, ITEM_ALIGN / FAT_ENTRY_LEN);

    if (fat->options.bits == 32)
        return 0;
    return entries < 512 ? 512 : (uint32_t)entries;
}

int fat_plan(struct fat *fat, const struct fat_options *options, struct item *const items[],
             size_t count)
{
    const struct kind *kind = &kinds[options->bits == 32];

    *fat = (struct fat){.options = *options, .count = count};
    fat->items = xcalloc(count, sizeof(struct item *));
    if (count)
        memcpy(fat->items, items, count * sizeof(struct item *));
    if (fat_tree(fat) < 0)
        return -1;
    fat->root_entries = root_entries(fat);
    if (fat->root_entries > UINT16_MAX)
        return msg_error("FAT16: laying out the root folder: its names take %zu entries; at most "
                         "65408 are possible",
                         fat->nodes[0].entries);
    return choose_size(fat, kind);
}

void fat_place(struct fat *fat, uint64_t offset)
{
    for (size_t i = 0; i < fat->node_count; i++) {
        const struct fat_node *node = &fat->nodes[i];

        if (node->item && node->cluster)
            node->item->place =
                offset + fat->data + (uint64_t)(node->cluster - FAT_FIRST) * fat->cluster_size;
    }
}

void fat_free(struct fat *fat)
{
    if (fat->mkfs.pid) { /* something else has failed while it ran */
        run_wait(&fat->mkfs);
        close(fat->fd);
    }
    for (size_t i = 0; i < fat->node_count; i++)
        free(fat->nodes[i].name);
    free(fat->nodes);
    free(fat->items);
    *fat = (struct fat){0};
}
