/*
 * embedded: the files of templates/ and efi/, compiled into the program (the Makefile makes
 * build/embedded.c from them). Names are "templates/grub.cfg", "efi/places".
 */
#ifndef BASE_EMBEDDED_H
#define BASE_EMBEDDED_H

#include <stddef.h>

struct embedded {
    const char *name;
    const char *data; /* followed by a NUL */
    size_t len;
};

/* The end is a row without a name. */
extern const struct embedded embedded_files[];

/* The file of that name; naming one that there is not is a mistake in the program. */
const struct embedded *embedded_find(const char *name);
/* The file of that name, or NULL. */
const struct embedded *embedded_look(const char *name);

#endif
