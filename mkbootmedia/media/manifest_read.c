/* manifest_read: jansson's values -> structs; nothing in them is believed. */
#include "media/manifest_read.h"

#include "base/msg.h"
#include "base/source.h"
#include "media/manifest.h"

#include <jansson.h>
#include <stdlib.h>

#define PARTITIONS_MAX 128 /* as many as a GPT of ours has room for */

/* Where the text that its sum is over ends; false: it is not as we write it. */
static bool find_sum(const struct buf *text, size_t *body, uint8_t sum[DIGEST_LEN])
{
    static const char end[] = "\"\n}";
    const size_t tail = strlen(MANIFEST_SUM) + 2 * DIGEST_LEN + strlen(end);
    char hex[2 * DIGEST_LEN + 1] = "";
    size_t len = text->len;

    while (len && text->data[len - 1] == '\n')
        len--;
    if (len < tail)
        return false;
    *body = len - tail;
    memcpy(hex, text->data + *body + strlen(MANIFEST_SUM), 2 * DIGEST_LEN);
    return memcmp(text->data + *body, MANIFEST_SUM, strlen(MANIFEST_SUM)) == 0 &&
           memcmp(text->data + len - strlen(end), end, strlen(end)) == 0 &&
           digest_from_hex(sum, hex);
}

static const char *check_sum(const struct buf *text)
{
    uint8_t said[DIGEST_LEN], sum[DIGEST_LEN];
    struct content content;
    size_t body;

    if (!find_sum(text, &body, said))
        return "does not end with its sum, as a manifest does";
    content = content_memory(text->data, body);
    digest_content(&content, 0, sum);
    return memcmp(said, sum, sizeof sum) == 0 ? NULL : "is damaged: its own sum is wrong";
}

static bool get_number(const json_t *value, uint64_t *number)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *number = (uint64_t)json_integer_value(value);
    return true;
}

static char *get_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? xstrdup(text) : NULL;
}

/* Is it a path below a folder, with nothing in it that leads out of it? */
static bool is_path(const char *path)
{
    for (const char *part = path;;) {
        size_t len = strcspn(part, "/");

        if (len == 0 || (len == 1 && part[0] == '.') || (len == 2 && memcmp(part, "..", 2) == 0))
            return false;
        if (!part[len])
            return true;
        part += len + 1;
    }
}

/* The manifest cannot have its own digest, nor that of the signature over it. */
static bool is_own(const char *path)
{
    return strcmp(path, MANIFEST_PATH) == 0 || strcmp(path, MANIFEST_SIGNATURE) == 0;
}

/* Can there be such a piece? Every byte of an image has a place, and is looked at. */
static bool is_possible(const struct manifest_doc *doc, const struct manifest_piece *piece,
                        const char *path)
{
    bool region = piece->kind == MANIFEST_REGION;

    if (piece->placed && (piece->offset > doc->size || piece->len > doc->size - piece->offset))
        return false;
    if ((doc->size && piece->len && !piece->placed) || (!region && !is_path(path)))
        return false;
    return piece->summed || (doc->size && !region && is_own(path));
}

static bool add_piece(struct manifest_doc *doc, const json_t *row, enum manifest_kind kind)
{
    bool region = kind == MANIFEST_REGION;
    const char *path = json_string_value(json_object_get(row, region ? "what" : "path"));
    const char *sum = json_string_value(json_object_get(row, "sha256"));
    struct manifest_piece piece = {.kind = kind};

    if (!path || !get_number(json_object_get(row, "size"), &piece.len))
        return false;
    piece.placed = get_number(json_object_get(row, region ? "offset" : "place"), &piece.offset);
    piece.summed = sum && digest_from_hex(piece.digest, sum);
    if ((sum && !piece.summed) || !is_possible(doc, &piece, path))
        return false;
    piece.path = xstrdup(path);
    doc->pieces = xgrow(doc->pieces, doc->count, sizeof *doc->pieces);
    doc->pieces[doc->count++] = piece;
    return true;
}

static bool add_pieces(struct manifest_doc *doc, const char *key, enum manifest_kind kind)
{
    const json_t *array = json_object_get(doc->json, key);

    for (size_t i = 0; i < json_array_size(array); i++)
        if (!add_piece(doc, json_array_get(array, i), kind))
            return false;
    return true;
}

/* Those of a run that made several; it has no files of its own. */
static bool add_outputs(struct manifest_doc *doc)
{
    const json_t *array = json_object_get(doc->json, "outputs");

    if (doc->size)
        return false;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *row = json_array_get(array, i);
        const char *medium = json_string_value(json_object_get(row, "medium"));

        if (!medium ||
            !add_piece(doc, row, strcmp(medium, "net") == 0 ? MANIFEST_TREE : MANIFEST_FILE))
            return false;
    }
    return true;
}

/* Pairs of offset and length, sorted; they do not overlap. */
static bool read_ranges(const struct manifest_doc *doc, const char *key, struct image_range **out,
                        size_t *count)
{
    const json_t *array = json_object_get(doc->json, key);
    uint64_t end = 0;

    *out = xcalloc(json_array_size(array) + 1, sizeof **out);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *row = json_array_get(array, i);
        struct image_range *range = &(*out)[(*count)++];

        if (!get_number(json_array_get(row, 0), &range->offset) ||
            !get_number(json_array_get(row, 1), &range->len) || range->offset < end ||
            range->offset > doc->size || range->len > doc->size - range->offset)
            return false;
        end = range->offset + range->len;
    }
    return true;
}

static bool add_partition(struct manifest_doc *doc, const json_t *row)
{
    struct parttab_list *table = &doc->table;
    struct partition p = {.name = get_text(row, "name"),
                          .type = get_text(row, "type"),
                          .guid = get_text(row, "guid"),
                          .attrs = get_text(row, "attributes"),
                          .data = json_is_true(json_object_get(row, "data"))};
    uint64_t number = 0;
    bool good = get_number(json_object_get(row, "offset"), &p.offset) &&
                get_number(json_object_get(row, "size"), &p.size) &&
                get_number(json_object_get(row, "number"), &number);

    p.number = (unsigned)number;
    table->partitions = xgrow(table->partitions, table->count, sizeof p);
    table->partitions[table->count++] = p;
    return good && number && number <= PARTITIONS_MAX && p.name && p.type && p.guid &&
           p.offset % SECTOR == 0 && p.size % SECTOR == 0 && p.size && p.offset <= doc->size &&
           p.size <= doc->size - p.offset;
}

static bool read_table(struct manifest_doc *doc)
{
    const json_t *array = json_object_get(doc->json, "partitions");

    if (json_array_size(array) > PARTITIONS_MAX)
        return false;
    doc->table.disk_guid = get_text(doc->json, "disk_guid");
    for (size_t i = 0; i < json_array_size(array); i++)
        if (!add_partition(doc, json_array_get(array, i)))
            return false;
    return !doc->table.count || doc->table.disk_guid;
}

static int by_offset(const void *a, const void *b)
{
    const struct manifest_piece *x = a, *y = b;

    if (x->placed != y->placed)
        return x->placed - y->placed;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static bool pieces_overlap(const struct manifest_doc *doc)
{
    uint64_t end = 0;

    for (size_t i = 0; i < doc->count; i++) {
        if (doc->pieces[i].placed && doc->pieces[i].offset < end)
            return true;
        if (doc->pieces[i].placed)
            end = doc->pieces[i].offset + doc->pieces[i].len;
    }
    return false;
}

static int by_path(const void *a, const void *b)
{
    return strcmp((*(const struct manifest_piece *const *)a)->path,
                  (*(const struct manifest_piece *const *)b)->path);
}

static void sort(struct manifest_doc *doc)
{
    if (!doc->count)
        return;
    qsort(doc->pieces, doc->count, sizeof *doc->pieces, by_offset);
    doc->by_path = xcalloc(doc->count, sizeof *doc->by_path);
    for (size_t i = 0; i < doc->count; i++)
        if (doc->pieces[i].kind != MANIFEST_REGION)
            doc->by_path[doc->path_count++] = &doc->pieces[i];
    qsort(doc->by_path, doc->path_count, sizeof *doc->by_path, by_path);
}

static bool read_pieces(struct manifest_doc *doc)
{
    if (strcmp(doc->medium, "all") == 0)
        return add_outputs(doc);
    return add_pieces(doc, "files", MANIFEST_FILE) && add_pieces(doc, "regions", MANIFEST_REGION);
}

static const char *read_document(struct manifest_doc *doc)
{
    const char *generator = json_string_value(json_object_get(doc->json, "generator"));
    const json_t *size = json_object_get(doc->json, "size");

    if (!generator || strcmp(generator, "mkbootmedia") != 0)
        return "is no manifest of mkbootmedia";
    if (json_integer_value(json_object_get(doc->json, "format")) != MANIFEST_FORMAT)
        return "has a format that this version does not know";
    doc->medium = get_text(doc->json, "medium");
    doc->version = get_text(doc->json, "version");
    doc->id = get_text(doc->json, "id");
    doc->signed_by = get_text(doc->json, "signed_by");
    if (!doc->medium || (size && (!get_number(size, &doc->size) || !doc->size)) ||
        doc->size % SECTOR || !read_pieces(doc) ||
        !read_ranges(doc, "changing", &doc->changing, &doc->changing_count) ||
        !read_ranges(doc, "spare", &doc->spare, &doc->spare_count) || !read_table(doc))
        return "says something impossible";
    sort(doc);
    return pieces_overlap(doc) ? "says something impossible" : NULL;
}

int manifest_parse(struct manifest_doc *doc, const char *name, struct buf text, const char **why)
{
    *doc = (struct manifest_doc){.name = xstrdup(name), .text = text};
    *why = check_sum(&text);
    if (!*why) {
        doc->json = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
        *why = doc->json ? read_document(doc) : "is no JSON";
    }
    return !*why;
}

int manifest_load(struct manifest_doc *doc, const char *name, const struct content *content,
                  const char **why)
{
    struct buf text = {0};

    *doc = (struct manifest_doc){0};
    *why = "is too large for a manifest";
    if (content->len > MANIFEST_MAX)
        return 0;
    text.data = xcalloc((size_t)content->len + 1, 1);
    text.len = (size_t)content->len;
    if (content_read(content, 0, text.data, text.len) < 0) {
        buf_free(&text);
        return -1;
    }
    return manifest_parse(doc, name, text, why);
}

int manifest_read(struct manifest_doc *doc, const char *path)
{
    struct source source;
    struct content content;
    const char *why;
    int result;

    *doc = (struct manifest_doc){0};
    if (source_open(&source, path) < 0)
        return -1;
    content = source_content(&source);
    result = manifest_load(doc, path, &content, &why);
    source_close(&source);
    if (result == 0)
        msg_error("%s: reading: %s", path, why);
    return result == 1 ? 0 : -1;
}

const struct manifest_piece *manifest_piece(const struct manifest_doc *doc, const char *path)
{
    const struct manifest_piece key = {.path = (char *)path}, *wanted = &key;
    const struct manifest_piece *const *found =
        doc->path_count
            ? bsearch(&wanted, doc->by_path, doc->path_count, sizeof *doc->by_path, by_path)
            : NULL;

    return found ? *found : NULL;
}

void manifest_doc_free(struct manifest_doc *doc)
{
    for (size_t i = 0; i < doc->count; i++)
        free(doc->pieces[i].path);
    free(doc->pieces);
    free(doc->by_path);
    free(doc->changing);
    free(doc->spare);
    parttab_list_free(&doc->table);
    free(doc->name);
    free(doc->medium);
    free(doc->version);
    free(doc->id);
    free(doc->signed_by);
    buf_free(&doc->text);
    json_decref(doc->json);
    *doc = (struct manifest_doc){0};
}
