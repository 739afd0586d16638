/*
 * inspect_json: the report as one JSON document. Sizes and offsets are bytes; what is not there is
 * null; "boots" is "yes", "no", "part" or "unknown". A name that is not UTF-8 has U+FFFD in it.
 */
#include "cli/inspect_print.h"

#include "cli/json.h"

static const char *const ways[] = {"stick", "cd", "pxe", "http"};
static const char *const answers[] = {"no", "yes", "part", "unknown"};

static json_t *tables(const struct inspect_report *report)
{
    json_t *list = json_array();

    for (size_t i = 0; i < report->partition_count; i++) {
        const struct inspect_partition *p = &report->partitions[i];

        json_array_append_new(list, json_pack("{s:s, s:i, s:s, s:o, s:o, s:b, s:o, s:o, s:o, s:o}",
                                              "table", p->gpt ? "gpt" : "mbr", "number",
                                              (int)p->number, "type", p->type, "type_name",
                                              json_text(p->type_name), "name", json_text(p->name),
                                              "active", p->active, "offset", json_number(p->offset),
                                              "size", json_number(p->len), "file_system",
                                              json_text(p->fs), "label", json_text(p->label)));
    }
    return list;
}

static json_t *gpt(const struct inspect_report *report)
{
    if (!report->gpt)
        return json_null();
    return json_pack("{s:b, s:o, s:b, s:o, s:s}", "valid", !report->gpt_problem, "problem",
                     json_text(report->gpt_problem), "copy_valid", !report->gpt_copy_problem,
                     "copy_problem", json_text(report->gpt_copy_problem), "guid",
                     report->disk_guid);
}

static json_t *iso(const struct inspect_report *report)
{
    json_t *boots = json_array();
    const struct volume *volume;

    for (size_t i = 0; i < report->boot_count; i++) {
        const struct inspect_boot *boot = &report->boots[i];

        json_array_append_new(
            boots, json_pack("{s:i, s:b, s:o, s:o, s:o}", "platform", boot->platform, "bootable",
                             boot->bootable, "offset", json_number(boot->offset), "size",
                             json_number(boot->len), "what", json_text(boot->what)));
    }
    if (report->iso == SIZE_MAX) {
        json_decref(boots);
        return json_null();
    }
    volume = &report->volumes[report->iso].volume;
    return json_pack("{s:o, s:o, s:b, s:b, s:o}", "label", json_text(volume->label), "size",
                     json_number(volume->size), "rock_ridge", volume->iso.rock_ridge, "joliet",
                     volume->iso.joliet, "el_torito", boots);
}

static json_t *loader(const struct inspect_report *report, const struct inspect_loader *loader)
{
    json_t *sbat = json_object(), *signers = json_array();

    for (size_t i = 0; i < loader->sbat_count; i++) {
        json_t *generation = json_integer(loader->sbat[i].generation);

        if (json_object_set(sbat, loader->sbat[i].component, generation) < 0)
            json_object_set(sbat, "?", generation);
        json_decref(generation);
    }
    for (size_t i = 0; i < loader->signers.count; i++)
        json_array_append_new(
            signers, json_pack("{s:o, s:o}", "subject", json_text(loader->signers.list[i].subject),
                               "issuer", json_text(loader->signers.list[i].issuer)));
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:s, s:o, s:o}", "path", json_text(loader->path),
        "volume", json_text(report->volumes[loader->volume].where), "size",
        json_number(loader->len), "kind", json_text(loader->kind), "machine",
        json_text(loader->pe ? pe_machine_name(loader->machine) : NULL), "truncated",
        loader->truncated, "sbat", sbat, "signers", signers, "secure_boot", answers[loader->secure],
        "why", json_text(loader->secure == INSPECT_NO ? loader->why : NULL), "menu",
        loader->menu == SIZE_MAX ? json_null() : json_text(report->menus[loader->menu].path));
}

static json_t *file(const struct inspect_file *file)
{
    static const char *const states[] = {"there", "missing", "damaged", "unknown"};

    return json_pack("{s:o, s:s, s:o}", "path", json_text(file->path), "state", states[file->state],
                     "size", file->state == FILE_THERE ? json_number(file->len) : json_null());
}

static json_t *root(const struct inspect_root *root)
{
    if (!root->there)
        return json_null();
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "mode", json_text(root->mode),
                     "compress", json_text(root->compress), "source", json_text(root->source),
                     "image", json_number(root->image), "unpacked", json_number(root->unpacked),
                     "peak", json_number(root->peak), "ram", json_number(root->ram));
}

static json_t *entry(const struct inspect_report *report, const struct inspect_entry *entry)
{
    json_t *initrds = json_array();

    for (size_t i = 0; i < entry->initrd_count; i++)
        json_array_append_new(initrds, file(&entry->initrds[i]));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "title",
                     json_text(entry->title), "menu", json_text(report->menus[entry->menu].path),
                     "kernel", entry->has_kernel ? file(&entry->kernel) : json_null(), "version",
                     json_text(entry->readable ? entry->facts.version : NULL), "arch",
                     json_text(entry->readable ? kernel_arch_name(entry->facts.arch) : NULL),
                     "problem", json_text(entry->why), "initrds", initrds, "root",
                     root(&entry->root), "secure_boot", answers[entry->secure], "why",
                     json_text(entry->secure == INSPECT_NO ? entry->secure_why : NULL), "cmdline",
                     json_text(entry->cmdline));
}

static json_t *verdicts(const struct inspect_report *report)
{
    json_t *list = json_array();

    for (size_t i = 0; i < report->verdict_count; i++) {
        const struct inspect_verdict *verdict = &report->verdicts[i];

        json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:s, s:o}", "firmware",
                                              verdict->firmware->word, "medium", ways[verdict->way],
                                              "first", json_text(verdict->first), "boots",
                                              answers[verdict->boots], "reasons",
                                              json_texts(&verdict->reasons)));
    }
    return list;
}

/* What leads to a menu is told by its loader; next are the menus that it goes on to. */
static json_t *menu(const struct inspect_report *report, const struct inspect_menu *menu)
{
    static const char *const kinds[] = {"grub", "syslinux", "systemd-boot", "ipxe", "program"};
    json_t *next = json_array();

    for (size_t i = 0; i < menu->next_count; i++)
        json_array_append_new(next, json_text(report->menus[menu->next[i]].path));
    return json_pack("{s:s, s:o, s:o, s:o, s:o}", "kind", kinds[menu->kind], "path",
                     json_text(menu->path), "volume",
                     json_text(report->volumes[menu->volume].where), "next", next, "missing",
                     json_texts(&menu->lost));
}

static json_t *manifest(const struct inspect_report *report)
{
    const struct inspect_manifest *manifest = &report->manifest;

    if (!manifest->there)
        return json_null();
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "problem",
                     json_text(manifest->problem), "version", json_text(manifest->version), "id",
                     json_text(manifest->id), "label", json_text(manifest->label), "url",
                     json_text(manifest->url), "generation",
                     manifest->generation ? json_number(manifest->generation) : json_null(),
                     "hosts", json_number(manifest->hosts), "files", json_number(manifest->files));
}

int inspect_print_json(const struct inspect_report *report)
{
    json_t *loaders = json_array(), *menus = json_array(), *entries = json_array();

    for (size_t i = 0; i < report->loader_count; i++)
        json_array_append_new(loaders, loader(report, &report->loaders[i]));
    for (size_t i = 0; i < report->menu_count; i++)
        json_array_append_new(menus, menu(report, &report->menus[i]));
    for (size_t i = 0; i < report->entry_count; i++)
        json_array_append_new(entries, entry(report, &report->entries[i]));
    return json_print(
        json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                  "path", json_text(report->path), "kind", report->tree ? "tree" : "image", "size",
                  report->tree ? json_null() : json_number(report->size), "boots", verdicts(report),
                  "remarks", json_texts(&report->remarks), "manifest", manifest(report), "mbr",
                  report->mbr, "boot_code", json_text(report->boot_code), "gpt", gpt(report),
                  "partitions", tables(report), "iso9660", iso(report), "loaders", loaders, "menu",
                  json_text(report->menu_count ? report->menus[0].path : NULL), "menus", menus,
                  "entries", entries));
}
