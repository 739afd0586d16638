/* initramfs: the formats that Linux unpacks (init/initramfs.c, lib/decompress.c), by magic. */
#include "boot/initramfs.h"

#include "base/util.h"

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
