/* kernel_config: what a kernel can unpack, from its configuration, else from its version. */
#ifndef RAMROOT_KERNEL_CONFIG_H
#define RAMROOT_KERNEL_CONFIG_H

#include "ramroot/compress.h"

/* The best format for an initramfs, and for a squashfs; COMPRESS_NONE: it knows no format of ours.
 * config is the kernel's configuration (/boot/config-*), or NULL. */
enum compress kernel_config_initramfs(const char *config, const char *version);
enum compress kernel_config_squashfs(const char *config, const char *version);
/* Can its squashfs read this format? -1, reported: no. */
int kernel_config_squashfs_check(const char *config, enum compress format, const char *subject);

#endif
