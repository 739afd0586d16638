/*
 * eltorito: what a CD's firmware boots: the catalog of boot images, and the facts about its own
 * place that GRUB's image for BIOS wants written into itself.
 *
 * Layout: El Torito Bootable CD-ROM Format Specification 1.0; UEFI 2.10 section 13.3.2; for the
 * boot info table mkisofs(8), for GRUB's own field xorrisofs(1), --grub2-boot-info.
 */
#ifndef IMAGE_ELTORITO_H
#define IMAGE_ELTORITO_H

#include <stddef.h>
#include <stdint.h>

#define ELTORITO_BIOS 0x00
#define ELTORITO_EFI  0xef

#define ELTORITO_ENTRIES_MAX 31 /* each with a header of its own: they always fit into a block */

struct eltorito_entry {
    uint8_t platform; /* ELTORITO_BIOS or ELTORITO_EFI */
    uint64_t place;   /* first byte in the image, a multiple of 2048 */
    uint64_t size;    /* bytes; of an EFI entry: the ESP's */
};

/*
 * The boot catalog of n >= 1 entries. The first is the default entry; the others of one platform,
 * as far as they are neighbours, form a section. BIOS entries load 4 sectors (GRUB's image loads
 * its rest). EFI entries load their size; 0, "up to the end of the medium", if 16 bits cannot hold
 * it.
 */
void eltorito_catalog(uint8_t block[2048], const struct eltorito_entry *entries, size_t n);

/*
 * Writes into GRUB's El Torito image for BIOS, which will stand at place (bytes, a multiple of
 * 2048), where it stands, and the boot info table with its checksum. Returns -1, reported, if the
 * image is too short to be one.
 */
int eltorito_patch(void *image, size_t len, uint64_t place);

#endif
