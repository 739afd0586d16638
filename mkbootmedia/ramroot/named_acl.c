/* named_acl: which ACLs are put aside, and their names' numbers. */
#include "ramroot/named_acl.h"

#include "base/msg.h"
#include "ramroot/acl.h"
#include "ramroot/extra.h"

#include <archive.h>
#include <stdlib.h>

#define TEXT_MAX (16 * MIB)

static const int types[] = {ARCHIVE_ENTRY_ACL_TYPE_ACCESS, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT};

/* libarchive has no number for a name, and writes none above INT_MAX, which is negative here. */
static bool is_aside(int tag, int id)
{
    return id < 0 && (tag == ARCHIVE_ENTRY_ACL_USER || tag == ARCHIVE_ENTRY_ACL_GROUP);
}

static bool is_wanted(struct archive_entry *entry)
{
    int type, perms, tag, id;
    const char *name;

    if (!archive_entry_acl_reset(entry, ARCHIVE_ENTRY_ACL_TYPE_POSIX1E))
        return false;
    while (archive_entry_acl_next(entry, ARCHIVE_ENTRY_ACL_TYPE_POSIX1E, &type, &perms, &tag, &id,
                                  &name) == ARCHIVE_OK)
        if (is_aside(tag, id))
            return true;
    return false;
}

static int copy_text(struct member *member, const void **data, size_t *len, uint64_t *offset)
{
    struct named_acls *acls = member->arg;
    int result = acls->inner.block(&acls->inner, data, len, offset);

    if (result == 1 && *offset == acls->text->len && *len <= TEXT_MAX - acls->text->len)
        buf_add(acls->text, *data, *len);
    return result;
}

static void watch(struct named_acls *acls, struct member *member, struct buf *text)
{
    text->len = 0;
    buf_add(text, "", 0);
    acls->text = text;
    acls->inner = *member;
    member->block = copy_text;
    member->arg = acls;
}

/* Each name of a file, as it is a file of its own once an overlay has copied it. */
static void add_name(struct named_acls *acls, const char *target, const char *path)
{
    struct archive_entry *entry = entry_map_get(&acls->aside, target);

    if (entry)
        entry_map_put(&acls->aside, path, entry);
}

void named_acls_member(struct named_acls *acls, struct member *member, bool over)
{
    const char *path = archive_entry_pathname(member->entry);

    if (member->block && strcmp(path, "etc/passwd") == 0)
        watch(acls, member, &acls->passwd);
    if (member->block && strcmp(path, "etc/group") == 0)
        watch(acls, member, &acls->group);
    if (over) /* it may take the place of another, and of its ACL */
        entry_map_drop(&acls->aside, path);
    if (archive_entry_hardlink(member->entry))
        add_name(acls, archive_entry_hardlink(member->entry), path);
    if (!is_wanted(member->entry))
        return;
    entry_map_put(&acls->aside, path, member->entry);
    archive_entry_acl_clear(member->entry);
}

/* The number in "NAME:x:NUMBER:", or -1. */
static int64_t find_number(const struct buf *text, const char *name)
{
    size_t len = strlen(name);

    for (const char *line = text->data; line && *line; line = strchr(line, '\n')) {
        const char *number;

        line += *line == '\n';
        number =
            strncmp(line, name, len) == 0 && line[len] == ':' ? strchr(line + len + 1, ':') : NULL;
        if (number && number[1] >= '0' && number[1] <= '9')
            return strtoll(number + 1, NULL, 10);
    }
    return -1;
}

/* Sets *id to the number of a name; -1, reported. */
static int number_of(const struct named_acls *acls, int tag, const char *name, int *id,
                     const char *subject, const char *path)
{
    bool user = tag == ARCHIVE_ENTRY_ACL_USER;
    int64_t number = find_number(user ? &acls->passwd : &acls->group, name);

    if (number < 0 || number > UINT32_MAX)
        return msg_error("%s: %s: reading its ACL: it names a %s, \"%s\", that is not in /etc/%s",
                         subject, path, user ? "user" : "group", name, user ? "passwd" : "group");
    *id = (int)number;
    return 0;
}

/* The ACL of one type with numbers, to an entry that has none; -1, reported. */
static int number_entries(const struct named_acls *acls, const char *subject,
                          struct archive_entry *from, struct archive_entry *to, int wanted)
{
    const char *path = archive_entry_pathname(from), *name;
    int type, perms, tag, id;

    archive_entry_acl_reset(from, wanted);
    while (archive_entry_acl_next(from, wanted, &type, &perms, &tag, &id, &name) == ARCHIVE_OK) {
        if (is_aside(tag, id) && name && *name &&
            number_of(acls, tag, name, &id, subject, path) < 0)
            return -1;
        archive_entry_acl_add_entry(to, type, perms, tag, id, NULL);
    }
    return 0;
}

static int append(const struct named_acls *acls, const char *subject, struct archive_entry *entry,
                  int type, struct buf *extra)
{
    struct archive_entry *numbered = archive_entry_new();
    struct buf value = {0};
    const char *path = archive_entry_pathname(entry), *why = NULL;
    int result = number_entries(acls, subject, entry, numbered, type);

    if (result == 0 && (why = acl_write(numbered, type, &value)))
        result = msg_error("%s: %s: reading its ACL: %s", subject, path, why);
    if (result == 0)
        extra_xattr(extra, path, acl_xattr(type), value.data, value.len);
    archive_entry_free(numbered);
    buf_free(&value);
    return result;
}

struct end {
    const struct named_acls *acls;
    const char *subject;
    struct buf *extra;
};

static int end_entry(void *arg, struct archive_entry *entry)
{
    const struct end *end = arg;

    for (size_t k = 0; k < ARRAY_LEN(types); k++)
        if ((archive_entry_acl_types(entry) & types[k]) &&
            append(end->acls, end->subject, entry, types[k], end->extra) < 0)
            return -1;
    return 0;
}

int named_acls_end(struct named_acls *acls, const char *subject, struct buf *extra)
{
    struct end end = {acls, subject, extra};

    return entry_map_walk(&acls->aside, end_entry, &end);
}

void named_acls_free(struct named_acls *acls)
{
    entry_map_free(&acls->aside);
    buf_free(&acls->passwd);
    buf_free(&acls->group);
    *acls = (struct named_acls){0};
}
