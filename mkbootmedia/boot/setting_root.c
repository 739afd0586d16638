/* setting_root: what texts the settings of a RAM root take. */
#include "boot/setting_root.h"

#include "base/util.h"
#include "boot/setting.h"

#include <stdlib.h>

static const char *replace(char **place, const char *value)
{
    if (!*value)
        return "is empty";
    free(*place);
    *place = xstrdup(value);
    return NULL;
}

static const char *append(struct strings *list, const char *value)
{
    if (value && !*value)
        return "is empty";
    if (value)
        strings_add(list, value);
    else
        strings_free(list);
    return NULL;
}

const char *setting_root_path(struct request_root *root, const char *value)
{
    return replace(&root->path, value);
}

const char *setting_root_mode(struct request_root *root, const char *value)
{
    if (strcmp(value, "tmpfs") != 0 && strcmp(value, "overlay") != 0)
        return "is neither tmpfs nor overlay";
    return replace(&root->mode, value);
}

/* A flag, or a URL of the image itself. */
const char *setting_root_fetch(struct request_root *root, const char *value)
{
    if (!value || !strstr(value, "://"))
        return setting_flag(&root->fetch, value);
    if (strncmp(value, "http://", 7) != 0 || !value[7] || strchr("/#?:", value[7]) ||
        strlen(value) > 1000 || strpbrk(value, " \t\r\n\"'\\") || has_control(value))
        return "is not a URL such as http://10.0.0.1/root.img";
    root->fetch = true;
    strings_add(&root->urls, value);
    return NULL;
}

const char *setting_root_kernel_version(struct request_root *root, const char *value)
{
    if (*value == '.' || strchr(value, '/') || has_control(value))
        return "is not the version of a kernel";
    return replace(&root->kernel_version, value);
}

const char *setting_root_busybox(struct request_root *root, const char *value)
{
    return replace(&root->busybox, value);
}

const char *setting_root_compress(struct request_root *root, const char *value)
{
    static const char *const words[] = {"zstd", "xz", "gzip", "none"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(words[i], value) == 0)
            return replace(&root->compress, value);
    return "is not zstd, xz, gzip or none";
}

const char *setting_root_threads(struct request_root *root, const char *value)
{
    char *end;
    long n = strtol(value, &end, 10);

    if (*value < '0' || *value > '9' || *end || n < 1 || n > 256)
        return "is not a number of threads from 1 to 256";
    root->threads = (unsigned)n;
    return NULL;
}

const char *setting_root_ram_limit(struct request_root *root, const char *value)
{
    return setting_bytes(&root->ram_limit, value);
}

/* "keep", or the word for what is done by default. */
static const char *take_keep(enum keep *keep, const char *value, const char *change,
                             const char *wrong)
{
    if (strcmp(value, "keep") != 0 && strcmp(value, change) != 0)
        return wrong;
    *keep = strcmp(value, "keep") == 0 ? KEEP : CHANGE;
    return NULL;
}

const char *setting_root_fstab(struct request_root *root, const char *value)
{
    return take_keep(&root->fstab, value, "clear", "is neither keep nor clear");
}

const char *setting_root_getty(struct request_root *root, const char *value)
{
    return take_keep(&root->getty, value, "noclear", "is neither keep nor noclear");
}

const char *setting_root_boot(struct request_root *root, const char *value)
{
    return take_keep(&root->boot, value, "drop", "is neither keep nor drop");
}

const char *setting_root_modules(struct request_root *root, const char *value)
{
    bool none = strcmp(value, "none") == 0;

    if (!none && strcmp(value, "need") != 0)
        return "is neither need nor none";
    root->modules = none ? KEEP : CHANGE;
    return NULL;
}

const char *setting_root_selinux(struct request_root *root, const char *value)
{
    static const char *const words[] = {"keep", "permissive", "disabled"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(words[i], value) == 0) {
            root->selinux = (enum selinux)i;
            return NULL;
        }
    return "is not keep, permissive or disabled";
}

const char *setting_root_hostname(struct request_root *root, const char *value)
{
    const char *why = setting_hostname_check(value);

    return why ? why : replace(&root->hostname, value);
}

/* virt-builder's words. */
const char *setting_root_password(struct request_root *root, const char *value)
{
    static const char *const words[] = {"password:", "file:", "hash:"};

    if (strcmp(value, "locked") == 0)
        return replace(&root->root_password, value);
    if (has_control(value))
        return "holds a control character";
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        size_t len = strlen(words[i]);

        if (strncmp(value, words[i], len) != 0)
            continue;
        if (!value[len])
            return "is empty behind the colon";
        if (i == 2 && strpbrk(value + len, ":\n"))
            return "holds a character that ends a field of /etc/shadow";
        return replace(&root->root_password, value);
    }
    return "is not password:TEXT, file:PATH, hash:CRYPT or locked";
}

const char *setting_root_overlay(struct request_root *root, const char *value)
{
    return append(&root->overlays, value);
}

const char *setting_root_ssh_key(struct request_root *root, const char *value)
{
    return append(&root->ssh_keys, value);
}
