/*
 * inspect_cd: the ISO 9660 file system and what El Torito's catalog offers to firmware.
 *
 * Layout: El Torito Bootable CD-ROM Format Specification 1.0; UEFI 2.10 section 13.3.2.
 */
#include "media/inspect_private.h"

#include "image/eltorito.h"
#include "image/iso9660.h"

#include <inttypes.h>
#include <stdio.h>

#define ROW_LEN 32

static bool catalog_valid(const uint8_t *catalog)
{
    unsigned sum = 0;

    for (size_t i = 0; i < ROW_LEN; i += 2)
        sum += get_le16(catalog + i);
    return catalog[0] == 1 && get_le16(catalog + 30) == 0xaa55 && (sum & 0xffff) == 0;
}

/* "ISOLINUX 6.04": from version 5 on ldlinux.c32 has most of it. */
static bool needs_ldlinux(const uint8_t *head, size_t len)
{
    const uint8_t *name = memmem(head, len - 2, "ISOLINUX ", 9);

    return name && name[9] >= '5' && name[9] <= '9';
}

/* Whose boot image it is; -1, reported. */
static int name_bios_image(struct inspect_report *report, struct inspect_boot *boot)
{
    uint8_t head[2048];

    if (report->size - boot->offset < sizeof head)
        return 0;
    if (content_read(&report->content, boot->offset, head, sizeof head) < 0)
        return -1;
    if (memmem(head, sizeof head, "no boot info", 12)) { /* a message of cdboot.img */
        boot->what = "GRUB";
    } else if (memmem(head, sizeof head, "isolinux", 8) ||
               memmem(head, sizeof head, "ISOLINUX", 8)) {
        boot->what = "isolinux";
        report->needs_ldlinux |= needs_ldlinux(head, sizeof head);
    }
    return 0;
}

/* UEFI 2.10 section 13.3.2: a size of 0 or 1 means "to the end of the medium". */
static int open_efi_image(struct inspect_report *report, struct inspect_boot *boot)
{
    struct inspect_volume *volume;
    char where[40];

    if (boot->len <= SECTOR)
        boot->len = 0;
    snprintf(where, sizeof where, "El Torito image %zu", report->boot_count + 1);
    volume = inspect_volume(report, boot->offset, boot->len ? boot->len : UINT64_MAX, where, false,
                            boot->bootable);
    if (!volume)
        return -1;
    boot->what = volume->volume.type;
    if (boot->len && volume->volume.size > boot->len)
        strings_printf(&report->remarks,
                       "El Torito offers %" PRIu64 " bytes of an EFI volume that has %" PRIu64,
                       boot->len, volume->volume.size);
    return 0;
}

/* One offer of the catalog. */
static int add_boot(struct inspect_report *report, uint8_t platform, const uint8_t *row)
{
    struct inspect_boot boot = {
        .platform = platform,
        .bootable = row[0] == 0x88,
        .offset = get_le32(row + 8) * ISO_BLOCK,
        .len = get_le16(row + 6) * SECTOR,
    };
    int result = 0;

    if (boot.offset >= report->size)
        strings_printf(&report->remarks, "an El Torito entry points beyond the end of the image");
    else if (platform == ELTORITO_BIOS)
        result = name_bios_image(report, &boot);
    else if (platform == ELTORITO_EFI)
        result = open_efi_image(report, &boot);
    report->boots = xgrow(report->boots, report->boot_count, sizeof *report->boots);
    report->boots[report->boot_count++] = boot;
    return result;
}

/* The default entry, then sections: a header (0x90, the last 0x91) and its entries. */
static int read_catalog(struct inspect_report *report, const uint8_t *catalog)
{
    uint8_t platform = catalog[1];
    unsigned left = 1;

    for (size_t at = ROW_LEN; at + ROW_LEN <= ISO_BLOCK; at += ROW_LEN) {
        const uint8_t *row = catalog + at;

        if (left == 0 && row[0] != 0x90 && row[0] != 0x91)
            break;
        if (left == 0) {
            platform = row[1];
            left = get_le16(row + 2);
        } else if (row[0] != 0x44) { /* 0x44: more about the entry before */
            left--;
            if (add_boot(report, platform, row) < 0)
                return -1;
        }
    }
    return 0;
}

int inspect_cd(struct inspect_report *report)
{
    struct inspect_volume *volume;
    uint8_t catalog[ISO_BLOCK];
    uint64_t at;

    if (report->size < 17 * ISO_BLOCK)
        return 0;
    volume = inspect_volume(report, 0, report->size, "the whole image", false, false);
    if (!volume)
        return -1;
    if (volume->volume.kind != VOLUME_ISO9660)
        return 0;
    volume->stick = volume->cd = true;
    report->iso = (size_t)(volume - report->volumes);
    at = volume->volume.iso.catalog;
    if (!at || at > report->size - ISO_BLOCK)
        return 0;
    if (content_read(&report->content, at, catalog, sizeof catalog) < 0)
        return -1;
    if (catalog_valid(catalog))
        return read_catalog(report, catalog);
    strings_printf(&report->remarks, "El Torito's boot catalog is damaged");
    return 0;
}
