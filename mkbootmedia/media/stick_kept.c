/*
 * stick_kept: the contents that an update leaves as they are: of entries, and the user's files.
 *
 * Kernels and initramfs files have to be as they were made, and that is found out when their
 * digests have been taken anyway (stick_check). The user's files may have become others.
 */
#include "media/stick_private.h"

#include "base/msg.h"
#include "base/run.h"
#include "boot/added.h"

#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#define DEPTH_MAX 32      /* folders in folders */
#define FILES_MAX 1000000 /* hostile folders are endless */

/* Something that stays cannot be had. */
static int refuse(const struct stick *stick, const char *path, const char *why)
{
    return msg_error("%s: updating: %s, which stays on it, %s", stick->path, path, why);
}

/* A run of bytes of the disk as a source of its own. Only what is in use is never written to. */
static int take_run(const struct stick *stick, const char *name, const struct content *run,
                    struct source *source)
{
    uint64_t start = run->offset - stick->esp->offset;
    int fd;

    if (run->offset < stick->esp->offset || start > stick->used || run->len > stick->used - start)
        return msg_error("%s: updating: the FAT is damaged", name);
    fd = fcntl(stick->disk.fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return msg_errno(name, "opening");
    return source_take(source, name, fd, run->offset, run->len);
}

/* A file in pieces goes into memory. */
static int take_pieces(const char *name, const struct content *content, struct source *source)
{
    int fd = run_memfd(name);

    if (fd < 0)
        return -1;
    if (content_write(content, fd, name, 0) < 0) {
        close(fd);
        return -1;
    }
    return source_take(source, name, fd, 0, content->len);
}

/* It counts as old as the stick. */
static time_t time_of(const struct stick *stick)
{
    return (time_t)json_integer_value(json_object_get(stick->manifest.json, "time"));
}

static int take(const struct stick *stick, const struct entry *entry, const char *path,
                struct source *source)
{
    char *name = xasprintf("%s:/%s", stick->path, path);
    struct file file;
    int result = volume_file(&stick->volume, entry, &file);

    if (result == 0 && entry->len > FILE_PIECES_MAX)
        result = refuse(stick, path, "is large and in pieces: copy it anew, or remove it");
    else if (result == 0)
        result = refuse(stick, path, "cannot be read: the FAT is damaged");
    else if (result == 1 && file.content.fd >= 0)
        result = take_run(stick, name, &file.content, source);
    else if (result == 1)
        result = take_pieces(name, &file.content, source);
    if (result == 0)
        source->mtime = time_of(stick);
    file_free(&file);
    free(name);
    return result;
}

/* A file of the manifest, which will be checked. */
static int take_made(struct stick *stick, const char *path, struct source *source)
{
    const struct manifest_piece *piece = manifest_piece(&stick->manifest, path);
    struct entry entry;
    int result;

    if (!piece || !piece->summed)
        return stick_refuse(stick, "the files of its entries");
    result = volume_find(&stick->volume, path, &entry);
    if (result < 0)
        return -1;
    if (result == 0 || entry.folder || entry.len == 0)
        result = refuse(stick, path, "is not there any more");
    else
        result = take(stick, &entry, path, source);
    free(entry.name);
    if (result < 0)
        return -1;
    stick->sums = xgrow(stick->sums, stick->sum_count, sizeof *stick->sums);
    stick->sums[stick->sum_count].name = xstrdup(source->path);
    memcpy(stick->sums[stick->sum_count++].digest, piece->digest, DIGEST_LEN);
    return 0;
}

static int take_initrds(struct stick *stick, const json_t *entry, struct payload_root *root)
{
    const json_t *paths = json_object_get(entry, "initrds");
    json_t *path;
    size_t i;

    root->initrds = xcalloc(json_array_size(paths) + 1, sizeof *root->initrds);
    json_array_foreach(paths, i, path)
    {
        const char *text = json_string_value(path);

        if (!text)
            return stick_refuse(stick, "the files of its entries");
        if (take_made(stick, text, &root->initrds[root->initrd_count]) < 0)
            return -1;
        root->initrd_count++;
    }
    return 0;
}

/* 0 too if there is none, or none that is possible. */
static uint64_t number_of(const json_t *object, const char *key)
{
    json_int_t number = json_integer_value(json_object_get(object, key));

    return number > 0 ? (uint64_t)number : 0;
}

/* A word of the kernel's command line, a mode, a digest, a path. */
static bool root_is_sane(const json_t *row)
{
    const char *argument = stick_text(row, "argument"), *mode = stick_text(row, "mode");
    const char *path = stick_text(row, "path");
    uint8_t digest[DIGEST_LEN];

    return !has_control(argument) && !strpbrk(argument, " \"") &&
           (strcmp(mode, "tmpfs") == 0 || strcmp(mode, "overlay") == 0) &&
           digest_from_hex(digest, stick_text(row, "sha256")) &&
           (!*path || !added_dest_check(path));
}

/* What the first stage of a RAM root gets, and what it needs of memory. */
static int take_root(struct stick *stick, const json_t *entry, struct payload_root *root)
{
    const json_t *row = json_object_get(entry, "root");
    const char *path = stick_text(row, "path");

    if (!json_is_object(row))
        return 0;
    if (!root_is_sane(row))
        return stick_refuse(stick, "a root that runs from RAM");
    root->mode = json_string_value(json_object_get(row, "mode"));
    root->argument = json_string_value(json_object_get(row, "argument"));
    memcpy(root->sha256, stick_text(row, "sha256"), sizeof root->sha256);
    root->memory = (struct payload_memory){number_of(row, "image"), number_of(row, "unpacked"),
                                           number_of(row, "peak"), number_of(row, "ram")};
    if (!*path)
        return 0;
    root->image_path = xstrdup(path);
    return take_made(stick, path, &root->image);
}

static int keep_entry(struct stick *stick, const json_t *row, const struct request_entry *entry,
                      struct payload_root *root)
{
    if (entry->root.path)
        return 0;
    if (entry->kernel && !entry->initrds.n && json_is_object(json_object_get(row, "root")))
        return msg_error("%s: updating: entry %s runs a root from RAM, which fits its own kernel "
                         "only: --root is missing",
                         stick->path, entry->name);
    if (!entry->kernel && take_made(stick, stick_text(row, "kernel"), &root->kernel) < 0)
        return -1;
    if (entry->initrds.n)
        return 0;
    return take_initrds(stick, row, root) < 0 ? -1 : take_root(stick, row, root);
}

int stick_roots(struct stick *stick, const struct request *request, struct payload_root *roots)
{
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(stick->manifest.json, "entries"), i, row)
    {
        if (i < request->entry_count && keep_entry(stick, row, &request->entries[i], &roots[i]) < 0)
            return -1;
    }
    return 0;
}

/* Paths without regard to case, sorted. */
struct paths {
    const char **list;
    size_t count;
};

static int by_path(const void *a, const void *b)
{
    return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

static void paths_add(struct paths *paths, const char *path)
{
    paths->list = xgrow(paths->list, paths->count, sizeof *paths->list);
    paths->list[paths->count++] = path;
}

static void paths_sort(struct paths *paths)
{
    if (paths->count)
        qsort(paths->list, paths->count, sizeof *paths->list, by_path);
}

static bool paths_have(const struct paths *paths, const char *path)
{
    return paths->count && bsearch(&path, paths->list, paths->count, sizeof *paths->list, by_path);
}

/* A walk over all that is on the stick. */
struct walk {
    const struct stick *stick;
    struct payload *payload;
    struct paths given; /* that the command line adds */
    struct paths made;  /* that are made anew, or left away */
    size_t seen;
};

/* Files of the manifest are ours but for those that the user had added. */
static void read_paths(struct walk *walk)
{
    const struct manifest_doc *manifest = &walk->stick->manifest;
    struct paths added = {0};
    json_t *path;
    size_t i;

    json_array_foreach(json_object_get(manifest->json, "added"), i, path)
    {
        if (json_is_string(path))
            paths_add(&added, json_string_value(path));
    }
    paths_sort(&added);
    for (i = 0; i < manifest->count; i++)
        if (manifest->pieces[i].kind == MANIFEST_FILE &&
            !paths_have(&added, manifest->pieces[i].path))
            paths_add(&walk->made, manifest->pieces[i].path);
    for (i = 0; i < walk->payload->added_count; i++)
        paths_add(&walk->given, walk->payload->added[i].dest);
    paths_sort(&walk->made);
    paths_sort(&walk->given);
    free(added.list);
}

static int keep_file(struct walk *walk, const struct entry *entry, const char *path)
{
    const char *why = added_dest_check(path);
    struct source source = {.fd = -1};

    if (paths_have(&walk->made, path) || paths_have(&walk->given, path))
        return 0;
    if (why)
        return msg_error("%s: updating: the path '%s' on it %s", walk->stick->path, path, why);
    if (take(walk->stick, entry, path, &source) < 0) {
        source_close(&source);
        return -1;
    }
    payload_add(walk->payload, path, &source);
    return 0;
}

static int keep_folder(struct walk *walk, const struct entry *folder, const char *path, int depth)
{
    struct folder list = {0};
    int result = volume_list(&walk->stick->volume, folder, &list);

    if (depth > DEPTH_MAX || list.count > FILES_MAX - walk->seen)
        result =
            msg_error("%s: updating: there are too many folders in folders", walk->stick->path);
    walk->seen += list.count;
    for (size_t i = 0; i < list.count && result == 0; i++) {
        const struct entry *entry = &list.list[i];
        char *name = xasprintf("%s%s%s", path, *path ? "/" : "", entry->name);

        result = entry->folder ? keep_folder(walk, entry, name, depth + 1)
                               : keep_file(walk, entry, name);
        free(name);
    }
    folder_free(&list);
    return result;
}

int stick_added(const struct stick *stick, struct payload *payload)
{
    struct walk walk = {.stick = stick, .payload = payload};
    int result;

    read_paths(&walk);
    result = keep_folder(&walk, NULL, "", 0);
    free(walk.made.list);
    free(walk.given.list);
    return result;
}

int stick_check(const struct stick *stick, const struct plan *plan)
{
    for (size_t i = 0; i < stick->sum_count; i++)
        for (size_t k = 0; k < plan->item_count; k++) {
            const struct item *item = &plan->items[k];

            if (item->content.path && strcmp(item->content.path, stick->sums[i].name) == 0 &&
                (!item->hashed ||
                 memcmp(item->digest, stick->sums[i].digest, sizeof item->digest) != 0))
                return msg_error("%s: updating: is not as it was made: give a new one, or write "
                                 "the stick anew",
                                 item->content.path);
        }
    return 0;
}
