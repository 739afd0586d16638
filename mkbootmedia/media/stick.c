/* stick: what is on it, and where there is room. */
#include "media/stick.h"

#include "base/msg.h"
#include "image/grub_bios.h"
#include "media/verify_private.h"

#include <linux/fs.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define HEAD_LEN  MIB /* bytes: what is before the first partition */
#define ROOM_MORE (4 * MIB)

static int read_manifest(struct stick *stick, const struct content *content)
{
    struct buf text = {0};
    const char *why = NULL;
    int result = verify_find(&text, stick->path, content);

    if (result == 1)
        result = manifest_parse(&stick->manifest, stick->path, text, &why);
    else
        buf_free(&text);
    if (result < 0)
        return -1;
    if (why)
        return msg_error("%s: updating: its manifest %s", stick->path, why);
    if (result == 0)
        return msg_error("%s: updating: was not made by mkbootmedia: there is no manifest in it",
                         stick->path);
    if (strcmp(stick->manifest.medium, "usb") != 0)
        return msg_error("%s: updating: holds an ISO image: write the new one in its place",
                         stick->path);
    return 0;
}

/* Ours are those of the manifest. */
static bool is_ours(const struct stick *stick, const struct partition *p)
{
    const struct parttab_list *ours = &stick->manifest.table;

    for (size_t i = 0; i < ours->count; i++)
        if (!ours->partitions[i].data && strcasecmp(ours->partitions[i].guid, p->guid) == 0)
            return true;
    return false;
}

static int sort_partitions(struct stick *stick)
{
    for (size_t i = 0; i < stick->table.count; i++) {
        const struct partition *p = &stick->table.partitions[i];

        if (is_ours(stick, p) && strcasecmp(p->type, GPT_TYPE_ESP) == 0)
            stick->esp = p;
        else if (is_ours(stick, p) && strcasecmp(p->type, GPT_TYPE_BIOSBOOT) == 0)
            stick->core = p;
        else if (stick->kept_count == MEDIUM_PARTITIONS - 2)
            return msg_error("%s: updating: has more than %d partitions", stick->path,
                             MEDIUM_PARTITIONS);
        else
            stick->kept[stick->kept_count++] = *p;
    }
    if (!stick->esp)
        return msg_error("%s: updating: the EFI system partition that its manifest names is gone",
                         stick->path);
    return 0;
}

static int read_head(struct stick *stick, const struct content *content)
{
    uint8_t *head = xcalloc(HEAD_LEN, 1);
    int result = -1;

    if (content->len < 4 * MIB)
        msg_error("%s: updating: is too small for a stick", stick->path);
    else
        result = content_read(content, 0, head, HEAD_LEN);
    if (result == 0)
        result = parttab_read(&stick->table, stick->path, content->len, stick->sector_size, head,
                              HEAD_LEN);
    if (result == 0)
        result = msg_error("%s: updating: its partition table is damaged", stick->path);
    stick->core_offset = grub_bios_core_offset(head);
    free(head);
    return result < 0 ? -1 : sort_partitions(stick);
}

static int open_esp(struct stick *stick, const struct content *content)
{
    const struct partition *esp = stick->esp;
    struct content slice;

    if (esp->offset > content->len || esp->size > content->len - esp->offset)
        return msg_error("%s: updating: its partitions pass its end", stick->path);
    slice = content_slice(*content, esp->offset, esp->size);
    if (volume_open(&stick->volume, &slice) < 0)
        return -1;
    if (stick->volume.kind != VOLUME_FAT)
        return msg_error("%s: updating: there is no FAT in its EFI system partition", stick->path);
    return fat_read_used(&stick->volume.fat, &stick->used);
}

int stick_open(struct stick *stick, const char *path)
{
    struct content content;

    *stick = (struct stick){.path = path, .disk.fd = -1};
    if (source_open_disk(&stick->disk, path) < 0)
        return -1;
    ioctl(stick->disk.fd, BLKFLSBUF, 0);
    content = source_content(&stick->disk);
    stick->sector_size = verify_sector_size(&content);
    if (read_manifest(stick, &content) < 0 || read_head(stick, &content) < 0)
        return -1;
    return open_esp(stick, &content);
}

void stick_free(struct stick *stick)
{
    source_close(&stick->disk);
    manifest_doc_free(&stick->manifest);
    parttab_list_free(&stick->table);
}

/* Bytes that the plan's files will take, with some more for tables and folders. */
static uint64_t estimate(const struct plan *plan)
{
    uint64_t total = ROOM_MORE;

    for (size_t i = 0; i < plan->item_count; i++)
        total += round_up(item_room(&plan->items[i]), ITEM_ALIGN_LARGE);
    return round_up(total + total / 64, MIB);
}

/* Grows end to the end of a partition, or of the part of one that is in use, which covers at. */
static bool covers(uint64_t at, uint64_t offset, uint64_t len, uint64_t *end)
{
    if (at < offset || at >= offset + len)
        return false;
    *end = offset + len;
    return true;
}

/* Is a place taken? Then *end is where that ends. */
static bool is_taken(const struct stick *stick, uint64_t at, uint64_t *end)
{
    if (at < USB_CORE_OFFSET)
        return covers(at, 0, USB_CORE_OFFSET, end);
    if (covers(at, stick->esp->offset, stick->used, end) ||
        (stick->core && covers(at, stick->core->offset, stick->core->size, end)))
        return true;
    for (size_t i = 0; i < stick->kept_count; i++)
        if (covers(at, stick->kept[i].offset, stick->kept[i].size, end))
            return true;
    return false;
}

/* Where the next thing begins that is taken, from a free place on. */
static uint64_t next_taken(const struct stick *stick, uint64_t at, uint64_t end)
{
    const struct partition *fixed[] = {stick->core, stick->esp};

    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        if (fixed[i] && fixed[i]->offset >= at && fixed[i]->offset < end)
            end = fixed[i]->offset;
    for (size_t i = 0; i < stick->kept_count; i++)
        if (stick->kept[i].offset >= at && stick->kept[i].offset < end)
            end = stick->kept[i].offset;
    return end;
}

/* The first run of free bytes that has wanted of them, else the longest; len 0: there is none. */
static struct image_range find_room(const struct stick *stick, uint64_t wanted)
{
    uint64_t size = round_down(stick->disk.size - MIB, MIB), at = 0, end;
    struct image_range best = {0};

    while (at < size) {
        if (is_taken(stick, at, &end)) {
            at = round_up(end, MIB);
            continue;
        }
        end = round_down(next_taken(stick, at, size), MIB);
        if (end > at && end - at > best.len && best.len < wanted)
            best = (struct image_range){at, end - at};
        at = end > at ? end : at + MIB;
    }
    return best;
}

/* The half of its partition that GRUB's core image is not in. */
static void place_core(const struct stick *stick, struct medium_onto *onto)
{
    const struct partition *core = stick->core;
    uint64_t half = USB_CORE_ROOM / 2;

    if (!core || core->offset != USB_CORE_OFFSET || core->size != USB_CORE_ROOM)
        return;
    onto->core_room = half;
    onto->core_offset = USB_CORE_OFFSET + (stick->core_offset == USB_CORE_OFFSET ? half : 0);
    onto->core = *core;
}

void stick_places(const struct stick *stick, const struct plan *plan, struct medium_onto *onto)
{
    uint64_t need = estimate(plan), old = stick->esp->size;
    struct image_range room = find_room(stick, need > old ? need : old);

    *onto = (struct medium_onto){.disk_size = stick->disk.size,
                                 .esp_offset = room.offset,
                                 .esp_size_min = old < room.len ? old : room.len,
                                 .esp_size_max = room.len,
                                 .esp_number = stick->esp->number,
                                 .kept = stick->kept,
                                 .kept_count = stick->kept_count};
    place_core(stick, onto);
}
