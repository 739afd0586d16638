/* update: the image's pieces from a feed, then its head and tail. */
#include "media/update.h"

#include "base/msg.h"
#include "image/parttab.h"
#include "media/feed.h"
#include "media/write_private.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define HEAD_LEN  MIB        /* bytes: the table, and zeros */
#define TABLE_LEN (24 * KIB) /* of it: MBR, header, entries, whatever the sectors are */
#define FLIP_UNIT (4 * KIB)  /* what is written at once is a multiple */

struct pass {
    struct update *update;
    struct feed feed;
    uint8_t *data, *there;
    uint64_t total; /* bytes of the feed */
    uint64_t end;   /* bytes of the disk before the tail */
};

static int report(const struct update *update)
{
    static const char *const states[] = {
        [UPDATE_BEFORE] = "it boots as before",
        [UPDATE_EITHER] = "it boots as before, or what is new: update it again",
        [UPDATE_SWITCHED] = "it boots what is new, but its partition table has no good copy",
    };

    return msg_error("%s: updating: %s; %s", update->target->path, update->target->why,
                     states[update->state]);
}

static int put(struct pass *pass, const struct feed_piece *piece)
{
    struct write_target *target = pass->update->target;

    return piece->zero ? write_zeros(target, piece->len, piece->offset)
                       : write_put(target, pass->data, piece->len, piece->offset);
}

/* Pieces of zeros may be longer than the buffers. */
static int compare(struct pass *pass, const struct feed_piece *piece)
{
    struct write_target *target = pass->update->target;
    bool same = true;

    for (uint64_t at = 0, n; at < piece->len && same; at += n) {
        n = piece->len - at < FEED_PIECE ? piece->len - at : FEED_PIECE;
        if (write_get(target, pass->there, n, piece->offset + at) < 0)
            return write_fail_at(target, "reading back", piece->offset + at);
        same = piece->zero ? write_is_zero(pass->there, n)
                           : memcmp(pass->there, pass->data + at, n) == 0;
    }
    if (same)
        return 0;
    return write_fail(
        target, "reading back bytes %" PRIu64 " to %" PRIu64 ": they are not what was written",
        piece->offset, piece->offset + piece->len - 1);
}

/* All pieces between head and tail. */
static int each_piece(struct pass *pass, int (*act)(struct pass *, const struct feed_piece *),
                      uint64_t done)
{
    const struct update *update = pass->update;
    struct feed_piece piece;
    int result;

    feed_open_image(&pass->feed, update->image, "the new content");
    pass->total = pass->feed.total;
    while ((result = feed_next(&pass->feed, &piece, pass->data)) == 1) {
        if (piece.offset >= HEAD_LEN && piece.offset + piece.len <= pass->end &&
            act(pass, &piece) < 0) {
            result = -1;
            break;
        }
        done += piece.len;
        if (update->progress)
            update->progress(update->progress_arg, done, 2 * pass->total);
    }
    feed_close(&pass->feed);
    return result;
}

/* A run that is written at once, flushed and read back. */
static int put_checked(struct update *update, const uint8_t *data, uint64_t len, uint64_t offset)
{
    struct write_target *target = update->target;
    uint8_t *there = aligned_alloc(FEED_ALIGN, round_up(len, FEED_ALIGN));
    int result = write_put(target, data, len, offset);

    if (result == 0)
        result = write_flush(target);
    if (result == 0 && write_get(target, there, len, offset) < 0)
        result = write_fail_at(target, "reading back", offset);
    if (result == 0 && memcmp(there, data, len) != 0)
        result = write_fail(target, "reading back the partition table: it is not what was written");
    free(there);
    return result;
}

/* A tail may begin anywhere; what is written has to be aligned in memory. */
static int put_tail(struct update *update, const uint8_t *tail, uint64_t len, uint64_t offset)
{
    uint8_t *data = aligned_alloc(FEED_ALIGN, round_up(len, FEED_ALIGN));
    int result;

    memcpy(data, tail, len);
    result = put_checked(update, data, len, offset);
    free(data);
    return result;
}

/* How much of the head has to be written: up to where it differs. */
static int measure_flip(struct update *update, const uint8_t *head, uint64_t *len)
{
    struct write_target *target = update->target;
    uint8_t *there = aligned_alloc(FEED_ALIGN, TABLE_LEN);
    int result = 0;

    if (write_get(target, there, TABLE_LEN, 0) < 0)
        result = write_fail_at(target, "reading", 0);
    *len = TABLE_LEN;
    while (result == 0 && *len > FLIP_UNIT &&
           memcmp(head + *len - FLIP_UNIT, there + *len - FLIP_UNIT, FLIP_UNIT) == 0)
        *len -= FLIP_UNIT;
    free(there);
    return result;
}

/* The one write that makes the new content the stick's, and then the copy of the table. */
static int flip(struct update *update, uint8_t *head)
{
    struct write_target *target = update->target;
    struct parttab_fit fit = {.image_size = update->image->size,
                              .disk_size = target->size,
                              .sector_size = target->sector_size};
    uint64_t tail_offset = round_down(update->image->size, SECTOR) - GPT_BACKUP_LEN, len;
    uint8_t tail[GPT_BACKUP_LEN];
    int result = 0;

    if (image_read(update->image, 0, head, HEAD_LEN) < 0 ||
        image_read(update->image, tail_offset, tail, sizeof tail) < 0 ||
        parttab_fit(&fit, target->path, head, HEAD_LEN) < 0)
        result = write_fail(target, "making its partition table: failed");
    if (result == 0)
        result = measure_flip(update, head, &len);
    if (result == 0) {
        update->state = UPDATE_EITHER;
        result = put_checked(update, head, len, 0);
    }
    if (result == 0) {
        update->state = UPDATE_SWITCHED;
        result = fit.tail ? put_tail(update, fit.tail, fit.tail_len, fit.tail_offset)
                          : put_tail(update, tail, sizeof tail, tail_offset);
    }
    free(fit.tail);
    return result;
}

static int run(struct pass *pass)
{
    struct update *update = pass->update;
    struct write_target *target = update->target;

    if (each_piece(pass, put, 0) < 0 || write_flush(target) < 0)
        return -1;
    if (!target->is_file)
        ioctl(target->fd, BLKFLSBUF, 0);
    if (each_piece(pass, compare, pass->total) < 0 ||
        (update->check && update->check(update->check_arg) < 0) || flip(update, pass->data) < 0)
        return -1;
    if (!target->is_file)
        ioctl(target->fd, BLKRRPART, 0);
    return 0;
}

int update_run(struct update *update)
{
    struct pass pass = {.update = update,
                        .end = round_down(update->image->size - GPT_BACKUP_LEN, MIB),
                        .feed = {.file.fd = -1}};
    int result;

    pass.data = aligned_alloc(FEED_ALIGN, FEED_PIECE);
    pass.there = aligned_alloc(FEED_ALIGN, FEED_PIECE);
    update->target->buffer = aligned_alloc(FEED_ALIGN, WRITE_CHUNK);
    result = run(&pass);
    if (result < 0 && update->target->why)
        report(update);
    free(update->target->buffer);
    update->target->buffer = NULL;
    free(pass.data);
    free(pass.there);
    return result;
}
