/*
 * kernel: what a kernel file is, from its bytes.
 *
 * Two formats are read: the x86 boot protocol header of a bzImage (Linux Documentation/arch/x86/
 * boot.rst, offsets 0x1f1-0x268) and the PE/COFF header of an EFI stub. A modern bzImage is both.
 */
#ifndef BOOT_KERNEL_H
#define BOOT_KERNEL_H

#include "base/content.h"

#include <stdbool.h>

enum kernel_arch { KERNEL_X86_64, KERNEL_I386, KERNEL_OTHER };

struct kernel {
    enum kernel_arch arch;
    char version[128];        /* "6.1.0-44-amd64 (debian-kernel@...) #1 SMP ..."; "" if not said */
    uint16_t protocol;        /* boot protocol, 0x020f is 2.15 */
    uint16_t xloadflags;      /* XLF_* */
    uint16_t pe_machine;      /* machine of the EFI stub (PE/COFF); 0: it has none */
    bool efi_mixed;           /* 64-bit, but 32-bit UEFI can start it (CONFIG_EFI_MIXED) */
    uint32_t init_size;       /* bytes of memory that it needs in one run while it starts */
    uint64_t initrd_addr_max; /* highest address that an initramfs may occupy */
    uint32_t cmdline_size;    /* bytes of arguments that it takes */
};

#define XLF_KERNEL_64              0x01
#define XLF_CAN_BE_LOADED_ABOVE_4G 0x02
#define XLF_EFI_HANDOVER_32        0x04
#define XLF_EFI_HANDOVER_64        0x08

/*
 * Fills kernel. Returns 0; or -1 with *why ("is a text file ..."), without a message, when it is no
 * kernel that this program can boot; or -1 with *why NULL, reported, when the file cannot be read.
 */
int kernel_read(struct kernel *kernel, const struct content *content, const char **why);

/* Can a GRUB for 32-bit UEFI start it? */
bool kernel_boots_ia32(const struct kernel *kernel);

/* "x86-64", "x86 (32 bit)" */
const char *kernel_arch_name(enum kernel_arch arch);

#endif
