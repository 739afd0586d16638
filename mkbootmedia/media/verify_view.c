/*
 * verify_view: parttab_fit has brought the image's table to the disk: here it is brought back. That
 * way and forth again it has to end as it stands on the disk, so that each of its bytes counts.
 */
#include "media/verify_private.h"

#include "base/msg.h"
#include "image/parttab.h"

#include <stdlib.h>

static void take_tail(struct verify_view *view, struct parttab_fit *fit)
{
    view->tail = fit->tail;
    view->tail_len = fit->tail_len;
    view->tail_offset = fit->tail_offset;
}

/* Is the table on the disk what fitting the image's to it makes? */
static int check_forth(const struct verify_view *view, const uint8_t *there,
                       struct verify_report *report)
{
    struct parttab_fit fit = {
        .image_size = view->size, .disk_size = view->content.len, .sector_size = view->sector_size};
    uint8_t *head = xcalloc(view->head_len, 1), *tail;
    int result;

    memcpy(head, view->head, view->head_len);
    result = parttab_fit(&fit, view->path, head, view->head_len);
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
    return result;
}

static int bring_back(struct verify_view *view, struct verify_report *report)
{
    struct parttab_fit fit = {.image_size = view->content.len,
                              .image_sector_size = view->sector_size,
                              .disk_size = view->size,
                              .sector_size = SECTOR};
    uint8_t *there = xcalloc(view->head_len, 1);
    int result;

    memcpy(there, view->head, view->head_len);
    result = parttab_fit(&fit, view->path, view->head, view->head_len);
    if (fit.tail) {
        take_tail(view, &fit);
        result = check_forth(view, there, report);
    }
    free(there);
    return result;
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
    if (content->len == size && view->sector_size == SECTOR)
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
