/* iso9660_fields: dates, texts and numbers as ISO 9660 writes them. */
#include "image/iso9660_private.h"

#include <assert.h>
#include <stdio.h>

#define SECONDS_1900 INT64_C(-2208988800) /* 1900-01-01 00:00:00 */
#define SECONDS_2155 INT64_C(5869583999)  /* 2155-12-31 23:59:59, the last year in a byte */

static struct tm broken_down(time_t time)
{
    time_t t = time < SECONDS_1900 ? SECONDS_1900 : time > SECONDS_2155 ? SECONDS_2155 : time;
    struct tm tm = {0};

    gmtime_r(&t, &tm);
    return tm;
}

void iso9660_date7(uint8_t out[7], time_t time)
{
    struct tm tm = broken_down(time);

    out[0] = (uint8_t)tm.tm_year;
    out[1] = (uint8_t)(tm.tm_mon + 1);
    out[2] = (uint8_t)tm.tm_mday;
    out[3] = (uint8_t)tm.tm_hour;
    out[4] = (uint8_t)tm.tm_min;
    out[5] = (uint8_t)tm.tm_sec;
    out[6] = 0; /* offset from UTC in quarters of an hour */
}

void iso9660_date17(uint8_t out[17], time_t time)
{
    struct tm tm = broken_down(time);
    char text[80];

    snprintf(text, sizeof text, "%04d%02d%02d%02d%02d%02d00", tm.tm_year + 1900, tm.tm_mon + 1,
             tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    memcpy(out, text, 16);
    out[16] = 0;
}

static void joliet_text(uint8_t *out, size_t len, const char *text)
{
    for (size_t i = 0; i + 2 <= len; i += 2) {
        uint32_t c = utf8_next(&text);

        put_be16(out + i, c ? iso9660_joliet_unit(c) : ' ');
    }
    if (len % 2)
        out[len - 1] = 0; /* Joliet: the last byte of a field of odd length */
}

void iso9660_text(uint8_t *out, size_t len, const char *text, enum hierarchy h)
{
    if (h == JOLIET) {
        joliet_text(out, len, text);
        return;
    }
    memset(out, ' ', len);
    memcpy(out, text, strnlen(text, len));
}

void iso9660_both16(uint8_t out[4], uint16_t v)
{
    put_le16(out, v);
    put_be16(out + 2, v);
}

void iso9660_both32(uint8_t out[8], uint32_t v)
{
    put_le32(out, v);
    put_be32(out + 4, v);
}

uint32_t iso9660_block(uint64_t place)
{
    assert(place % ISO_BLOCK == 0 && place / ISO_BLOCK <= UINT32_MAX);
    return (uint32_t)(place / ISO_BLOCK);
}
