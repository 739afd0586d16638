/* manifest_read: jansson's values -> structs; nothing in them is believed. */
#include "media/manifest_read.h"

#include "base/msg.h"
#include "base/source.h"
#include "media/manifest.h"

#include <jansson.h>
#include <stdlib.h>

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

static bool add_piece(struct manifest_doc *doc, const json_t *row, bool file)
{
    const char *path = json_string_value(json_object_get(row, file ? "path" : "what"));
    const char *sum = json_string_value(json_object_get(row, "sha256"));
    struct manifest_piece piece = {.file = file};

    if (!path || !get_number(json_object_get(row, "size"), &piece.len))
        return false;
    piece.placed = get_number(json_object_get(row, file ? "place" : "offset"), &piece.offset);
    if (piece.placed && (piece.offset > doc->size || piece.len > doc->size - piece.offset))
        return false;
    piece.summed = sum && digest_from_hex(piece.digest, sum);
    if (sum && !piece.summed)
        return false;
    piece.path = xstrdup(path);
    doc->pieces = xgrow(doc->pieces, doc->count, sizeof *doc->pieces);
    doc->pieces[doc->count++] = piece;
    return true;
}

static bool add_pieces(struct manifest_doc *doc, const char *key, bool file)
{
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(doc->json, key), i,
                       row) if (!add_piece(doc, row, file)) return false;
    return true;
}

/* Pairs of offset and length, sorted; they do not overlap. */
static bool read_ranges(const struct manifest_doc *doc, const char *key, struct image_range **out,
                        size_t *count)
{
    const json_t *array = json_object_get(doc->json, key);
    json_t *row;
    uint64_t end = 0;
    size_t i;

    *out = xcalloc(json_array_size(array) + 1, sizeof **out);
    json_array_foreach(array, i, row)
    {
        struct image_range *range = &(*out)[(*count)++];

        if (!get_number(json_array_get(row, 0), &range->offset) ||
            !get_number(json_array_get(row, 1), &range->len) || range->offset < end ||
            range->offset > doc->size || range->len > doc->size - range->offset)
            return false;
        end = range->offset + range->len;
    }
    return true;
}

static bool read_table(struct manifest_doc *doc)
{
    struct parttab_list *table = &doc->table;
    json_t *row;
    size_t i;

    table->disk_guid = get_text(doc->json, "disk_guid");
    json_array_foreach(json_object_get(doc->json, "partitions"), i, row)
    {
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
        if (!good || !number || number > 128 || !p.name || !p.type || !p.guid ||
            p.offset % SECTOR || p.size % SECTOR || p.offset > doc->size ||
            p.size > doc->size - p.offset)
            return false;
    }
    return !table->count || table->disk_guid;
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

static const char *read_document(struct manifest_doc *doc)
{
    const char *generator = json_string_value(json_object_get(doc->json, "generator"));

    if (!generator || strcmp(generator, "mkbootmedia") != 0)
        return "is no manifest of mkbootmedia";
    if (json_integer_value(json_object_get(doc->json, "format")) != MANIFEST_FORMAT)
        return "has a format that this version does not know";
    doc->medium = get_text(doc->json, "medium");
    doc->version = get_text(doc->json, "version");
    doc->id = get_text(doc->json, "id");
    get_number(json_object_get(doc->json, "size"), &doc->size);
    if (!doc->medium || !add_pieces(doc, "files", true) || !add_pieces(doc, "regions", false) ||
        !read_ranges(doc, "changing", &doc->changing, &doc->changing_count) ||
        !read_ranges(doc, "spare", &doc->spare, &doc->spare_count) || !read_table(doc))
        return "says something impossible";
    if (doc->count)
        qsort(doc->pieces, doc->count, sizeof *doc->pieces, by_offset);
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

int manifest_read(struct manifest_doc *doc, const char *path)
{
    struct source source;
    struct content content;
    struct buf text = {0};
    const char *why = "is too large for a manifest";
    int result = 0;

    *doc = (struct manifest_doc){0};
    if (source_open(&source, path) < 0)
        return -1;
    content = source_content(&source);
    if (content.len <= MANIFEST_MAX) {
        text.data = xcalloc((size_t)content.len + 1, 1);
        text.len = (size_t)content.len;
        result = content_read(&content, 0, text.data, text.len);
        if (result == 0 && manifest_parse(doc, path, text, &why) != 1)
            result = msg_error("%s: reading: %s", path, why);
    } else {
        result = msg_error("%s: reading: %s", path, why);
    }
    source_close(&source);
    return result;
}

const struct manifest_piece *manifest_piece(const struct manifest_doc *doc, const char *path)
{
    for (size_t i = 0; i < doc->count; i++)
        if (doc->pieces[i].file && strcmp(doc->pieces[i].path, path) == 0)
            return &doc->pieces[i];
    return NULL;
}

void manifest_doc_free(struct manifest_doc *doc)
{
    for (size_t i = 0; i < doc->count; i++)
        free(doc->pieces[i].path);
    free(doc->pieces);
    free(doc->changing);
    free(doc->spare);
    parttab_list_free(&doc->table);
    free(doc->name);
    free(doc->medium);
    free(doc->version);
    free(doc->id);
    buf_free(&doc->text);
    json_decref(doc->json);
    *doc = (struct manifest_doc){0};
}
