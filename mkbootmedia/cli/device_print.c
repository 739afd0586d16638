/* device_print: who made it, how large it is, what is on it. */
#include "cli/device_print.h"

#include "base/util.h"
#include "cli/text.h"

#include <stdlib.h>

/* "SanDisk Ultra", the maker's name left out where the model has it. */
static char *full_name(const struct device *device)
{
    const char *vendor = device->vendor, *model = device->model;

    if (!vendor || !model || strcmp(vendor, "ATA") == 0 || strstr(model, vendor))
        return xstrdup(model ? model : vendor ? vendor : "unknown model");
    return xasprintf("%s %s", vendor, model);
}

void device_print(FILE *out, const struct device *device)
{
    char *name = full_name(device);

    text_put(out, "%s  %s%s%s  %s", device->path, disk_text(device->size).text,
             *device->bus ? "  " : "", device->bus, name);
    text_put(out, "  serial %s\n", device->serial ? device->serial : "unknown");
    if (device->by_id)
        text_put(out, "    %s\n", device->by_id);
    text_put(out, "    holds %s",
             !device->contents   ? "what you may not read"
             : *device->contents ? device->contents
                                 : "nothing that is known");
    if (device->sector_size != SECTOR)
        text_put(out, "; sectors of %u bytes", device->sector_size);
    text_put(out, "\n");
    free(name);
}
