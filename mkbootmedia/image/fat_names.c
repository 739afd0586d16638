/*
 * fat_names: what a file or a volume can be called in FAT; the 8.3 alias that every file has, and
 * the entries that hold its long name.
 *
 * Aliases are plain ASCII: what stands above it depends on a code page that nobody records.
 * fatgen103, "Long and Short File Names" and "The Basis-Name Generation Algorithm".
 */
#include "image/fat_private.h"

#include <string.h>

#define LONG_UNITS 13 /* of a name, per entry */

const char *fat_label_check(const char *label)
{
    size_t len = strlen(label);

    if (len == 0)
        return "empty";
    if (len > FAT_ALIAS_LEN)
        return "longer than 11 characters";
    if (label[0] == ' ' || label[len - 1] == ' ')
        return "starts or ends with a blank";
    if (strcmp(label, "NO NAME") == 0)
        return "means \"no label\" in FAT";
    for (const char *p = label; *p; p++) {
        if (*p < 0x20 || *p == 0x7f)
            return "has characters other than plain ASCII";
        if (*p >= 'a' && *p <= 'z')
            return "has lower-case letters";
        if (strchr("\"*+,./:;<=>?[\\]|", *p))
            return "has one of \"*+,./:;<=>?[\\]|";
    }
    return NULL;
}

const char *fat_name_check(const char *name)
{
    size_t len = strlen(name);
    const char *p = name;
    uint32_t c;

    if (len == 0)
        return "an empty name";
    if (!utf8_valid(name))
        return "a name that is not UTF-8";
    while ((c = utf8_next(&p))) {
        if (c < 0x20 || c == 0x7f)
            return "a control character";
        if (c < 0x80 && strchr("\"*/:<>?\\|", (int)c))
            return "one of \"*/:<>?\\|";
        if (c == 0xffff)
            return "the character U+FFFF";
    }
    if (name[len - 1] == '.' || name[len - 1] == ' ')
        return "a name that ends in a dot or a blank";
    if (utf16_from_utf8(name, NULL, 0) > FAT_NAME_MAX)
        return "a name of more than 255 UTF-16 units";
    return NULL;
}

/*
 * Letters whose cases lie a fixed distance apart: ASCII, Latin-1, Greek, Cyrillic; and pairs of
 * neighbours in Latin Extended-A. Enough to find names that Windows would take for the same.
 */
uint16_t fat_fold(uint16_t unit)
{
    static const struct {
        uint16_t first, last, distance;
    } lower[] = {
        {'a', 'z', 32},     {0xe0, 0xf6, 32},   {0xf8, 0xfe, 32},   {0x3b1, 0x3c1, 32},
        {0x3c3, 0x3c9, 32}, {0x430, 0x44f, 32}, {0x450, 0x45f, 80},
    };
    static const struct {
        uint16_t first, last, upper; /* upper: the lowest bit of its upper-case letters */
    } pairs[] = {
        {0x100, 0x12f, 0}, {0x132, 0x137, 0}, {0x139, 0x148, 1},
        {0x14a, 0x177, 0}, {0x179, 0x17e, 1}, {0x460, 0x481, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(lower); i++)
        if (unit >= lower[i].first && unit <= lower[i].last)
            return (uint16_t)(unit - lower[i].distance);
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        if (unit >= pairs[i].first && unit <= pairs[i].last)
            return (uint16_t)(unit - ((unit & 1) != pairs[i].upper));
    return unit;
}

/* A character of an alias; *fit is told when it is not the name's own. */
static uint8_t alias_char(uint32_t c, enum fat_fit *fit)
{
    if (c >= 'a' && c <= 'z') {
        if (*fit == FAT_FIT_EXACT)
            *fit = FAT_FIT_CASE;
        return (uint8_t)(c - 'a' + 'A');
    }
    if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
        (c > 0x20 && c < 0x7f && strchr("!#$%&'()-@^_`{}~", (int)c)))
        return (uint8_t)c;
    *fit = FAT_FIT_TAIL;
    return '_';
}

enum fat_fit fat_alias_basis(const char *name, uint8_t alias[FAT_ALIAS_LEN])
{
    const char *p = name + strspn(name, ". "), *dot = strrchr(p, '.');
    const char *base_end = dot ? dot : p + strlen(p);
    enum fat_fit fit = p == name ? FAT_FIT_EXACT : FAT_FIT_TAIL;
    size_t at = 0, end = 8;
    uint32_t c;

    memset(alias, ' ', FAT_ALIAS_LEN);
    while (p != base_end) {
        c = utf8_next(&p);
        if (c == '.' || c == ' ' || at == end)
            fit = FAT_FIT_TAIL;
        else
            alias[at++] = alias_char(c, &fit);
    }
    if (!dot)
        return fit;
    at = 8;
    end = FAT_ALIAS_LEN;
    p = dot + 1;
    while ((c = utf8_next(&p))) {
        if (c == ' ' || at == end)
            fit = FAT_FIT_TAIL;
        else
            alias[at++] = alias_char(c, &fit);
    }
    return fit;
}

void fat_alias_tail(uint8_t alias[FAT_ALIAS_LEN], uint32_t number)
{
    uint8_t tail[8];
    size_t len = 0, base = 8;

    do
        tail[7 - len++] = (uint8_t)('0' + number % 10);
    while (number /= 10);
    tail[7 - len++] = '~';
    while (base > 0 && alias[base - 1] == ' ')
        base--;
    if (base > 8 - len)
        base = 8 - len;
    memcpy(alias + base, tail + 8 - len, len);
}

/* fatgen103, ChkSum(): rotate right, add. */
uint8_t fat_alias_sum(const uint8_t alias[FAT_ALIAS_LEN])
{
    uint8_t sum = 0;

    for (size_t i = 0; i < FAT_ALIAS_LEN; i++)
        sum = (uint8_t)((sum << 7 | sum >> 1) + alias[i]);
    return sum;
}

size_t fat_long_count(const char *name)
{
    return divide_up(utf16_from_utf8(name, NULL, 0), LONG_UNITS);
}

/* Where the i-th unit stands in an entry. */
static uint8_t *long_unit(struct fat_long_entry *entry, size_t i)
{
    if (i < 5)
        return entry->name1 + 2 * i;
    return i < 11 ? entry->name2 + 2 * (i - 5) : entry->name3 + 2 * (i - 11);
}

void fat_long_write(const char *name, const uint8_t alias[FAT_ALIAS_LEN], uint8_t *entries)
{
    uint16_t units[FAT_NAME_MAX];
    size_t len = utf16_from_utf8(name, units, FAT_NAME_MAX), count = fat_long_count(name);

    for (size_t i = 0; i < count; i++) {
        size_t order = count - i; /* the last part of the name comes first */
        struct fat_long_entry entry = {
            .order = (uint8_t)(order | (i == 0 ? 0x40 : 0)),
            .attr = FAT_ATTR_LONG,
            .sum = fat_alias_sum(alias),
        };

        for (size_t k = 0; k < LONG_UNITS; k++) {
            size_t at = (order - 1) * LONG_UNITS + k;

            /* one 0 ends a name that does not fill its entries, then come 0xffff */
            put_le16(long_unit(&entry, k), at < len ? units[at] : at == len ? 0 : 0xffff);
        }
        memcpy(entries + i * sizeof entry, &entry, sizeof entry);
    }
}
