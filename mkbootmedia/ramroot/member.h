/*
 * member: one file of the tree on its way into the image: libarchive's entry, and where its bytes
 * come from.
 */
#ifndef RAMROOT_MEMBER_H
#define RAMROOT_MEMBER_H

#include <archive_entry.h>

#include <stddef.h>
#include <stdint.h>

struct member {
    struct archive_entry *entry;
    /* As rootfs_kind.block: 1 a run of bytes, 0 the end, -1 reported. NULL: it has none. */
    int (*block)(struct member *member, const void **data, size_t *len, uint64_t *offset);
    void *arg;
};

/* Bytes of a member that are no hole, as its header says. */
uint64_t member_bytes(const struct member *member);
/* About how many bytes of memory a member's attributes, ACLs and target take. */
uint64_t member_metadata(struct archive_entry *entry);

#endif
