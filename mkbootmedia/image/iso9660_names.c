/*
 * iso9660_names: identifiers from UTF-8 names.
 *
 * Primary hierarchy: d-characters (A-Z 0-9 _) in upper case, level 3: name and extension at most 30
 * together, a folder's name at most 31 (ECMA-119 7.5.1, 7.6.3, 10.3). Joliet: at most 64 UCS-2
 * units except controls and * / : ; ? \ (Joliet 1995, "Allowed Character Set"). What cannot be had
 * becomes '_'; what is too long loses the end of its name, not its extension.
 */
#include "image/iso9660_private.h"

#include <stdio.h>

#define FILE_MAX   31 /* with the '.' between name and extension */
#define FOLDER_MAX 31
#define JOLIET_MAX 64
#define EXTENSION_MAX                                                                              \
    16 /* with its '.': a longer one counts as part of the name when that is cut */

static uint16_t primary_unit(uint32_t c)
{
    if (c >= 'a' && c <= 'z')
        return (uint16_t)(c - 'a' + 'A');
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ? (uint16_t)c : '_';
}

uint16_t iso9660_joliet_unit(uint32_t c)
{
    bool bad = c < 0x20 || c == 0x7f || c >= 0xfffd || (c < 0x80 && strchr("*/:;?\\", (int)c));

    return bad ? '_' : (uint16_t)c;
}

/* Where the extension begins, at its '.'; n if there is none. A leading '.' begins a name. */
static size_t extension(const uint16_t *units, size_t n)
{
    for (size_t i = n; i-- > 1;)
        if (units[i] == '.')
            return i + 1 < n ? i : n;
    return n;
}

/* In the primary hierarchy '.' is only what separates name and extension. */
static void replace_dots(uint16_t *units, size_t n, size_t dot)
{
    for (size_t i = 0; i < n; i++)
        if (units[i] == '.' && i != dot)
            units[i] = '_';
}

/* Makes room for suffix before the extension at dot, cutting both to max units; how many. */
static size_t fit(uint16_t *units, size_t n, size_t dot, size_t max, const char *suffix)
{
    size_t extra = strlen(suffix), tail = n - dot;
    uint16_t kept[NAME_MAX_LEN];

    if (dot + extra + tail > max && tail > EXTENSION_MAX)
        tail = EXTENSION_MAX;
    memcpy(kept, units + dot, tail * sizeof *kept);
    if (dot + extra + tail > max)
        dot = max - extra - tail;
    for (size_t i = 0; i < extra; i++)
        units[dot + i] = (uint16_t)suffix[i];
    memcpy(units + dot + extra, kept, tail * sizeof *kept);
    return dot + extra + tail;
}

static size_t primary_id(uint8_t *out, uint16_t *units, size_t n, bool folder, const char *suffix)
{
    size_t dot = folder ? n : extension(units, n);

    replace_dots(units, n, dot);
    n = fit(units, n, dot, folder ? FOLDER_MAX : dot < n ? FILE_MAX : FILE_MAX - 1, suffix);
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)units[i];
    return n;
}

static size_t joliet_id(uint8_t *out, uint16_t *units, size_t n, bool folder, const char *suffix)
{
    n = fit(units, n, folder ? n : extension(units, n), JOLIET_MAX, suffix);
    for (size_t i = 0; i < n; i++)
        put_be16(out + 2 * i, units[i]);
    return 2 * n;
}

size_t iso9660_id(uint8_t out[ID_MAX], const char *name, enum hierarchy h, bool folder,
                  unsigned number)
{
    uint16_t units[NAME_MAX_LEN + 16];
    char suffix[16] = "";
    size_t n = 0;
    uint32_t c;

    while (n < NAME_MAX_LEN && (c = utf8_next(&name)))
        units[n++] = h == JOLIET ? iso9660_joliet_unit(c) : primary_unit(c);
    if (number)
        snprintf(suffix, sizeof suffix, "_%u", number);
    return h == JOLIET ? joliet_id(out, units, n, folder, suffix)
                       : primary_id(out, units, n, folder, suffix);
}
