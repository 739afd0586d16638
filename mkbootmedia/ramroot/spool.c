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

/* A node of a tree of paths: which member, or which file, has it. */
struct numbered {
    char *path;
    size_t number;
};

static int by_name(const void *a, const void *b)
{
    const struct numbered *x = a, *y = b;

    return strcmp(x->path, y->path);
}

static void number_set(void **tree, const char *path, size_t number)
{
    struct numbered *new = xcalloc(1, sizeof *new), **slot;

    new->path = xstrdup(path);
    slot = tsearch(new, tree, by_name);
    if (*slot != new) {
        free(new->path);
        free(new);
    }
    (*slot)->number = number;
}

static struct numbered *number_find(void *const *tree, const char *path)
{
    struct numbered key = {.path = (char *)(uintptr_t)path}, **slot;

    slot = tfind(&key, tree, by_name);
    return slot ? *slot : NULL;
}

static void free_number(void *node)
{
    struct numbered *numbered = node;

    free(numbered->path);
    free(numbered);
}

static void numbers_free(void **tree)
{
    tdestroy(*tree, free_number);
    *tree = NULL;
}

const struct spooled *spool_latest(const struct spool *spool, const char *path)
{
    const struct numbered *latest = number_find(&spool->latest, path);

    return latest ? &spool->members[latest->number] : NULL;
}

/* Another name of what came before, or the member as it is. */
static void add_member(struct spool *spool, struct archive_entry *entry, uint64_t len)
{
    const char *path = archive_entry_pathname(entry), *link = archive_entry_hardlink(entry);
    const struct spooled *target = link ? spool_latest(spool, link) : NULL;
    struct spooled new = {.offset = spool->end, .len = len, .file = spool->file_count};

    if (target)
        new = *target;
    else
        archive_entry_set_pathname(new.entry = archive_entry_clone(entry), NULL);
    new.path = xstrdup(path);
    new.number = spool->count;
    spool->files = xgrow(spool->files, spool->file_count, sizeof *spool->files);
    spool->files[spool->file_count++] = (struct spool_file){target ? NULL : new.entry, NULL};
    spool->members = xgrow(spool->members, spool->count, sizeof *spool->members);
    spool->members[spool->count++] = new;
    number_set(&spool->latest, path, new.number);
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
    int order = strcmp(x->path, y->path);

    return order ? order : x->number < y->number ? -1 : x->number > y->number;
}

void spool_sort(struct spool *spool)
{
    size_t kept = 0;

    numbers_free(&spool->latest); /* they are of the old order */
    if (!spool->count)
        return;
    qsort(spool->members, spool->count, sizeof *spool->members, by_path);
    for (size_t i = 0; i < spool->count; i++) {
        struct spooled *at = &spool->members[i];

        if (i + 1 < spool->count && strcmp(at->path, at[1].path) == 0)
            free(at->path);
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
        int order = strcmp(spool->members[middle].path, path);

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
    const char *path = spooled->path;
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
    char **place = &spool->files[spooled->file].place;

    replay_free(replay);
    spool_forget_place(spool, path);
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
    number_set(&spool->placed, path, spooled->file);
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

void spool_forget_place(struct spool *spool, const char *path)
{
    const struct numbered *placed = spool->placed ? number_find(&spool->placed, path) : NULL;
    struct spool_file *file = placed ? &spool->files[placed->number] : NULL;

    if (!file || !file->place || strcmp(file->place, path) != 0)
        return;
    free(file->place);
    file->place = NULL;
}

void spool_forget_places(struct spool *spool)
{
    for (size_t i = 0; i < spool->file_count; i++) {
        free(spool->files[i].place);
        spool->files[i].place = NULL;
    }
    numbers_free(&spool->placed);
}

void spool_free(struct spool *spool)
{
    spool_forget_places(spool);
    for (size_t i = 0; i < spool->count; i++)
        free(spool->members[i].path);
    for (size_t i = 0; i < spool->file_count; i++)
        archive_entry_free(spool->files[i].entry);
    numbers_free(&spool->latest);
    free(spool->files);
    free(spool->members);
    if (spool->fd >= 0)
        close(spool->fd);
    *spool = (struct spool){.fd = -1};
}
