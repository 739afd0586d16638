/* adjust: a row for each file that is changed, and how its text changes. */
#include "ramroot/adjust.h"

#include "base/msg.h"
#include "ramroot/password.h"

#include <archive.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX MIB
#define KEYS_MAX MIB
#define MARK     "# from memory: "

/* Calls each with the lines of a text, without their ends. */
typedef void line_fn(struct adjust *adjust, struct buf *out, const char *line);

static void each_line(struct adjust *adjust, struct buf *out, const char *text, line_fn *line)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        char *copy = xasprintf("%.*s", (int)len, text);

        line(adjust, out, copy);
        free(copy);
        text += len + (text[len] == '\n');
    }
}

/* Does a line of fstab speak of a disk that this machine need not have, or of swap? */
static bool is_disk(const char *line)
{
    static const char *const starts[] = {
        "UUID=", "LABEL=", "PARTUUID=", "PARTLABEL=", "ID=", "/dev/"};
    const char *type;

    line += strspn(line, " \t\"");
    for (size_t i = 0; i < ARRAY_LEN(starts); i++)
        if (strncmp(line, starts[i], strlen(starts[i])) == 0)
            return true;
    type = line + strcspn(line, " \t"); /* the mount point, then the type */
    type += strspn(type, " \t");
    type += strcspn(type, " \t");
    type += strspn(type, " \t");
    return *line != '#' && strcspn(type, " \t") == 4 && strncmp(type, "swap", 4) == 0;
}

static void line_fstab(struct adjust *adjust, struct buf *out, const char *line)
{
    (void)adjust;
    buf_printf(out, "%s%s\n", is_disk(line) ? MARK : "", line);
}

static void change_fstab(struct adjust *adjust, struct buf *out, const char *text)
{
    each_line(adjust, out, text, line_fstab);
}

static void line_selinux(struct adjust *adjust, struct buf *out, const char *line)
{
    static const char key[] = "SELINUX=";
    const char *word = adjust->asked->selinux == SELINUX_DISABLED ? "disabled" : "permissive";

    if (strncmp(line, key, strlen(key)) == 0)
        buf_printf(out, "%s%s\n", key, word);
    else
        buf_printf(out, "%s\n", line);
}

static void change_selinux(struct adjust *adjust, struct buf *out, const char *text)
{
    each_line(adjust, out, text, line_selinux);
}

static void line_shadow(struct adjust *adjust, struct buf *out, const char *line)
{
    const char *rest = strncmp(line, "root:", 5) == 0 ? strchr(line + 5, ':') : NULL;

    adjust->root_found = adjust->root_found || rest;
    if (rest)
        buf_printf(out, "root:%s%s\n", adjust->password.data, rest);
    else
        buf_printf(out, "%s\n", line);
}

static void change_shadow(struct adjust *adjust, struct buf *out, const char *text)
{
    each_line(adjust, out, text, line_shadow);
}

static void change_keys(struct adjust *adjust, struct buf *out, const char *text)
{
    buf_puts(out, text);
    if (*text && text[strlen(text) - 1] != '\n')
        buf_puts(out, "\n");
    buf_add(out, adjust->keys.data, adjust->keys.len);
}

static void change_hostname(struct adjust *adjust, struct buf *out, const char *text)
{
    (void)text;
    buf_printf(out, "%s\n", adjust->asked->hostname);
}

/* Debian's second line, "127.0.1.1 NAME". */
static void line_hosts(struct adjust *adjust, struct buf *out, const char *line)
{
    static const char own[] = "127.0.1.1";
    const char *name = adjust->asked->hostname;
    size_t len = strcspn(name, ".");

    if (strncmp(line, own, strlen(own)) != 0 || !strchr(" \t", line[strlen(own)]))
        buf_printf(out, "%s\n", line);
    else if (name[len])
        buf_printf(out, "%s\t%s %.*s\n", own, name, (int)len, name);
    else
        buf_printf(out, "%s\t%s\n", own, name);
}

static void change_hosts(struct adjust *adjust, struct buf *out, const char *text)
{
    each_line(adjust, out, text, line_hosts);
}

static void change_getty(struct adjust *adjust, struct buf *out, const char *text)
{
    (void)adjust, (void)text;
    buf_puts(out, "# What the machine said while it booted stays on the screen.\n"
                  "[Service]\nTTYVTDisallocate=no\n");
}

static bool wants_fstab(const struct request_root *asked)
{
    return asked->fstab != KEEP;
}

static bool wants_selinux(const struct request_root *asked)
{
    return asked->selinux != SELINUX_KEEP;
}

static bool wants_hostname(const struct request_root *asked)
{
    return asked->hostname;
}

static bool wants_password(const struct request_root *asked)
{
    return asked->root_password;
}

static bool wants_keys(const struct request_root *asked)
{
    return asked->ssh_keys.n;
}

static bool wants_getty(const struct request_root *asked)
{
    return asked->getty != KEEP;
}

/* What happens where the file is not there. */
enum absent { ADD, ADD_WITH_SYSTEMD, LEAVE, REFUSE };

static const struct row {
    const char *path;
    bool (*wants)(const struct request_root *asked);
    void (*change)(struct adjust *adjust, struct buf *out, const char *text);
    enum absent absent;
    unsigned mode;
    const char *option, *what;
} rows[] = {
    {"etc/fstab", wants_fstab, change_fstab, LEAVE, 0644, "fstab clear",
     "disks and swap are left out of /etc/fstab"},
    {"etc/selinux/config", wants_selinux, change_selinux, LEAVE, 0644, "selinux",
     "SELinux no longer enforces"},
    {"etc/hostname", wants_hostname, change_hostname, ADD, 0644, "hostname",
     "the host name is set"},
    {"etc/hosts", wants_hostname, change_hosts, LEAVE, 0644, "hostname",
     "127.0.1.1 in /etc/hosts is that name"},
    {"etc/shadow", wants_password, change_shadow, REFUSE, 0600, "root-password",
     "root has another password"},
    {"root/.ssh/authorized_keys", wants_keys, change_keys, ADD, 0600, "ssh-key",
     "these keys open root's account"},
    {"etc/systemd/system/getty@.service.d/noclear.conf", wants_getty, change_getty,
     ADD_WITH_SYSTEMD, 0644, "getty noclear", "getty leaves what stands on the screen"},
};

#define KEY_FOLDER "root/.ssh"

static int add_key_file(struct adjust *adjust, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t start = adjust->keys.len;
    char block[4096];
    ssize_t n;

    if (fd < 0)
        return msg_errno(path, "reading the SSH key");
    while ((n = read(fd, block, sizeof block)) > 0 && adjust->keys.len <= KEYS_MAX)
        buf_add(&adjust->keys, block, (size_t)n);
    if (n < 0)
        msg_errno(path, "reading the SSH key");
    close(fd);
    if (n < 0)
        return -1;
    if (adjust->keys.len > KEYS_MAX)
        return msg_error("%s: reading the SSH key: larger than 1 MiB", path);
    if (adjust->keys.len == start || !strchr(adjust->keys.data + start, ' '))
        return msg_error("%s: reading the SSH key: holds no public key", path);
    if (strstr(adjust->keys.data + start, "PRIVATE KEY"))
        return msg_error("%s: reading the SSH key: is the private half", path);
    if (adjust->keys.data[adjust->keys.len - 1] != '\n')
        buf_puts(&adjust->keys, "\n");
    return 0;
}

int adjust_begin(struct adjust *adjust, const struct request_root *asked, const char *subject)
{
    *adjust = (struct adjust){.asked = asked, .subject = subject};
    for (size_t i = 0; i < asked->ssh_keys.n; i++)
        if (add_key_file(adjust, asked->ssh_keys.v[i]) < 0)
            return -1;
    return asked->root_password ? password_field(&adjust->password, asked->root_password) : 0;
}

static int give_text(struct member *member, const void **data, size_t *len, uint64_t *offset)
{
    struct adjust *adjust = member->arg;

    if (adjust->given || !adjust->text.len)
        return 0;
    adjust->given = true;
    *data = adjust->text.data;
    *len = adjust->text.len;
    *offset = 0;
    return 1;
}

/* The whole text of a member, which is small. */
static int read_text(struct member *member, struct buf *text)
{
    const char *path = archive_entry_pathname(member->entry);
    uint64_t offset;
    const void *data;
    size_t len;
    int result = 0;

    buf_add(text, "", 0);
    while (member->block && (result = member->block(member, &data, &len, &offset)) == 1) {
        if (offset != text->len || len > TEXT_MAX - text->len)
            return msg_error("%s: changing it: larger than 1 MiB, or no text", path);
        buf_add(text, data, len);
    }
    return result;
}

static int change(struct adjust *adjust, struct member *member, const struct row *row)
{
    struct buf text = {0};

    if (archive_entry_hardlink(member->entry))
        return msg_error("%s: %s: changing it: is a hard link to %s", adjust->subject, row->path,
                         archive_entry_hardlink(member->entry));
    if (archive_entry_filetype(member->entry) != AE_IFREG)
        return msg_error("%s: %s: changing it: is no regular file", adjust->subject, row->path);
    if (read_text(member, &text) < 0) {
        buf_free(&text);
        return -1;
    }
    adjust->text.len = 0;
    buf_add(&adjust->text, "", 0);
    if (strlen(text.data) != text.len) {
        buf_free(&text);
        return msg_error("%s: %s: changing it: is no text", adjust->subject, row->path);
    }
    row->change(adjust, &adjust->text, text.data);
    adjust->given = false;
    buf_free(&text);
    if (row->change == change_shadow && !adjust->root_found)
        return msg_error("%s: %s: changing it: has no line for root", adjust->subject, row->path);
    archive_entry_set_size(member->entry, (la_int64_t)adjust->text.len);
    archive_entry_sparse_clear(member->entry);
    member->block = give_text;
    member->arg = adjust;
    return 1;
}

/* What the tree says of itself on the way. */
static void notice(struct adjust *adjust, struct member *member)
{
    const char *path = archive_entry_pathname(member->entry), *name;
    const void *value;
    size_t len;

    adjust->systemd = adjust->systemd || strncmp(path, "usr/lib/systemd/system/", 23) == 0 ||
                      strncmp(path, "lib/systemd/system/", 19) == 0;
    adjust->key_folder = adjust->key_folder || strcmp(path, KEY_FOLDER) == 0;
    if (archive_entry_mtime(member->entry) > adjust->time)
        adjust->time = archive_entry_mtime(member->entry);
    if (adjust->labels || !archive_entry_xattr_reset(member->entry))
        return;
    while (archive_entry_xattr_next(member->entry, &name, &value, &len) == ARCHIVE_OK)
        adjust->labels = adjust->labels || strcmp(name, "security.selinux") == 0;
}

static bool is_small_file(const struct member *member)
{
    return member->block && archive_entry_size(member->entry) <= (la_int64_t)TEXT_MAX;
}

int adjust_member(struct adjust *adjust, struct member *member)
{
    const char *path = archive_entry_pathname(member->entry);

    notice(adjust, member);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(path, rows[i].path) != 0)
            continue;
        adjust->seen |= UINT64_C(1) << i;
        if (rows[i].change == change_hosts && !is_small_file(member))
            return 1;
        return rows[i].wants(adjust->asked) ? change(adjust, member, &rows[i]) : 1;
    }
    return 1;
}

static int warn_labels(const struct adjust *adjust)
{
    const struct request_root *asked = adjust->asked;
    bool selinux = adjust->seen & UINT64_C(1) << 1;

    if (selinux && !adjust->labels && asked->selinux == SELINUX_KEEP)
        msg_warn(
            "%s: has a configuration of SELinux, but its files have no labels: if it enforces, "
            "use --selinux permissive",
            adjust->subject);
    return 0;
}

static void new_file(struct adjust *adjust, struct member *member, const char *path, unsigned type,
                     unsigned mode)
{
    if (!adjust->entry)
        adjust->entry = archive_entry_new();
    archive_entry_clear(adjust->entry);
    archive_entry_copy_pathname(adjust->entry, path);
    archive_entry_set_filetype(adjust->entry, type);
    archive_entry_set_perm(adjust->entry, mode);
    archive_entry_set_mtime(adjust->entry, adjust->time, 0);
    archive_entry_set_size(adjust->entry, 0);
    *member = (struct member){.entry = adjust->entry};
}

static bool is_due(const struct adjust *adjust, size_t i)
{
    const struct row *row = &rows[i];

    return row->wants(adjust->asked) && !(adjust->seen & UINT64_C(1) << i) &&
           row->absent != LEAVE && (row->absent != ADD_WITH_SYSTEMD || adjust->systemd);
}

int adjust_more(struct adjust *adjust, struct member *member)
{
    for (; adjust->next < ARRAY_LEN(rows); adjust->next++) {
        const struct row *row = &rows[adjust->next];

        if (adjust->next == 0)
            warn_labels(adjust);
        if (!is_due(adjust, adjust->next))
            continue;
        if (row->absent == REFUSE)
            return msg_error("%s: --%s: the tree has no %s", adjust->subject, row->option,
                             row->path);
        if (row->change == change_keys && !adjust->key_folder) { /* which nobody else may read */
            adjust->key_folder = true;
            new_file(adjust, member, KEY_FOLDER, AE_IFDIR, 0700);
            return 1;
        }
        adjust->next++;
        new_file(adjust, member, row->path, AE_IFREG, row->mode);
        return change(adjust, member, row);
    }
    return 0;
}

void adjust_describe(const struct request_root *asked, struct strings *lines)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].wants(asked))
            strings_printf(lines, "%s (--%s)", rows[i].what, rows[i].option);
    for (size_t i = 0; i < asked->overlays.n; i++)
        strings_printf(lines, "%s is laid over it (--overlay)", asked->overlays.v[i]);
}

void adjust_free(struct adjust *adjust)
{
    buf_free(&adjust->password);
    buf_free(&adjust->keys);
    buf_free(&adjust->text);
    archive_entry_free(adjust->entry);
    *adjust = (struct adjust){0};
}
