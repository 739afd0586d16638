/* text: bytes in units of 1024. */
#include "cli/text.h"

#include "base/util.h"

#include <inttypes.h>
#include <stdio.h>

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
