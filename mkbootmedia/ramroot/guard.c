/* guard: checks of paths, and a hash table of them. */
#include "ramroot/guard.h"

#include "base/msg.h"
#include "base/util.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define NAME_LEN_MAX 255
#define LINKS_DEPTH  2    /* '/' in the path of a link that is remembered, less one */
#define LINKS_MAX    4096 /* of them */
#define HOPS_MAX     40   /* as Linux follows */
#define TYPE_BITS    UINT64_C(7)
#define IMPLIED      4 /* a folder that no member has named */

void guard_init(struct guard *guard, uint64_t bytes_max)
{
    *guard = (struct guard){.room = 1 << 14, .bytes_max = bytes_max};
    guard->slots = xcalloc(guard->room, sizeof *guard->slots);
}

/* FNV-1a, mixed (the finalizer of SplitMix64); never 0 in the bits that are kept. */
static uint64_t hash_of(const char *path, size_t len)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)path[i]) * UINT64_C(0x100000001b3);
    hash = (hash ^ hash >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ hash >> 27) * UINT64_C(0x94d049bb133111eb);
    hash = (hash ^ hash >> 31) & ~TYPE_BITS;
    return hash ? hash : TYPE_BITS + 1;
}

/* Where a hash is, or where it would be. */
static uint64_t *slot_of(const struct guard *guard, uint64_t hash)
{
    size_t i = (size_t)(hash >> 3) & (guard->room - 1);

    while (guard->slots[i] && (guard->slots[i] & ~TYPE_BITS) != hash)
        i = (i + 1) & (guard->room - 1);
    return &guard->slots[i];
}

static enum guard_type type_at(const struct guard *guard, const char *path, size_t len)
{
    uint64_t slot = *slot_of(guard, hash_of(path, len));

    if (slot && (slot & TYPE_BITS) == IMPLIED)
        return GUARD_FOLDER;
    return slot ? (enum guard_type)(slot & TYPE_BITS) : GUARD_NOTHING;
}

bool guard_is_implied(const struct guard *guard, const char *path)
{
    uint64_t slot = *slot_of(guard, hash_of(path, strlen(path)));

    return slot && (slot & TYPE_BITS) == IMPLIED;
}

enum guard_type guard_type(const struct guard *guard, const char *path)
{
    return strcmp(path, ".") == 0 ? GUARD_FOLDER : type_at(guard, path, strlen(path));
}

static void grow(struct guard *guard)
{
    struct guard larger = {.room = 2 * guard->room};

    larger.slots = xcalloc(larger.room, sizeof *larger.slots);
    for (size_t i = 0; i < guard->room; i++)
        if (guard->slots[i])
            *slot_of(&larger, guard->slots[i] & ~TYPE_BITS) = guard->slots[i];
    free(guard->slots);
    guard->slots = larger.slots;
    guard->room = larger.room;
}

static void remember(struct guard *guard, const char *path, unsigned type)
{
    uint64_t hash = hash_of(path, strlen(path)), *slot;

    if (2 * guard->count >= guard->room)
        grow(guard);
    slot = slot_of(guard, hash);
    guard->count += !*slot;
    *slot = hash | type;
}

/* Folders that a path leads through and that no member has named. */
static void remember_parents(struct guard *guard, const char *path)
{
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        char *parent;

        if (type_at(guard, path, (size_t)(slash - path)) != GUARD_NOTHING)
            continue;
        parent = xasprintf("%.*s", (int)(slash - path), path);
        remember(guard, parent, IMPLIED);
        free(parent);
    }
}

/* What is wrong with the form of a path; NULL if nothing. */
static const char *path_check(const char *path)
{
    if (*path == '/')
        return "its path is absolute";
    if (strlen(path) >= PATH_MAX)
        return "its path is too long";
    for (const char *part = path;; part++) {
        size_t len = strcspn(part, "/");

        if (len == 2 && memcmp(part, "..", 2) == 0)
            return "its path has '..' in it";
        if (len == 0 || (len == 1 && *part == '.' && strcmp(path, ".") != 0))
            return "its path has an empty part in it";
        if (len > NAME_LEN_MAX)
            return "its name is longer than 255 bytes";
        part += len;
        if (!*part)
            return NULL;
    }
}

/* Does the path lead through something that is no folder? */
static const char *parents_check(const struct guard *guard, const char *path)
{
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        enum guard_type type = type_at(guard, path, (size_t)(slash - path));

        if (type == GUARD_SYMLINK)
            return "its path goes through a symbolic link";
        if (type == GUARD_OTHER)
            return "its path goes through a file";
    }
    return NULL;
}

static const char *link_check(const struct guard *guard, const char *target, const char *path)
{
    const char *why = path_check(target);
    enum guard_type type = why ? GUARD_NOTHING : guard_type(guard, target);

    if (why || strcmp(target, path) == 0)
        return "is a hard link to a path that cannot be";
    if (parents_check(guard, target) || type == GUARD_NOTHING)
        return "is a hard link to a file that was not there before";
    return type == GUARD_FOLDER ? "is a hard link to a folder" : NULL;
}

/* What kind of member it is; GUARD_NOTHING: none that a root file system has. */
static enum guard_type type_of(struct archive_entry *entry)
{
    if (archive_entry_hardlink(entry))
        return GUARD_OTHER;
    switch (archive_entry_filetype(entry)) {
    case AE_IFDIR:
        return GUARD_FOLDER;
    case AE_IFLNK:
        return GUARD_SYMLINK;
    case AE_IFREG:
    case AE_IFCHR:
    case AE_IFBLK:
    case AE_IFIFO:
    case AE_IFSOCK:
        return GUARD_OTHER;
    default:
        return GUARD_NOTHING;
    }
}

static const char *symlink_check(struct archive_entry *entry)
{
    const char *target = archive_entry_symlink(entry);

    if (!target || !*target)
        return "is a symbolic link to nowhere";
    return strlen(target) >= PATH_MAX ? "is a symbolic link to a path that is too long" : NULL;
}

/* May it take the place of what is there? */
static const char *place_check(enum guard_type there, enum guard_type type, bool over)
{
    if (there == GUARD_NOTHING || (there == GUARD_FOLDER && type == GUARD_FOLDER))
        return NULL;
    if (!over)
        return "is there twice";
    if (there == GUARD_FOLDER)
        return "would take the place of a folder";
    return type == GUARD_FOLDER ? "is a folder, and would take the place of a file" : NULL;
}

static const char *check(const struct guard *guard, struct archive_entry *entry, const char *path,
                         enum guard_type type, bool over)
{
    const char *why = path_check(path);

    if (!why)
        why = parents_check(guard, path);
    if (!why && type == GUARD_NOTHING)
        why = "is of a kind that no root file system has";
    if (!why && archive_entry_hardlink(entry))
        why = link_check(guard, archive_entry_hardlink(entry), path);
    if (!why && type == GUARD_SYMLINK)
        why = symlink_check(entry);
    if (!why && strcmp(path, ".") == 0 && type != GUARD_FOLDER)
        why = "is the root, but no folder";
    return why ? why : place_check(guard_type(guard, path), type, over);
}

static unsigned depth_of(const char *path)
{
    unsigned depth = 0;

    for (; (path = strchr(path, '/')); path++)
        depth++;
    return depth;
}

/* A link that is replaced leads nowhere any more. */
static void forget_link(struct guard *guard, const char *path)
{
    for (size_t i = 0; i + 1 < guard->links.n; i += 2)
        if (strcmp(guard->links.v[i], path) == 0)
            guard->links.v[i][0] = '\0';
}

const char *guard_path_check(const char *path)
{
    return path_check(path);
}

int guard_member(struct guard *guard, struct archive_entry *entry, const char *subject, bool over)
{
    const char *path = archive_entry_pathname(entry), *why;
    enum guard_type type = type_of(entry);

    why = check(guard, entry, path, type, over);
    if (why)
        return msg_error("%s: reading the root file system: %s: %s", subject, path, why);
    if (guard->count >= GUARD_MEMBERS_MAX)
        return msg_error("%s: reading the root file system: more than %d files", subject,
                         GUARD_MEMBERS_MAX);
    remember_parents(guard, path);
    if (strcmp(path, ".") != 0)
        remember(guard, path, type);
    if (over)
        forget_link(guard, path);
    if (type == GUARD_SYMLINK && depth_of(path) < LINKS_DEPTH && guard->links.n / 2 < LINKS_MAX) {
        strings_add(&guard->links, path);
        strings_add(&guard->links, archive_entry_symlink(entry));
    }
    return 0;
}

int guard_bytes(struct guard *guard, uint64_t len, const char *subject)
{
    guard->bytes += len;
    if (guard->bytes <= guard->bytes_max)
        return 0;
    return msg_error("%s: reading the root file system: unpacks to more than %.0f MiB "
                     "(--ram-limit says how much it may be)",
                     subject, (double)guard->bytes_max / MIB);
}

static const char *target_of(const struct guard *guard, const char *path, size_t len)
{
    for (size_t i = 0; i + 1 < guard->links.n; i += 2)
        if (strncmp(guard->links.v[i], path, len) == 0 && !guard->links.v[i][len])
            return guard->links.v[i + 1];
    return NULL;
}

/* "usr/" and "../lib" -> "lib"; malloc'ed. */
static char *join(const char *folder, size_t len, const char *target, const char *rest)
{
    struct strings parts = {0};
    char *text = xasprintf("%.*s/%s%s", *target == '/' ? 0 : (int)len, folder, target, rest), *save;
    struct buf out = {0};

    for (char *part = strtok_r(text, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
        if (strcmp(part, "..") == 0 && parts.n)
            free(parts.v[--parts.n]);
        else if (strcmp(part, "..") != 0 && strcmp(part, ".") != 0)
            strings_add(&parts, part);
    }
    buf_add(&out, "", 0);
    for (size_t i = 0; i < parts.n; i++)
        buf_printf(&out, "%s%s", i ? "/" : "", parts.v[i]);
    strings_free(&parts);
    free(text);
    return out.data;
}

/* The path with the first link in it replaced; NULL: there is none. */
static char *hop(const struct guard *guard, const char *path, bool whole)
{
    size_t before = 0;

    for (size_t end = strcspn(path, "/"); path[end] || whole;
         end += 1 + strcspn(path + end + 1, "/")) {
        const char *target = target_of(guard, path, end);

        if (target)
            return join(path, before, target, path + end);
        if (!path[end])
            break;
        before = end + 1;
    }
    return NULL;
}

char *guard_resolve(const struct guard *guard, const char *path, bool whole)
{
    char *now = xstrdup(path), *next;

    for (unsigned hops = 0; hops < HOPS_MAX && (next = hop(guard, now, whole)); hops++) {
        free(now);
        now = next;
    }
    return now;
}

void guard_free(struct guard *guard)
{
    free(guard->slots);
    strings_free(&guard->links);
    *guard = (struct guard){0};
}
