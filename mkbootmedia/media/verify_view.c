/*
 * verify_view: parttab_fit has fitted the image's table to the disk. Here the image's table is made
 * as it was, from what the manifest says of it; fitted again it has to end as it stands on the
 * disk, so that each of its bytes counts.
 */
#include "media/verify_private.h"

#include "base/msg.h"
#include "image/parttab.h"

#include <stdlib.h>

/* The image's table stands on the disk as it is, as dd(1) copies it. */
static void take_there(struct verify_view *view, const uint8_t *there)
{
    memcpy(view->head, there, view->head_len);
    free(view->tail);
    view->tail = NULL;
}

/*
 * Is the table on the disk what fitting the image's to it makes? If none was fitted, what is there
 * counts.
 */
static int check_forth(struct verify_view *view, const uint8_t *there, struct verify_report *report)
{
    struct parttab_fit fit = {
        .image_size = view->size, .disk_size = view->content.len, .sector_size = view->sector_size};
    uint8_t *head = xcalloc(view->head_len, 1), *tail;
    int result;

    memcpy(head, view->head, view->head_len);
    result = parttab_fit(&fit, view->path, head, view->head_len);
    if (result >= 0 && !fit.tail)
        take_there(view, there);
    if (fit.tail && memcmp(head, there, view->head_len) != 0)
        verify_fault_at(report, "GPT", 0, view->head_len, "differs");
    if (fit.tail) {
        tail = xcalloc(fit.tail_len, 1);
        result = content_read(&view->content, fit.tail_offset, tail, fit.tail_len);
        if (result == 0 && memcmp(tail, fit.tail, fit.tail_len) != 0)
            verify_fault_at(report, "GPT backup", fit.tail_offset, fit.tail_len, "differs");
        free(tail);
    }
    free(fit.tail);
    free(head);
    return result < 0 ? -1 : 0;
}

/* What protects the GPT in the MBR is as long as the image again. */
static void restore_mbr(struct verify_view *view)
{
    uint64_t sectors = view->size / SECTOR - 1;

    for (size_t at = 446; at < 510; at += 16)
        if (view->head[at + 4] == 0xee && get_le32(view->head + at + 8) == 1)
            put_le32(view->head + at + 12, (uint32_t)(sectors < UINT32_MAX ? sectors : UINT32_MAX));
}

/* Head and tail of the image, with the MBR's sector from the disk. */
static int take_table(struct verify_view *view, const struct image *table)
{
    view->tail_len = GPT_BACKUP_LEN;
    view->tail_offset = round_down(view->size, SECTOR) - GPT_BACKUP_LEN;
    view->tail = xcalloc(view->tail_len, 1);
    restore_mbr(view);
    return image_read(table, SECTOR, view->head + SECTOR, VERIFY_TABLE - SECTOR) < 0 ||
                   image_read(table, view->tail_offset, view->tail, view->tail_len) < 0
               ? -1
               : 0;
}

/* Sectors of 4096 bytes have the table at other places, which are zero in the image. */
static void clear_table(struct verify_view *view)
{
    if (view->sector_size != SECTOR)
        memset(view->head + VERIFY_TABLE, 0, VERIFY_TABLE_4096 - VERIFY_TABLE);
}

static int bring_back(struct verify_view *view, struct verify_report *report)
{
    const struct parttab_list *list = &report->manifest.table;
    struct parttab table = {
        .disk_guid = list->disk_guid, .partitions = list->partitions, .count = list->count};
    struct image image = {0};
    uint8_t *there = xcalloc(view->head_len, 1);
    int result = parttab_write(&table, view->size, &image);

    memcpy(there, view->head, view->head_len);
    if (result == 0)
        result = image_finish(&image, view->size);
    if (result == 0)
        result = take_table(view, &image);
    if (result == 0 && memcmp(view->head, there, view->head_len) == 0) {
        take_there(view, there);
    } else if (result == 0) {
        clear_table(view);
        result = check_forth(view, there, report);
    }
    image_free(&image);
    free(there);
    return result;
}

/* An image whose GPT is not valid, as isohybrid makes it, was left as it was. */
static bool has_table(const struct verify_view *view, const struct verify_report *report)
{
    return report->manifest.table.count && view->size >= 2 * VERIFY_HEAD &&
           memcmp(view->head + view->sector_size, "EFI PART", 8) == 0;
}

int verify_view_open(struct verify_view *view, const char *path, const struct content *content,
                     uint64_t size, struct verify_report *report)
{
    *view = (struct verify_view){.path = path, .content = *content, .size = size};
    view->sector_size = verify_sector_size(content);
    view->head_len = size < VERIFY_HEAD ? (size_t)size : VERIFY_HEAD;
    view->head = xcalloc(view->head_len, 1);
    if (content_read(content, 0, view->head, view->head_len) < 0)
        return -1;
    if ((content->len == size && view->sector_size == SECTOR) || !has_table(view, report))
        return 0;
    return bring_back(view, report);
}

/* Bytes of have, which are the image's from start on, that a read wants. */
static void lay_over(void *out, uint64_t offset, size_t len, const uint8_t *have, uint64_t start,
                     size_t have_len)
{
    uint64_t from = offset > start ? offset : start;
    uint64_t to = offset + len < start + have_len ? offset + len : start + have_len;

    if (from < to)
        memcpy((char *)out + (from - offset), have + (from - start), (size_t)(to - from));
}

int verify_view_read(const struct verify_view *view, uint64_t offset, void *out, size_t len)
{
    if (content_read(&view->content, offset, out, len) < 0)
        return -1;
    lay_over(out, offset, len, view->head, 0, view->head_len);
    if (view->tail)
        lay_over(out, offset, len, view->tail, view->tail_offset, view->tail_len);
    return 0;
}

void verify_view_free(struct verify_view *view)
{
    free(view->head);
    free(view->tail);
    *view = (struct verify_view){0};
}
