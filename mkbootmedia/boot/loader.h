/*
 * loader: the boot loaders of this host as data: which there are (efi/places), what firmware they
 * serve, and which package brings one that is missing.
 *
 * With shim and a signed GRUB installed, UEFI x86-64 gets those (Secure Boot works); otherwise, and
 * for BIOS and 32-bit UEFI, grub-mkimage makes a GRUB from its modules (boot/grub_image.h).
 */
#ifndef BOOT_LOADER_H
#define BOOT_LOADER_H

#include "base/source.h"
#include "boot/kernel.h"
#include "boot/request.h"

enum loader_role {
    LOADER_SHIM,
    LOADER_GRUB, /* signed; of a tree the one that knows TFTP */
    LOADER_MOK,
    LOADER_FONT,
    LOADER_UNDIONLY, /* iPXE for BIOS */
    LOADER_SNPONLY,  /* iPXE for UEFI, with the firmware's driver */
    LOADER_IPXE,     /* iPXE for UEFI, with drivers of its own */
    LOADER_STUB,     /* of a UKI */
    LOADER_ROLES
};
enum loader_platform { PLATFORM_BIOS, PLATFORM_X64, PLATFORM_IA32, PLATFORMS };

/* A loader file that goes on the medium as it is. */
struct loader_file {
    struct source file; /* path NULL: there is none */
    char *name;         /* in EFI/BOOT, or in the tree */
    char *package;
};

/* A folder of GRUB modules. */
struct loader_modules {
    char *dir;  /* NULL: not installed */
    char *name; /* in EFI/BOOT, of the image made from them; NULL for BIOS */
    char *package;
};

struct loaders {
    unsigned firmware; /* enum firmware, ored: what a medium made with them boots on */
    struct loader_file files[LOADER_ROLES];
    struct loader_modules modules[PLATFORMS];
};

/*
 * Looks in the request's own folders, then where distributions keep them. Returns -1, reported with
 * the package to install, when a firmware that the request insists on cannot be had, or none at
 * all. arch is the kernels': a 32-bit kernel is not for UEFI x86-64. net: those of a tree, where
 * iPXE is as good as GRUB.
 */
int loaders_find(struct loaders *loaders, const struct request *request, enum kernel_arch arch,
                 bool net);
void loaders_free(struct loaders *loaders);

/* What packages bring a loader, "ipxe (debian), ..."; free it. */
char *loader_packages(enum loader_role role);

const char *loader_platform_name(enum loader_platform platform); /* "i386-pc", as GRUB says */
const char *loader_role_name(enum loader_role role);             /* "shim", "GRUB", ... */

/* The installed version of a package (dpkg, rpm or pacman knows), or NULL. */
const char *loader_package_version(const char *package);
/* Asks for many at once: a process less for each. */
void loader_package_prefetch(const char *const *packages, size_t count);

#endif
