/* folder: the entries of a directory, and names in UTF-16. */
#include "image/folder.h"

#include "base/util.h"

#include <stdlib.h>
#include <strings.h>

void folder_add(struct folder *folder, struct entry entry)
{
    folder->list = xgrow(folder->list, folder->count, sizeof *folder->list);
    folder->list[folder->count++] = entry;
}

void folder_free(struct folder *folder)
{
    for (size_t i = 0; i < folder->count; i++)
        free(folder->list[i].name);
    free(folder->list);
    *folder = (struct folder){0};
}

struct entry *folder_find(const struct folder *folder, const char *name, size_t len)
{
    for (size_t i = 0; i < folder->count; i++)
        if (strlen(folder->list[i].name) == len &&
            strncasecmp(folder->list[i].name, name, len) == 0)
            return &folder->list[i];
    return NULL;
}

static void put_utf8(struct buf *buf, uint32_t c)
{
    if (c < 0x80) {
        buf_add(buf, &(char){(char)c}, 1);
    } else if (c < 0x800) {
        buf_add(buf, (char[]){(char)(0xc0 | c >> 6), (char)(0x80 | (c & 0x3f))}, 2);
    } else if (c < 0x10000) {
        buf_add(buf,
                (char[]){(char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 0x3f)),
                         (char)(0x80 | (c & 0x3f))},
                3);
    } else {
        buf_add(buf,
                (char[]){(char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 0x3f)),
                         (char)(0x80 | (c >> 6 & 0x3f)), (char)(0x80 | (c & 0x3f))},
                4);
    }
}

char *folder_name_utf16(const uint16_t *units, size_t count)
{
    struct buf name = {0};

    buf_puts(&name, "");
    for (size_t i = 0; i < count && units[i]; i++) {
        uint32_t c = units[i];

        if (c >= 0xd800 && c < 0xdc00 && i + 1 < count && units[i + 1] >= 0xdc00 &&
            units[i + 1] < 0xe000)
            c = 0x10000 + ((c - 0xd800) << 10) + (units[++i] - 0xdc00u);
        else if (c >= 0xd800 && c < 0xe000)
            c = 0xfffd;
        put_utf8(&name, c);
    }
    return name.data;
}
