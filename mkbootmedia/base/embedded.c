/* embedded: looks a file up by its name. */
#include "base/embedded.h"

#include <assert.h>
#include <string.h>

const struct embedded *embedded_look(const char *name)
{
    const struct embedded *file = embedded_files;

    while (file->name && strcmp(file->name, name) != 0)
        file++;
    return file->name ? file : NULL;
}

const struct embedded *embedded_find(const char *name)
{
    const struct embedded *file = embedded_look(name);

    assert(file);
    return file;
}
