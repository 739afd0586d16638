/*
 * iso: one file that boots as a CD and, copied to a stick, as a disk; for BIOS and UEFI.
 *
 *     0        system area, 32 KiB: MBR with GRUB's boot_hybrid.img, GPT
 *     32 KiB   ISO 9660: descriptors, directories, boot catalog, files
 *     ...      EFI system partition (FAT16), to which El Torito's EFI entry points; the ISO's
 *              directories name its loaders too, so that copying the files gives a stick that boots
 *     end      GPT copy, 33 sectors
 */
#include "base/msg.h"
#include "base/util.h"
#include "image/eltorito.h"
#include "image/fat.h"
#include "image/grub_bios.h"
#include "image/iso9660.h"
#include "image/parttab.h"
#include "media/output.h"

#include <stdlib.h>

#define SYSTEM_AREA  (16 * ISO_BLOCK)
#define ELTORITO_MAX (448 * KIB) /* cdboot.img loads all of it below 0x78000 */

static char eltorito_path[] = "boot/grub/eltorito.img";

/* What there is between place and finish. */
struct iso_layout {
    struct iso9660 iso;
    struct fat esp;
    struct item eltorito; /* cdboot.img + core image; path NULL: no BIOS */
    uint8_t *eltorito_data;
    uint64_t esp_offset;
};

static int check(const struct request *request)
{
    const char *why = request->label ? iso9660_label_check(request->label) : NULL;

    return why ? msg_error("--label: checking '%s': %s", request->label, why) : 0;
}

static int by_path(const void *a, const void *b)
{
    return strcmp((*(struct item *const *)a)->path, (*(struct item *const *)b)->path);
}

/*
 * Places the ISO's own files. What is on the ESP as well is left out: its directory records will
 * point into the ESP, which comes behind, as soon as fat_place has given those items their place.
 */
static int place_files(struct plan *plan, struct iso_layout *layout)
{
    struct iso9660_options options = {
        .label = plan->label,
        .time = plan->time,
        .boot_catalog = true,
    };
    size_t count;
    struct item **items = plan_volume(plan, ON_ROOT, &count);
    int result;

    for (size_t i = 0; i < count; i++)
        if (items[i]->volumes & ON_ESP)
            items[i]->place = 0;
    if (layout->eltorito.path) {
        items = xrealloc(items, (count + 1) * sizeof *items);
        items[count++] = &layout->eltorito;
        qsort(items, count, sizeof *items, by_path);
    }
    result = iso9660_plan(&layout->iso, &options, items, count);
    free(items);
    return result;
}

/* The ESP behind the ISO's files, if there is any loader for UEFI. */
static int place_esp(struct plan *plan, struct iso_layout *layout)
{
    struct fat_options options = {
        .label = "ESP",
        .volume_id = plan_number(plan, "ESP"),
        .time = plan->time,
        .bits = 16, /* a CD's boot image has 16 bits for its sectors: FAT32 would be too large */
    };
    size_t count;
    struct item **items = plan_volume(plan, ON_ESP, &count);
    int result = count ? fat_plan(&layout->esp, &options, items, count) : 0;

    free(items);
    layout->esp_offset = round_up(layout->iso.end, MIB);
    if (result == 0 && count)
        fat_place(&layout->esp, layout->esp_offset);
    return result;
}

static int place(struct plan *plan, struct medium *medium)
{
    struct iso_layout *layout = xcalloc(1, sizeof *layout);

    medium->layout = layout;
    medium->disk_guid = plan_guid(plan, "disk");
    if (plan->loaders.firmware & FIRMWARE_BIOS)
        layout->eltorito =
            (struct item){.path = eltorito_path,
                          .content = content_memory(NULL, 0),
                          .volumes = ON_ROOT,
                          .place = PLACE_NONE,
                          .room = GRUB_CDBOOT_LEN + plan->images[PLATFORM_BIOS].room};
    medium->made = layout->eltorito.path ? &layout->eltorito : NULL;
    if (place_files(plan, layout) < 0 || place_esp(plan, layout) < 0)
        return -1;
    medium_add_partition(medium, plan, "ISO9660", GPT_TYPE_DATA, SYSTEM_AREA,
                         layout->esp_offset - SYSTEM_AREA);
    if (layout->esp.size)
        medium_add_partition(medium, plan, "EFI System", GPT_TYPE_ESP, layout->esp_offset,
                             layout->esp.size);
    medium->size = round_up(layout->esp_offset + layout->esp.size + GPT_BACKUP_LEN, ISO_BLOCK);
    return 0;
}

static int start(struct medium *medium)
{
    struct iso_layout *layout = medium->layout;

    return layout->esp.size ? fat_format(&layout->esp, layout->esp_offset) : 0;
}

/* The boot image for BIOS: a file of the ISO that knows where it stands. */
static int make_eltorito(const struct plan *plan, struct iso_layout *layout)
{
    size_t len = (size_t)(plan->bios_cdboot.len + plan->bios_core.len);
    uint8_t *data;
    const char *why;

    if (plan->bios_cdboot.len != GRUB_CDBOOT_LEN || len > ELTORITO_MAX ||
        plan->bios_boot.len != 512)
        return msg_error("%s: placing GRUB for BIOS: a size that GRUB never has",
                         plan->bios_cdboot.path);
    data = layout->eltorito_data = xcalloc(1, len);
    if (content_read(&plan->bios_cdboot, 0, data, GRUB_CDBOOT_LEN) < 0 ||
        content_read(&plan->bios_core, 0, data + GRUB_CDBOOT_LEN, len - GRUB_CDBOOT_LEN) < 0)
        return -1;
    why = grub_bios_check_core(data + GRUB_CDBOOT_LEN, len - GRUB_CDBOOT_LEN);
    if (why)
        return msg_error("grub-mkimage: placing GRUB for BIOS: its core image %s", why);
    layout->eltorito.content = content_memory(data, len);
    return eltorito_patch(data, len, layout->eltorito.place);
}

static void add_catalog(struct medium *medium, const struct iso_layout *layout)
{
    struct eltorito_entry entries[2];
    size_t n = 0;
    uint8_t *block = xcalloc(1, ISO_BLOCK);

    if (layout->eltorito_data)
        entries[n++] = (struct eltorito_entry){ELTORITO_BIOS, layout->eltorito.place,
                                               layout->eltorito.content.len};
    if (layout->esp.size)
        entries[n++] = (struct eltorito_entry){ELTORITO_EFI, layout->esp_offset, layout->esp.size};
    eltorito_catalog(block, entries, n);
    image_own(&medium->image, layout->iso.catalog, block, ISO_BLOCK, "boot catalog");
}

/*
 * auto is a valid GPT with an active entry beside the protective one: most UEFI firmwares want the
 * GPT valid, some BIOSes want something active. gpt is by the letter of UEFI: nothing beside the
 * protective entry. isohybrid is what old machines know.
 */
static enum mbr_style mbr_style(const struct plan *plan, const struct iso_layout *layout)
{
    if (plan->request->hybrid == HYBRID_ISOHYBRID)
        return MBR_ISOHYBRID;
    if (plan->request->hybrid == HYBRID_GPT || !layout->eltorito_data)
        return MBR_PROTECTIVE;
    return MBR_FORCE_ACTIVE;
}

/* MBR and GPT: so that the same file boots from a stick. */
static int add_table(const struct plan *plan, struct medium *medium,
                     const struct iso_layout *layout)
{
    uint8_t boot[512] = {0};
    struct parttab table = {
        .disk_guid = medium->disk_guid.text,
        .disk_signature = plan_number(plan, "MBR"),
        .style = mbr_style(plan, layout),
        .boot_code = layout->eltorito_data ? boot : NULL,
        .partitions = medium->partitions,
        .count = medium->partition_count,
    };

    if (layout->eltorito_data) {
        if (content_read(&plan->bios_boot, 0, boot, sizeof boot) < 0)
            return -1;
        grub_bios_patch_hybrid(boot, layout->eltorito.place);
    }
    return parttab_write(&table, medium->size, &medium->image);
}

static int finish(struct plan *plan, struct medium *medium)
{
    struct iso_layout *layout = medium->layout;

    if (layout->eltorito.path && make_eltorito(plan, layout) < 0)
        return -1;
    if (layout->esp.size && fat_write(&layout->esp, layout->esp_offset, &medium->image) < 0)
        return -1;
    if (iso9660_write(&layout->iso, medium->size, &medium->image) < 0)
        return -1;
    add_catalog(medium, layout);
    if (add_table(plan, medium, layout) < 0)
        return -1;
    return image_finish(&medium->image, medium->size);
}

static void free_layout(struct medium *medium)
{
    struct iso_layout *layout = medium->layout;

    if (!layout)
        return;
    free(layout->eltorito_data);
    iso9660_free(&layout->iso);
    fat_free(&layout->esp);
    free(layout);
}

const struct output output_iso = {
    "iso", PLAN_ISO, "hybrid ISO image", check, place, start, finish, free_layout,
};
