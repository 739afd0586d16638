/* plan_print: the medium as data, before or after it was written. */
#include "cli/plan_print.h"

#include "base/util.h"
#include "cli/json.h"
#include "cli/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Bytes of an image, or of all files of a tree but its hosts'. */
static uint64_t size_of(const struct plan *plan, const struct medium *medium,
                        const struct output *output)
{
    uint64_t size = medium->image.size;

    for (size_t i = 0; output->kind == PLAN_NET && i < plan->item_count; i++)
        size += plan->items[i].content.len + plan->items[i].pad;
    return size;
}

static void print_head(const struct plan *plan, const struct medium *medium,
                       const struct output *output)
{
    char date[32];
    struct tm tm;
    const char *comma = "";
    uint64_t size = size_of(plan, medium, output);

    strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S UTC", gmtime_r(&plan->time, &tm));
    printf("%s: %s (%" PRIu64 " bytes)\n", output->what, size_text(size).text, size);
    printf("  label     %s\n  time      %s\n  id        %.32s\n", plan->label, date,
           digest_hex(plan->id).text);
    if (output->kind == PLAN_NET)
        printf("  url       %s\n  server    %s, for %s\n", plan->request->url, plan->net.server,
               plan->net.subnet);
    else
        printf("  disk GUID %s\n", medium->disk_guid.text);
    printf("  boots on  ");
    for (size_t i = 0; i < FIRMWARES; i++)
        if (plan->loaders.firmware & firmwares[i].firmware) {
            printf("%s%s", comma, firmwares[i].name);
            comma = ", ";
        }
    printf("\n");
}

static void print_entries(const struct plan *plan)
{
    printf("\nentries\n");
    for (size_t i = 0; i < plan->entry_count; i++) {
        const struct plan_entry *entry = &plan->entries[i];

        printf("  %s\n    kernel    %s (%s, %s)\n", entry->payload->title, entry->kernel_path,
               entry->payload->kernel.version, kernel_arch_name(entry->payload->kernel.arch));
        for (size_t k = 0; k < entry->initrd_paths.n; k++)
            printf("    initramfs %s\n", entry->initrd_paths.v[k]);
        if (entry->image_path)
            printf("    image     %s\n", entry->image_path);
        for (size_t k = 0; k < entry->payload->root.lines.n; k++)
            printf("    %s %s\n", k ? "         " : "RAM root ", entry->payload->root.lines.v[k]);
        printf("    arguments");
        for (size_t k = 0; k < entry->payload->words.n; k++)
            printf(strchr(entry->payload->words.v[k], ' ') ? " \"%s\"" : " %s",
                   entry->payload->words.v[k]);
        printf("\n");
    }
}

static void print_loaders(const struct plan *plan)
{
    printf("\nloaders\n");
    plan_prefetch_versions(plan);
    for (size_t i = 0; i < plan->used_count; i++) {
        const struct plan_loader *used = &plan->used[i];
        const char *version = loader_package_version(used->package);

        printf("  %-10s %-10s %-22s from %s (%s%s%s)\n", used->what, used->platform,
               used->dest ? used->dest : "boot sectors", used->source, used->package,
               version ? " " : "", version ? version : "");
    }
}

/* Is it of a data partition? A large one has thousands of pieces. */
static bool is_data(const struct medium *medium, const struct region *region)
{
    for (size_t i = 0; i < medium->partition_count; i++) {
        const struct partition *p = &medium->partitions[i];

        if (p->data && region->offset >= p->offset && region->offset < p->offset + p->size)
            return true;
    }
    return false;
}

static void print_layout(const struct medium *medium)
{
    size_t left_out = 0;

    printf("\npartitions\n");
    for (size_t i = 0; i < medium->partition_count; i++) {
        const struct partition *p = &medium->partitions[i];

        printf("  %zu %14" PRIu64 " %12s  %s\n", i + 1, p->offset, size_text(p->size).text,
               p->name);
    }
    printf("\nregions (offset, size, what, from)\n");
    for (size_t i = 0; i < medium->image.count; i++) {
        const struct region *r = &medium->image.regions[i];

        if (is_data(medium, r)) {
            left_out++;
            continue;
        }
        printf("  %16" PRIu64 " %12s  %s%s%s\n", r->offset, size_text(r->len).text, r->what,
               r->content.path ? "  < " : "", r->content.path ? r->content.path : "");
    }
    if (left_out)
        printf("  and the data partitions, in %zu pieces\n", left_out);
}

static void print_files(const struct plan *plan, const struct output *output)
{
    bool tree = output->kind == PLAN_NET;

    printf("\nfiles (%ssize, path, from)\n", tree ? "" : "offset, ");
    for (size_t i = 0; i < plan->item_count; i++) {
        const struct item *item = &plan->items[i];

        if (tree)
            printf(" ");
        else if (item->place == PLACE_NONE) /* an empty file may be nowhere */
            printf("  %16s", "-");
        else
            printf("  %16" PRIu64, item->place);
        printf(" %12s  %s%s%s\n", size_text(item->content.len).text, item->path,
               item->content.path ? "  < " : "", item->content.path ? item->content.path : "");
    }
}

/* What clients get first, and the hosts, of which each has a script for each loader. */
static void print_net(const struct plan *plan)
{
    static const char *const names[NET_CLIENTS] = {
        "BIOS",           "UEFI ia32 PXE", "UEFI x64 PXE",   "UEFI arm64 PXE",
        "UEFI ia32 HTTP", "UEFI x64 HTTP", "UEFI arm64 HTTP"};

    printf("\nclients\n");
    for (size_t i = 0; i < NET_CLIENTS; i++)
        if (plan->first[i])
            printf("  %-16s %s\n", names[i], plan->first[i]);
    if (plan->payload->host_count)
        printf("\nhosts\n");
    for (size_t i = 0; i < plan->payload->host_count; i++) {
        const struct payload_host *host = &plan->payload->hosts[i];
        const char *hostname = host->asked->hostname;

        printf("  %s %-20s %s\n", host->asked->mac, hostname ? hostname : "",
               plan->payload->entries[host->entry].name);
    }
}

void plan_print(const struct plan *plan, const struct medium *medium, const struct output *output)
{
    print_head(plan, medium, output);
    print_entries(plan);
    print_loaders(plan);
    if (output->kind == PLAN_NET)
        print_net(plan);
    else
        print_layout(medium);
    print_files(plan, output);
}

/* Sizes in bytes; null for an entry that is no RAM root. */
static json_t *json_root(const struct payload_root *root)
{
    const struct payload_memory *memory = &root->memory;

    if (!root->mode)
        return json_null();
    return json_pack("{s:s, s:s, s:s?, s:I, s:I, s:I, s:I, s:o}", "mode", root->mode, "sha256",
                     root->sha256, "path", root->image_path, "image", (json_int_t)memory->image,
                     "unpacked", (json_int_t)memory->unpacked, "peak", (json_int_t)memory->peak,
                     "ram", (json_int_t)memory->ram, "notes", json_texts(&root->lines));
}

static json_t *json_entries(const struct plan *plan)
{
    json_t *array = json_array();

    for (size_t i = 0; i < plan->entry_count; i++) {
        const struct plan_entry *entry = &plan->entries[i];
        const struct payload_entry *payload = entry->payload;

        json_array_append_new(
            array, json_pack("{s:s, s:o, s:s, s:s, s:s, s:o, s:o, s:o}", "name", payload->name,
                             "title", json_text(payload->title), "kernel", entry->kernel_path,
                             "version", payload->kernel.version, "architecture",
                             kernel_arch_name(payload->kernel.arch), "initrds",
                             json_texts(&entry->initrd_paths), "arguments",
                             json_texts(&payload->words), "root", json_root(&payload->root)));
    }
    return array;
}

static json_t *json_loaders(const struct plan *plan)
{
    json_t *array = json_array();

    plan_prefetch_versions(plan);
    for (size_t i = 0; i < plan->used_count; i++) {
        const struct plan_loader *used = &plan->used[i];
        const char *version = loader_package_version(used->package);

        json_array_append_new(array, json_pack("{s:s, s:s, s:s?, s:o, s:s, s:s?}", "loader",
                                               used->what, "platform", used->platform, "path",
                                               used->dest, "source", json_text(used->source),
                                               "package", used->package, "version", version));
    }
    return array;
}

static json_t *json_partitions(const struct medium *medium)
{
    json_t *array = json_array();

    for (size_t i = 0; i < medium->partition_count; i++) {
        const struct partition *p = &medium->partitions[i];

        json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:I, s:I}", "name", p->name, "type",
                                               p->type, "guid", p->guid, "offset",
                                               (json_int_t)p->offset, "size", (json_int_t)p->size));
    }
    return array;
}

static json_t *json_regions(const struct medium *medium)
{
    json_t *array = json_array();

    for (size_t i = 0; i < medium->image.count; i++) {
        const struct region *r = &medium->image.regions[i];

        json_array_append_new(array, json_pack("{s:I, s:I, s:s, s:s, s:o}", "offset",
                                               (json_int_t)r->offset, "size", (json_int_t)r->len,
                                               "what", r->what, "from",
                                               r->zero              ? "zeros"
                                               : r->content.fd >= 0 ? "file"
                                                                    : "memory",
                                               "source", json_text(r->content.path)));
    }
    return array;
}

static json_t *json_files(const struct plan *plan)
{
    json_t *array = json_array();

    for (size_t i = 0; i < plan->item_count; i++) {
        const struct item *item = &plan->items[i];

        json_t *offset =
            item->place == PLACE_NONE ? json_null() : json_integer((json_int_t)item->place);

        json_array_append_new(array, json_pack("{s:s, s:o, s:I, s:o}", "path", item->path, "offset",
                                               offset, "size", (json_int_t)item->content.len,
                                               "source", json_text(item->content.path)));
    }
    return array;
}

int plan_print_json(const struct plan *plan, const struct medium *medium,
                    const struct output *output)
{
    json_t *firmware = json_array(), *document;

    for (size_t i = 0; i < FIRMWARES; i++)
        if (plan->loaders.firmware & firmwares[i].firmware)
            json_array_append_new(firmware, json_string(firmwares[i].word));
    document = json_pack("{s:s, s:o, s:I, s:s, s:I, s:s, s:s?, s:o, s:o, s:o, s:o, s:o, s:o}",
                         "medium", output->name, "output", json_text(plan->request->output), "size",
                         (json_int_t)size_of(plan, medium, output), "label", plan->label, "time",
                         (json_int_t)plan->time, "id", digest_hex(plan->id).text, "marker",
                         *plan->marker ? plan->marker : NULL, "firmware", firmware, "entries",
                         json_entries(plan), "loaders", json_loaders(plan), "partitions",
                         json_partitions(medium), "regions", json_regions(medium), "files",
                         json_files(plan));
    return json_print(document);
}
