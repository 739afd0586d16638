/* inspect: looks at an image or a boot root step by step, and frees what was found. */
#include "media/inspect_private.h"

#include "base/msg.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

int inspect_image(struct inspect_report *report, const char *path, const struct content *content)
{
    *report = (struct inspect_report){.path = xstrdup(path),
                                      .size = content->len,
                                      .content = *content,
                                      .iso = SIZE_MAX,
                                      .bios_stick_menu = SIZE_MAX,
                                      .bios_cd_menu = SIZE_MAX};
    if (inspect_disk(report) < 0 || inspect_cd(report) < 0 || inspect_bios(report) < 0 ||
        inspect_loaders(report) < 0 || inspect_menus(report) < 0 || inspect_entries(report) < 0 ||
        inspect_manifest(report) < 0)
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

        if (loader->volume == volume && strncasecmp(loader->path, "EFI/BOOT/", 9) == 0 &&
            strcasecmp(loader->path + 9, name) == 0)
            return loader;
    }
    return NULL;
}

bool inspect_is(const struct inspect_loader *loader, const char *kind)
{
    return loader->kind && strcmp(loader->kind, kind) == 0;
}

static void free_loader(struct inspect_loader *loader)
{
    pe_sbat_free(loader->sbat, loader->sbat_count);
    sign_signers_free(&loader->signers);
    free(loader->path);
    free(loader->prefix);
    free(loader->why);
}

static void free_menu(struct inspect_menu *menu)
{
    strings_free(&menu->leads);
    strings_free(&menu->lost);
    strings_free(&menu->variables);
    free(menu->path);
    free(menu->marker);
    free(menu->next);
}

static void free_file(struct inspect_file *file)
{
    free(file->path);
    free(file->place);
}

static void free_entry(struct inspect_entry *entry)
{
    for (size_t i = 0; i < entry->initrd_count; i++)
        free_file(&entry->initrds[i]);
    free_file(&entry->kernel);
    free(entry->initrds);
    free(entry->title);
    free(entry->cmdline);
    free(entry->why);
    free(entry->secure_why);
}

static void free_manifest(struct inspect_manifest *manifest)
{
    free(manifest->problem);
    free(manifest->id);
    free(manifest->label);
    free(manifest->url);
    free(manifest->version);
}

static void free_lists(struct inspect_report *report)
{
    for (size_t i = 0; i < report->partition_count; i++)
        free(report->partitions[i].name);
    for (size_t i = 0; i < report->volume_count; i++)
        free(report->volumes[i].where);
    for (size_t i = 0; i < report->loader_count; i++)
        free_loader(&report->loaders[i]);
    for (size_t i = 0; i < report->menu_count; i++)
        free_menu(&report->menus[i]);
    for (size_t i = 0; i < report->entry_count; i++)
        free_entry(&report->entries[i]);
    for (size_t i = 0; i < report->verdict_count; i++) {
        strings_free(&report->verdicts[i].reasons);
        free(report->verdicts[i].first);
    }
}

void inspect_free(struct inspect_report *report)
{
    free_lists(report);
    free_manifest(&report->manifest);
    strings_free(&report->host.paths);
    strings_free(&report->remarks);
    free(report->partitions);
    free(report->volumes);
    free(report->boots);
    free(report->loaders);
    free(report->menus);
    free(report->entries);
    free(report->verdicts);
    free(report->bios_stick_why);
    free(report->bios_cd_why);
    free(report->path);
    *report = (struct inspect_report){0};
}
