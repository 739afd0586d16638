/* manifest: jansson's values from a plan and what became of it. */
#include "media/manifest_private.h"

#include "base/msg.h"
#include "boot/pe.h"

#include <stdlib.h>

/* Texts of a plan are UTF-8: payload has checked those that came from outside, save host paths. */
static json_t *text_or_null(const char *text)
{
    json_t *value = text ? json_string(text) : json_null();

    return value ? value : json_string("?");
}

json_t *manifest_head(const char *medium)
{
    return json_pack("{s:s, s:i, s:s, s:s}", "generator", "mkbootmedia", "format", MANIFEST_FORMAT,
                     "version", VERSION, "medium", medium);
}

/* "shim,4": the generations that firmware and shim compare with what is revoked. */
static json_t *sbat_of(const struct content *content)
{
    json_t *array = json_array();
    struct pe_sbat *rows = NULL;
    size_t count = 0;
    struct pe pe;

    if (pe_open(&pe, content) == 1 && pe_sbat_read(&pe, &rows, &count) == 0)
        for (size_t i = 0; i < count; i++) {
            char *row = xasprintf("%s,%u", rows[i].component, rows[i].generation);

            json_array_append_new(array, json_string(row));
            free(row);
        }
    pe_sbat_free(rows, count);
    pe_free(&pe);
    return array;
}

static const struct item *find_item(const struct plan *plan, const char *path)
{
    for (size_t i = 0; i < plan->item_count; i++)
        if (path && strcmp(plan->items[i].path, path) == 0)
            return &plan->items[i];
    return NULL;
}

static json_t *loaders_of(const struct plan *plan, bool versions)
{
    json_t *array = json_array();

    if (versions)
        plan_prefetch_versions(plan);
    for (size_t i = 0; i < plan->used_count; i++) {
        const struct plan_loader *used = &plan->used[i];
        const struct item *item = find_item(plan, used->dest);
        const char *version = versions ? loader_package_version(used->package) : NULL;

        json_array_append_new(array, json_pack("{s:s, s:s, s:o, s:s, s:s?, s:o}", "loader",
                                               used->what, "platform", used->platform, "path",
                                               text_or_null(used->dest), "package", used->package,
                                               "version", version, "sbat",
                                               item ? sbat_of(&item->content) : json_array()));
    }
    return array;
}

static json_t *texts_of(const struct strings *strings)
{
    json_t *array = json_array();

    for (size_t i = 0; i < strings->n; i++)
        json_array_append_new(array, text_or_null(strings->v[i]));
    return array;
}

/* What a RAM root wants of memory, in bytes; null for other entries. */
static json_t *root_of(const struct payload_root *root)
{
    const struct payload_memory *memory = &root->memory;

    if (!root->mode)
        return json_null();
    return json_pack("{s:s, s:s, s:s?, s:s?, s:I, s:I, s:I, s:I}", "mode", root->mode, "sha256",
                     root->sha256, "argument", root->argument, "path", root->image_path, "image",
                     (json_int_t)memory->image, "unpacked", (json_int_t)memory->unpacked, "peak",
                     (json_int_t)memory->peak, "ram", (json_int_t)memory->ram);
}

static json_t *firmware_of(unsigned firmware)
{
    json_t *array = json_array();

    for (size_t i = 0; i < FIRMWARES; i++)
        if (firmware & firmwares[i].firmware)
            json_array_append_new(array, json_string(firmwares[i].word));
    return array;
}

static json_t *entries_of(const struct plan *plan)
{
    json_t *array = json_array();

    for (size_t i = 0; i < plan->entry_count; i++) {
        const struct plan_entry *entry = &plan->entries[i];

        json_array_append_new(
            array,
            json_pack("{s:s, s:o, s:b, s:s, s:o, s:o, s:o, s:o, s:o}", "name", entry->payload->name,
                      "title", text_or_null(entry->payload->title), "titled",
                      entry->payload->asked->title != NULL, "kernel", entry->kernel_path, "initrds",
                      texts_of(&entry->initrd_paths), "arguments", texts_of(&entry->payload->words),
                      "firmware", firmware_of(entry->payload->firmware), "uki",
                      text_or_null(entry->uki_path), "root", root_of(&entry->payload->root)));
    }
    return array;
}

static json_t *hosts_of(const struct plan *plan)
{
    json_t *array = json_array();

    for (size_t i = 0; i < plan->payload->host_count; i++) {
        const struct payload_host *host = &plan->payload->hosts[i];

        json_array_append_new(array, json_pack("{s:s, s:o, s:s, s:o, s:o}", "mac", host->asked->mac,
                                               "hostname", text_or_null(host->asked->hostname),
                                               "entry", plan->payload->entries[host->entry].name,
                                               "arguments", texts_of(&host->words), "files",
                                               text_or_null(host->archive_path)));
    }
    return array;
}

/* What the menu is made of, besides the entries. */
static json_t *menu_of(const struct plan *plan)
{
    const struct request *request = plan->request;

    return json_pack("{s:I, s:s, s:o, s:o, s:b, s:b, s:b, s:s}", "timeout",
                     (json_int_t)request->timeout, "default",
                     plan->entries[plan->default_entry].payload->name, "consoles",
                     texts_of(&request->consoles), "firmware", firmware_of(plan->loaders.firmware),
                     "uki", request->uki, "uki_boot", request->uki_boot, "signed",
                     request->sign_key != NULL, "marker", plan->marker);
}

/* Paths of the files that the user has put on the medium. */
static json_t *added_of(const struct plan *plan)
{
    json_t *array = json_array();

    for (size_t i = 0; i < plan->payload->added_count; i++)
        json_array_append_new(array, text_or_null(plan->payload->added[i].dest));
    return array;
}

void manifest_add_plan(json_t *document, const struct plan *plan, bool versions)
{
    json_object_set_new(document, "id", json_string(digest_hex(plan->id).text));
    json_object_set_new(document, "time", json_integer((json_int_t)plan->time));
    json_object_set_new(document, "label", text_or_null(plan->label));
    json_object_set_new(document, "menu", menu_of(plan));
    json_object_set_new(document, "entries", entries_of(plan));
    json_object_set_new(document, "added", added_of(plan));
    json_object_set_new(document, "loaders", loaders_of(plan, versions));
}

json_t *manifest_file(const char *path, uint64_t size, const uint8_t digest[DIGEST_LEN])
{
    return json_pack("{s:s, s:I, s:s}", "path", path, "size", (json_int_t)size, "sha256",
                     digest_hex(digest).text);
}

static json_t *files_of(const struct tree_list *files)
{
    json_t *array = json_array();

    for (size_t i = 0; i < files->count; i++)
        json_array_append_new(array, manifest_file(files->files[i].path, files->files[i].size,
                                                   files->files[i].digest));
    return array;
}

static int add_chunk(const char *chunk, size_t len, void *out)
{
    buf_add(out, chunk, len);
    return 0;
}

int manifest_print(struct buf *out, json_t *document)
{
    size_t start = out->len;
    int result = document ? json_dump_callback(document, add_chunk, out, JSON_INDENT(1)) : -1;
    struct content body;
    uint8_t sum[DIGEST_LEN];

    json_decref(document);
    if (result < 0)
        return msg_error("internal error: the manifest could not be made");
    out->len -= strlen("\n}");
    body = content_memory(out->data + start, out->len - start);
    digest_content(&body, 0, sum);
    buf_printf(out, MANIFEST_SUM "%s\"\n}\n", digest_hex(sum).text);
    return 0;
}

int manifest_print_tree(struct buf *out, const struct plan *plan, const struct tree_list *files)
{
    json_t *document = manifest_head("net");

    manifest_add_plan(document, plan, true);
    json_object_set_new(document, "url", json_string(plan->request->url));
    json_object_set_new(document, "hosts", hosts_of(plan));
    json_object_set_new(document, "files", files_of(files));
    return manifest_print(out, document);
}

void manifest_add(struct manifest *manifest, const struct plan *plan, const char *kind,
                  const char *path, uint64_t size, const uint8_t digest[DIGEST_LEN])
{
    if (!manifest->outputs)
        manifest->outputs = json_array();
    json_array_append_new(manifest->outputs,
                          json_pack("{s:s, s:o, s:I, s:s, s:s, s:o, s:o}", "medium", kind, "path",
                                    text_or_null(path), "size", (json_int_t)size, "sha256",
                                    digest_hex(digest).text, "id", digest_hex(plan->id).text,
                                    "entries", entries_of(plan), "loaders",
                                    loaders_of(plan, true)));
}

int manifest_print_all(struct buf *out, const struct manifest *manifest)
{
    json_t *document = manifest_head("all");

    json_object_set(document, "outputs", manifest->outputs);
    return manifest_print(out, document);
}

void manifest_free(struct manifest *manifest)
{
    json_decref(manifest->outputs);
    manifest->outputs = NULL;
}
