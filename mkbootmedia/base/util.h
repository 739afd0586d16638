/*
 * util: allocation that cannot fail, a growing buffer, little- and big-endian fields, sums.
 *
 * Memory that runs out ends the program with a message: a boot medium's metadata is small, and
 * nothing is visible under the output's name until it is whole.
 */
#ifndef BASE_UTIL_H
#define BASE_UTIL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define KIB          UINT64_C(1024)
#define MIB          (KIB * 1024)
#define GIB          (MIB * 1024)
#define SECTOR       UINT64_C(512)

void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *format, va_list ap) __attribute__((format(printf, 1, 0)));

/* Room for one more element in a growing array of *n: xgrow(v, n, sizeof *v). */
void *xgrow(void *v, size_t n, size_t size);

/* A growing run of bytes; {0} is an empty one. data[len] is always NUL once anything was added. */
struct buf {
    char *data;
    size_t len, room;
};
void buf_add(struct buf *buf, const void *data, size_t len);
void buf_puts(struct buf *buf, const char *s);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_free(struct buf *buf);

/* n rounded up / down to a multiple of unit (any unit > 0). */
static inline uint64_t round_up(uint64_t n, uint64_t unit)
{
    return (n + unit - 1) / unit * unit;
}

static inline uint64_t round_down(uint64_t n, uint64_t unit)
{
    return n / unit * unit;
}

static inline uint64_t divide_up(uint64_t n, uint64_t unit)
{
    return (n + unit - 1) / unit;
}

/* Fields of on-disk structures, at any alignment. */
static inline uint16_t get_le16(const void *p)
{
    const uint8_t *b = p;
    return (uint16_t)(b[0] | b[1] << 8);
}

static inline uint32_t get_le32(const void *p)
{
    return get_le16(p) | (uint32_t)get_le16((const uint8_t *)p + 2) << 16;
}

static inline uint64_t get_le64(const void *p)
{
    return get_le32(p) | (uint64_t)get_le32((const uint8_t *)p + 4) << 32;
}

static inline void put_le16(void *p, uint16_t v)
{
    uint8_t *b = p;
    b[0] = (uint8_t)v;
    b[1] = (uint8_t)(v >> 8);
}

static inline void put_le32(void *p, uint32_t v)
{
    put_le16(p, (uint16_t)v);
    put_le16((uint8_t *)p + 2, (uint16_t)(v >> 16));
}

static inline void put_le64(void *p, uint64_t v)
{
    put_le32(p, (uint32_t)v);
    put_le32((uint8_t *)p + 4, (uint32_t)(v >> 32));
}

static inline void put_be16(void *p, uint16_t v)
{
    uint8_t *b = p;
    b[0] = (uint8_t)(v >> 8);
    b[1] = (uint8_t)v;
}

static inline void put_be32(void *p, uint32_t v)
{
    put_be16(p, (uint16_t)(v >> 16));
    put_be16((uint8_t *)p + 2, (uint16_t)v);
}

/* Of CLOCK_MONOTONIC. */
double seconds_since(const struct timespec *then);

/*
 * One character of UTF-8 at *s, which is moved past it. A byte that is no valid UTF-8 (RFC 3629:
 * also overlong forms, surrogates, above U+10FFFF) gives U+FFFD and moves one byte. 0 at the end.
 */
uint32_t utf8_next(const char **s);
bool utf8_valid(const char *s);
/* Does it hold a control character: C0, DEL, or C1 (U+0080 to U+009F)? */
bool has_control(const char *s);
/* UTF-8 -> UTF-16 code units in out (room for max); returns how many there are (may be > max). */
size_t utf16_from_utf8(const char *s, uint16_t *out, size_t max);

#endif
