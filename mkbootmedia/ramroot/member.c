/* member: what a header says of holes. */
#include "ramroot/member.h"

#include <archive.h>

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
