/* strings: a list that doubles. */
#include "base/strings.h"

#include "base/util.h"

#include <stdlib.h>

void strings_add(struct strings *strings, const char *s)
{
    strings->v = xgrow(strings->v, strings->n, sizeof *strings->v);
    strings->v[strings->n++] = xstrdup(s);
}

void strings_printf(struct strings *strings, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    strings->v = xgrow(strings->v, strings->n, sizeof *strings->v);
    strings->v[strings->n++] = xvasprintf(format, ap);
    va_end(ap);
}

void strings_free(struct strings *strings)
{
    for (size_t i = 0; i < strings->n; i++)
        free(strings->v[i]);
    free(strings->v);
    *strings = (struct strings){0};
}
