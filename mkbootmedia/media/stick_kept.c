/* stick_kept: what an update leaves as it is: settings, entries, files of the user's. */
#include "media/stick.h"

#include "base/msg.h"
#include "base/run.h"
#include "boot/quote.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#define DEPTH_MAX 32 /* folders in folders */

static const json_t *menu_of(const struct stick *stick)
{
    return json_object_get(stick->manifest.json, "menu");
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static bool is_set(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

/* Firmware words, ored. */
static unsigned firmware_of(const json_t *array)
{
    unsigned firmware = 0;
    json_t *word;
    size_t i;

    json_array_foreach(array, i,
                       word) for (size_t k = 0; k < FIRMWARES;
                                  k++) if (json_is_string(word) &&
                                           strcmp(json_string_value(word), firmwares[k].word) == 0)
        firmware |= firmwares[k].firmware;
    return firmware;
}

/* Words that are made anew: of consoles, and of a root that runs from RAM. */
static bool is_made(const struct stick *stick, const json_t *entry, const char *word)
{
    const char *argument = text_of(json_object_get(entry, "root"), "argument");
    json_t *console;
    size_t i;

    if (strcmp(word, argument) == 0)
        return true;
    json_array_foreach(json_object_get(menu_of(stick), "consoles"), i,
                       console) if (json_is_string(console) && strncmp(word, "console=", 8) == 0 &&
                                    strcmp(word + 8, json_string_value(console)) == 0) return true;
    return false;
}

static char *cmdline_of(const struct stick *stick, const json_t *entry)
{
    struct buf line = {0};
    json_t *word;
    size_t i;

    buf_puts(&line, "");
    json_array_foreach(json_object_get(entry, "arguments"), i, word)
    {
        if (!json_is_string(word) || is_made(stick, entry, json_string_value(word)))
            continue;
        buf_puts(&line, line.len ? " " : "");
        quote_kernel_word(&line, json_string_value(word));
    }
    return line.data;
}

static void replace(char **text, char **with)
{
    if (!*with)
        return;
    free(*text);
    *text = *with;
    *with = NULL;
}

/* What the command line says goes to the entry that the stick starts by itself. */
static void apply(struct request_entry *entry, struct request_entry *asked)
{
    replace(&entry->kernel, &asked->kernel);
    replace(&entry->cmdline, &asked->cmdline);
    replace(&entry->title, &asked->title);
    strings_free(&entry->initrds);
    entry->initrds = asked->initrds;
    asked->initrds = (struct strings){0};
    entry->root = asked->root;
    asked->root = (struct request_root){0};
}

static void add_entries(const struct stick *stick, struct request *request)
{
    const char *first = text_of(menu_of(stick), "default");
    struct request_entry *asked = request->entries;
    json_t *row;
    size_t i;

    request->entries = NULL;
    request->entry_count = 0;
    free(request->default_entry);
    request->default_entry = xstrdup(first);
    json_array_foreach(json_object_get(stick->manifest.json, "entries"), i, row)
    {
        struct request_entry *entry = request_add_entry(request, text_of(row, "name"));

        entry->cmdline = cmdline_of(stick, row);
        entry->title = is_set(row, "titled") ? xstrdup(text_of(row, "title")) : NULL;
        entry->firmware = firmware_of(json_object_get(row, "firmware"));
        if (strcmp(entry->name, first) == 0)
            apply(entry, asked);
    }
    request_entry_free(asked);
    free(asked);
}

static void fill_menu(const struct stick *stick, struct request *request,
                      const struct stick_given *given)
{
    const json_t *menu = menu_of(stick);
    json_t *console;
    size_t i;

    if (!given->timeout)
        request->timeout = (long)json_integer_value(json_object_get(menu, "timeout"));
    if (!request->consoles.n)
        json_array_foreach(json_object_get(menu, "consoles"), i, console)
            strings_add(&request->consoles, json_string_value(console));
    if (!request->firmware)
        request->firmware = firmware_of(json_object_get(menu, "firmware"));
    request->uki = request->uki || is_set(menu, "uki");
    request->uki_boot = request->uki_boot || is_set(menu, "uki_boot");
}

int stick_request(const struct stick *stick, struct request *request,
                  const struct stick_given *given)
{
    const char *marker = text_of(menu_of(stick), "marker");

    if (is_set(menu_of(stick), "signed") && !request->sign_key)
        return msg_error("%s: updating: its manifest is signed: --sign-key and --sign-cert are "
                         "missing",
                         stick->path);
    if (!request->label)
        request->label = xstrdup(text_of(stick->manifest.json, "label"));
    if (*marker)
        request->marker = xstrdup(marker);
    if (given->spec)
        return 0;
    if (!json_array_size(json_object_get(stick->manifest.json, "entries")))
        return msg_error("%s: updating: its manifest names no entries", stick->path);
    fill_menu(stick, request, given);
    add_entries(stick, request);
    return 0;
}

/* A run of bytes of the disk as a source of its own. */
static int take(const struct stick *stick, const char *path, uint64_t offset, uint64_t len,
                struct source *source)
{
    char *name = xasprintf("%s:/%s", stick->path, path);
    int fd = fcntl(stick->disk.fd, F_DUPFD_CLOEXEC, 0);
    int result = fd < 0 ? msg_errno(name, "opening") : source_take(source, name, fd, offset, len);

    source->mtime = (time_t)json_integer_value(json_object_get(stick->manifest.json, "time"));
    free(name);
    return result;
}

static int take_file(const struct stick *stick, const char *path, struct source *source)
{
    const struct manifest_piece *piece = manifest_piece(&stick->manifest, path);

    if (!piece)
        return msg_error("%s: updating: its manifest does not say where %s is", stick->path, path);
    return take(stick, path, piece->offset, piece->len, source);
}

static int take_initrds(const struct stick *stick, const json_t *entry, struct payload_root *root)
{
    const json_t *paths = json_object_get(entry, "initrds");
    json_t *path;
    size_t i;

    root->initrds = xcalloc(json_array_size(paths) + 1, sizeof *root->initrds);
    json_array_foreach(paths, i, path)
    {
        if (!json_is_string(path) ||
            take_file(stick, json_string_value(path), &root->initrds[root->initrd_count]) < 0)
            return -1;
        root->initrd_count++;
    }
    return 0;
}

static uint64_t number_of(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

/* What the first stage of a RAM root gets, and what it needs of memory. */
static int take_root(const struct stick *stick, const json_t *entry, struct payload_root *root)
{
    const json_t *row = json_object_get(entry, "root");
    const char *path = text_of(row, "path");

    if (!json_is_object(row))
        return 0;
    root->mode = json_string_value(json_object_get(row, "mode"));
    root->argument = json_string_value(json_object_get(row, "argument"));
    strncpy(root->sha256, text_of(row, "sha256"), sizeof root->sha256 - 1);
    root->memory = (struct payload_memory){number_of(row, "image"), number_of(row, "unpacked"),
                                           number_of(row, "peak"), number_of(row, "ram")};
    if (!*path)
        return 0;
    root->image_path = xstrdup(path);
    return take_file(stick, path, &root->image);
}

static int keep_entry(const struct stick *stick, const json_t *row,
                      const struct request_entry *entry, struct payload_root *root)
{
    if (entry->root.path)
        return 0;
    if ((entry->kernel || entry->initrds.n) && json_is_object(json_object_get(row, "root")))
        return msg_error("%s: updating: entry %s runs a root from RAM, which fits its own kernel "
                         "only: --root is missing",
                         stick->path, entry->name);
    if (!entry->kernel && take_file(stick, text_of(row, "kernel"), &root->kernel) < 0)
        return -1;
    if (entry->initrds.n)
        return 0;
    return take_initrds(stick, row, root) < 0 ? -1 : take_root(stick, row, root);
}

int stick_roots(const struct stick *stick, const struct request *request,
                struct payload_root *roots)
{
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(stick->manifest.json, "entries"), i,
                       row) if (i >= request->entry_count ||
                                keep_entry(stick, row, &request->entries[i], &roots[i]) <
                                    0) return -1;
    return 0;
}

static bool has(const struct payload *payload, const char *path)
{
    for (size_t i = 0; i < payload->added_count; i++)
        if (strcasecmp(payload->added[i].dest, path) == 0)
            return true;
    return false;
}

/* A file in pieces goes into memory. */
static int take_pieces(const char *path, const struct file *file, struct source *source)
{
    int fd = run_memfd(path);

    if (fd < 0)
        return -1;
    if (content_write(&file->content, fd, path, 0) < 0) {
        close(fd);
        return -1;
    }
    return source_take(source, path, fd, 0, file->content.len);
}

static int keep_file(const struct stick *stick, struct payload *payload, const struct entry *entry,
                     const char *path)
{
    struct file file;
    struct source source = {.fd = -1};
    int result = volume_file(&stick->volume, entry, &file);

    if (result == 0)
        result =
            msg_error("%s: updating: %s, which was added to it, cannot be read", stick->path, path);
    else if (result == 1 && file.content.fd >= 0)
        result = take(stick, path, file.content.offset, file.content.len, &source);
    else if (result == 1)
        result = take_pieces(path, &file, &source);
    if (result == 0)
        payload_add(payload, path, &source);
    file_free(&file);
    return result;
}

/* What somebody has put on the stick since it was made. */
static int keep_foreign(const struct stick *stick, struct payload *payload,
                        const struct entry *folder, const char *path, int depth)
{
    struct folder list = {0};
    int result = volume_list(&stick->volume, folder, &list);

    for (size_t i = 0; i < list.count && result == 0; i++) {
        const struct entry *entry = &list.list[i];
        char *name = xasprintf("%s%s%s", path, *path ? "/" : "", entry->name);

        if (entry->folder && depth < DEPTH_MAX)
            result = keep_foreign(stick, payload, entry, name, depth + 1);
        else if (!entry->folder && !manifest_piece(&stick->manifest, name) && !has(payload, name))
            result = keep_file(stick, payload, entry, name);
        free(name);
    }
    folder_free(&list);
    return result;
}

int stick_added(const struct stick *stick, struct payload *payload)
{
    json_t *path;
    size_t i;

    json_array_foreach(json_object_get(stick->manifest.json, "added"), i, path)
    {
        struct source source;

        if (!json_is_string(path) || has(payload, json_string_value(path)))
            continue;
        if (take_file(stick, json_string_value(path), &source) < 0)
            return -1;
        payload_add(payload, json_string_value(path), &source);
    }
    return keep_foreign(stick, payload, NULL, "", 0);
}
