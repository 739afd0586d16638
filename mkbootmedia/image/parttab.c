/*
 * parttab: libfdisk writes a GPT into an empty memfd of the image's size; we put boot code, disk
 * signature and MBR entries into sector 0; the sectors that are not zero then become regions.
 *
 *   LBA 0 MBR | 1 header | 2-33 entries | ... partitions ... | -33 entries | -1 header
 *
 * GPT: UEFI 2.10 section 5.3; MBR and protective MBR: section 5.2.
 */
#include "image/parttab.h"

#include "base/msg.h"
#include "base/run.h"
#include "base/util.h"
#include "image/sparse.h"

#include <assert.h>
#include <errno.h>
#include <libfdisk.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define GPT_FIRST     34 /* the first sector that a partition can have */
#define CHS_HEADS     64
#define CHS_SECTORS   32
#define MBR_SIGNATURE 440
#define MBR_ENTRIES   446
#define MBR_ACTIVE    0x80
#define MBR_EMPTY     0x00
#define MBR_EFI       0xef

struct mbr_entry {
    uint8_t status, first_chs[3], type, last_chs[3];
    uint8_t start[4], count[4]; /* sectors */
};
static_assert(sizeof(struct mbr_entry) == 16, "mbr_entry");

/* libfdisk returns -errno. */
static int report(int failed, const char *doing)
{
    return msg_error("GPT: %s: %s", doing, strerror(-failed));
}

static int set_fields(struct fdisk_partition *pa, const struct partition *partition, size_t number,
                      struct fdisk_parttype *type)
{
    int failed = fdisk_partition_set_partno(pa, number);

    if (!failed)
        failed = fdisk_partition_set_start(pa, partition->offset / SECTOR);
    if (!failed)
        failed = fdisk_partition_set_size(pa, partition->size / SECTOR);
    if (!failed)
        failed = fdisk_partition_size_explicit(pa, 1); /* else the end would be aligned */
    if (!failed)
        failed = fdisk_partition_set_type(pa, type);
    if (!failed)
        failed = fdisk_partition_set_name(pa, partition->name);
    return failed ? failed : fdisk_partition_set_uuid(pa, partition->guid);
}

static int add_partition(struct fdisk_context *context, const struct partition *partition,
                         size_t number)
{
    struct fdisk_label *label = fdisk_get_label(context, NULL);
    struct fdisk_parttype *type = fdisk_label_parse_parttype(label, partition->type);
    struct fdisk_partition *pa = fdisk_new_partition();
    int failed = -ENOMEM;

    assert(partition->offset % SECTOR == 0 && partition->size % SECTOR == 0);
    if (pa && type)
        failed =
            set_fields(pa, partition, partition->number ? partition->number - 1 : number, type);
    if (!failed && partition->attrs)
        failed = fdisk_partition_set_attrs(pa, partition->attrs);
    if (!failed)
        failed = fdisk_add_partition(context, pa, NULL);
    fdisk_unref_parttype(type);
    fdisk_unref_partition(pa);
    if (failed)
        msg_error("GPT: adding partition %s: %s", partition->name, strerror(-failed));
    return failed ? -1 : 0;
}

static int make_gpt(struct fdisk_context *context, const struct parttab *table)
{
    int failed;

    fdisk_set_first_lba(context, GPT_FIRST); /* else 1 MiB; must be set before the label is made */
    failed = fdisk_create_disklabel(context, "gpt");

    if (failed)
        return report(failed, "creating it");
    failed = fdisk_set_disklabel_id_from_string(context, table->disk_guid);
    if (failed)
        return report(failed, "setting its GUID");
    for (size_t i = 0; i < table->count; i++)
        if (add_partition(context, &table->partitions[i], i) < 0)
            return -1;
    failed = fdisk_write_disklabel(context);
    return failed ? report(failed, "writing it") : 0;
}

/* Without a callback libfdisk asks nothing and prints nothing. */
static int run_fdisk(const struct parttab *table, int fd)
{
    struct fdisk_context *context = fdisk_new_context();
    int failed = context ? 0 : -ENOMEM, result = -1;

    if (!failed)
        failed = fdisk_save_user_sector_size(context, SECTOR, SECTOR);
    if (!failed)
        failed = fdisk_assign_device_by_fd(context, fd, "GPT", 0);
    if (failed) {
        report(failed, "preparing it");
    } else {
        result = make_gpt(context, table);
        fdisk_deassign_device(context, 1); /* 1: no fsync */
    }
    fdisk_unref_context(context);
    return result;
}

/*
 * The address of a sector for 64 heads and 32 sectors a track, as isohybrid has it; sectors that
 * have none get the last one that there is.
 */
static void put_chs(uint8_t chs[3], uint64_t sector)
{
    uint64_t last = 1024 * CHS_HEADS * CHS_SECTORS - 1;
    uint64_t at = sector < last ? sector : last;
    uint64_t cylinder = at / (CHS_HEADS * CHS_SECTORS);

    chs[0] = (uint8_t)(at / CHS_SECTORS % CHS_HEADS);
    chs[1] = (uint8_t)((at % CHS_SECTORS + 1) | cylinder >> 8 << 6);
    chs[2] = (uint8_t)cylinder;
}

static void put_entry(uint8_t *mbr, size_t slot, uint8_t status, uint8_t type, uint64_t start,
                      uint64_t count)
{
    struct mbr_entry entry = {.status = status, .type = type};

    put_chs(entry.first_chs, start);
    put_chs(entry.last_chs, start + count - 1);
    put_le32(entry.start, (uint32_t)start);
    put_le32(entry.count, count > UINT32_MAX ? UINT32_MAX : (uint32_t)count);
    memcpy(mbr + MBR_ENTRIES + slot * sizeof entry, &entry, sizeof entry);
}

static void put_isohybrid(const struct parttab *table, uint64_t size, uint8_t *mbr)
{
    memset(mbr + MBR_ENTRIES, 0, 4 * sizeof(struct mbr_entry));
    put_entry(mbr, 0, MBR_ACTIVE, MBR_EMPTY, 0, size / SECTOR);
    for (size_t i = 0; i < table->count; i++)
        if (strcasecmp(table->partitions[i].type, GPT_TYPE_ESP) == 0) {
            put_entry(mbr, 1, 0, MBR_EFI, table->partitions[i].offset / SECTOR,
                      table->partitions[i].size / SECTOR);
            return;
        }
}

/* libfdisk has made a protective MBR with one entry, in the first slot. */
static void patch_mbr(const struct parttab *table, uint64_t size, uint8_t *mbr)
{
    if (table->boot_code)
        memcpy(mbr, table->boot_code, MBR_CODE_LEN);
    put_le32(mbr + MBR_SIGNATURE, table->disk_signature);
    if (table->style == MBR_FORCE_ACTIVE)
        put_entry(mbr, 1, MBR_ACTIVE, MBR_EMPTY, 0, 1);
    else if (table->style == MBR_ISOHYBRID)
        put_isohybrid(table, size, mbr);
}

/* Sector 0, patched, is a region of its own. */
static int add_regions(const struct parttab *table, int fd, uint64_t size, struct image *image)
{
    struct sparse made = {.fd = fd, .name = "GPT", .unit = SECTOR};
    uint64_t half = round_down(size / 2, SECTOR);
    uint8_t *mbr = xcalloc(1, SECTOR);

    image_own(image, 0, mbr, SECTOR, "MBR");
    if (sparse_read(&made, 0, mbr, SECTOR) < 0)
        return -1;
    patch_mbr(table, size, mbr);
    if (sparse_add(&made, SECTOR, half, "GPT", image) < 0)
        return -1;
    return sparse_add(&made, half, size, "GPT backup", image);
}

int parttab_write(const struct parttab *table, uint64_t size, struct image *image)
{
    int fd = run_memfd("GPT"), result;

    if (fd < 0)
        return -1;
    assert(size % SECTOR == 0 && size >= (GPT_FIRST + 33) * SECTOR);
    result = ftruncate(fd, (off_t)size) < 0 ? msg_errno("GPT", "making a memory file") : 0;
    if (result == 0)
        result = run_fdisk(table, fd);
    if (result == 0)
        result = add_regions(table, fd, size, image);
    close(fd);
    return result;
}
