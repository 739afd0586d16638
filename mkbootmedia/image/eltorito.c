/*
 * eltorito: the boot catalog, and GRUB's image patched for its place.
 *
 *   catalog: validation entry, default entry, then per section a header and its entries, 32 bytes
 * each
 */
#include "image/eltorito.h"

#include "base/msg.h"
#include "base/util.h"

#include <assert.h>

#define CD_BLOCK     2048
#define VOLUME_BLOCK 16 /* of the primary volume descriptor */

#define BOOTABLE       0x88 /* El Torito 1.0, figure 3 */
#define SECTION        0x90 /* figure 4 */
#define SECTION_LAST   0x91
#define BIOS_SECTORS   4
#define BOOT_INFO      8    /* where the boot info table begins */
#define BOOT_INFO_END  64   /* and where what it sums up begins */
#define GRUB_BOOT_INFO 2548 /* 64 bits: the sector behind the image's first block, and one more */

/* El Torito 1.0, figure 2 */
struct disk_validation {
    uint8_t header_id; /* 1 */
    uint8_t platform;
    uint8_t reserved[2];
    uint8_t id[24];
    uint8_t checksum[2]; /* makes the sum of all 16-bit words 0 */
    uint8_t key[2];      /* 0x55 0xaa */
};
static_assert(sizeof(struct disk_validation) == 32, "El Torito 1.0, figure 2");

/* El Torito 1.0, figures 3 (default entry) and 5 (section entry): what is set here is the same. */
struct disk_entry {
    uint8_t bootable;
    uint8_t media;      /* 0: no emulation */
    uint8_t segment[2]; /* 0: 0x7c0 */
    uint8_t system;
    uint8_t unused;
    uint8_t sectors[2]; /* of 512 bytes */
    uint8_t block[4];
    uint8_t selection[20];
};
static_assert(sizeof(struct disk_entry) == 32, "El Torito 1.0, figures 3 and 5");

/* El Torito 1.0, figure 4 */
struct disk_section {
    uint8_t header_id;
    uint8_t platform;
    uint8_t count[2];
    uint8_t id[28];
};
static_assert(sizeof(struct disk_section) == 32, "El Torito 1.0, figure 4");

static void put_validation(uint8_t *out, uint8_t platform)
{
    struct disk_validation *v = (struct disk_validation *)out;
    uint16_t sum = 0;

    *v = (struct disk_validation){.header_id = 1, .platform = platform, .key = {0x55, 0xaa}};
    memcpy(v->id, "MKBOOTMEDIA", 11);
    for (size_t i = 0; i < sizeof *v; i += 2)
        sum = (uint16_t)(sum + get_le16(out + i));
    put_le16(v->checksum, (uint16_t)-sum);
}

/* UEFI 2.10, 13.3.2.1: 0 and 1 stand for all up to the end of the medium. */
static uint16_t load_sectors(const struct eltorito_entry *entry)
{
    uint64_t sectors = divide_up(entry->size, SECTOR);

    if (entry->platform != ELTORITO_EFI)
        return BIOS_SECTORS;
    return sectors <= UINT16_MAX ? (uint16_t)sectors : 0;
}

static void put_entry(uint8_t *out, const struct eltorito_entry *entry)
{
    struct disk_entry *e = (struct disk_entry *)out;

    assert(entry->place % CD_BLOCK == 0 && entry->place / CD_BLOCK <= UINT32_MAX);
    *e = (struct disk_entry){.bootable = BOOTABLE};
    put_le16(e->sectors, load_sectors(entry));
    put_le32(e->block, (uint32_t)(entry->place / CD_BLOCK));
}

static void put_section(uint8_t *out, uint8_t platform, size_t count, bool last)
{
    struct disk_section *s = (struct disk_section *)out;

    *s = (struct disk_section){.header_id = last ? SECTION_LAST : SECTION, .platform = platform};
    put_le16(s->count, (uint16_t)count);
}

void eltorito_catalog(uint8_t block[2048], const struct eltorito_entry *entries, size_t n)
{
    uint8_t *out = block;

    assert(n >= 1 && n <= ELTORITO_ENTRIES_MAX);
    memset(block, 0, CD_BLOCK);
    put_validation(out, entries[0].platform);
    put_entry(out += 32, &entries[0]);
    for (size_t i = 1, count; i < n; i += count) {
        for (count = 1; i + count < n && entries[i + count].platform == entries[i].platform;)
            count++;
        put_section(out += 32, entries[i].platform, count, i + count == n);
        for (size_t k = 0; k < count; k++)
            put_entry(out += 32, &entries[i + k]);
    }
}

/* The sum of the 32-bit words from BOOT_INFO_END on; what the last one lacks counts as 0. */
static uint32_t checksum(const uint8_t *image, size_t len)
{
    uint32_t sum = 0;

    for (size_t i = BOOT_INFO_END; i < len; i += 4) {
        uint8_t word[4] = {0};

        memcpy(word, image + i, len - i < 4 ? len - i : 4);
        sum += get_le32(word);
    }
    return sum;
}

int eltorito_patch(void *image, size_t len, uint64_t place)
{
    uint8_t *bytes = image;
    uint64_t block = place / CD_BLOCK;

    assert(place % CD_BLOCK == 0 && block <= UINT32_MAX);
    if (len < GRUB_BOOT_INFO + 8 || len > UINT32_MAX)
        return msg_error("GRUB's El Torito image: patching: it cannot have %zu bytes", len);
    put_le64(bytes + GRUB_BOOT_INFO, block * (CD_BLOCK / SECTOR) + 5);
    memset(bytes + BOOT_INFO, 0, BOOT_INFO_END - BOOT_INFO);
    put_le32(bytes + 8, VOLUME_BLOCK);
    put_le32(bytes + 12, (uint32_t)block);
    put_le32(bytes + 16, (uint32_t)len);
    put_le32(bytes + 20, checksum(bytes, len));
    return 0;
}
