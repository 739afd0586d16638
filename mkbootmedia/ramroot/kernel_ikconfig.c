/*
 * kernel_ikconfig: the payload of the bzImage (Linux Documentation/arch/x86/boot.rst) goes through
 * libarchive; within it a gzip file stands between two marks.
 */
#include "ramroot/kernel_ikconfig.h"

#include "base/util.h"
#include "ramroot/blob.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>

#define BEGIN      "IKCFG_ST"
#define END        "IKCFG_ED"
#define MARK_LEN   8
#define GZIP_MAX   MIB
#define TEXT_MAX   (4 * MIB)
#define KERNEL_MAX GIB

enum {
    AT_SETUP_SECTS = 0x1f1,
    AT_MAGIC = 0x202,
    AT_PROTOCOL = 0x206,
    AT_PAYLOAD = 0x248,
    AT_PAYLOAD_LEN = 0x24c,
    HEAD_LEN = 0x250,
};

/* Takes the bytes of what is unpacked; true: it wants no more. */
typedef bool sink_fn(void *arg, const void *data, size_t len);

/* What stands behind the compressed bytes (Linux appends their length) is an error to libarchive,
 * but by then all has been given. */
static void unpack(const struct content *content, sink_fn *sink, void *arg)
{
    struct archive *archive = blob_raw_reader();
    struct blob blob = {0};
    struct archive_entry *entry;
    const void *data;
    size_t len;
    la_int64_t offset;
    int result = content->fd < 0
                     ? archive_read_open_memory(archive, content->data, (size_t)content->len)
                     : blob_open(&blob, archive, content);

    if (result == ARCHIVE_OK && archive_read_next_header(archive, &entry) == ARCHIVE_OK)
        while (archive_read_data_block(archive, &data, &len, &offset) == ARCHIVE_OK &&
               (uint64_t)offset < KERNEL_MAX)
            if (sink(arg, data, len))
                break;
    archive_read_free(archive);
    blob_close(&blob);
}

/* What was between the marks, or what may become it. */
struct scan {
    struct buf pending;
    bool begun, found;
};

static void drop(struct buf *buf, size_t len)
{
    memmove(buf->data, buf->data + len, buf->len - len);
    buf->len -= len;
}

static bool scan_bytes(void *arg, const void *data, size_t len)
{
    struct scan *scan = arg;
    struct buf *pending = &scan->pending;
    const char *mark;

    buf_add(pending, data, len);
    if (!scan->begun && (mark = memmem(pending->data, pending->len, BEGIN, MARK_LEN))) {
        scan->begun = true;
        drop(pending, (size_t)(mark - pending->data) + MARK_LEN);
    } else if (!scan->begun && pending->len >= MARK_LEN) {
        drop(pending, pending->len - (MARK_LEN - 1));
    }
    if (!scan->begun)
        return false;
    mark = memmem(pending->data, pending->len, END, MARK_LEN);
    scan->found = mark;
    if (mark)
        pending->len = (size_t)(mark - pending->data);
    return mark || pending->len > GZIP_MAX;
}

static bool take_text(void *arg, const void *data, size_t len)
{
    struct buf *text = arg;

    buf_add(text, data, len);
    return text->len > TEXT_MAX;
}

/* Sets *payload; false: no bzImage that says where it is (protocol 2.08). */
static bool find_payload(const struct content *content, struct content *payload)
{
    uint8_t head[HEAD_LEN];
    uint64_t offset, len, sectors;

    if (content->len < sizeof head || content_read(content, 0, head, sizeof head) < 0 ||
        memcmp(head + AT_MAGIC, "HdrS", 4) != 0 || get_le16(head + AT_PROTOCOL) < 0x0208)
        return false;
    sectors = head[AT_SETUP_SECTS] ? head[AT_SETUP_SECTS] : 4;
    offset = (sectors + 1) * SECTOR + get_le32(head + AT_PAYLOAD);
    len = get_le32(head + AT_PAYLOAD_LEN);
    if (!len || offset > content->len || len > content->len - offset)
        return false;
    *payload = content_slice(*content, offset, len);
    return true;
}

char *kernel_ikconfig(const struct content *content)
{
    struct scan scan = {.begun = false};
    struct content payload, gzip;
    struct buf text = {0};

    if (!find_payload(content, &payload))
        return NULL;
    unpack(&payload, scan_bytes, &scan);
    if (scan.found) {
        gzip = content_memory(scan.pending.data, scan.pending.len);
        unpack(&gzip, take_text, &text);
    }
    buf_free(&scan.pending);
    if (!text.len || text.len > TEXT_MAX)
        buf_free(&text);
    return text.data;
}
