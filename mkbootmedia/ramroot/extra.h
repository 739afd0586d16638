/*
 * extra: what the format of a root image cannot hold, as lines that the first stage reads (rootload
 * extra): sockets of a tar, ACLs of a squashfs.
 *
 *   socket MODE UID GID MTIME PATH         mode in octal; numbers in decimal
 *   xattr NAME HEX PATH                    value as hexadecimal digits
 *
 * In a path, bytes up to 0x20, '\\' and those from 0x7f on are \ooo.
 */
#ifndef RAMROOT_EXTRA_H
#define RAMROOT_EXTRA_H

#include "base/util.h"

#include <archive_entry.h>

/* With its attributes and ACLs; NULL, or what is wrong with one. */
const char *extra_socket(struct buf *extra, struct archive_entry *entry);
void extra_xattr(struct buf *extra, const char *path, const char *name, const void *value,
                 size_t len);

#endif
