/* spool: contents of members one behind the other in an anonymous file, holes as holes. */
#include "ramroot/spool.h"

#include "base/msg.h"
#include "base/util.h"
#include "ramroot/anonymous.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_MAX GIB /* bytes that are read into memory at a time */
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

/* A node of the tree of paths. */
struct latest {
    char *path;
    size_t number;
};

static int by_name(const void *a, const void *b)
{
    const struct latest *x = a, *y = b;

    return strcmp(x->path, y->path);
}

static void note_latest(struct spool *spool, const char *path, size_t number)
{
    struct latest *latest = xcalloc(1, sizeof *latest), **slot;

    latest->path = xstrdup(path);
    slot = tsearch(latest, &spool->latest, by_name);
    if (*slot != latest) {
        free(latest->path);
        free(latest);
    }
    (*slot)->number = number;
}

static void free_latest(void *node)
{
    struct latest *latest = node;

    free(latest->path);
    free(latest);
}

const struct spooled *spool_latest(const struct spool *spool, const char *path)
{
    struct latest key = {.path = (char *)(uintptr_t)path}, **slot;

    slot = tfind(&key, &spool->latest, by_name);
    return slot ? &spool->members[(*slot)->number] : NULL;
}

/* Another name of what came before, or the member as it is. */
static void add_member(struct spool *spool, struct archive_entry *entry, uint64_t len)
{
    const char *path = archive_entry_pathname(entry), *link = archive_entry_hardlink(entry);
    const struct spooled *target = link ? spool_latest(spool, link) : NULL;
    struct spooled new = {.offset = spool->end, .len = len, .file = spool->count};

    if (target)
        new = *target;
    new.entry = archive_entry_clone(target ? target->entry : entry);
    archive_entry_copy_pathname(new.entry, path);
    new.number = spool->count;
    spool->members = xgrow(spool->members, spool->count, sizeof *spool->members);
    spool->places = xgrow(spool->places, spool->count, sizeof *spool->places);
    spool->members[spool->count] = new;
    spool->places[spool->count++] = NULL;
    spool->place_count = spool->count;
    note_latest(spool, path, new.number);
}

int spool_add(struct spool *spool, struct member *member)
{
    int64_t size = member->block ? archive_entry_size(member->entry) : 0;

    if (size < 0 || (uint64_t)size > END_MAX - spool->end)
        return msg_error("%s: reading: it cannot be that large",
                         archive_entry_pathname(member->entry));
    if (spool->fd < 0 && (spool->fd = anonymous_file()) < 0)
        return -1;
    if (member->block && put_contents(spool, member, (uint64_t)size) < 0)
        return -1;
    add_member(spool, member->entry, (uint64_t)size);
    spool->end += (uint64_t)size;
    return 0;
}

static int by_path(const void *a, const void *b)
{
    const struct spooled *x = a, *y = b;
    int order = strcmp(archive_entry_pathname(x->entry), archive_entry_pathname(y->entry));

    return order ? order : x->number < y->number ? -1 : x->number > y->number;
}

void spool_sort(struct spool *spool)
{
    size_t kept = 0;

    tdestroy(spool->latest, free_latest); /* its numbers are of the old order */
    spool->latest = NULL;
    if (!spool->count)
        return;
    qsort(spool->members, spool->count, sizeof *spool->members, by_path);
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
    size_t low = 0, high = spool->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(archive_entry_pathname(spool->members[middle].entry), path);

        if (order == 0)
            return &spool->members[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
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

    if (archive_entry_hardlink(spooled->entry)) {
        msg_error("%s: reading: is a hard link to %s, which is not among the files of a kernel",
                  path, archive_entry_hardlink(spooled->entry));
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

/* A link has neither contents nor attributes of its own. */
static void make_link(struct archive_entry *entry, const char *target)
{
    archive_entry_copy_hardlink(entry, target);
    archive_entry_xattr_clear(entry);
    archive_entry_acl_clear(entry);
}

int replay_begin(struct replay *replay, struct spool *spool, const struct spooled *spooled,
                 const char *path, struct member *member)
{
    char **place = &spool->places[spooled->file];

    replay_free(replay);
    replay->entry = archive_entry_clone(spooled->entry);
    archive_entry_copy_pathname(replay->entry, path);
    *member = (struct member){.entry = replay->entry, .arg = replay};
    if (archive_entry_hardlink(replay->entry))
        return 0;
    if (*place) {
        make_link(replay->entry, *place);
        return 0;
    }
    *place = xstrdup(path);
    if (archive_entry_filetype(replay->entry) != AE_IFREG)
        return 0;
    replay->data = spool_read(spool, spooled, &replay->len);
    member->block = replay_block;
    return replay->data ? 0 : -1;
}

void replay_free(struct replay *replay)
{
    archive_entry_free(replay->entry);
    free(replay->data);
    *replay = (struct replay){0};
}

void spool_forget_places(struct spool *spool)
{
    for (size_t i = 0; i < spool->place_count; i++) {
        free(spool->places[i]);
        spool->places[i] = NULL;
    }
}

void spool_free(struct spool *spool)
{
    for (size_t i = 0; i < spool->count; i++)
        archive_entry_free(spool->members[i].entry);
    spool_forget_places(spool);
    tdestroy(spool->latest, free_latest);
    free(spool->places);
    free(spool->members);
    if (spool->fd >= 0)
        close(spool->fd);
    *spool = (struct spool){.fd = -1};
}
