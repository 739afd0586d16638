/* newc: headers of 110 bytes, all numbers as eight hexadecimal digits. */
#include "boot/newc.h"

#include <assert.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

void newc_pad(struct buf *out, size_t unit)
{
    static const char zeros[NEWC_UNIT];

    assert(unit <= NEWC_UNIT);
    buf_add(out, zeros, (size_t)round_up(out->len, unit) - out->len);
}

void newc_member(struct buf *out, const char *name, const struct newc *newc)
{
    unsigned seconds = newc->time < 0            ? 0
                       : newc->time > UINT32_MAX ? UINT32_MAX
                                                 : (unsigned)newc->time;

    size_t name_len = newc->name_len ? newc->name_len : strlen(name) + 1;

    assert(newc->size <= NEWC_FILE_MAX && name_len > strlen(name));
    buf_printf(out, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", newc->number,
               newc->mode, 0u, 0u, S_ISDIR(newc->mode) ? 2u : 1u, seconds, (unsigned)newc->size, 0u,
               0u, major(newc->device), minor(newc->device), (unsigned)name_len, 0u);
    buf_puts(out, name);
    for (size_t i = strlen(name); i < name_len; i++)
        buf_add(out, "", 1);
    newc_pad(out, 4);
}

void newc_end(struct buf *out)
{
    newc_member(out, NEWC_TRAILER, &(struct newc){0});
    newc_pad(out, NEWC_UNIT);
}
