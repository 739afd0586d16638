/* acl: a table of tags. */
#include "ramroot/acl.h"

#include <archive.h>

#define VERSION_2 2
#define ENTRY_LEN 8    /* bytes */
#define ACES_MAX  8191 /* entries in 64 KiB, the most that Linux takes of an attribute */
#define NO_ID     UINT32_MAX
#define PERMS     (ARCHIVE_ENTRY_ACL_READ | ARCHIVE_ENTRY_ACL_WRITE | ARCHIVE_ENTRY_ACL_EXECUTE)

/* In the order in which Linux wants them. */
static const struct {
    uint16_t number; /* linux/posix_acl.h */
    int tag;
    bool named;
} tags[] = {
    {0x01, ARCHIVE_ENTRY_ACL_USER_OBJ, false},  {0x02, ARCHIVE_ENTRY_ACL_USER, true},
    {0x04, ARCHIVE_ENTRY_ACL_GROUP_OBJ, false}, {0x08, ARCHIVE_ENTRY_ACL_GROUP, true},
    {0x10, ARCHIVE_ENTRY_ACL_MASK, false},      {0x20, ARCHIVE_ENTRY_ACL_OTHER, false},
};

static const char *const xattrs[] = {"system.posix_acl_access", "system.posix_acl_default"};
static const int types[] = {ARCHIVE_ENTRY_ACL_TYPE_ACCESS, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT};

static const char too_large[] = "an ACL that is larger than Linux takes";

int acl_type(const char *xattr)
{
    for (size_t i = 0; i < ARRAY_LEN(xattrs); i++)
        if (strcmp(xattrs[i], xattr) == 0)
            return types[i];
    return 0;
}

const char *acl_xattr(int type)
{
    return xattrs[type == types[1]];
}

const char *acl_read(struct archive_entry *entry, int type, const void *value, size_t len)
{
    const uint8_t *bytes = value;

    if (len < 4 || (len - 4) % ENTRY_LEN || get_le32(bytes) != VERSION_2)
        return "an ACL in a form that is not known";
    if (len / ENTRY_LEN > ACES_MAX)
        return too_large;
    for (size_t at = 4; at < len; at += ENTRY_LEN) {
        uint16_t number = get_le16(bytes + at), perms = get_le16(bytes + at + 2);
        size_t i = 0;

        while (i < ARRAY_LEN(tags) && tags[i].number != number)
            i++;
        if (i == ARRAY_LEN(tags) || perms > 7)
            return "an ACL in a form that is not known";
        archive_entry_acl_add_entry(entry, type, perms, tags[i].tag,
                                    tags[i].named ? (int)get_le32(bytes + at + 4) : -1, NULL);
    }
    return NULL;
}

static void put_entry(struct buf *value, uint16_t number, int perms, uint32_t id)
{
    uint8_t entry[ENTRY_LEN];

    put_le16(entry, number);
    put_le16(entry + 2, (uint16_t)(perms & PERMS));
    put_le32(entry + 4, id);
    buf_add(value, entry, sizeof entry);
}

/* The entries of one tag; named ones by rising id, as Linux has them. */
static const char *put_tag(struct archive_entry *entry, int type, size_t i, struct buf *value)
{
    int64_t above = -1;

    for (;;) {
        int kind, perms, tag, id, found_perms = 0;
        int64_t found = INT64_MAX;
        const char *name;

        archive_entry_acl_reset(entry, type);
        while (archive_entry_acl_next(entry, type, &kind, &perms, &tag, &id, &name) == ARCHIVE_OK) {
            int64_t key = tags[i].named ? (int64_t)(uint32_t)id : 0;

            if (tag != tags[i].tag)
                continue;
            if (tags[i].named && id < 0 && name && *name)
                return "an ACL that names a user or group without its number";
            if (key > above && key < found) {
                found = key;
                found_perms = perms;
            }
        }
        if (found == INT64_MAX)
            return NULL;
        put_entry(value, tags[i].number, found_perms, tags[i].named ? (uint32_t)found : NO_ID);
        above = found;
    }
}

const char *acl_write(struct archive_entry *entry, int type, struct buf *value)
{
    uint8_t version[4];
    const char *why = NULL;

    if (!(archive_entry_acl_types(entry) & type))
        return NULL;
    put_le32(version, VERSION_2);
    buf_add(value, version, sizeof version);
    for (size_t i = 0; i < ARRAY_LEN(tags) && !why; i++)
        why = put_tag(entry, type, i, value);
    return why;
}

static bool has_attribute(struct archive_entry *entry, int type)
{
    const char *name;
    const void *value;
    size_t len;

    archive_entry_xattr_reset(entry);
    while (archive_entry_xattr_next(entry, &name, &value, &len) == ARCHIVE_OK)
        if (acl_type(name) == type)
            return true;
    return false;
}

/* The ACLs of those types that no attribute has. */
static void copy_entries(struct archive_entry *to, struct archive_entry *from)
{
    int type, perms, tag, id;
    const char *name;

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (!(archive_entry_acl_types(from) & types[i]) || has_attribute(from, types[i]))
            continue;
        archive_entry_acl_reset(from, types[i]);
        while (archive_entry_acl_next(from, types[i], &type, &perms, &tag, &id, &name) ==
               ARCHIVE_OK)
            archive_entry_acl_add_entry(to, type, perms, tag, id, name);
    }
}

/* What Linux would not take when the root is unpacked (fs/posix_acl.c). */
static const char *check(struct archive_entry *entry, int type)
{
    unsigned seen = 0, wanted = 0x01 | 0x04 | 0x20;
    int kind, perms, tag, id;
    const char *name;

    if (!(archive_entry_acl_types(entry) & type))
        return NULL;
    if (archive_entry_acl_reset(entry, type) > ACES_MAX)
        return too_large;
    while (archive_entry_acl_next(entry, type, &kind, &perms, &tag, &id, &name) == ARCHIVE_OK)
        for (size_t i = 0; i < ARRAY_LEN(tags); i++)
            if (tags[i].tag == tag) {
                seen |= tags[i].number;
                wanted |= tags[i].named ? 0x10 : 0;
            }
    if (wanted & ~seen & 0x10)
        return "an ACL that names users or groups, but has no mask";
    return wanted & ~seen ? "an ACL without an entry for owner, group or others" : NULL;
}

static const char *take_attributes(struct archive_entry *entry)
{
    struct archive_entry *old = archive_entry_clone(entry);
    const char *name, *why = NULL;
    const void *value;
    size_t len;

    archive_entry_acl_clear(entry);
    archive_entry_xattr_clear(entry);
    copy_entries(entry, old);
    archive_entry_xattr_reset(old);
    while (!why && archive_entry_xattr_next(old, &name, &value, &len) == ARCHIVE_OK)
        if (acl_type(name))
            why = acl_read(entry, acl_type(name), value, len);
        else
            archive_entry_xattr_add_entry(entry, name, value, len);
    archive_entry_free(old);
    return why;
}

const char *acl_normalize(struct archive_entry *entry)
{
    const char *why = NULL;

    if (has_attribute(entry, types[0]) || has_attribute(entry, types[1]))
        why = take_attributes(entry);
    for (size_t i = 0; i < ARRAY_LEN(types) && !why; i++)
        why = check(entry, types[i]);
    return why;
}
