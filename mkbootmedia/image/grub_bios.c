/* grub_bios: sector numbers into boot.img, boot_hybrid.img and diskboot.img. */
#include "image/grub_bios.h"

enum {
    BOOT_KERNEL_SECTOR = 0x5c, /* boot.img: 64-bit sector of the core image */
    BOOT_DRIVE_CHECK = 0x66,   /* boot.img: a jump that two NOPs turn into a check of DL */
    BOOT_NAME = 0x180,         /* boot.img: "GRUB ", the first of its messages */
    HYBRID_SECTOR = 0x1b0,     /* boot_hybrid.img: 64-bit sector behind cdboot.img */
    BLOCKLIST = 0x1f4,         /* diskboot.img: 64-bit start, 16-bit sectors, 16-bit segment */
};

void grub_bios_patch_boot(uint8_t boot[512], uint64_t core_offset)
{
    put_le64(boot + BOOT_KERNEL_SECTOR, core_offset / SECTOR);
    /* as grub-install does for hard disks: some BIOSes hand over a wrong drive number */
    boot[BOOT_DRIVE_CHECK] = 0x90;
    boot[BOOT_DRIVE_CHECK + 1] = 0x90;
}

uint64_t grub_bios_core_offset(const uint8_t boot[512])
{
    uint64_t sector = get_le64(boot + BOOT_KERNEL_SECTOR);

    if (memcmp(boot + BOOT_NAME, "GRUB ", 6) != 0 || sector > UINT64_MAX / SECTOR)
        return 0;
    return sector * SECTOR;
}

void grub_bios_patch_hybrid(uint8_t boot[512], uint64_t image_offset)
{
    put_le64(boot + HYBRID_SECTOR, (image_offset + GRUB_CDBOOT_LEN) / SECTOR);
}

void grub_bios_patch_core(uint8_t *core, size_t len, uint64_t core_offset)
{
    put_le64(core + BLOCKLIST, core_offset / SECTOR + 1);
    put_le16(core + BLOCKLIST + 8, (uint16_t)(divide_up(len, SECTOR) - 1));
}

const char *grub_bios_check_core(const uint8_t *core, size_t len)
{
    if (len <= SECTOR)
        return "is shorter than its first sector tells";
    if (divide_up(len, SECTOR) - 1 > UINT16_MAX)
        return "is too large to be loaded";
    if (get_le16(core + BLOCKLIST + 8) != divide_up(len, SECTOR) - 1)
        return "does not begin with diskboot.img";
    return NULL;
}
