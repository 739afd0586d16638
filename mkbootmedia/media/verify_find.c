/*
 * verify_find: the manifest inside an image: by the file system, ISO 9660 or the ESP of the
 * partition table; and where damage has cut that way off, by looking for its first line where
 * contents may begin.
 */
#include "media/verify_private.h"

#include "base/msg.h"
#include "boot/item.h"
#include "image/parttab.h"
#include "media/manifest.h"

#include <stdlib.h>
#include <strings.h>

#define SEARCHED_MAX (256 * MIB) /* bytes: manifests stand near the start */

static const char first_lines[] = "{\n \"generator\": \"mkbootmedia\",\n";

unsigned verify_sector_size(const struct content *content)
{
    char magic[8];

    if (content->len < 8192 || content_read(content, 4096, magic, sizeof magic) < 0)
        return SECTOR;
    return memcmp(magic, "EFI PART", sizeof magic) == 0 ? 4096 : SECTOR;
}

/* The ESP; of a disk whose table is damaged, what our layouts have at their start. */
static int find_esp(uint64_t *offset, const char *path, const struct content *content)
{
    struct parttab_list list;
    uint8_t *head = xcalloc(VERIFY_HEAD, 1);
    size_t len = content->len < VERIFY_HEAD ? (size_t)content->len : VERIFY_HEAD;
    int result = content_read(content, 0, head, len);

    *offset = 0;
    if (result == 0)
        result = parttab_read(&list, path, content->len, verify_sector_size(content), head, len);
    free(head);
    if (result < 0)
        return -1;
    for (size_t i = 0; i < list.count && !*offset; i++)
        if (strcasecmp(list.partitions[i].type, GPT_TYPE_ESP) == 0)
            *offset = list.partitions[i].offset;
    parttab_list_free(&list);
    return 0;
}

static int open_at(struct verify_volume *out, const struct content *content, uint64_t offset)
{
    struct content slice;

    if (offset >= content->len)
        return 0;
    slice = content_slice(*content, offset, content->len - offset);
    out->offset = offset;
    if (volume_open(&out->volume, &slice) < 0)
        return -1;
    return out->volume.kind != VOLUME_OTHER;
}

int verify_volume(struct verify_volume *out, const char *path, const struct content *content)
{
    uint64_t places[] = {0, 0, 2 * MIB, MIB};
    int result = find_esp(&places[1], path, content);

    for (size_t i = 0; i < ARRAY_LEN(places) && result == 0; i++)
        result = i == 1 && !places[1] ? 0 : open_at(out, content, places[i]);
    return result;
}

static int read_file(struct buf *text, const struct verify_volume *volume)
{
    struct file file;
    int result = volume_open_file(&volume->volume, MANIFEST_PATH, &file);

    if (result == 1 && file.content.len <= MANIFEST_MAX) {
        text->data = xcalloc((size_t)file.content.len + 1, 1);
        text->len = (size_t)file.content.len;
        if (content_read(&file.content, 0, text->data, text->len) < 0)
            result = -1;
    } else if (result == 1) {
        result = 0;
    }
    file_free(&file);
    return result;
}

/* The length of a text with one of its last line ends. */
static size_t trimmed(const struct buf *text)
{
    size_t len = text->len;

    while (len > 1 && text->data[len - 1] == '\n' && text->data[len - 2] == '\n')
        len--;
    return len;
}

/* Does it end as a manifest does, perhaps with more line ends, which len does not count? */
static bool is_whole(const struct buf *text, size_t len)
{
    static const char end[] = "\"\n}\n";

    return len >= strlen(end) && memcmp(text->data + len - strlen(end), end, strlen(end)) == 0;
}

/* From its first line to its last one, and the line ends that fill its room. */
static int read_from(struct buf *text, const struct content *content, uint64_t offset)
{
    char chunk[ITEM_ALIGN], ends[ITEM_ALIGN];
    bool was_blank = false;
    size_t len = 0; /* of the text, trimmed: line ends without end are not gone through again */

    memset(ends, '\n', sizeof ends);
    for (; offset < content->len && text->len < MANIFEST_MAX; offset += sizeof chunk) {
        size_t n =
            content->len - offset < sizeof chunk ? (size_t)(content->len - offset) : sizeof chunk;
        bool blank;

        if (content_read(content, offset, chunk, n) < 0)
            return -1;
        blank = memcmp(chunk, ends, n) == 0;
        if (memchr(chunk, '\0', n) || (is_whole(text, len) && !blank))
            break;
        buf_add(text, chunk, n);
        if (!blank || !was_blank)
            len = trimmed(text);
        was_blank = blank;
    }
    return 1;
}

static int search(struct buf *text, const struct content *content)
{
    char line[sizeof first_lines - 1];

    for (uint64_t at = 0; at + sizeof line <= content->len && at < SEARCHED_MAX; at += ITEM_ALIGN) {
        if (content_read(content, at, line, sizeof line) < 0)
            return -1;
        if (memcmp(line, first_lines, sizeof line) == 0)
            return read_from(text, content, at);
    }
    return 0;
}

int verify_find(struct buf *text, const char *path, const struct content *content)
{
    struct verify_volume volume;
    int result = verify_volume(&volume, path, content);

    if (result == 1)
        result = read_file(text, &volume);
    return result == 0 ? search(text, content) : result;
}
