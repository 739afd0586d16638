/* write_disk: bytes to a disk and back, whatever it says the first time. */
#include "media/write_private.h"

#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/falloc.h>
#include <unistd.h>

int write_fail(struct write_target *target, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    if (!target->why)
        target->why = xvasprintf(format, ap);
    va_end(ap);
    return -1;
}

int write_fail_at(struct write_target *target, const char *doing, uint64_t offset)
{
    return write_fail(target, "%s at byte %" PRIu64 ": %s", doing, offset, strerror(errno));
}

/* Is another try of any use? */
bool write_may_pass(int cause)
{
    return cause == EIO || cause == EAGAIN || cause == ETIMEDOUT || cause == EREMOTEIO;
}

/* All of data to offset; both are multiples of a sector. */
int write_put(struct write_target *target, const uint8_t *data, uint64_t len, uint64_t offset)
{
    unsigned tries = 0;

    while (len) {
        ssize_t n = pwrite(target->fd, data, len, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n >= 0)
            n -= n % (ssize_t)target->sector_size;
        if (n == 0)
            errno = EIO; /* a disk that takes nothing and says nothing */
        if (n <= 0 && (!write_may_pass(errno) || ++tries == WRITE_TRIES))
            return write_fail_at(target, "writing", offset);
        if (n <= 0)
            continue;
        tries = 0;
        data += n;
        len -= (uint64_t)n;
        offset += (uint64_t)n;
        target->written += (uint64_t)n;
    }
    return 0;
}

/* Reads len bytes; -1 with errno. */
int write_get(const struct write_target *target, uint8_t *data, uint64_t len, uint64_t offset)
{
    while (len) {
        ssize_t n = pread(target->fd, data, len, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EIO;
        if (n <= 0)
            return -1;
        data += n;
        len -= (uint64_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

int write_flush(struct write_target *target)
{
    if (fdatasync(target->fd) < 0)
        return write_fail(target, "flushing: %s", strerror(errno));
    return 0;
}

bool write_is_zero(const uint8_t *data, uint64_t len)
{
    return data[0] == 0 && memcmp(data, data + 1, len - 1) == 0;
}

/*
 * Zeros, made by the disk itself if it can; else only what is not zero is written: reading is
 * quicker than writing on all sticks.
 */
int write_zeros(struct write_target *target, uint64_t len, uint64_t offset)
{
    if (!target->zero_fails && fallocate(target->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                         (off_t)offset, (off_t)len) == 0)
        return 0;
    target->zero_fails = true;
    for (uint64_t n; len; len -= n, offset += n) {
        n = len < WRITE_CHUNK ? len : WRITE_CHUNK;
        if (write_get(target, target->buffer, n, offset) == 0 && write_is_zero(target->buffer, n))
            continue;
        memset(target->buffer, 0, n);
        if (write_put(target, target->buffer, n, offset) < 0)
            return -1;
    }
    return 0;
}
