/* region: sorted, contiguous, never overlapping; the only offset arithmetic that sinks rely on. */
#include "image/region.h"

#include "base/msg.h"
#include "base/util.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

static void own(struct image *image, void *data)
{
    image->owned = xgrow(image->owned, image->owned_count, sizeof *image->owned);
    image->owned[image->owned_count++] = data;
}

static void append(struct image *image, struct region region)
{
    image->regions = xgrow(image->regions, image->count, sizeof *image->regions);
    image->regions[image->count++] = region;
}

void image_own(struct image *image, uint64_t offset, void *data, uint64_t len, const char *what)
{
    own(image, data);
    image_add(image, offset, content_memory(data, len), what);
}

void image_add(struct image *image, uint64_t offset, struct content content, const char *what)
{
    if (content.len)
        append(image, (struct region){offset, content.len, what, false, false, content});
}

void image_add_spare(struct image *image, uint64_t offset, uint64_t len, const char *what)
{
    if (len)
        append(image, (struct region){offset, len, what, true, true, content_memory("", 0)});
}

void image_add_changing(struct image *image, uint64_t offset, uint64_t len)
{
    image->changing = xgrow(image->changing, image->changing_count, sizeof *image->changing);
    image->changing[image->changing_count++] = (struct image_range){offset, len};
}

/* The first of the sorted ranges that ends behind offset. */
static size_t first_behind(const struct image_range *ranges, size_t count, uint64_t offset)
{
    size_t low = 0;

    while (low < count) {
        size_t middle = low + (count - low) / 2;

        if (ranges[middle].offset + ranges[middle].len > offset)
            count = middle;
        else
            low = middle + 1;
    }
    return low;
}

void image_ranges_clear(const struct image_range *ranges, size_t count, uint64_t offset, void *data,
                        size_t len)
{
    uint64_t end = offset + len;

    for (size_t i = first_behind(ranges, count, offset); i < count && ranges[i].offset < end; i++) {
        uint64_t from = ranges[i].offset > offset ? ranges[i].offset : offset;
        uint64_t to = ranges[i].offset + ranges[i].len;

        memset((char *)data + (from - offset), 0, (size_t)((to < end ? to : end) - from));
    }
}

static int by_offset(const void *a, const void *b)
{
    const struct region *x = a, *y = b;

    return (x->offset > y->offset) - (x->offset < y->offset);
}

static int range_by_offset(const void *a, const void *b)
{
    const struct image_range *x = a, *y = b;

    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* A zero region from end to offset, if there is room between; -1 if they overlap. */
static int fill(struct image *image, uint64_t end, uint64_t offset, const char *what)
{
    if (offset < end)
        return msg_error("internal error: %s at byte %" PRIu64 " overlaps what ends at %" PRIu64,
                         what, offset, end);
    if (offset > end)
        append(image,
               (struct region){end, offset - end, "zeros", true, false, content_memory("", 0)});
    return 0;
}

int image_finish(struct image *image, uint64_t size)
{
    size_t count = image->count;
    uint64_t end = 0;

    if (count)
        qsort(image->regions, count, sizeof *image->regions, by_offset);
    for (size_t i = 0; i < count; i++) {
        struct region region = image->regions[i]; /* a copy: fill may move the array */

        if (fill(image, end, region.offset, region.what) < 0)
            return -1;
        end = region.offset + region.len;
    }
    if (fill(image, end, size, "the end") < 0)
        return -1;
    if (image->count)
        qsort(image->regions, image->count, sizeof *image->regions, by_offset);
    if (image->changing_count)
        qsort(image->changing, image->changing_count, sizeof *image->changing, range_by_offset);
    image->size = size;
    return 0;
}

int image_read(const struct image *image, uint64_t offset, void *out, size_t len)
{
    assert(offset <= image->size && len <= image->size - offset);
    for (size_t i = 0; i < image->count && len; i++) {
        const struct region *region = &image->regions[i];
        uint64_t skip = offset - region->offset;
        size_t n;

        if (offset < region->offset || skip >= region->len)
            continue;
        n = len < region->len - skip ? len : (size_t)(region->len - skip);
        if (region->zero)
            memset(out, 0, n);
        else if (content_read(&region->content, skip, out, n) < 0)
            return -1;
        out = (char *)out + n;
        offset += n;
        len -= n;
    }
    return 0;
}

void image_free(struct image *image)
{
    for (size_t i = 0; i < image->owned_count; i++)
        free(image->owned[i]);
    free(image->owned);
    free(image->regions);
    free(image->changing);
    *image = (struct image){0};
}
