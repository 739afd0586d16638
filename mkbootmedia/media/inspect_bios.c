/*
 * inspect_bios: would BIOS come as far as GRUB, or isolinux, or syslinux? Follows the sectors that
 * their boot code loads.
 *
 * Offsets: GRUB include/grub/i386/pc/boot.h and grub-core/boot/i386/pc/{boot,diskboot,cdboot}.S;
 * SYSLINUX core/isolinux.asm, mbr/isohdpfx.S; boot info table: mkisofs(8).
 */
#include "media/inspect_private.h"

#include "image/eltorito.h"
#include "image/grub_bios.h"
#include "image/iso9660.h"

#include <inttypes.h>
#include <stdio.h>

#define AT_SECTOR        0x5c  /* boot.img: LBA of the core image */
#define AT_SECTOR_HYBRID 0x1b0 /* boot_hybrid.img: the same */
#define AT_BLOCKS        0x1f4 /* diskboot.img: where the core image goes on: LBA, sectors, segment */
#define BOOT_INFO_MAX    (32 * MIB)
#define ISOLINUX_MAGIC   0x7078c0fb

static bool is_diskboot(const uint8_t *sector)
{
    return memmem(sector, SECTOR, "loading", 8) && memmem(sector, SECTOR, "Geom", 5) &&
           memmem(sector, SECTOR, "Read", 5);
}

/* *why: why the core image whose first sector this is will not be loaded; NULL: it will. */
static int check_core(const struct inspect_report *report, uint64_t lba, char **why)
{
    uint64_t next, sectors = report->size / SECTOR;
    uint8_t sector[SECTOR];

    *why = NULL;
    if (lba >= sectors) {
        *why = xasprintf("the MBR loads sector %" PRIu64 ", beyond the end of the image", lba);
        return 0;
    }
    if (content_read(&report->content, lba * SECTOR, sector, sizeof sector) < 0)
        return -1;
    next = get_le64(sector + AT_BLOCKS);
    if (!is_diskboot(sector))
        *why = xasprintf("the MBR loads sector %" PRIu64 ", where GRUB's core image is not", lba);
    else if (next != lba + 1)
        *why = xasprintf("GRUB's core image at sector %" PRIu64 " goes on at sector %" PRIu64
                         ", not behind it",
                         lba, next);
    else if (get_le16(sector + AT_BLOCKS + 8) > sectors - next)
        *why = xstrdup("GRUB's core image passes the end of the image");
    return 0;
}

/* isohdpfx.S knows isolinux.bin by the word at 64. */
static int check_isolinux(const struct inspect_report *report, uint64_t lba, char **why)
{
    uint8_t sector[SECTOR] = {0};

    *why = NULL;
    if (lba < report->size / SECTOR &&
        content_read(&report->content, lba * SECTOR, sector, sizeof sector) < 0)
        return -1;
    if (get_le32(sector + 64) != ISOLINUX_MAGIC)
        *why = xasprintf("the MBR loads sector %" PRIu64 ", where isolinux.bin is not", lba);
    return 0;
}

/* The active partition, or if there is a GPT, any FAT volume: which has syslinux in its first
 * sector. */
static int find_syslinux(const struct inspect_report *report, size_t *volume, bool *found)
{
    char name[8];

    *found = false;
    for (size_t i = 0; i < report->partition_count && !*found; i++) {
        const struct inspect_partition *partition = &report->partitions[i];

        if (partition->offset >= report->size - SECTOR ||
            (!partition->active && !partition->gpt && !report->gpt))
            continue;
        if (content_read(&report->content, partition->offset + 3, name, sizeof name) < 0)
            return -1;
        for (*volume = 0; *volume < report->volume_count; ++*volume)
            if (report->volumes[*volume].offset == partition->offset)
                break;
        *found = memcmp(name, "SYSLINUX", 8) == 0 && *volume < report->volume_count;
    }
    return 0;
}

static int follow_syslinux(struct inspect_report *report)
{
    bool found;

    report->bios_stick_kind = MENU_SYSLINUX;
    if (find_syslinux(report, &report->bios_stick_volume, &found) < 0)
        return -1;
    report->bios_stick = found ? INSPECT_YES : INSPECT_UNKNOWN;
    if (!found)
        report->bios_stick_why = xstrdup("the MBR starts an active partition's boot sector, which "
                                         "is not syslinux's: not followed");
    return 0;
}

/* GRUB's and isolinux's code have the place of what they load. */
static int follow_code(struct inspect_report *report, const uint8_t *sector)
{
    bool grub = strncmp(report->boot_code, "GRUB", 4) == 0;
    uint64_t lba = get_le64(sector + AT_SECTOR);
    int result;

    if (grub) {
        result = check_core(report, lba ? lba : get_le64(sector + AT_SECTOR_HYBRID),
                            &report->bios_stick_why);
    } else {
        report->bios_stick_kind = MENU_SYSLINUX;
        report->bios_stick_volume = report->iso == SIZE_MAX ? 0 : report->iso;
        result =
            check_isolinux(report, get_le32(sector + AT_SECTOR_HYBRID), &report->bios_stick_why);
    }
    report->bios_stick = report->bios_stick_why ? INSPECT_NO : INSPECT_YES;
    return result;
}

static int follow_mbr(struct inspect_report *report)
{
    uint8_t sector[SECTOR];

    report->bios_stick = INSPECT_NO;
    if (!report->mbr || !report->boot_code) {
        report->bios_stick_why =
            xstrdup(report->mbr ? "no BIOS boot code in the MBR" : "there is no MBR");
        return 0;
    }
    if (content_read(&report->content, 0, sector, sizeof sector) < 0)
        return -1;
    if (strncmp(report->boot_code, "GRUB", 4) == 0 || strcmp(report->boot_code, "isolinux") == 0)
        return follow_code(report, sector);
    if (strcmp(report->boot_code, "active partition") == 0)
        return follow_syslinux(report);
    report->bios_stick = INSPECT_UNKNOWN;
    report->bios_stick_why =
        xstrdup("the boot code in the MBR is neither GRUB's nor syslinux's: not followed");
    return 0;
}

/* The sum of the 32-bit words after the table, over the length that it says. */
static int sum_words(const struct inspect_report *report, uint64_t offset, uint64_t len,
                     uint32_t *sum)
{
    uint8_t block[ISO_BLOCK];

    *sum = 0;
    for (uint64_t at = 64; at < len; at += sizeof block) {
        size_t n = len - at < sizeof block ? (size_t)(len - at) : sizeof block;

        memset(block, 0, sizeof block);
        if (content_read(&report->content, offset + at, block, n) < 0)
            return -1;
        for (size_t i = 0; i < sizeof block; i += 4)
            *sum += get_le32(block + i);
    }
    return 0;
}

/* GRUB's cdboot.img and isolinux load the rest by the boot info table in bytes 8 to 63. */
static int check_boot_info(struct inspect_report *report, uint64_t offset)
{
    const char *why = NULL;
    uint8_t head[64];
    uint32_t sum = 0;
    uint64_t len;

    if (content_read(&report->content, offset, head, sizeof head) < 0)
        return -1;
    len = get_le32(head + 16);
    if (get_le32(head + 12) * ISO_BLOCK != offset || len < GRUB_CDBOOT_LEN + SECTOR)
        why = "El Torito's image for BIOS has no boot info table";
    else if (len > report->size - offset || len > BOOT_INFO_MAX)
        why = "El Torito's image for BIOS passes the end of the image";
    else if (sum_words(report, offset, len, &sum) < 0)
        return -1;
    else if (sum != get_le32(head + 20))
        why = "El Torito's image for BIOS is damaged: its sum is wrong";
    report->bios_cd_why = why ? xstrdup(why) : NULL;
    report->bios_cd = why ? INSPECT_NO : INSPECT_YES;
    return 0;
}

static int follow_el_torito(struct inspect_report *report)
{
    report->bios_cd = INSPECT_NO;
    for (size_t i = 0; i < report->boot_count; i++) {
        const struct inspect_boot *boot = &report->boots[i];

        if (boot->platform != ELTORITO_BIOS || !boot->bootable)
            continue;
        if (boot->what) {
            bool grub = strcmp(boot->what, "GRUB") == 0;

            report->bios_cd_kind = grub ? MENU_GRUB : MENU_SYSLINUX;
            report->bios_cd_volume = report->iso == SIZE_MAX ? 0 : report->iso;
            return check_boot_info(report, boot->offset);
        }
        report->bios_cd = INSPECT_UNKNOWN;
        report->bios_cd_why = xstrdup("El Torito's image for BIOS is neither GRUB's nor isolinux: "
                                      "not followed");
        return 0;
    }
    report->bios_cd_why = xstrdup("El Torito's catalog has no entry for BIOS");
    return 0;
}

int inspect_bios(struct inspect_report *report)
{
    if (report->size < 2 * SECTOR) {
        report->bios_stick_why = xstrdup("the image is too short");
        return 0;
    }
    return follow_mbr(report) < 0 || follow_el_torito(report) < 0 ? -1 : 0;
}
