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

/* zstd came with Linux 5.9. */
static bool new_enough(const char *version)
{
    unsigned major = 0, minor = 0;

    return sscanf(version, "%u.%u", &major, &minor) == 2 &&
           (major > 5 || (major == 5 && minor >= 9));
}

enum compress kernel_config_initramfs(const char *config, const char *version)
{
    static const struct {
        const char *name;
        enum compress format;
    } rows[] = {{"RD_ZSTD", COMPRESS_ZSTD}, {"RD_XZ", COMPRESS_XZ}, {"RD_GZIP", COMPRESS_GZIP}};

    if (!config)
        return new_enough(version) ? COMPRESS_ZSTD : COMPRESS_GZIP;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (is_set(config, rows[i].name))
            return rows[i].format;
    return COMPRESS_NONE;
}

int kernel_config_squashfs(const char *config, enum compress format, const char *subject)
{
    static const char *const names[] = {[COMPRESS_ZSTD] = "SQUASHFS_ZSTD",
                                        [COMPRESS_XZ] = "SQUASHFS_XZ",
                                        [COMPRESS_GZIP] = "SQUASHFS_ZLIB"};
    const char *name = format < ARRAY_LEN(names) ? names[format] : NULL;

    if (!config || !name || is_set(config, name))
        return 0;
    return msg_error("%s: packing: its kernel reads no squashfs in %s (CONFIG_%s); use another "
                     "--compress",
                     subject, compress_name(format), name);
}
