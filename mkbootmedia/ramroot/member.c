/* member: what a header says. */
#include "ramroot/member.h"

#include <archive.h>
#include <string.h>

uint64_t member_bytes(const struct member *member)
{
    la_int64_t offset, len;
    uint64_t sum = 0;

    if (!member->block)
        return 0;
    if (archive_entry_sparse_reset(member->entry) == 0)
        return (uint64_t)archive_entry_size(member->entry);
    while (archive_entry_sparse_next(member->entry, &offset, &len) == ARCHIVE_OK)
        sum += (uint64_t)len;
    return sum;
}

uint64_t member_metadata(struct archive_entry *entry)
{
    uint64_t sum = 64 * (uint64_t)archive_entry_acl_reset(entry, ARCHIVE_ENTRY_ACL_TYPE_POSIX1E);
    const char *name = archive_entry_symlink(entry);
    const void *value;
    size_t len;

    if (name)
        sum += strlen(name);
    archive_entry_xattr_reset(entry);
    while (archive_entry_xattr_next(entry, &name, &value, &len) == ARCHIVE_OK)
        sum += strlen(name) + len;
    return sum;
}
