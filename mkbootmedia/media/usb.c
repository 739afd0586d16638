/*
 * usb: a disk image for sticks and disks, for BIOS and UEFI.
 *
 *     0        MBR with GRUB's boot.img, GPT
 *     1 MiB    BIOS boot partition: GRUB's core image          (with BIOS only)
 *     2 MiB    EFI system partition, FAT32: loaders, menu, payload
 *     ...      data partition, ext4 or exFAT: the user's               (if it is asked for)
 *     end      GPT copy, 33 sectors
 */
#include "base/msg.h"
#include "base/util.h"
#include "image/datafs.h"
#include "image/fat.h"
#include "image/grub_bios.h"
#include "image/parttab.h"
#include "media/output.h"

#include <inttypes.h>
#include <stdlib.h>

#define CORE_OFFSET MIB
#define CORE_ROOM   MIB
#define TABLE_ROOM  MIB /* for the GPT's copy */
#define FAT_BITS    32

static int check(const struct request *request)
{
    const char *why = request->label ? fat_label_check(request->label) : NULL;

    return why ? msg_error("--label: checking '%s': %s", request->label, why) : 0;
}

/* What there is between place and finish. */
struct usb_layout {
    struct fat fat;
    uint64_t esp_offset;
    struct datafs data;
    struct datafs_options data_options; /* size 0: there is none */
    uint64_t data_offset;
};

/* Reads boot.img and the core image, patches them and puts the core image in its place. */
static int add_core(const struct plan *plan, struct medium *medium, uint8_t boot[512])
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

/* How large the ESP has to be to fill an image of the size that was asked for. */
static uint64_t esp_size_min(const struct plan *plan, const struct usb_layout *layout)
{
    uint64_t around = layout->esp_offset + layout->data_options.size + TABLE_ROOM;
    uint64_t size = plan->request->size;

    return size > around ? round_down(size - around, MIB) : 0;
}

static int plan_esp(struct plan *plan, struct usb_layout *layout)
{
    struct fat_options options = {
        .label = plan->label,
        .volume_id = plan_number(plan, "ESP"),
        .time = plan->time,
        .bits = FAT_BITS,
        .size_min = esp_size_min(plan, layout),
    };
    uint64_t size = plan->request->size, need;
    size_t count;
    struct item **items = plan_volume(plan, ON_ROOT, &count);
    int result = fat_plan(&layout->fat, &options, items, count);

    free(items);
    layout->data_offset = layout->esp_offset + layout->fat.size;
    need = layout->data_offset + layout->data_options.size + TABLE_ROOM;
    if (result == 0 && size && need > size)
        return msg_error("--size: %" PRIu64 " MiB are too few: %s %" PRIu64 " MiB", size / MIB,
                         layout->data_options.size ? "the content and --data need"
                                                   : "the content needs",
                         need / MIB);
    return result;
}

static void plan_data(const struct plan *plan, struct usb_layout *layout)
{
    layout->data_options = (struct datafs_options){
        .type = plan->request->data_fs,
        .size = round_up(plan->request->data_size, MIB),
        .uuid = plan_guid(plan, "data"),
        .hash_seed = plan_guid(plan, "data folders"),
        .volume_id = plan_number(plan, "data"),
        .time = plan->time,
    };
}

static void add_partitions(const struct plan *plan, struct medium *medium)
{
    const struct usb_layout *layout = medium->layout;
    const struct datafs_options *data = &layout->data_options;

    if (plan->loaders.firmware & FIRMWARE_BIOS)
        medium_add_partition(medium, plan, "BIOS boot", GPT_TYPE_BIOSBOOT, CORE_OFFSET, CORE_ROOM);
    medium_add_partition(medium, plan, "EFI System", GPT_TYPE_ESP, layout->esp_offset,
                         layout->fat.size);
    if (!data->size)
        return;
    medium_add_partition(medium, plan, "Data",
                         data->type == DATA_EXT4 ? GPT_TYPE_LINUX : GPT_TYPE_DATA,
                         layout->data_offset, data->size);
    medium->partitions[medium->partition_count - 1].data = true;
}

static int place(struct plan *plan, struct medium *medium)
{
    struct usb_layout *layout = xcalloc(1, sizeof *layout);
    bool bios = plan->loaders.firmware & FIRMWARE_BIOS;

    medium->layout = layout;
    medium->disk_guid = plan_guid(plan, "disk");
    layout->esp_offset = bios ? CORE_OFFSET + CORE_ROOM : CORE_OFFSET;
    plan_data(plan, layout);
    if (plan_esp(plan, layout) < 0)
        return -1;
    fat_place(&layout->fat, layout->esp_offset);
    add_partitions(plan, medium);
    medium->size = layout->data_offset + layout->data_options.size + TABLE_ROOM;
    if (plan->request->size > medium->size)
        medium->size = round_down(plan->request->size, SECTOR);
    return 0;
}

static int start(struct medium *medium)
{
    struct usb_layout *layout = medium->layout;

    if (fat_format(&layout->fat, layout->esp_offset) < 0)
        return -1;
    return layout->data_options.size ? datafs_format(&layout->data, &layout->data_options) : 0;
}

static int finish(struct plan *plan, struct medium *medium)
{
    struct usb_layout *layout = medium->layout;
    bool bios = plan->loaders.firmware & FIRMWARE_BIOS;
    uint8_t boot[512] = {0};
    struct parttab table = {
        .disk_guid = medium->disk_guid.text,
        .disk_signature = plan_number(plan, "MBR"),
        .style = MBR_PROTECTIVE,
        .boot_code = bios ? boot : NULL,
        .partitions = medium->partitions,
        .count = medium->partition_count,
    };

    if (bios && add_core(plan, medium, boot) < 0)
        return -1;
    if (fat_write(&layout->fat, layout->esp_offset, &medium->image) < 0 ||
        (layout->data_options.size &&
         datafs_write(&layout->data, layout->data_offset, &medium->image) < 0) ||
        parttab_write(&table, medium->size, &medium->image) < 0)
        return -1;
    return image_finish(&medium->image, medium->size);
}

static void free_layout(struct medium *medium)
{
    struct usb_layout *layout = medium->layout;

    if (!layout)
        return;
    fat_free(&layout->fat);
    datafs_free(&layout->data);
    free(layout);
}

const struct output output_usb = {
    "usb", PLAN_USB, "disk image for sticks", check, place, start, finish, free_layout,
};
