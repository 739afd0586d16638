/*
 * strings: a growing list of strings that owns them; {0} is an empty one.
 */
#ifndef BASE_STRINGS_H
#define BASE_STRINGS_H

#include <stddef.h>

struct strings {
    char **v;
    size_t n;
};

void strings_add(struct strings *strings, const char *s);
void strings_printf(struct strings *strings, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void strings_free(struct strings *strings);

#endif
