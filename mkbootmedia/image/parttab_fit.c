/*
 * parttab_fit: the image's head on a memfd of the disk's size. For sectors of 512 bytes libfdisk
 * moves the copy when it writes the table again; for others the table is read with 512 and made
 * anew, with the same ids.
 */
#include "image/parttab_private.h"

#include "base/msg.h"
#include "base/run.h"
#include "base/util.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define MBR_ENTRIES    446
#define MBR_PROTECTIVE 0xee
#define GPT_COUNT      128
#define GPT_ENTRIES    (16 * KIB) /* bytes: 128 entries of 128 */

static int report(const char *disk, int failed, const char *doing)
{
    return msg_error("%s: %s: %s", disk, doing, strerror(-failed));
}

struct fdisk_context *parttab_open(const char *disk, int fd, unsigned sector_size)
{
    struct fdisk_context *context = fdisk_new_context();
    int failed = context ? 0 : -ENOMEM;

    if (!failed)
        failed = fdisk_save_user_sector_size(context, sector_size, sector_size);
    if (!failed)
        failed = fdisk_assign_device_by_fd(context, fd, disk, 0);
    if (!failed)
        return context;
    report(disk, failed, "looking at the partition table");
    fdisk_unref_context(context);
    return NULL;
}

bool parttab_is_gpt(struct fdisk_context *context)
{
    return fdisk_has_label(context) && fdisk_is_labeltype(context, FDISK_DISKLABEL_GPT);
}

void parttab_close(struct fdisk_context *context)
{
    if (context)
        fdisk_deassign_device(context, 1);
    fdisk_unref_context(context);
}

int parttab_memfd(uint64_t size, const uint8_t *head, size_t len)
{
    int fd = run_memfd("GPT");

    if (fd >= 0 && (ftruncate(fd, (off_t)size) < 0 || pwrite(fd, head, len, 0) != (ssize_t)len)) {
        close(fd);
        return msg_errno("GPT", "making a memory file");
    }
    return fd;
}

/* The same partition in larger sectors. */
static int scale(const char *disk, struct fdisk_partition *pa, unsigned to)
{
    uint64_t start = fdisk_partition_get_start(pa) * SECTOR;
    uint64_t size = fdisk_partition_get_size(pa) * SECTOR;

    if (start % to || size % to)
        return msg_error("%s: writing: its sectors of %u bytes are too large for partition %zu of "
                         "the image",
                         disk, to, fdisk_partition_get_partno(pa) + 1);
    fdisk_partition_set_start(pa, start / to);
    fdisk_partition_set_size(pa, size / to);
    fdisk_partition_size_explicit(pa, 1);
    return 0;
}

static int add_scaled(const char *disk, struct fdisk_table *partitions,
                      const struct parttab_fit *fit, struct fdisk_context *to)
{
    struct fdisk_iter *iter = fdisk_new_iter(FDISK_ITER_FORWARD);
    struct fdisk_partition *pa;
    int result = 0, failed = 0;

    while (result == 0 && !failed && fdisk_table_next_partition(partitions, iter, &pa) == 0) {
        result = scale(disk, pa, fit->sector_size);
        if (result == 0)
            failed = fdisk_add_partition(to, pa, NULL);
    }
    fdisk_free_iter(iter);
    return failed ? report(disk, failed, "making the partition table anew") : result;
}

/*
 * A new table whose partitions may begin right behind it. Creating one puts the first sector at
 * 1 MiB, whatever was asked for before; it is computed again when the number of entries changes.
 */
static int create(struct fdisk_context *context, unsigned sector_size)
{
    int failed = fdisk_create_disklabel(context, "gpt");

    fdisk_set_first_lba(context, 2 + GPT_ENTRIES / sector_size);
    if (!failed)
        failed = fdisk_gpt_set_npartitions(context, GPT_COUNT / 2);
    if (!failed)
        failed = fdisk_gpt_set_npartitions(context, GPT_COUNT);
    return failed;
}

/* Makes the table that from has for another sector size, on the same memfd. */
static int remake(const struct parttab_fit *fit, const char *disk, struct fdisk_context *from,
                  int fd)
{
    struct fdisk_table *partitions = NULL;
    struct fdisk_context *to = parttab_open(disk, fd, fit->sector_size);
    char *id = NULL;
    int failed = to ? 0 : -1, result = -1;

    if (!to)
        return -1;
    failed = fdisk_get_partitions(from, &partitions);
    if (!failed)
        failed = fdisk_get_disklabel_id(from, &id);
    if (!failed)
        failed = create(to, fit->sector_size);
    if (!failed)
        failed = fdisk_set_disklabel_id_from_string(to, id);
    if (failed)
        report(disk, failed, "making the partition table anew");
    else
        result = add_scaled(disk, partitions, fit, to);
    failed = result == 0 ? fdisk_write_disklabel(to) : 0;
    if (failed)
        result = report(disk, failed, "making the partition table anew");
    free(id);
    fdisk_unref_table(partitions);
    parttab_close(to);
    return result;
}

/* libfdisk puts the copy at the end of the disk, and says so in the header. 1: there is a GPT. */
static int rewrite(const struct parttab_fit *fit, const char *disk, int fd)
{
    struct fdisk_context *context = parttab_open(disk, fd, SECTOR);
    int result = context ? parttab_is_gpt(context) : -1, failed = 0;

    if (result == 1 && fit->sector_size != SECTOR) {
        result = remake(fit, disk, context, fd) < 0 ? -1 : 1;
    } else if (result == 1) {
        failed = fdisk_write_disklabel(context);
        if (failed)
            result = report(disk, failed, "moving the partition table's copy");
    }
    parttab_close(context);
    return result;
}

/* The MBR stays but for the length of what protects the GPT. */
static void restore_mbr(const struct parttab_fit *fit, uint8_t *head, const uint8_t mbr[SECTOR])
{
    uint64_t sectors = fit->disk_size / fit->sector_size - 1;

    memcpy(head, mbr, SECTOR);
    for (unsigned i = 0; i < 4; i++) {
        uint8_t *entry = head + MBR_ENTRIES + 16 * (size_t)i;

        if (entry[4] == MBR_PROTECTIVE && get_le32(entry + 8) == 1)
            put_le32(entry + 12, sectors < UINT32_MAX ? (uint32_t)sectors : UINT32_MAX);
    }
}

static int take(struct parttab_fit *fit, const char *disk, int fd, uint8_t *head, size_t len)
{
    fit->tail_len = GPT_ENTRIES + fit->sector_size;
    fit->tail_offset = round_down(fit->disk_size, fit->sector_size) - fit->tail_len;
    fit->tail = xcalloc(1, fit->tail_len);
    if (pread(fd, head, len, 0) != (ssize_t)len ||
        pread(fd, fit->tail, fit->tail_len, (off_t)fit->tail_offset) != (ssize_t)fit->tail_len)
        return msg_errno(disk, "reading what libfdisk has made");
    return 0;
}

int parttab_fit(struct parttab_fit *fit, const char *disk, uint8_t *head, size_t len)
{
    uint8_t mbr[SECTOR];
    int fd, result;

    fit->tail = NULL;
    if (memcmp(head + SECTOR, "EFI PART", 8) != 0 ||
        (fit->sector_size == SECTOR && fit->image_size == fit->disk_size))
        return 0;
    fd = parttab_memfd(fit->disk_size, head, len);
    if (fd < 0)
        return -1;
    memcpy(mbr, head, sizeof mbr);
    result = rewrite(fit, disk, fd);
    if (result == 1) {
        result = take(fit, disk, fd, head, len);
        restore_mbr(fit, head, mbr);
    }
    close(fd);
    return result;
}
