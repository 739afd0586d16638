/* initramfs: the formats that Linux unpacks (init/initramfs.c, lib/decompress.c), by magic. */
#include "boot/initramfs.h"

#include "base/util.h"
#include "boot/newc.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *magic;
    size_t len;
    const char *format;
} formats[] = {
    {"070701", 6, "cpio"},   {"070702", 6, "cpio"},          {"\x1f\x8b", 2, "gzip"},
    {"\x1f\x9e", 2, "gzip"}, {"\3757zXZ\0", 6, "xz"},        {"\x28\xb5\x2f\xfd", 4, "zstd"},
    {"BZh", 3, "bzip2"},     {"\x02\x21\x4c\x18", 4, "lz4"}, {"\x89LZO\0\r\n\x1a\n", 9, "lzo"},
    {"\x5d\0\0", 3, "lzma"},
};

int initramfs_read(const char **format, const struct content *content)
{
    uint8_t head[4096] = {0};
    size_t len = content->len < sizeof head ? (size_t)content->len : sizeof head, at = 0;

    *format = NULL;
    if (content_read(content, 0, head, len) < 0)
        return -1;
    while (at < len && !head[at]) /* zero padding may stand before an archive */
        at++;
    if (at == len || at % 4)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (len - at >= formats[i].len && memcmp(head + at, formats[i].magic, formats[i].len) == 0)
            *format = formats[i].format;
    return 0;
}

#define MEMBERS_MAX  65536
#define NAME_LEN_MAX 4096

/* A member's header, where it is, and what follows it. */
struct member_at {
    char name[NAME_LEN_MAX + 1];
    uint64_t contents, len, next; /* offsets and bytes */
};

/* 1; 0: no member of a newc archive is at that offset; -1, reported. */
static int read_member(const struct content *content, uint64_t at, struct member_at *member)
{
    char head[NEWC_HEADER_LEN + 1] = "";
    unsigned size, name_len;

    if (at + NEWC_HEADER_LEN > content->len)
        return 0;
    if (content_read(content, at, head, NEWC_HEADER_LEN) < 0)
        return -1;
    if (strncmp(head, "07070", 5) != 0 || sscanf(head + 54, "%8x", &size) != 1 ||
        sscanf(head + 94, "%8x", &name_len) != 1 || !name_len || name_len > NAME_LEN_MAX ||
        at + NEWC_HEADER_LEN + name_len > content->len)
        return 0;
    if (content_read(content, at + NEWC_HEADER_LEN, member->name, name_len) < 0)
        return -1;
    member->name[name_len] = '\0';
    member->contents = round_up(at + NEWC_HEADER_LEN + name_len, 4);
    member->len = size;
    member->next = round_up(member->contents + size, 4);
    return member->contents + size <= content->len;
}

/* Behind the zeros that end an archive. */
static int skip_zeros(const struct content *content, uint64_t *at)
{
    char zeros[NEWC_UNIT];
    size_t len = content->len - *at < sizeof zeros ? (size_t)(content->len - *at) : sizeof zeros;
    size_t i = 0;

    if (*at >= content->len)
        return 0;
    if (content_read(content, *at, zeros, len) < 0)
        return -1;
    while (i < len && !zeros[i])
        i++;
    *at += i;
    return 0;
}

int initramfs_find(const struct content *content, const char *name, size_t max, char **text)
{
    struct member_at *member = xcalloc(1, sizeof *member);
    uint64_t at = 0;
    int result = 1;

    *text = NULL;
    for (unsigned i = 0; i < MEMBERS_MAX && result == 1 && !*text; i++) {
        result = read_member(content, at, member);
        at = member->next;
        if (result == 1 && strcmp(member->name, NEWC_TRAILER) == 0 && skip_zeros(content, &at) < 0)
            result = -1;
        if (result != 1 || strcmp(member->name, name) != 0 || member->len > max)
            continue;
        *text = xcalloc(1, (size_t)member->len + 1);
        if (content_read(content, member->contents, *text, (size_t)member->len) < 0)
            result = -1;
    }
    free(member);
    if (result < 0) {
        free(*text);
        *text = NULL;
    }
    return result < 0 ? -1 : *text != NULL;
}
