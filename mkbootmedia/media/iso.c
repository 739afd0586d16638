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

#define SYSTEM_AREA   (16 * ISO_BLOCK)
#define ELTORITO_PATH "boot/grub/eltorito.img"
#define ELTORITO_MAX  (448 * KIB) /* cdboot.img loads all of it below 0x78000 */

/* What comes into being between the plan and the image. */
struct build {
    struct plan *plan;
    struct medium *medium;
    struct iso9660 iso;
    struct fat esp;
    struct item eltorito; /* cdboot.img + core image */
    uint8_t *eltorito_data;
    uint64_t esp_offset, size;
};

static int check(const struct request *request)
{
    const char *why = request->label ? iso9660_label_check(request->label) : NULL;

    return why ? msg_error("--label: '%s' %s", request->label, why) : 0;
}

/* The boot image for BIOS, as a file of the ISO, its sectors still unpatched. */
static int make_eltorito(struct build *build)
{
    struct plan *plan = build->plan;
    size_t len = (size_t)(plan->bios_cdboot.len + plan->bios_core.len);
    const char *why;

    if (plan->bios_cdboot.len != GRUB_CDBOOT_LEN || len > ELTORITO_MAX ||
        plan->bios_boot.len != 512)
        return msg_error("%s: placing GRUB for BIOS: a size that GRUB never has",
                         plan->bios_cdboot.path);
    build->eltorito_data = xcalloc(1, len);
    if (content_read(&plan->bios_cdboot, 0, build->eltorito_data, GRUB_CDBOOT_LEN) < 0 ||
        content_read(&plan->bios_core, 0, build->eltorito_data + GRUB_CDBOOT_LEN,
                     (size_t)plan->bios_core.len) < 0)
        return -1;
    why = grub_bios_check_core(build->eltorito_data + GRUB_CDBOOT_LEN,
                               (size_t)plan->bios_core.len);
    if (why)
        return msg_error("grub-mkimage: placing GRUB for BIOS: its core image %s", why);
    build->eltorito = (struct item){ELTORITO_PATH, content_memory(build->eltorito_data, len),
                                    ON_ROOT, PLACE_NONE};
    return 0;
}

static int by_path(const void *a, const void *b)
{
    return strcmp((*(struct item *const *)a)->path, (*(struct item *const *)b)->path);
}

/*
 * Places the ISO's own files. What is on the ESP as well is left out: its directory records will point
 * into the ESP, which comes behind, as soon as fat_write has given those items their place.
 */
static int plan_files(struct build *build)
{
    struct iso9660_options options = {
        .label = build->plan->label,
        .time = build->plan->time,
        .boot_catalog = true,
    };
    size_t count;
    struct item **items = plan_volume(build->plan, ON_ROOT, &count);
    int result;

    for (size_t i = 0; i < count; i++)
        if (items[i]->volumes & ON_ESP)
            items[i]->place = 0;
    if (build->eltorito_data) {
        items = xrealloc(items, (count + 1) * sizeof *items);
        items[count++] = &build->eltorito;
        qsort(items, count, sizeof *items, by_path);
    }
    result = iso9660_plan(&build->iso, &options, items, count);
    free(items);
    build->esp_offset = round_up(build->iso.end, MIB);
    return result;
}

/* The ESP, if there is any loader for UEFI. */
static int add_esp(struct build *build)
{
    struct fat_options options = {
        .label = "ESP",
        .volume_id = plan_number(build->plan, "ESP"),
        .time = build->plan->time,
        .bits = 16, /* a CD's boot image has 16 bits for its sectors: FAT32 would be too large */
    };
    size_t count;
    struct item **items = plan_volume(build->plan, ON_ESP, &count);
    int result = count ? fat_plan(&build->esp, &options, items, count) : 0;

    if (result == 0 && count)
        result = fat_write(&build->esp, build->esp_offset, &build->medium->image);
    free(items);
    return result;
}

static int add_catalog(struct build *build)
{
    struct eltorito_entry entries[2];
    size_t n = 0;
    uint8_t *block = xcalloc(1, ISO_BLOCK);

    if (build->eltorito_data)
        entries[n++] = (struct eltorito_entry){ELTORITO_BIOS, build->eltorito.place,
                                               build->eltorito.content.len};
    if (build->esp.size)
        entries[n++] =
            (struct eltorito_entry){ELTORITO_EFI, build->esp_offset, build->esp.size};
    eltorito_catalog(block, entries, n);
    image_own(&build->medium->image, build->iso.catalog, block, ISO_BLOCK, "boot catalog");
    if (!build->eltorito_data)
        return 0;
    return eltorito_patch(build->eltorito_data, (size_t)build->eltorito.content.len,
                          build->eltorito.place);
}

/*
 * auto is a valid GPT with an active entry beside the protective one: strict UEFI firmwares want the
 * GPT valid, some BIOSes want something active.
 */
static enum mbr_style mbr_style(const struct build *build)
{
    if (build->plan->request->hybrid == HYBRID_ISOHYBRID)
        return MBR_ISOHYBRID;
    return build->eltorito_data ? MBR_FORCE_ACTIVE : MBR_PROTECTIVE;
}

/* MBR and GPT: so that the same file boots from a stick. */
static int add_table(struct build *build)
{
    uint8_t boot[512] = {0};
    struct parttab table = {
        .disk_guid = build->medium->disk_guid.text,
        .disk_signature = plan_number(build->plan, "MBR"),
        .style = mbr_style(build),
        .boot_code = build->eltorito_data ? boot : NULL,
        .partitions = build->medium->partitions,
    };

    medium_add_partition(build->medium, build->plan, "ISO9660", GPT_TYPE_DATA, SYSTEM_AREA,
                         build->esp_offset - SYSTEM_AREA);
    if (build->esp.size)
        medium_add_partition(build->medium, build->plan, "EFI System", GPT_TYPE_ESP,
                             build->esp_offset, build->esp.size);
    table.count = build->medium->partition_count;
    if (build->eltorito_data) {
        if (content_read(&build->plan->bios_boot, 0, boot, sizeof boot) < 0)
            return -1;
        grub_bios_patch_hybrid(boot, build->eltorito.place);
    }
    return parttab_write(&table, build->size, &build->medium->image);
}

static int layout(struct plan *plan, struct medium *medium)
{
    struct build build = {.plan = plan, .medium = medium};
    int result = 0;

    medium->disk_guid = plan_guid(plan, "disk");
    if (plan->loaders.firmware & FIRMWARE_BIOS)
        result = make_eltorito(&build);
    if (result == 0)
        result = plan_files(&build);
    if (result == 0)
        result = add_esp(&build);
    build.size = round_up(build.esp_offset + build.esp.size + GPT_BACKUP_LEN, ISO_BLOCK);
    if (result == 0)
        result = iso9660_write(&build.iso, build.size, &medium->image);
    if (result == 0)
        result = add_catalog(&build);
    if (result == 0)
        result = add_table(&build);
    if (result == 0)
        result = image_finish(&medium->image, build.size);
    if (build.eltorito_data)
        image_own(&medium->image, 0, build.eltorito_data, 0, ELTORITO_PATH);
    iso9660_free(&build.iso);
    fat_free(&build.esp);
    return result;
}

const struct output output_iso = {"iso", PLAN_ISO, "hybrid ISO image", check, layout};
