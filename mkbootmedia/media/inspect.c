/* inspect: looks at an image step by step, and frees what was found. */
#include "media/inspect_private.h"

#include "base/msg.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

int inspect_image(struct inspect_report *report, const char *path, const struct content *content)
{
    *report = (struct inspect_report){
        .path = xstrdup(path), .size = content->len, .content = *content, .iso = SIZE_MAX};
    if (inspect_disk(report) < 0 || inspect_cd(report) < 0 || inspect_bios(report) < 0 ||
        inspect_loaders(report) < 0 || inspect_menu(report) < 0)
        return -1;
    inspect_verdicts(report);
    return 0;
}

static struct inspect_volume *find_volume(struct inspect_report *report, uint64_t offset)
{
    for (size_t i = 0; i < report->volume_count; i++)
        if (report->volumes[i].offset == offset)
            return &report->volumes[i];
    return NULL;
}

static struct inspect_volume *open_volume(struct inspect_report *report, uint64_t offset,
                                          uint64_t len, const char *where)
{
    struct content content = content_slice(report->content, offset, report->size - offset);
    struct inspect_volume *volume;

    if (len < content.len)
        content.len = len;
    report->volumes = xgrow(report->volumes, report->volume_count, sizeof *report->volumes);
    volume = &report->volumes[report->volume_count++];
    *volume =
        (struct inspect_volume){.where = xstrdup(where), .offset = offset, .len = content.len};
    if (volume_open(&volume->volume, &content) < 0)
        return NULL;
    if (volume->volume.size > content.len)
        strings_printf(&report->remarks,
                       "%s: %" PRIu64 " bytes of the %s file system's %" PRIu64 " are there", where,
                       content.len, volume->volume.type, volume->volume.size);
    return volume;
}

struct inspect_volume *inspect_volume(struct inspect_report *report, uint64_t offset, uint64_t len,
                                      const char *where, bool stick, bool cd)
{
    struct inspect_volume *volume = find_volume(report, offset);

    if (!volume)
        volume = open_volume(report, offset, len, where);
    if (volume) {
        volume->stick |= stick;
        volume->cd |= cd;
    }
    return volume;
}

struct inspect_loader *inspect_loader(const struct inspect_report *report, size_t volume,
                                      const char *name)
{
    for (size_t i = 0; i < report->loader_count; i++) {
        struct inspect_loader *loader = &report->loaders[i];

        if (loader->volume == volume && strcasecmp(strrchr(loader->path, '/') + 1, name) == 0)
            return loader;
    }
    return NULL;
}

static void free_loader(struct inspect_loader *loader)
{
    pe_sbat_free(loader->sbat, loader->sbat_count);
    sign_signers_free(&loader->signers);
    free(loader->path);
    free(loader->why);
}

static void free_entry(struct inspect_entry *entry)
{
    for (size_t i = 0; i < entry->initrd_count; i++)
        free(entry->initrds[i].path);
    free(entry->initrds);
    free(entry->kernel.path);
    free(entry->title);
    free(entry->cmdline);
    free(entry->why);
    free(entry->secure_why);
}

void inspect_free(struct inspect_report *report)
{
    for (size_t i = 0; i < report->partition_count; i++)
        free(report->partitions[i].name);
    for (size_t i = 0; i < report->volume_count; i++)
        free(report->volumes[i].where);
    for (size_t i = 0; i < report->loader_count; i++)
        free_loader(&report->loaders[i]);
    for (size_t i = 0; i < report->entry_count; i++)
        free_entry(&report->entries[i]);
    for (size_t i = 0; i < report->verdict_count; i++)
        strings_free(&report->verdicts[i].reasons);
    strings_free(&report->remarks);
    free(report->partitions);
    free(report->volumes);
    free(report->boots);
    free(report->loaders);
    free(report->entries);
    free(report->verdicts);
    free(report->bios_stick_why);
    free(report->bios_cd_why);
    free(report->menu);
    free(report->marker);
    free(report->path);
    *report = (struct inspect_report){0};
}
