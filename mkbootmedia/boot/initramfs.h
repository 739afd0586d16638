/*
 * initramfs: what kind of archive an initramfs file begins with, from its bytes (Linux
 * Documentation/driver-api/early-userspace/buffer-format.rst).
 */
#ifndef BOOT_INITRAMFS_H
#define BOOT_INITRAMFS_H

#include "base/content.h"

/*
 * "cpio", "gzip", "xz", ...; NULL if it is nothing that a kernel unpacks. Sets *format; returns -1,
 * reported, when the file cannot be read.
 */
int initramfs_read(const char **format, const struct content *content);

#endif
