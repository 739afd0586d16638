/* extra: one line for each thing. */
#include "ramroot/extra.h"

#include "ramroot/acl.h"

#include <archive.h>

static void add_path(struct buf *extra, const char *path)
{
    for (const uint8_t *p = (const uint8_t *)path; *p; p++)
        if (*p <= ' ' || *p == '\\' || *p >= 0x7f)
            buf_printf(extra, "\\%03o", *p);
        else
            buf_add(extra, p, 1);
    buf_puts(extra, "\n");
}

void extra_xattr(struct buf *extra, const char *path, const char *name, const void *value,
                 size_t len)
{
    buf_printf(extra, "xattr %s ", name);
    for (size_t i = 0; i < len; i++)
        buf_printf(extra, "%02x", ((const uint8_t *)value)[i]);
    buf_puts(extra, len ? " " : "- ");
    add_path(extra, path);
}

static const char *add_acl(struct buf *extra, struct archive_entry *entry, int type)
{
    struct buf value = {0};
    const char *why = acl_write(entry, type, &value);

    if (!why && value.len)
        extra_xattr(extra, archive_entry_pathname(entry), acl_xattr(type), value.data, value.len);
    buf_free(&value);
    return why;
}

const char *extra_socket(struct buf *extra, struct archive_entry *entry)
{
    const char *path = archive_entry_pathname(entry), *name;
    const void *value;
    size_t len;

    buf_printf(extra, "socket %o %lld %lld %lld ", (unsigned)archive_entry_perm(entry),
               (long long)archive_entry_uid(entry), (long long)archive_entry_gid(entry),
               (long long)archive_entry_mtime(entry));
    add_path(extra, path);
    archive_entry_xattr_reset(entry);
    while (archive_entry_xattr_next(entry, &name, &value, &len) == ARCHIVE_OK)
        extra_xattr(extra, path, name, value, len);
    return add_acl(extra, entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS);
}
