/*
 * spool: contents of members one behind the other in an anonymous file, holes as holes.
 *
 * A hard link has no bytes of its own: once the spool is sorted it has the place of its target's,
 * of the one that was there when the link came (a later member may have taken that path since).
 */
#include "ramroot/spool.h"

#include "base/msg.h"
#include "base/util.h"
#include "ramroot/anonymous.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define PENDING  UINT64_MAX       /* the offset of a hard link that has not been followed */
#define NOWHERE  (UINT64_MAX - 1) /* of one whose target is not there */
#define READ_MAX GIB              /* bytes that are read into memory at a time */
#define END_MAX  (INT64_MAX / 2)

static int put_bytes(int fd, const char *data, size_t len, uint64_t offset)
{
    while (len) {
        ssize_t n = pwrite(fd, data, len, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return msg_errno(anonymous_folder(), "writing a temporary file");
        data += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

static int put_contents(struct spool *spool, struct member *member, uint64_t size)
{
    const void *data;
    size_t len;
    uint64_t offset;
    int result;

    while ((result = member->block(member, &data, &len, &offset)) == 1) {
        if (offset > size || len > size - offset)
            return msg_error("%s: reading: it has more bytes than its size says",
                             archive_entry_pathname(member->entry));
        if (put_bytes(spool->fd, data, len, spool->end + offset) < 0)
            return -1;
    }
    return result;
}

int spool_add(struct spool *spool, struct member *member)
{
    int64_t size = member->block ? archive_entry_size(member->entry) : 0;
    struct spooled *spooled;

    if (size < 0 || (uint64_t)size > END_MAX - spool->end)
        return msg_error("%s: reading: it cannot be that large",
                         archive_entry_pathname(member->entry));
    if (spool->fd < 0 && (spool->fd = anonymous_file()) < 0)
        return -1;
    if (member->block && put_contents(spool, member, (uint64_t)size) < 0)
        return -1;
    spool->members = xgrow(spool->members, spool->count, sizeof *spool->members);
    spooled = &spool->members[spool->count];
    *spooled = (struct spooled){archive_entry_clone(member->entry), spool->end, (uint64_t)size,
                                spool->count};
    if (archive_entry_hardlink(member->entry))
        spooled->offset = PENDING;
    spool->count++;
    spool->end += (uint64_t)size;
    return 0;
}

static int by_path(const void *a, const void *b)
{
    const struct spooled *x = a, *y = b;
    int order = strcmp(archive_entry_pathname(x->entry), archive_entry_pathname(y->entry));

    return order ? order : x->number < y->number ? -1 : x->number > y->number;
}

/* How many members come before this path with this number. */
static size_t count_before(const struct spool *spool, const char *path, size_t number)
{
    size_t low = 0, high = spool->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct spooled *at = &spool->members[middle];
        int order = strcmp(archive_entry_pathname(at->entry), path);

        if (order < 0 || (order == 0 && at->number < number))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The last member of that path that came before that number, or NULL. */
static struct spooled *find_before(const struct spool *spool, const char *path, size_t number)
{
    size_t n = count_before(spool, path, number);
    struct spooled *found = n ? &spool->members[n - 1] : NULL;

    return found && strcmp(archive_entry_pathname(found->entry), path) == 0 ? found : NULL;
}

/* Gives a hard link, and those that it leads through, their bytes. Each step leads to a member that
 * came earlier. */
static void follow(const struct spool *spool, struct spooled *link)
{
    struct spooled *at = link, *next;
    struct spooled target = {.offset = NOWHERE};

    while (at && at->offset == PENDING)
        at = find_before(spool, archive_entry_hardlink(at->entry), at->number);
    if (at)
        target = *at;
    for (at = link; at && at->offset == PENDING; at = next) {
        next = find_before(spool, archive_entry_hardlink(at->entry), at->number);
        at->offset = target.offset;
        at->len = target.len;
    }
}

void spool_sort(struct spool *spool)
{
    size_t kept = 0;

    if (!spool->count)
        return;
    qsort(spool->members, spool->count, sizeof *spool->members, by_path);
    for (size_t i = 0; i < spool->count; i++)
        follow(spool, &spool->members[i]);
    for (size_t i = 0; i < spool->count; i++) {
        struct spooled *at = &spool->members[i];

        if (i + 1 < spool->count &&
            strcmp(archive_entry_pathname(at->entry), archive_entry_pathname(at[1].entry)) == 0)
            archive_entry_free(at->entry);
        else
            spool->members[kept++] = *at;
    }
    spool->count = kept;
}

const struct spooled *spool_find(const struct spool *spool, const char *path)
{
    return find_before(spool, path, SIZE_MAX);
}

/* What lies behind the file's end is a hole, too. */
static int get_bytes(const struct spool *spool, const struct spooled *spooled, char *data)
{
    size_t at = 0;

    while (at < spooled->len) {
        ssize_t n = pread(spool->fd, data + at, spooled->len - at, (off_t)(spooled->offset + at));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return msg_errno(anonymous_folder(), "reading a temporary file");
        if (n == 0)
            break;
        at += (size_t)n;
    }
    memset(data + at, 0, spooled->len - at + 1);
    return 0;
}

char *spool_read(const struct spool *spool, const struct spooled *spooled, size_t *len)
{
    const char *path = archive_entry_pathname(spooled->entry);
    char *data;

    if (spooled->offset >= NOWHERE) {
        msg_error("%s: reading: what it is a hard link to, %s, is not there", path,
                  archive_entry_hardlink(spooled->entry));
        return NULL;
    }
    if (spooled->len > READ_MAX) {
        msg_error("%s: reading: larger than %.0f MiB", path, (double)READ_MAX / MIB);
        return NULL;
    }
    data = xrealloc(NULL, (size_t)spooled->len + 1);
    if (get_bytes(spool, spooled, data) < 0) {
        free(data);
        return NULL;
    }
    *len = (size_t)spooled->len;
    return data;
}

const struct spooled *spool_target(const struct spool *spool, const char *path)
{
    for (size_t i = spool->count; i-- && path;) {
        const struct spooled *at = &spool->members[i];

        if (strcmp(archive_entry_pathname(at->entry), path) != 0)
            continue;
        if (!archive_entry_hardlink(at->entry))
            return at;
        path = archive_entry_hardlink(at->entry); /* of one that came earlier */
    }
    return NULL;
}

static int replay_block(struct member *member, const void **data, size_t *len, uint64_t *offset)
{
    struct replay *replay = member->arg;

    if (replay->given || !replay->len)
        return 0;
    replay->given = true;
    *data = replay->data;
    *len = replay->len;
    *offset = 0;
    return 1;
}

int replay_begin(struct replay *replay, const struct spool *spool, const struct spooled *spooled,
                 struct member *member)
{
    replay_free(replay);
    replay->data = spool_read(spool, spooled, &replay->len);
    member->block = replay_block;
    member->arg = replay;
    return replay->data ? 0 : -1;
}

void replay_free(struct replay *replay)
{
    free(replay->data);
    *replay = (struct replay){0};
}

void spool_free(struct spool *spool)
{
    for (size_t i = 0; i < spool->count; i++)
        archive_entry_free(spool->members[i].entry);
    free(spool->members);
    if (spool->fd >= 0)
        close(spool->fd);
    *spool = (struct spool){.fd = -1};
}
