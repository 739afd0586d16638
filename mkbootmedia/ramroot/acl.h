/*
 * acl: POSIX ACLs between the two forms in which they travel: entries of libarchive, and the
 * extended attributes system.posix_acl_access and _default of Linux (linux/posix_acl_xattr.h: a
 * version, then tag, permissions and id of each entry, little-endian).
 */
#ifndef RAMROOT_ACL_H
#define RAMROOT_ACL_H

#include "base/util.h"

#include <archive_entry.h>

/* The attributes' names by type (ARCHIVE_ENTRY_ACL_TYPE_ACCESS or _DEFAULT); 0: none of them. */
int acl_type(const char *xattr);
const char *acl_xattr(int type);

/* Adds the ACL that an attribute holds to an entry; NULL, or what is wrong with it. */
const char *acl_read(struct archive_entry *entry, int type, const void *value, size_t len);
/* Appends the attribute for an entry's ACL of that type; nothing if it has none. NULL, or what is
 * wrong with it. */
const char *acl_write(struct archive_entry *entry, int type, struct buf *value);
/* Makes an entry's ACLs that are extended attributes libarchive's, which takes the place of what it
 * has. NULL, or what is wrong with one: in its form, or so that Linux would not take it. */
const char *acl_normalize(struct archive_entry *entry);

#endif
