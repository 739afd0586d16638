/* manifest_image: how much room it needs, digests of files and regions, the text. */
#include "media/manifest_image.h"

#include "base/msg.h"
#include "base/sign_cms.h"
#include "base/util.h"
#include "media/manifest_private.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK        (128 * KIB)
#define CACHED_MIN   (256 * KIB) /* bytes: smaller files are read each time */
#define CACHE_OTHERS 1000        /* lines of other runs that are kept */
/* More bytes of text than any of these will have, with blanks and line ends. */
#define VERSION_ROOM 100
#define SBAT_ROOM    1000
#define ROW_ROOM     250
#define RANGE_ROOM   60
#define ROWS_MAX     64 /* regions, spare regions and partitions */

static json_t *range(uint64_t offset, uint64_t len)
{
    return json_pack("[I, I]", (json_int_t)offset, (json_int_t)len);
}

/* summed: its digest is known; the manifest does not have its own. */
static json_t *file_row(const struct item *item, bool summed)
{
    json_t *row = manifest_file(item->path, item->content.len, item->digest);

    if (!summed)
        json_object_set_new(row, "sha256", json_null());
    json_object_set_new(row, "place",
                        item->content.len ? json_integer((json_int_t)item->place) : json_null());
    return row;
}

static bool is_folder(const struct item *item)
{
    return item->path[strlen(item->path) - 1] == '/';
}

static json_t *files_of(const struct plan *plan, const struct item *made)
{
    json_t *array = json_array();

    for (size_t i = 0; i < plan->item_count; i++)
        if (!is_folder(&plan->items[i]))
            json_array_append_new(array, file_row(&plan->items[i], plan->items[i].hashed));
    if (made)
        json_array_append_new(array, file_row(made, made->hashed));
    return array;
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

    return (x > y) - (x < y);
}

/* The paths of all files, sorted by where the texts are: regions of files are named by them. */
static const char **names_of(const struct plan *plan, const struct medium *medium, size_t *count)
{
    const char **names = xcalloc(plan->item_count + 1, sizeof *names);

    *count = 0;
    for (size_t i = 0; i < plan->item_count; i++)
        names[(*count)++] = plan->items[i].path;
    if (medium->made)
        names[(*count)++] = medium->made->path;
    qsort(names, *count, sizeof *names, by_address);
    return names;
}

static int digest_region(const struct image *image, const struct region *region,
                         uint8_t out[DIGEST_LEN])
{
    char *chunk = xrealloc(NULL, CHUNK);
    struct digest digest;
    int result = 0;

    digest_init(&digest);
    for (uint64_t at = 0; at < region->len && result == 0; at += CHUNK) {
        size_t n = region->len - at < CHUNK ? (size_t)(region->len - at) : CHUNK;

        result = content_read(&region->content, at, chunk, n);
        image_ranges_clear(image->changing, image->changing_count, region->offset + at, chunk, n);
        digest_add(&digest, chunk, n);
    }
    digest_final(&digest, out);
    free(chunk);
    return result;
}

/* The user's partition that a place is in, or NULL. */
static const struct partition *data_at(const struct medium *medium, uint64_t offset)
{
    for (size_t i = 0; i < medium->partition_count; i++) {
        const struct partition *p = &medium->partitions[i];

        if (p->data && offset >= p->offset && offset - p->offset < p->size)
            return p;
    }
    return NULL;
}

/* What is the user's counts as spare. Ranges come in order; *end is where the last one ends. */
static void add_spare(json_t *spare, const struct medium *medium, const struct region *region,
                      uint64_t *end)
{
    const struct partition *data = data_at(medium, region->offset);
    uint64_t last = region->offset + region->len, start = region->offset;

    if (data && data->offset + data->size > last)
        last = data->offset + data->size;
    if (start < *end)
        start = *end;
    if (start >= last)
        return;
    json_array_append_new(spare, range(start, last - start));
    *end = last;
}

/* Regions that are no files, and spare ones; -1, reported. */
static int add_regions(json_t *document, const struct plan *plan, const struct medium *medium)
{
    json_t *regions = json_array(), *spare = json_array();
    const struct image *image = &medium->image;
    uint8_t digest[DIGEST_LEN];
    uint64_t end = 0;
    size_t count;
    const char **names = names_of(plan, medium, &count);
    int result = 0;

    for (size_t i = 0; i < image->count && result == 0; i++) {
        const struct region *region = &image->regions[i];

        if (region->spare || data_at(medium, region->offset)) {
            add_spare(spare, medium, region, &end);
            continue;
        }
        if (region->zero || bsearch(&region->what, names, count, sizeof *names, by_address))
            continue;
        result = digest_region(image, region, digest);
        json_array_append_new(regions,
                              json_pack("{s:s, s:I, s:I, s:s}", "what", region->what, "offset",
                                        (json_int_t)region->offset, "size", (json_int_t)region->len,
                                        "sha256", digest_hex(digest).text));
    }
    json_object_set_new(document, "regions", regions);
    json_object_set_new(document, "spare", spare);
    free(names);
    return result;
}

static void add_layout(json_t *document, const struct medium *medium)
{
    json_t *partitions = json_array(), *changing = json_array();

    for (size_t i = 0; i < medium->partition_count; i++) {
        const struct partition *p = &medium->partitions[i];

        json_array_append_new(partitions,
                              json_pack("{s:i, s:s, s:s, s:s, s:s?, s:I, s:I, s:b}", "number",
                                        (int)(p->number ? p->number : i + 1), "name", p->name,
                                        "type", p->type, "guid", p->guid, "attributes", p->attrs,
                                        "offset", (json_int_t)p->offset, "size",
                                        (json_int_t)p->size, "data", p->data));
    }
    for (size_t i = 0; i < medium->image.changing_count; i++)
        json_array_append_new(
            changing, range(medium->image.changing[i].offset, medium->image.changing[i].len));
    json_object_set_new(document, "size", json_integer((json_int_t)medium->size));
    json_object_set_new(document, "disk_guid", json_string(medium->disk_guid.text));
    json_object_set_new(document, "partitions", partitions);
    json_object_set_new(document, "changing", changing);
}

static json_t *head(const struct manifest_image *manifest, bool versions)
{
    const struct plan *plan = manifest->plan;
    json_t *document = manifest_head(plan->output == PLAN_ISO ? "iso" : "usb");
    struct sign_cms_signer signer;

    if (manifest->signature) {
        sign_cms_describe(&signer, &manifest->key);
        json_object_set_new(document, "signed_by",
                            json_string(digest_hex(signer.certificate).text));
        sign_cms_signer_free(&signer);
    }
    manifest_add_plan(document, plan, versions);
    return document;
}

/* Folders that the sorted paths imply. */
static size_t count_folders(const struct plan *plan)
{
    const char *last = "";
    size_t count = 0;

    for (size_t i = 0; i < plan->item_count; i++) {
        const char *path = plan->items[i].path;
        size_t same = 0;

        while (path[same] && path[same] == last[same])
            same++;
        for (const char *p = path + same; (p = strchr(p, '/')); p++)
            count++;
        last = path;
    }
    return count;
}

/* Files before there are digests, and places. */
static json_t *files_to_come(const struct plan *plan)
{
    json_t *array = json_array();

    for (size_t i = 0; i < plan->item_count; i++)
        json_array_append_new(array, file_row(&plan->items[i], true));
    return array;
}

/* How many bytes it will have at most. What is not known yet is as long as it can be. */
static int measure(const struct manifest_image *manifest, size_t *room)
{
    const struct plan *plan = manifest->plan;
    struct buf text = {0};
    json_t *document = head(manifest, false);
    /* an entry of a folder has a day of reading; folders have two more in themselves */
    size_t ranges = plan->item_count + 3 * count_folders(plan) + 16;

    json_object_set_new(document, "files", files_to_come(plan));
    if (manifest_print(&text, document) < 0)
        return -1;
    *room = text.len + plan->used_count * (VERSION_ROOM + SBAT_ROOM) + ROWS_MAX * ROW_ROOM +
            plan->item_count * sizeof "18446744073709551615" + ranges * RANGE_ROOM;
    *room = round_up(*room, 4 * KIB);
    buf_free(&text);
    return 0;
}

/* The signature's length is known only by making one. */
static int begin_signature(struct manifest_image *manifest)
{
    const struct request *request = manifest->plan->request;
    struct buf der = {0};
    int result = sign_key_open(&manifest->key, request->sign_key, request->sign_cert);

    if (result == 0)
        result = sign_cms(&manifest->key, "", 0, &der);
    manifest->signature_len = der.len;
    buf_free(&der);
    if (result == 0)
        manifest->signature =
            plan_add_late(manifest->plan, MANIFEST_SIGNATURE, manifest->signature_len);
    return manifest->signature ? 0 : -1;
}

/* The ctime of a file that is there by its name, all of it the content; false: there is none. */
static bool read_time(const struct item *item, struct timespec *changed)
{
    struct stat st;

    if (item->content.fd < 0 || fstat(item->content.fd, &st) < 0 || !st.st_nlink ||
        !S_ISREG(st.st_mode) || (uint64_t)st.st_size != item->content.len)
        return false;
    *changed = st.st_ctim;
    return true;
}

int manifest_image_begin(struct manifest_image *manifest, struct plan *plan)
{
    *manifest = (struct manifest_image){.plan = plan};
    for (size_t i = 0; i < plan->item_count; i++)
        read_time(&plan->items[i], &plan->items[i].changed);
    if (plan->request->sign_key && begin_signature(manifest) < 0)
        return -1;
    if (measure(manifest, &manifest->room) < 0)
        return -1;
    manifest->text = plan_add_late(plan, MANIFEST_PATH, manifest->room);
    return manifest->text ? 0 : -1;
}

/* "~/.cache/mkbootmedia/digests"; NULL: there is no such place. */
static char *cache_path(void)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char *folder, *path;

    if (cache && *cache == '/')
        folder = xasprintf("%s/mkbootmedia", cache);
    else if (home && *home == '/')
        folder = xasprintf("%s/.cache/mkbootmedia", home);
    else
        return NULL;
    path = xasprintf("%s/digests", folder);
    free(folder);
    return path;
}

/* Is it the whole of a file that another run will find again? */
static bool is_cached(const struct content *content)
{
    struct stat st;

    return content->fd >= 0 && content->len >= CACHED_MIN && content->offset == 0 &&
           fstat(content->fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink &&
           (uint64_t)st.st_size == content->len &&
           st.st_ctim.tv_nsec; /* else its clock is coarse */
}

static int hash(struct manifest_image *manifest, struct item *item)
{
    const struct content *content = &item->content;
    struct timespec changed; /* since the start, manifest_image_check tells */
    int result;

    if (is_cached(content))
        result = digest_cache_get(&manifest->cache,
                                  &(struct source){.path = (char *)content->path,
                                                   .fd = content->fd,
                                                   .size = content->len},
                                  0, item->digest, &changed);
    else
        result = digest_content(content, 0, item->digest);
    item->hashed = result == 0;
    return result;
}

static bool is_own(const struct manifest_image *manifest, const struct item *item)
{
    return item->content.data &&
           (item->content.data == manifest->text || item->content.data == manifest->signature);
}

/*
 * Beside all the rest: versions, for which another program is asked, and files. What is still being
 * made has room, and no content yet.
 */
static void *hash_files(void *arg)
{
    struct manifest_image *manifest = arg;
    struct plan *plan = manifest->plan;

    plan_prefetch_versions(plan);
    for (size_t i = 0; i < plan->item_count && !manifest->failed; i++)
        if (!plan->items[i].room && plan->items[i].content.fd >= 0)
            if (hash(manifest, &plan->items[i]) < 0)
                manifest->failed = true;
    return NULL;
}

void manifest_image_start(struct manifest_image *manifest)
{
    manifest->cache_path = cache_path();
    if (manifest->cache_path)
        digest_cache_read(&manifest->cache, manifest->cache_path);
    manifest->running = pthread_create(&manifest->thread, NULL, hash_files, manifest) == 0;
}

/* A cache that cannot be kept costs only time. */
static void save_cache(const struct manifest_image *manifest)
{
    char *draft =
        manifest->cache_path ? xasprintf("%s.%ld", manifest->cache_path, (long)getpid()) : NULL;
    struct buf text = {0};
    int fd;

    if (!draft || !manifest->cache.changed) {
        free(draft);
        return;
    }
    for (char *slash = draft; (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        mkdir(draft, 0700);
        *slash = '/';
    }
    digest_cache_print(&text, &manifest->cache, CACHE_OTHERS);
    fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0 && (write(fd, text.data, text.len) != (ssize_t)text.len ||
                    rename(draft, manifest->cache_path) < 0))
        unlink(draft);
    if (fd >= 0)
        close(fd);
    buf_free(&text);
    free(draft);
}

static void join(struct manifest_image *manifest)
{
    if (manifest->running)
        pthread_join(manifest->thread, NULL);
    manifest->running = false;
}

/* Those that the thread has left out. */
static int hash_rest(struct manifest_image *manifest, struct item *made)
{
    struct plan *plan = manifest->plan;

    for (size_t i = 0; i < plan->item_count; i++)
        if (!plan->items[i].hashed && !is_own(manifest, &plan->items[i]) &&
            hash(manifest, &plan->items[i]) < 0)
            return -1;
    return made ? hash(manifest, made) : 0;
}

static int put_text(struct manifest_image *manifest, const struct buf *text)
{
    struct buf der = {0};
    int result = 0;

    if (text->len > manifest->room)
        return msg_error("internal error: the manifest has %zu bytes, and room for %zu", text->len,
                         manifest->room);
    memset(manifest->text, '\n', manifest->room);
    memcpy(manifest->text, text->data, text->len);
    manifest->len = text->len;
    if (!manifest->signature)
        return 0;
    if (sign_cms(&manifest->key, manifest->text, manifest->room, &der) < 0)
        return -1;
    if (der.len == manifest->signature_len)
        memcpy(manifest->signature, der.data, der.len);
    else
        result = msg_error("internal error: the signature has %zu bytes, not %zu", der.len,
                           manifest->signature_len);
    buf_free(&der);
    return result;
}

int manifest_image_finish(struct manifest_image *manifest, const struct medium *medium)
{
    struct plan *plan = manifest->plan;
    struct buf text = {0};
    json_t *document;
    int result;

    join(manifest);
    if (manifest->failed || hash_rest(manifest, medium->made) < 0)
        return -1;
    document = head(manifest, true);
    add_layout(document, medium);
    json_object_set_new(document, "files", files_of(plan, medium->made));
    result = add_regions(document, plan, medium);
    if (result < 0)
        json_decref(document);
    else
        result = manifest_print(&text, document);
    if (result == 0)
        result = put_text(manifest, &text);
    buf_free(&text);
    save_cache(manifest);
    return result;
}

int manifest_image_check(const struct manifest_image *manifest)
{
    const struct plan *plan = manifest->plan;
    struct timespec now;

    for (size_t i = 0; i < plan->item_count; i++) {
        const struct item *item = &plan->items[i];

        if (item->changed.tv_sec && read_time(item, &now) &&
            (now.tv_sec != item->changed.tv_sec || now.tv_nsec != item->changed.tv_nsec))
            return msg_error("%s: reading: the file has changed meanwhile", item->content.path);
    }
    return 0;
}

void manifest_image_free(struct manifest_image *manifest)
{
    manifest->failed = true;
    join(manifest);
    sign_key_free(&manifest->key);
    digest_cache_free(&manifest->cache);
    free(manifest->cache_path);
    *manifest = (struct manifest_image){0};
}
