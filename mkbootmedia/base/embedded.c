/* embedded: looks a file up by its name. */
#include "base/embedded.h"

#include <assert.h>
#include <string.h>

const struct embedded *embedded_find(const char *name)
{
    const struct embedded *file = embedded_files;

    while (file->name && strcmp(file->name, name) != 0)
        file++;
    assert(file->name);
    return file;
}
