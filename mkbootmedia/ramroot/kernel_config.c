/* kernel_config: options of Linux (init/Kconfig, usr/Kconfig, fs/squashfs/Kconfig). */
#include "ramroot/kernel_config.h"

#include "base/msg.h"
#include "base/util.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Is "CONFIG_NAME=y" a line of it? */
static bool is_set(const char *config, const char *name)
{
    char *line = xasprintf("CONFIG_%s=y", name);
    size_t len = strlen(line);
    const char *at = config;
    bool found = false;

    while (!found && (at = strstr(at, line))) {
        found = (at == config || at[-1] == '\n') && (!at[len] || at[len] == '\n');
        at += len;
    }
    free(line);
    return found;
}

static bool at_least(const char *version, unsigned wanted_major, unsigned wanted_minor)
{
    unsigned major = 0, minor = 0;

    return sscanf(version, "%u.%u", &major, &minor) == 2 &&
           (major > wanted_major || (major == wanted_major && minor >= wanted_minor));
}

/* An option and what it stands for; the best first. */
struct row {
    const char *name;
    enum compress format;
};

static enum compress first_set(const char *config, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_set(config, rows[i].name))
            return rows[i].format;
    return COMPRESS_NONE;
}

enum compress kernel_config_initramfs(const char *config, const char *version)
{
    static const struct row rows[] = {
        {"RD_ZSTD", COMPRESS_ZSTD}, {"RD_XZ", COMPRESS_XZ}, {"RD_GZIP", COMPRESS_GZIP}};

    if (!config) /* zstd came with Linux 5.9 */
        return at_least(version, 5, 9) ? COMPRESS_ZSTD : COMPRESS_GZIP;
    return first_set(config, rows, ARRAY_LEN(rows));
}

/* xz is smaller, but so slow to read that gzip is the better root. */
static const struct row squashfs_rows[] = {{"SQUASHFS_ZSTD", COMPRESS_ZSTD},
                                           {"SQUASHFS_ZLIB", COMPRESS_GZIP},
                                           {"SQUASHFS_XZ", COMPRESS_XZ}};

enum compress kernel_config_squashfs(const char *config, const char *version)
{
    if (!config) /* zstd came with Linux 4.14 */
        return at_least(version, 4, 14) ? COMPRESS_ZSTD : COMPRESS_GZIP;
    return first_set(config, squashfs_rows, ARRAY_LEN(squashfs_rows));
}

int kernel_config_squashfs_check(const char *config, enum compress format, const char *subject)
{
    /* what is stored as it is calls itself gzip */
    enum compress known = format == COMPRESS_NONE ? COMPRESS_GZIP : format;

    for (size_t i = 0; config && i < ARRAY_LEN(squashfs_rows); i++)
        if (squashfs_rows[i].format == known && !is_set(config, squashfs_rows[i].name))
            return msg_error("%s: packing: its kernel reads no squashfs in %s (CONFIG_%s); use "
                             "another --compress",
                             subject, compress_name(format), squashfs_rows[i].name);
    return 0;
}
