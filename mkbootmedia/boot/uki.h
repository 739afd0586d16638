/*
 * uki: a kernel, its initramfs files and its arguments as one EFI program, a Unified Kernel Image
 * (UAPI Group, "Unified Kernel Image").
 *
 * systemd's stub is the program; the rest are sections behind its own, which it finds by their
 * names when the firmware has started it: .osrel .uname .cmdline .linux .initrd. One signature
 * covers them all. x86-64 only.
 */
#ifndef BOOT_UKI_H
#define BOOT_UKI_H

#include "base/content.h"

struct uki {
    const char *name; /* of the file to write, for messages */
    struct content stub, kernel;
    const struct content *initrds; /* the kernel sees them as one, each begins at 4 bytes */
    size_t initrd_count;
    const char *osrel, *uname; /* text of os-release, kernel version; NULL or "": none */
    /*
     * The arguments. NULL: no .cmdline, so that the firmware's boot entry gives them; "" are none
     * at all, which the stub is told by a blank.
     */
    const char *cmdline;
};

/*
 * Writes the whole file into fd, an empty file: the same bytes for the same input. -1, reported:
 * also when the stub cannot take the sections, or the result would reach 4 GiB, where the fields
 * of a PE file end. How much a machine loads depends on its memory.
 */
int uki_write(const struct uki *uki, int fd);

#endif
