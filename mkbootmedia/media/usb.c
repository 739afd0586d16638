/*
 * usb: a disk image for sticks and disks, for BIOS and UEFI.
 *
 *     0        MBR with GRUB's boot.img, GPT
 *     1 MiB    BIOS boot partition: GRUB's core image          (with BIOS only)
 *     2 MiB    EFI system partition, FAT32: loaders, menu, payload
 *     ...      data partition, ext4 or exFAT: the user's               (if it is asked for)
 *     end      GPT copy, 33 sectors
 *
 * On a stick that is updated the core image is in the other half of its partition, and the ESP
 * where nothing is: what boots now is still there until the table is another one.
 */
#include "base/msg.h"
#include "base/util.h"
#include "image/datafs.h"
#include "image/fat.h"
#include "image/grub_bios.h"
#include "image/parttab.h"
#include "media/output.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#define CORE_OFFSET USB_CORE_OFFSET
#define CORE_SIZE   USB_CORE_SIZE
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
    uint64_t core_offset, esp_offset;
    struct datafs data;
    struct datafs_options data_options; /* size 0: there is none */
    uint64_t data_offset;
};

/* Reads boot.img and the core image, patches them and puts the core image in its place. */
static int add_core(const struct plan *plan, struct medium *medium, uint8_t boot[512])
{
    const struct usb_layout *layout = medium->layout;
    size_t len = (size_t)plan->bios_core.len;
    uint8_t *core;
    const char *why;

    if (plan->bios_boot.len != 512 || len > USB_CORE_ROOM)
        return msg_error("%s: placing GRUB for BIOS: a size that GRUB never has",
                         plan->bios_boot.path);
    core = xcalloc(1, len);
    image_own(&medium->image, layout->core_offset, core, len, "GRUB core image");
    if (content_read(&plan->bios_boot, 0, boot, 512) < 0 ||
        content_read(&plan->bios_core, 0, core, len) < 0)
        return -1;
    why = grub_bios_check_core(core, len);
    if (why)
        return msg_error("grub-mkimage: placing GRUB for BIOS: its core image %s", why);
    grub_bios_patch_boot(boot, layout->core_offset);
    grub_bios_patch_core(core, len, layout->core_offset);
    return 0;
}

/* How large the ESP has to be to fill an image of the size that was asked for. */
static uint64_t esp_size_min(const struct plan *plan, const struct medium *medium)
{
    const struct usb_layout *layout = medium->layout;
    uint64_t around = layout->esp_offset + layout->data_options.size + TABLE_ROOM;
    uint64_t size = plan->request->size;

    if (medium->onto)
        return medium->onto->esp_size_min;
    return size > around ? round_down(size - around, MIB) : 0;
}

static int plan_esp(struct plan *plan, struct medium *medium)
{
    struct usb_layout *layout = medium->layout;
    struct fat_options options = {
        .label = plan->label,
        .volume_id = plan_number(plan, "ESP"),
        .time = plan->time,
        .bits = FAT_BITS,
        .size_min = esp_size_min(plan, medium),
    };
    uint64_t size = medium->onto ? 0 : plan->request->size, need;
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

/* Those that were there before the update, and stay. */
static void add_kept(struct medium *medium)
{
    const struct medium_onto *onto = medium->onto;

    for (size_t i = 0; i < medium->partition_count; i++)
        medium->partitions[i].number = strcmp(medium->partitions[i].type, GPT_TYPE_ESP) == 0
                                           ? onto->esp_number
                                           : onto->core.number;
    for (size_t i = 0; i < onto->kept_count; i++) {
        assert(medium->partition_count < MEDIUM_PARTITIONS);
        medium->partitions[medium->partition_count] = onto->kept[i];
        medium->partitions[medium->partition_count++].data = true;
    }
}

static void add_partitions(const struct plan *plan, struct medium *medium)
{
    const struct usb_layout *layout = medium->layout;
    const struct datafs_options *data = &layout->data_options;

    if (plan->loaders.firmware & FIRMWARE_BIOS)
        medium_add_partition(medium, plan, "BIOS boot", GPT_TYPE_BIOSBOOT, CORE_OFFSET, CORE_SIZE);
    medium_add_partition(medium, plan, "EFI System", GPT_TYPE_ESP, layout->esp_offset,
                         layout->fat.size);
    if (!data->size)
        return;
    medium_add_partition(medium, plan, "Data",
                         data->type == DATA_EXT4 ? GPT_TYPE_LINUX : GPT_TYPE_DATA,
                         layout->data_offset, data->size);
    medium->partitions[medium->partition_count - 1].data = true;
}

/* Beside what is there: -1, reported, if there is not enough room. */
static int place_onto(struct plan *plan, struct medium *medium)
{
    const struct medium_onto *onto = medium->onto;
    struct usb_layout *layout = medium->layout;

    if (plan->loaders.firmware & FIRMWARE_BIOS && !onto->core_offset)
        return msg_error("--firmware: the stick has no place for GRUB for BIOS: write it anew");
    layout->core_offset = onto->core_offset;
    layout->esp_offset = onto->esp_offset;
    if (plan_esp(plan, medium) < 0)
        return -1;
    if (layout->fat.size > onto->esp_size_max)
        return msg_error("updating: the new content needs %" PRIu64 " MiB beside the old one, and "
                         "%" PRIu64 " MiB in one piece are free",
                         layout->fat.size / MIB, onto->esp_size_max / MIB);
    fat_place(&layout->fat, layout->esp_offset);
    add_partitions(plan, medium);
    add_kept(medium);
    medium->size = onto->disk_size;
    return 0;
}

static int place(struct plan *plan, struct medium *medium)
{
    struct usb_layout *layout = xcalloc(1, sizeof *layout);
    bool bios = plan->loaders.firmware & FIRMWARE_BIOS;

    medium->layout = layout;
    medium->disk_guid = plan_guid(plan, "disk");
    if (medium->onto)
        return place_onto(plan, medium);
    layout->core_offset = CORE_OFFSET;
    layout->esp_offset = bios ? CORE_OFFSET + CORE_SIZE : CORE_OFFSET;
    plan_data(plan, layout);
    if (plan_esp(plan, medium) < 0)
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

/* All that is neither table nor core image nor ESP is somebody else's, or what was before. */
static void add_unused(struct medium *medium)
{
    const struct usb_layout *layout = medium->layout;
    const struct image_range used[] = {
        {0, CORE_OFFSET},
        {layout->core_offset, layout->core_offset ? USB_CORE_ROOM : 0},
        {layout->esp_offset, layout->fat.size},
        {round_down(medium->size, SECTOR) - GPT_BACKUP_LEN, GPT_BACKUP_LEN},
    };
    uint64_t end = 0;

    for (size_t i = 0; i < ARRAY_LEN(used); i++) {
        if (used[i].len && used[i].offset > end)
            image_add_spare(&medium->image, end, used[i].offset - end, "unused");
        if (used[i].len)
            end = used[i].offset + used[i].len;
    }
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
    if (medium->onto)
        add_unused(medium);
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
