/* collect: which members are put aside, and what is found among them later. */
#include "ramroot/collect.h"

#include "base/msg.h"
#include "base/strings.h"
#include "base/util.h"

#include <stdlib.h>
#include <string.h>

static const char *const module_folders[] = {"usr/lib/modules", "lib/modules"};

/* What Linux or the first stage starts, and what starts that. */
static const char *const programs[] = {"usr/lib/systemd/systemd",
                                       "lib/systemd/systemd",
                                       "usr/sbin/init",
                                       "sbin/init",
                                       "init",
                                       "bin/busybox",
                                       "usr/bin/busybox",
                                       "usr/bin/bash",
                                       "bin/bash",
                                       "usr/bin/dash",
                                       "bin/dash",
                                       "usr/sbin/openrc-init",
                                       "sbin/openrc-init"};

/* The part of a path behind a folder and its '/'; NULL: it is not in there. */
static const char *inside(const char *path, const char *folder)
{
    size_t len = strlen(folder);

    return strncmp(path, folder, len) == 0 && path[len] == '/' ? path + len + 1 : NULL;
}

static bool is_aside(const char *path)
{
    bool aside = inside(path, "boot");

    for (size_t i = 0; i < ARRAY_LEN(module_folders); i++)
        aside = aside || inside(path, module_folders[i]);
    return aside;
}

/* Reads the machine of an ELF file (System V ABI, e_machine) from its first block. */
static int look(struct member *member, const void **data, size_t *len, uint64_t *offset)
{
    struct collect *collect = member->arg;
    int result = collect->inner.block(&collect->inner, data, len, offset);

    if (result == 1 && *offset == 0 && *len >= 20 && memcmp(*data, "\177ELF", 4) == 0 &&
        !collect->machine) {
        collect->machine = get_le16((const char *)*data + 18);
        collect->machine_path = xstrdup(archive_entry_pathname(member->entry));
    }
    return result;
}

int collect_member(struct collect *collect, struct member *member)
{
    const char *path = archive_entry_pathname(member->entry);
    const char *link = archive_entry_hardlink(member->entry);
    const struct spooled *target = link ? spool_latest(&collect->spool, link) : NULL;

    if (is_aside(path))
        return spool_add(&collect->spool, member) < 0 ? -1 : 0;
    if (target) /* which perhaps will not be in the image */
        return replay_begin(&collect->replay, &collect->spool, target, path, member) < 0 ? -1 : 1;
    for (size_t i = 0; i < ARRAY_LEN(programs) && member->block; i++) {
        if (strcmp(path, programs[i]) != 0)
            continue;
        collect->inner = *member;
        member->block = look;
        member->arg = collect;
        break;
    }
    return 1;
}

/* What `make install` of Linux renames the one before to. */
static bool ends_in_old(const char *name)
{
    size_t len = strlen(name);

    return len > 4 && strcmp(name + len - 4, ".old") == 0;
}

/* "boot/vmlinuz-6.1.0" or "lib/modules/6.1.0/vmlinuz": the version, malloc'ed; NULL: no kernel. */
static char *version_of(const char *path)
{
    static const char name[] = "vmlinuz-";
    const char *rest = inside(path, "boot");

    if (rest)
        return strncmp(rest, name, strlen(name)) == 0 && !strchr(rest, '/') && rest[strlen(name)] &&
                       !strstr(rest, "rescue") && !ends_in_old(rest)
                   ? xstrdup(rest + strlen(name))
                   : NULL;
    for (size_t i = 0; i < ARRAY_LEN(module_folders); i++) {
        rest = inside(path, module_folders[i]);
        if (rest && strchr(rest, '/') && strcmp(strchr(rest, '/'), "/vmlinuz") == 0)
            return xasprintf("%.*s", (int)strcspn(rest, "/"), rest);
    }
    return NULL;
}

/* A file with contents, or a link to one elsewhere: reading that says so. */
static bool is_file(const struct spooled *member)
{
    return archive_entry_hardlink(member->entry) ||
           archive_entry_filetype(member->entry) == AE_IFREG;
}

static int no_kernel(const char *version, const char *subject, const struct buf *there)
{
    if (!version)
        return msg_error("%s: looking for a kernel: there is no /boot/vmlinuz-* and no "
                         "/lib/modules/*/vmlinuz; name one with --kernel",
                         subject);
    return msg_error("%s: looking for a kernel: there is no %s (there is:%s)", subject, version,
                     there->len ? there->data : " none");
}

int collect_kernel(struct collect *collect, const char *version, const char *subject,
                   struct collect_kernel *kernel)
{
    struct buf there = {0};

    *kernel = (struct collect_kernel){0};
    for (size_t i = 0; i < collect->spool.count; i++) {
        const struct spooled *member = &collect->spool.members[i];
        char *found = version_of(member->path);

        if (!found || !is_file(member)) {
            free(found);
            continue;
        }
        buf_printf(&there, " %s", found);
        if ((version && strcmp(version, found) != 0) ||
            (kernel->version && strverscmp(kernel->version, found) >= 0)) {
            free(found);
            continue;
        }
        free(kernel->version);
        *kernel = (struct collect_kernel){member, found};
    }
    if (!kernel->file)
        no_kernel(version, subject, &there);
    buf_free(&there);
    return kernel->file ? 0 : -1;
}

static bool holds(const struct collect *collect, const char *folder)
{
    bool found = false;

    for (size_t i = 0; i < collect->spool.count && !found; i++)
        found = inside(collect->spool.members[i].path, folder);
    return found;
}

char *collect_modules(const struct collect *collect, const char *version)
{
    for (size_t i = 0; i < ARRAY_LEN(module_folders); i++) {
        char *folder = xasprintf("%s/%s", module_folders[i], version);

        if (holds(collect, folder))
            return folder;
        free(folder);
    }
    return NULL;
}

char *collect_config(const struct collect *collect, const char *version)
{
    char *places[] = {xasprintf("boot/config-%s", version),
                      xasprintf("%s/%s/config", module_folders[0], version),
                      xasprintf("%s/%s/config", module_folders[1], version)};
    char *text = NULL;

    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        const struct spooled *member = text ? NULL : spool_find(&collect->spool, places[i]);
        size_t len;

        if (member && !archive_entry_hardlink(member->entry) && is_file(member) &&
            member->len < MIB)
            text = spool_read(&collect->spool, member, &len);
        if (text && !len) {
            free(text);
            text = NULL;
        }
        free(places[i]);
    }
    return text;
}

void collect_free(struct collect *collect)
{
    spool_free(&collect->spool);
    replay_free(&collect->replay);
    free(collect->machine_path);
    *collect = (struct collect){.spool.fd = -1};
}
