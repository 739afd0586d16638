/*
 * inspect_json: the report as one JSON document. Sizes and offsets are bytes; what is not there is
 * null; "boots" is "yes", "no", "part" or "unknown". A name that is not UTF-8 has U+FFFD in it.
 */
#include "cli/inspect_print.h"

#include "base/msg.h"

#include <jansson.h>
#include <stdio.h>

static const char *const answers[] = {"no", "yes", "part", "unknown"};

/* Foreign bytes: those that are no UTF-8 become U+FFFD. */
static json_t *text(const char *s)
{
    json_t *value = s ? json_string(s) : json_null();
    struct buf fixed = {0};

    if (value)
        return value;
    while (*s) {
        const char *from = s;

        if (utf8_next(&s) == 0xfffd)
            buf_puts(&fixed, "\xef\xbf\xbd");
        else
            buf_add(&fixed, from, (size_t)(s - from));
    }
    value = json_string(fixed.data);
    buf_free(&fixed);
    return value;
}

static json_t *number(uint64_t n)
{
    return json_integer((json_int_t)n);
}

static json_t *texts(const struct strings *strings)
{
    json_t *array = json_array();

    for (size_t i = 0; i < strings->n; i++)
        json_array_append_new(array, text(strings->v[i]));
    return array;
}

static json_t *tables(const struct inspect_report *report)
{
    json_t *list = json_array();

    for (size_t i = 0; i < report->partition_count; i++) {
        const struct inspect_partition *p = &report->partitions[i];

        json_array_append_new(
            list, json_pack("{s:s, s:i, s:s, s:o, s:o, s:b, s:o, s:o, s:o, s:o}", "table",
                            p->gpt ? "gpt" : "mbr", "number", (int)p->number, "type", p->type,
                            "type_name", text(p->type_name), "name", text(p->name), "active",
                            p->active, "offset", number(p->offset), "size", number(p->len),
                            "file_system", text(p->fs), "label", text(p->label)));
    }
    return list;
}

static json_t *gpt(const struct inspect_report *report)
{
    if (!report->gpt)
        return json_null();
    return json_pack("{s:b, s:o, s:b, s:o, s:s}", "valid", !report->gpt_problem, "problem",
                     text(report->gpt_problem), "copy_valid", !report->gpt_copy_problem,
                     "copy_problem", text(report->gpt_copy_problem), "guid", report->disk_guid);
}

static json_t *iso(const struct inspect_report *report)
{
    json_t *boots = json_array();
    const struct volume *volume;

    for (size_t i = 0; i < report->boot_count; i++) {
        const struct inspect_boot *boot = &report->boots[i];

        json_array_append_new(boots,
                              json_pack("{s:i, s:b, s:o, s:o, s:o}", "platform", boot->platform,
                                        "bootable", boot->bootable, "offset", number(boot->offset),
                                        "size", number(boot->len), "what", text(boot->what)));
    }
    if (report->iso == SIZE_MAX) {
        json_decref(boots);
        return json_null();
    }
    volume = &report->volumes[report->iso].volume;
    return json_pack("{s:o, s:o, s:b, s:b, s:o}", "label", text(volume->label), "size",
                     number(volume->size), "rock_ridge", volume->iso.rock_ridge, "joliet",
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
        json_array_append_new(signers, json_pack("{s:o, s:o}", "subject",
                                                 text(loader->signers.list[i].subject), "issuer",
                                                 text(loader->signers.list[i].issuer)));
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:s, s:o}", "path", text(loader->path), "volume",
        text(report->volumes[loader->volume].where), "size", number(loader->len), "kind",
        text(loader->kind), "machine", text(loader->pe ? pe_machine_name(loader->machine) : NULL),
        "truncated", loader->truncated, "sbat", sbat, "signers", signers, "secure_boot",
        answers[loader->secure], "why", text(loader->secure == INSPECT_NO ? loader->why : NULL));
}

static json_t *file(const struct inspect_file *file)
{
    static const char *const states[] = {"there", "missing", "damaged", "unknown"};

    return json_pack("{s:o, s:s, s:o}", "path", text(file->path), "state", states[file->state],
                     "size", file->state == FILE_THERE ? number(file->len) : json_null());
}

static json_t *entry(const struct inspect_entry *entry)
{
    json_t *initrds = json_array();

    for (size_t i = 0; i < entry->initrd_count; i++)
        json_array_append_new(initrds, file(&entry->initrds[i]));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "title", text(entry->title),
                     "kernel", entry->has_kernel ? file(&entry->kernel) : json_null(), "version",
                     text(entry->readable ? entry->facts.version : NULL), "arch",
                     text(entry->readable ? kernel_arch_name(entry->facts.arch) : NULL), "problem",
                     text(entry->why), "initrds", initrds, "secure_boot", answers[entry->secure],
                     "why", text(entry->secure == INSPECT_NO ? entry->secure_why : NULL), "cmdline",
                     text(entry->cmdline));
}

static json_t *verdicts(const struct inspect_report *report)
{
    json_t *list = json_array();

    for (size_t i = 0; i < report->verdict_count; i++) {
        const struct inspect_verdict *verdict = &report->verdicts[i];

        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o}", "firmware",
                                              firmware_row(verdict->firmware)->word, "medium",
                                              verdict->cd ? "cd" : "stick", "boots",
                                              answers[verdict->boots], "reasons",
                                              texts(&verdict->reasons)));
    }
    return list;
}

int inspect_print_json(const struct inspect_report *report)
{
    json_t *loaders = json_array(), *entries = json_array(), *document;
    int result;

    for (size_t i = 0; i < report->loader_count; i++)
        json_array_append_new(loaders, loader(report, &report->loaders[i]));
    for (size_t i = 0; i < report->entry_count; i++)
        json_array_append_new(entries, entry(&report->entries[i]));
    document = json_pack("{s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "path",
                         text(report->path), "size", number(report->size), "boots",
                         verdicts(report), "remarks", texts(&report->remarks), "mbr", report->mbr,
                         "boot_code", text(report->boot_code), "gpt", gpt(report), "partitions",
                         tables(report), "iso9660", iso(report), "loaders", loaders, "menu",
                         text(report->menu), "entries", entries);
    result = document ? json_dumpf(document, stdout, JSON_INDENT(2)) : -1;
    json_decref(document);
    if (result < 0 || putchar('\n') == EOF)
        return msg_error("%s: writing JSON: failed", report->path);
    return 0;
}
