/*
 * stick_places: room for what is new, beside what is there: between partitions, or in the free
 * clusters at the end of the ESP.
 */
#include "media/stick.h"

#define ROOM_MORE (4 * MIB) /* bytes, for tables and folders */

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
    uint64_t size = round_down(stick->disk.size, MIB), at = 0, end;
    struct image_range best = {0};

    size -= size ? MIB : 0; /* for the table's copy */
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

    if (!core || core->offset != USB_CORE_OFFSET || core->size != USB_CORE_SIZE)
        return;
    onto->core_offset =
        USB_CORE_OFFSET + (stick->core_offset == USB_CORE_OFFSET ? USB_CORE_ROOM : 0);
    onto->core = *core;
}

void stick_places(const struct stick *stick, const struct plan *plan, struct medium_onto *onto)
{
    uint64_t need = estimate(plan), old = stick->esp->size;
    struct image_range room = find_room(stick, need > old ? need : old);

    *onto = (struct medium_onto){.disk_size = round_down(stick->disk.size, stick->sector_size),
                                 .esp_offset = room.offset,
                                 .esp_size_min = old < room.len ? old : room.len,
                                 .esp_size_max = room.len,
                                 .esp_number = stick->esp->number,
                                 .kept = stick->kept,
                                 .kept_count = stick->kept_count};
    place_core(stick, onto);
}
