/* sparse: SEEK_DATA finds what was written, and of that zeros are left out. */
#include "image/sparse.h"

#include "base/msg.h"
#include "base/util.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

int sparse_read(const struct sparse *from, uint64_t at, void *out, size_t len)
{
    ssize_t n = pread(from->fd, out, len, (off_t)at);

    if (n >= 0 && n != (ssize_t)len)
        errno = EIO;
    return n == (ssize_t)len ? 0 : msg_errno(from->name, "reading what was made");
}

/* Moves *start to where data begin, before end, and *stop to their end; 0: there are no more. */
static int next_data(const struct sparse *from, uint64_t *start, uint64_t *stop, uint64_t end)
{
    off_t data = lseek(from->fd, (off_t)*start, SEEK_DATA), hole;

    if (data < 0 && errno == ENXIO)
        return 0;
    hole = data < 0 ? -1 : lseek(from->fd, data, SEEK_HOLE);
    if (hole < 0)
        return msg_errno(from->name, "reading what was made");
    *start = (uint64_t)data;
    *stop = round_up((uint64_t)hole, from->unit);
    if (*stop > end)
        *stop = end;
    return *start < end;
}

static bool is_zero(const uint8_t *unit, size_t len)
{
    return unit[0] == 0 && memcmp(unit, unit + 1, len - 1) == 0;
}

/* Adds what has been gathered, a run of units that ends at end. */
static void add_run(const struct sparse *from, struct buf *run, uint64_t end, const char *what,
                    struct image *image)
{
    if (run->len)
        image_own(image, from->offset + end - run->len, run->data, run->len, what);
    *run = (struct buf){0};
}

static int add_units(const struct sparse *from, uint64_t start, uint64_t stop, const char *what,
                     struct image *image)
{
    uint8_t unit[SPARSE_UNIT_MAX];
    struct buf run = {0};

    for (uint64_t at = start; at < stop; at += from->unit) {
        if (sparse_read(from, at, unit, from->unit) < 0) {
            buf_free(&run);
            return -1;
        }
        if (is_zero(unit, from->unit))
            add_run(from, &run, at, what, image);
        else
            buf_add(&run, unit, from->unit);
    }
    add_run(from, &run, stop, what, image);
    return 0;
}

int sparse_add(const struct sparse *from, uint64_t start, uint64_t end, const char *what,
               struct image *image)
{
    uint64_t stop = start;
    int result;

    assert(from->unit <= SPARSE_UNIT_MAX && start % from->unit == 0 && end % from->unit == 0);
    while ((result = next_data(from, &start, &stop, end)) == 1) {
        if (add_units(from, start, stop, what, image) < 0)
            return -1;
        start = stop;
    }
    return result;
}
