/* util: allocation, growing buffers, UTF-8. */
#include "base/util.h"

#include <stdio.h>
#include <stdlib.h>

static void *checked(void *p)
{
    if (!p) {
        fputs("mkbootmedia: out of memory\n", stderr);
        _Exit(1);
    }
    return p;
}

void *xcalloc(size_t n, size_t size)
{
    return checked(calloc(n ? n : 1, size ? size : 1));
}

void *xrealloc(void *p, size_t size)
{
    return checked(realloc(p, size ? size : 1));
}

char *xstrdup(const char *s)
{
    return checked(strdup(s));
}

char *xvasprintf(const char *format, va_list ap)
{
    char *text = NULL;

    return vasprintf(&text, format, ap) < 0 ? checked(NULL) : text;
}

char *xasprintf(const char *format, ...)
{
    va_list ap;
    char *text;

    va_start(ap, format);
    text = xvasprintf(format, ap);
    va_end(ap);
    return text;
}

void *xgrow(void *v, size_t n, size_t size)
{
    /* room doubles at every power of two, so n tells how much there is */
    if (n && (n & (n - 1)))
        return v;
    return checked(reallocarray(v, n ? 2 * n : 1, size));
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
    if (buf->len + len + 1 > buf->room) {
        buf->room = 2 * (buf->len + len + 1);
        buf->data = xrealloc(buf->data, buf->room);
    }
    if (len)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void buf_puts(struct buf *buf, const char *s)
{
    buf_add(buf, s, strlen(s));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list ap;
    char *text;

    va_start(ap, format);
    text = xvasprintf(format, ap);
    va_end(ap);
    buf_puts(buf, text);
    free(text);
}

void buf_free(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){0};
}

uint32_t utf8_next(const char **s)
{
    const unsigned char *p = (const unsigned char *)*s;
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    int more = p[0] < 0x80       ? 0
               : p[0] >> 5 == 6  ? 1
               : p[0] >> 4 == 14 ? 2
               : p[0] >> 3 == 30 ? 3
                                 : -1;
    uint32_t c = more <= 0 ? p[0] : p[0] & (0x3fu >> more);

    if (more == 0) {
        *s += c != 0;
        return c;
    }
    for (int i = 1; i <= more; i++) {
        if (p[i] >> 6 != 2) {
            more = -1;
            break;
        }
        c = c << 6 | (p[i] & 0x3f);
    }
    if (more < 0 || c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
        *s += 1;
        return 0xfffd;
    }
    *s += more + 1;
    return c;
}

bool utf8_valid(const char *s)
{
    while (*s) {
        const char *before = s;

        if (utf8_next(&s) == 0xfffd && s - before == 1)
            return false;
    }
    return true;
}

bool has_control(const char *s)
{
    uint32_t c;

    while ((c = utf8_next(&s)))
        if (c < 0x20 || (c >= 0x7f && c < 0xa0))
            return true;
    return false;
}

size_t utf16_from_utf8(const char *s, uint16_t *out, size_t max)
{
    size_t n = 0;
    uint32_t c;

    while ((c = utf8_next(&s))) {
        if (c >= 0x10000) {
            if (n < max)
                out[n] = (uint16_t)(0xd800 + ((c - 0x10000) >> 10));
            n++;
            c = 0xdc00 + ((c - 0x10000) & 0x3ff);
        }
        if (n < max)
            out[n] = (uint16_t)c;
        n++;
    }
    return n;
}

double seconds_since(const struct timespec *then)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) / 1e9;
}
