/* write_ask: what one has to type cannot be typed without a look at the disk. */
#include "cli/write_ask.h"

#include "base/msg.h"
#include "base/util.h"
#include "cli/device_print.h"
#include "cli/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define TAIL 4 /* characters of the serial */

/* Without blanks, in small letters. */
static void squeeze(char *text)
{
    char *to = text;

    for (const char *from = text; *from; from++)
        if (!isspace((unsigned char)*from))
            *to++ = (char)tolower((unsigned char)*from);
    *to = '\0';
}

/* "16.0gb", "16.0", and "16" where that is the same to people. */
static bool is_size(uint64_t bytes, const char *typed)
{
    char full[32], bare[32], whole[32];

    snprintf(full, sizeof full, "%s", disk_text(bytes).text);
    squeeze(full);
    snprintf(bare, sizeof bare, "%.*s", (int)strspn(full, "0123456789."), full);
    snprintf(whole, sizeof whole, "%.*s", (int)strcspn(bare, "."), bare);
    return strcmp(typed, full) == 0 || strcmp(typed, bare) == 0 || strcmp(typed, whole) == 0;
}

bool write_ask_matches(const struct device *device, const char *text)
{
    char *typed = xstrdup(text), *serial = xstrdup(device->serial ? device->serial : "");
    size_t len;
    bool same;

    squeeze(typed);
    squeeze(serial);
    len = strlen(serial);
    same = *typed && (is_size(device->size, typed) ||
                      (len >= TAIL && strcmp(typed, serial + len - TAIL) == 0));
    free(typed);
    free(serial);
    return same;
}

int write_ask(const struct device *device, const char *path)
{
    FILE *terminal = fopen("/dev/tty", "r+e");
    char line[64] = "";

    if (!terminal)
        return msg_error("%s: writing: nobody can be asked whether that is meant; --yes does "
                         "without",
                         path);
    fprintf(stderr, "What is on this disk will be lost:\n\n");
    device_print(stderr, device);
    fprintf(stderr, "\nType its size (%s)%s to write to it: ", disk_text(device->size).text,
            device->serial ? ", or the last four characters of its serial number," : "");
    fflush(stderr);
    if (!fgets(line, sizeof line, terminal))
        *line = '\0';
    fclose(terminal);
    if (write_ask_matches(device, line))
        return 0;
    return msg_error("%s: writing: not confirmed; nothing was written", path);
}
