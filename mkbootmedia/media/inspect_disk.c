/*
 * inspect_disk: MBR and GPT as they stand in the image, with the sums that firmware checks.
 *
 * Layout: UEFI 2.10 chapter 5. Sectors are 512 bytes.
 */
#include "media/inspect_private.h"

#include "image/parttab.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define GPT_HEADER_LEN 92
#define GPT_ENTRY_LEN  128
#define GPT_TABLE_MAX  (512 * KIB)

static const struct {
    const char *type, *name;
} types[] = {
    {GPT_TYPE_ESP, "EFI system"},
    {GPT_TYPE_BIOSBOOT, "BIOS boot"},
    {GPT_TYPE_DATA, "basic data"},
    {GPT_TYPE_LINUX, "Linux"},
    {"4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709", "Linux root x86-64"},
    {"0657FD6D-A4AB-43C4-84E5-0933C84B4F4F", "Linux swap"},
    {"E3C9E316-0B5C-4DB8-817D-F92DF00215AE", "Microsoft reserved"},
    {"48465300-0000-11AA-AA11-00306543ECAC", "Apple HFS"},
    {"0xEF", "EFI system"},
    {"0xEE", "protective"},
    {"0x00", "dummy"},
    {"0x17", "hidden NTFS"},
    {"0x07", "NTFS or exFAT"},
    {"0x0B", "FAT32"},
    {"0x0C", "FAT32"},
    {"0x0E", "FAT16"},
    {"0x82", "Linux swap"},
    {"0x83", "Linux"},
    {"0xCD", "ISO 9660"},
};

/* CRC-32 of ISO 3309, as GPT has it. */
static uint32_t crc32(const uint8_t *p, size_t len)
{
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

/* The first three fields are little-endian. */
static void guid_text(char text[37], const uint8_t *g)
{
    snprintf(text, 37, "%08X-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X", get_le32(g),
             get_le16(g + 4), get_le16(g + 6), g[8], g[9], g[10], g[11], g[12], g[13], g[14],
             g[15]);
}

/* The file system in a partition; -1, reported. */
static int probe_partition(struct inspect_report *report, struct inspect_partition *partition)
{
    struct inspect_volume *volume;
    char where[40];

    snprintf(where, sizeof where, "%spartition %u", partition->gpt ? "" : "MBR ",
             partition->number);
    if (partition->offset >= report->size || partition->len > report->size - partition->offset)
        strings_printf(&report->remarks, "%s passes the end of the image", where);
    if (!partition->len || !partition->offset || partition->offset >= report->size)
        return 0;
    volume = inspect_volume(report, partition->offset, partition->len, where, true, false);
    if (!volume)
        return -1;
    partition->fs = volume->volume.type;
    snprintf(partition->label, sizeof partition->label, "%s", volume->volume.label);
    return 0;
}

static int add_partition(struct inspect_report *report, struct inspect_partition partition)
{
    int result = 0;

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (strcasecmp(types[i].type, partition.type) == 0)
            partition.type_name = types[i].name;
    /* a protective entry is there for old tools, not for firmware */
    if (strcmp(partition.type, "0xEE") != 0)
        result = probe_partition(report, &partition);
    report->partitions =
        xgrow(report->partitions, report->partition_count, sizeof *report->partitions);
    report->partitions[report->partition_count++] = partition;
    return result;
}

static const char *boot_code_name(const uint8_t *sector)
{
    static const uint8_t zeros[MBR_CODE_LEN];

    if (memcmp(sector, zeros, MBR_CODE_LEN) == 0)
        return NULL;
    if (memcmp(sector + 0x180, "GRUB ", 6) == 0) /* boot.S: notification_string */
        return get_le64(sector + 0x5c) ? "GRUB" : "GRUB (hybrid)";
    if (memmem(sector, MBR_CODE_LEN, "isolinux", 8))
        return "isolinux";
    if (memmem(sector, MBR_CODE_LEN, "Operating system load error", 27) || /* SYSLINUX mbr/mbr.S */
        memmem(sector, MBR_CODE_LEN, "Missing operating system", 24))
        return "active partition";
    return "other";
}

static int read_mbr(struct inspect_report *report, const uint8_t *sector)
{
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *row = sector + 446 + 16 * i;
        struct inspect_partition partition = {
            .number = i + 1,
            .active = row[0] == 0x80,
            .offset = get_le32(row + 8) * SECTOR,
            .len = get_le32(row + 12) * SECTOR,
        };

        if (!row[4] && !partition.len)
            continue;
        snprintf(partition.type, sizeof partition.type, "0x%02X", row[4]);
        partition.name = xstrdup("");
        if (add_partition(report, partition) < 0)
            return -1;
    }
    return 0;
}

/* One copy of a GPT. */
struct gpt {
    uint8_t header[GPT_HEADER_LEN];
    uint8_t *entries; /* malloc'ed */
    size_t entry_len, count;
    const char *problem; /* NULL: valid */
};

/* Header at a sector and its entries; -1, reported, if they cannot be read. */
static int read_gpt(const struct inspect_report *report, uint64_t lba, struct gpt *gpt)
{
    uint8_t *header = gpt->header;
    uint64_t at, len;
    uint32_t sum;

    gpt->problem = "is missing";
    if (lba >= report->size / SECTOR)
        return 0;
    if (content_read(&report->content, lba * SECTOR, header, GPT_HEADER_LEN) < 0)
        return -1;
    if (memcmp(header, "EFI PART", 8) != 0)
        return 0;
    sum = get_le32(header + 16);
    put_le32(header + 16, 0);
    gpt->problem = "is damaged: the sum of its header is wrong";
    if (get_le32(header + 12) != GPT_HEADER_LEN || crc32(header, GPT_HEADER_LEN) != sum)
        return 0;
    gpt->problem = "is elsewhere than it says";
    if (get_le64(header + 24) != lba)
        return 0;
    at = get_le64(header + 72);
    gpt->count = get_le32(header + 80);
    gpt->entry_len = get_le32(header + 84);
    len = (uint64_t)gpt->count * gpt->entry_len;
    gpt->problem = "is damaged: its entries are out of range";
    if (gpt->entry_len < GPT_ENTRY_LEN || len > GPT_TABLE_MAX || at > report->size / SECTOR ||
        len > report->size - at * SECTOR)
        return 0;
    gpt->entries = xcalloc(len, 1);
    if (content_read(&report->content, at * SECTOR, gpt->entries, len) < 0)
        return -1;
    gpt->problem = crc32(gpt->entries, len) == get_le32(header + 88)
                       ? NULL
                       : "is damaged: the sum of its entries is wrong";
    return 0;
}

static int add_gpt_partition(struct inspect_report *report, const uint8_t *row, unsigned number)
{
    uint64_t first = get_le64(row + 32), last = get_le64(row + 40), most = UINT64_MAX / SECTOR;
    struct inspect_partition partition = {.number = number, .gpt = true};
    uint16_t name[36];

    if (first >= most || last < first || last >= most) {
        strings_printf(&report->remarks, "partition %u: its range makes no sense", number);
        return 0;
    }
    guid_text(partition.type, row);
    for (size_t i = 0; i < ARRAY_LEN(name); i++)
        name[i] = get_le16(row + 56 + 2 * i);
    partition.offset = first * SECTOR;
    partition.len = (last - first + 1) * SECTOR;
    partition.name = folder_name_utf16(name, ARRAY_LEN(name));
    return add_partition(report, partition);
}

static int add_gpt_partitions(struct inspect_report *report, const struct gpt *gpt)
{
    static const uint8_t unused[16];

    guid_text(report->disk_guid, gpt->header + 56);
    for (size_t i = 0; i < gpt->count; i++) {
        const uint8_t *row = gpt->entries + i * gpt->entry_len;

        if (memcmp(row, unused, sizeof unused) != 0 &&
            add_gpt_partition(report, row, (unsigned)i + 1) < 0)
            return -1;
    }
    return 0;
}

/* Firmware takes the first copy if it is valid, else the second at the end of the disk. */
static int read_gpts(struct inspect_report *report)
{
    struct gpt first = {.problem = NULL}, second = {.problem = NULL};
    uint64_t last = report->size / SECTOR - 1;
    int result = read_gpt(report, 1, &first);

    if (result == 0 && !first.problem && get_le64(first.header + 32) != last) {
        strings_printf(&report->remarks, "the GPT's copy is not at the end of the image");
        last = get_le64(first.header + 32);
    }
    if (result == 0)
        result = read_gpt(report, last, &second);
    report->gpt_problem = first.problem;
    report->gpt_copy_problem = second.problem;
    report->gpt = memcmp(first.header, "EFI PART", 8) == 0 || !second.problem;
    if (result == 0 && !(first.problem && second.problem))
        result = add_gpt_partitions(report, first.problem ? &second : &first);
    free(first.entries);
    free(second.entries);
    return result;
}

int inspect_disk(struct inspect_report *report)
{
    struct inspect_volume *whole;
    uint8_t sector[SECTOR];

    if (report->size < 2 * SECTOR)
        return 0;
    if (content_read(&report->content, 0, sector, sizeof sector) < 0)
        return -1;
    report->mbr = get_le16(sector + 510) == 0xaa55;
    if (report->mbr)
        report->boot_code = boot_code_name(sector);
    if (read_gpts(report) < 0)
        return -1;
    whole = inspect_volume(report, 0, report->size, "the whole image", false, false);
    if (!whole)
        return -1;
    if (whole->volume.kind == VOLUME_FAT) { /* no MBR, though it ends in 55 AA, too */
        whole->stick = true;
        report->mbr = false;
    }
    return report->mbr ? read_mbr(report, sector) : 0;
}
