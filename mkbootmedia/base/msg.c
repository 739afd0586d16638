/* msg: one line on standard error per message, whatever the names in it hold. */
#include "base/msg.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct msg_level msg_level;
void (*msg_before)(void);

static void put_line(const char *kind, const char *format, va_list ap)
{
    char *text = NULL;

    if (vasprintf(&text, format, ap) < 0)
        return;
    flockfile(stderr);
    if (msg_before)
        msg_before();
    fprintf(stderr, "mkbootmedia: %s", kind);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (*p < 0x20 || *p == 0x7f || (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0))
            fprintf(stderr, "\\%03o", *p);
        else
            fputc(*p, stderr);
    fputc('\n', stderr);
    funlockfile(stderr);
    free(text);
}

int msg_error(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    put_line("", format, ap);
    va_end(ap);
    return -1;
}

int msg_errno(const char *subject, const char *doing)
{
    return msg_error("%s: %s: %s", subject, doing, strerror(errno));
}

void msg_warn(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    put_line("warning: ", format, ap);
    va_end(ap);
}

void msg_note(const char *format, ...)
{
    va_list ap;

    if (msg_level.quiet)
        return;
    va_start(ap, format);
    put_line("note: ", format, ap);
    va_end(ap);
}

void msg_detail(const char *format, ...)
{
    va_list ap;

    if (!msg_level.verbose)
        return;
    va_start(ap, format);
    put_line("", format, ap);
    va_end(ap);
}
