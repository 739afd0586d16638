/* request: its defaults and its end. */
#include "boot/request.h"

#include "base/util.h"

#include <stdlib.h>

const struct firmware_row firmwares[FIRMWARES] = {
    {FIRMWARE_BIOS, "bios", "BIOS"},
    {FIRMWARE_UEFI, "uefi", "UEFI"},
    {FIRMWARE_SECUREBOOT, "secureboot", "UEFI with Secure Boot"},
    {FIRMWARE_IA32, "ia32", "32-bit UEFI"},
};

const struct firmware_row *firmware_row(enum firmware firmware)
{
    size_t i = 0;

    while (firmwares[i].firmware != firmware)
        i++;
    return &firmwares[i];
}

void request_init(struct request *request)
{
    *request = (struct request){.timeout = 5};
    request->entries = xcalloc(1, sizeof *request->entries);
    request->entries[0].name = xstrdup("linux");
    request->entry_count = 1;
}

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

void request_free(struct request *request)
{
    for (size_t i = 0; i < request->entry_count; i++) {
        struct request_entry *entry = &request->entries[i];

        free(entry->name);
        free(entry->title);
        free(entry->kernel);
        free(entry->cmdline);
        strings_free(&entry->initrds);
    }
    free(request->entries);
    strings_free(&request->consoles);
    strings_free(&request->loader_dirs);
    strings_free(&request->added);
    free(request->label);
    free(request->templates);
    free(request->output);
    *request = (struct request){0};
}
