/* extra: one line for each thing. */
#include "ramroot/extra.h"

static void add_path(struct buf *extra, const char *path)
{
    for (const uint8_t *p = (const uint8_t *)path; *p; p++)
        if (*p <= ' ' || *p == '\\' || *p >= 0x7f)
            buf_printf(extra, "\\%03o", *p);
        else
            buf_add(extra, p, 1);
    buf_puts(extra, "\n");
}

void extra_socket(struct buf *extra, struct archive_entry *entry)
{
    buf_printf(extra, "socket %o %lld %lld %lld ", (unsigned)archive_entry_perm(entry),
               (long long)archive_entry_uid(entry), (long long)archive_entry_gid(entry),
               (long long)archive_entry_mtime(entry));
    add_path(extra, archive_entry_pathname(entry));
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
