/* text: sizes, and texts that came from outside. */
#include "cli/text.h"

#include "base/util.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct size_text size_text(uint64_t bytes)
{
    struct size_text size;

    if (bytes < 10 * KIB)
        snprintf(size.text, sizeof size.text, "%" PRIu64 " B", bytes);
    else if (bytes < MIB)
        snprintf(size.text, sizeof size.text, "%.1f KiB", (double)bytes / KIB);
    else
        snprintf(size.text, sizeof size.text, "%.1f MiB", (double)bytes / MIB);
    return size;
}

struct size_text disk_text(uint64_t bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    double size = (double)bytes;
    struct size_text text;
    size_t unit = 0;

    for (; size >= 999.95 && unit + 1 < ARRAY_LEN(units); unit++)
        size /= 1000;
    snprintf(text.text, sizeof text.text, "%.*f %s", unit < 2 ? 0 : 1, size, units[unit]);
    return text;
}

void text_put(FILE *out, const char *format, ...)
{
    va_list ap;
    size_t head = strspn(format, "\n"), end = strlen(format);
    char *inner, *text;

    while (end > head && format[end - 1] == '\n')
        end--;
    inner = xasprintf("%.*s", (int)(end - head), format + head);
    va_start(ap, format);
    text = xvasprintf(inner, ap);
    va_end(ap);
    fwrite(format, 1, head, out);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (*p < 0x20 || *p == 0x7f || (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0))
            fprintf(out, "\\%03o", *p);
        else
            fputc(*p, out);
    fputs(format + end, out);
    free(inner);
    free(text);
}
