/*
 * initramfs: what kind of archive an initramfs file begins with, from its bytes (Linux
 * Documentation/driver-api/early-userspace/buffer-format.rst).
 */
#ifndef BOOT_INITRAMFS_H
#define BOOT_INITRAMFS_H

#include "base/content.h"

/* What our own first stage has to know of its root: lines of KEY=VALUE (templates/init). */
#define INITRAMFS_CONF "etc/mkbootmedia.conf"

/*
 * "cpio", "gzip", "xz", ...; NULL if it is nothing that a kernel unpacks. Sets *format; returns -1,
 * reported, when the file cannot be read.
 */
int initramfs_read(const char **format, const struct content *content);

/*
 * The contents of a file that is not compressed, of those archives at the beginning that are not:
 * 1 and *text, malloc'ed, a NUL behind it; 0: there is none of at most max bytes; -1, reported.
 */
int initramfs_find(const struct content *content, const char *name, size_t max, char **text);

#endif
