/*
 * usb: a disk image for sticks and disks, for BIOS and UEFI.
 *
 *     0        MBR with GRUB's boot.img, GPT
 *     1 MiB    BIOS boot partition: GRUB's core image          (with BIOS only)
 *     2 MiB    EFI system partition, FAT32: loaders, menu, payload
 *     end      GPT copy, 33 sectors
 */
#include "base/msg.h"
#include "base/util.h"
#include "image/fat.h"
#include "image/grub_bios.h"
#include "image/parttab.h"
#include "media/output.h"

#include <inttypes.h>
#include <stdlib.h>

#define CORE_OFFSET MIB
#define CORE_ROOM   MIB
#define FAT_BITS    32

static int check(const struct request *request)
{
    const char *why = request->label ? fat_label_check(request->label) : NULL;

    return why ? msg_error("--label: '%s' %s", request->label, why) : 0;
}

/* Reads boot.img and the core image, patches them and puts the core image in its place. */
static int add_core(struct plan *plan, struct medium *medium, uint8_t boot[512])
{
    size_t len = (size_t)plan->bios_core.len;
    uint8_t *core;
    const char *why;

    if (plan->bios_boot.len != 512 || len > CORE_ROOM)
        return msg_error("%s: placing GRUB for BIOS: a size that GRUB never has",
                         plan->bios_boot.path);
    core = xcalloc(1, len);
    image_own(&medium->image, CORE_OFFSET, core, len, "GRUB core image");
    if (content_read(&plan->bios_boot, 0, boot, 512) < 0 ||
        content_read(&plan->bios_core, 0, core, len) < 0)
        return -1;
    why = grub_bios_check_core(core, len);
    if (why)
        return msg_error("grub-mkimage: placing GRUB for BIOS: its core image %s", why);
    grub_bios_patch_boot(boot, CORE_OFFSET);
    grub_bios_patch_core(core, len, CORE_OFFSET);
    return 0;
}

/* The partition table; the ESP ends where the copy of the table begins, or before. */
static int add_table(struct plan *plan, struct medium *medium, const uint8_t *boot, uint64_t size)
{
    struct parttab table = {
        .disk_guid = medium->disk_guid.text,
        .disk_signature = plan_number(plan, "MBR"),
        .style = MBR_PROTECTIVE,
        .boot_code = boot,
        .partitions = medium->partitions,
        .count = medium->partition_count,
    };

    return parttab_write(&table, size, &medium->image);
}

static int add_esp(struct plan *plan, struct medium *medium, struct fat *fat, uint64_t offset)
{
    uint64_t least = offset + round_up(GPT_BACKUP_LEN, MIB), size = plan->request->size;
    struct fat_options options = {
        .label = plan->label,
        .volume_id = plan_number(plan, "ESP"),
        .time = plan->time,
        .bits = FAT_BITS,
        .size_min = size > least ? round_down(size - least, MIB) : 0,
    };
    size_t count;
    struct item **items = plan_volume(plan, ON_ROOT, &count);
    int result = fat_plan(fat, &options, items, count);

    free(items);
    if (result == 0 && size && offset + fat->size + round_up(GPT_BACKUP_LEN, MIB) > size)
        result = msg_error("--size: %" PRIu64 " MiB are too few: the content needs %" PRIu64 " MiB",
                           size / MIB, (least + fat->size) / MIB);
    if (result < 0)
        return -1;
    medium_add_partition(medium, plan, "EFI System", GPT_TYPE_ESP, offset, fat->size);
    return fat_write(fat, offset, &medium->image);
}

static int layout(struct plan *plan, struct medium *medium)
{
    bool bios = plan->loaders.firmware & FIRMWARE_BIOS;
    uint64_t offset = bios ? CORE_OFFSET + CORE_ROOM : CORE_OFFSET, size;
    uint8_t boot[512] = {0};
    struct fat fat = {0};
    int result = 0;

    medium->disk_guid = plan_guid(plan, "disk");
    if (bios) {
        medium_add_partition(medium, plan, "BIOS boot", GPT_TYPE_BIOSBOOT, CORE_OFFSET, CORE_ROOM);
        result = add_core(plan, medium, boot);
    }
    if (result == 0)
        result = add_esp(plan, medium, &fat, offset);
    size = offset + fat.size + round_up(GPT_BACKUP_LEN, MIB);
    if (plan->request->size > size)
        size = round_down(plan->request->size, SECTOR);
    if (result == 0)
        result = add_table(plan, medium, bios ? boot : NULL, size);
    if (result == 0)
        result = image_finish(&medium->image, size);
    fat_free(&fat);
    return result;
}

const struct output output_usb = {"usb", PLAN_USB, "disk image for sticks", check, layout};
