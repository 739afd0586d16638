/*
 * grub_bios: the fields that grub-install would patch in GRUB's BIOS boot sectors.
 *
 * A stick: boot.img in the MBR loads the first sector of the core image (diskboot.img), which
 * loads the rest. An ISO: cdboot.img + core image is the El Torito boot image; from a stick
 * boot_hybrid.img in the MBR loads the core image inside it, skipping the 2048 bytes of cdboot.img.
 *
 * Offsets: GRUB include/grub/i386/pc/boot.h, grub-core/boot/i386/pc/{boot,diskboot,cdboot}.S.
 */
#ifndef IMAGE_GRUB_BIOS_H
#define IMAGE_GRUB_BIOS_H

#include "base/util.h"

#define GRUB_CDBOOT_LEN UINT64_C(2048)

/* boot.img (512 bytes): core_offset is the core image's first byte on the disk. */
void grub_bios_patch_boot(uint8_t boot[512], uint64_t core_offset);
/* Where the core image is, as a patched boot.img says; 0: it is no boot.img of GRUB. */
uint64_t grub_bios_core_offset(const uint8_t boot[512]);
/* boot_hybrid.img (512 bytes): image_offset is the El Torito boot image's first byte. */
void grub_bios_patch_hybrid(uint8_t boot[512], uint64_t image_offset);
/* A core image (len bytes, at core_offset of the disk): where its second sector is. */
void grub_bios_patch_core(uint8_t *core, size_t len, uint64_t core_offset);

/* NULL, or why this is no core image ("is shorter than a sector"). */
const char *grub_bios_check_core(const uint8_t *core, size_t len);

#endif
