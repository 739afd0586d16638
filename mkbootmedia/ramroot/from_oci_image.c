/*
 * from_oci_image: chooses the image for linux/amd64 and lists its layers. JSON that somebody else
 * wrote is read here, so each field is asked for by its type and each document by its digest.
 */
#include "ramroot/from_oci.h"

#include "base/digest.h"
#include "base/msg.h"
#include "base/strings.h"
#include "base/util.h"

#include <jansson.h>

#include <stdlib.h>
#include <string.h>

#define JSON_LEN_MAX  (16 * MIB)
#define DOCUMENTS_MAX 256
#define DEPTH_MAX     4 /* of indexes in indexes */
#define LAYERS_MAX    512
#define HEX_LEN       (2 * DIGEST_LEN)

/* Where the search for the image stands. */
struct choice {
    struct oci_files *files;
    struct oci_layers *layers;
    unsigned documents;     /* read so far */
    struct strings others;  /* platforms of images that are not wanted */
    struct strings names;   /* of images that are */
    struct strings digests; /* theirs */
};

static int complain(const struct oci_files *files, const char *path, const char *why)
{
    return msg_error("%s: reading the container image: %s: %s", files->subject, path, why);
}

static bool is_hex(const char *s)
{
    return strspn(s, "0123456789abcdef") == HEX_LEN;
}

char *oci_digest_of(const char *path)
{
    const char *name = strrchr(path, '/');

    name = name ? name + 1 : path;
    if (strncmp(name, "sha256:", 7) == 0)
        name += 7;
    if (!is_hex(name) || (name[HEX_LEN] && name[HEX_LEN] != '.'))
        return NULL;
    /* HEX.tar.gz is named by the digest of the bytes in it by some, of itself by others */
    if (name[HEX_LEN] && strcmp(name + HEX_LEN, ".json") != 0)
        return NULL;
    return xasprintf("%.*s", (int)HEX_LEN, name);
}

static int check_digest(const struct oci_files *files, const char *path,
                        const struct content *content)
{
    char *wanted = oci_digest_of(path);
    uint8_t digest[DIGEST_LEN];
    int result = wanted ? digest_content(content, 0, digest) : 0;

    if (wanted && result == 0 && strcmp(digest_hex(digest).text, wanted) != 0)
        result = complain(files, path, "its SHA-256 digest is another than its name says");
    free(wanted);
    return result;
}

static json_t *parse(const struct oci_files *files, const char *path, const struct content *content)
{
    char *text = xcalloc((size_t)content->len + 1, 1);
    json_t *json = NULL;
    json_error_t error;

    if (content_read(content, 0, text, (size_t)content->len) == 0) {
        json = json_loadb(text, (size_t)content->len, JSON_REJECT_DUPLICATES, &error);
        if (!json)
            msg_error("%s: reading the container image: %s: line %d: %s", files->subject, path,
                      error.line, error.text);
    }
    free(text);
    return json;
}

/* The document of that path; NULL, reported. */
static json_t *load(struct choice *choice, const char *path)
{
    struct content content;
    int found = oci_files_find(choice->files, path, &content);

    if (found == 0)
        complain(choice->files, path, "is not in it");
    if (found <= 0)
        return NULL;
    if (content.len > JSON_LEN_MAX) {
        complain(choice->files, path, "is larger than 16 MiB");
        return NULL;
    }
    if (++choice->documents > DOCUMENTS_MAX) {
        complain(choice->files, path, "too many documents lead to others");
        return NULL;
    }
    if (check_digest(choice->files, path, &content) < 0)
        return NULL;
    return parse(choice->files, path, &content);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

/* The path of the blob that a descriptor names, malloc'ed; NULL, reported. from: who says so. */
static char *blob_path(struct choice *choice, const json_t *descriptor, const char *from)
{
    const char *digest = text_of(descriptor, "digest");

    if (strncmp(digest, "sha256:", 7) == 0 && is_hex(digest + 7) && !digest[7 + HEX_LEN])
        return xasprintf("blobs/sha256/%s", digest + 7);
    complain(choice->files, from, "names something by what is no SHA-256 digest");
    return NULL;
}

static int add_layer(struct choice *choice, const char *path)
{
    struct oci_layers *layers = choice->layers;
    struct content content;
    int found = oci_files_find(choice->files, path, &content);

    if (found == 0)
        return complain(choice->files, path, "is not in it");
    if (found < 0)
        return -1;
    if (layers->count >= LAYERS_MAX)
        return complain(choice->files, path, "there are more than 512 layers");
    layers->list = xgrow(layers->list, layers->count, sizeof *layers->list);
    layers->list[layers->count++] = (struct oci_layer){
        .name = xstrdup(path), .digest = oci_digest_of(path), .content = content};
    return 0;
}

/* 1: of linux/amd64; 0: it is not, and is remembered as what else there is. */
static int is_wanted(struct choice *choice, const json_t *platform)
{
    const char *os = text_of(platform, "os"), *arch = text_of(platform, "architecture");
    const char *variant = text_of(platform, "variant");

    if (strcmp(os, "linux") == 0 && strcmp(arch, "amd64") == 0)
        return 1;
    if (strcmp(os, "unknown") != 0) /* an attestation is no image */
        strings_printf(&choice->others, "%s/%s%s%s", *os ? os : "?", *arch ? arch : "?",
                       *variant ? "/" : "", variant);
    return 0;
}

static int config_is_wanted(struct choice *choice, const char *path)
{
    json_t *config = load(choice, path);
    int result = config ? is_wanted(choice, config) : -1;

    json_decref(config);
    return result;
}

static bool contains(const struct strings *strings, const char *s)
{
    for (size_t i = 0; i < strings->n; i++)
        if (strcmp(strings->v[i], s) == 0)
            return true;
    return false;
}

/* Notes an image, unless it is there under another name already. Its layers are the first's. */
static int choose(struct choice *choice, const char *path, const json_t *manifest, const char *name)
{
    const json_t *layers = json_object_get(manifest, "layers");
    int result = 0;

    if (!json_is_array(layers))
        return complain(choice->files, path, "lists no layers");
    if (contains(&choice->digests, path))
        return 1;
    strings_add(&choice->digests, path);
    strings_add(&choice->names, name);
    for (size_t i = 0; i < json_array_size(layers) && choice->digests.n == 1 && result == 0; i++) {
        char *layer = blob_path(choice, json_array_get(layers, i), path);

        result = layer ? add_layer(choice, layer) : -1;
        free(layer);
    }
    return result < 0 ? -1 : 1;
}

/* A manifest: 1 it has been chosen, 0 it is for another platform, -1. */
static int visit_manifest(struct choice *choice, const char *path, const json_t *manifest,
                          bool known, const char *name)
{
    int wanted = 1;

    if (!known) {
        char *config = blob_path(choice, json_object_get(manifest, "config"), path);

        wanted = config ? config_is_wanted(choice, config) : -1;
        free(config);
    }
    return wanted <= 0 ? wanted : choose(choice, path, manifest, name);
}

/* What people call the image of a descriptor. */
static const char *name_of(const json_t *descriptor, const char *otherwise)
{
    static const char *const keys[] = {"io.containerd.image.name",
                                       "org.opencontainers.image.ref.name"};
    const json_t *annotations = json_object_get(descriptor, "annotations");

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (*text_of(annotations, keys[i]))
            return text_of(annotations, keys[i]);
    return otherwise;
}

static int visit_index(struct choice *choice, const char *path, const json_t *index, unsigned depth,
                       const char *name);

/* 1: an image was chosen behind this descriptor; 0: none; -1. */
static int visit(struct choice *choice, const char *from, const json_t *descriptor, unsigned depth,
                 const char *name)
{
    const json_t *platform = json_object_get(descriptor, "platform");
    json_t *document;
    char *path;
    int result = -1;

    if (platform && !is_wanted(choice, platform))
        return 0;
    path = blob_path(choice, descriptor, from);
    if (!path)
        return -1;
    document = load(choice, path);
    name = name_of(descriptor, name ? name : text_of(descriptor, "digest"));
    if (document && json_object_get(document, "manifests"))
        result = visit_index(choice, path, document, depth + 1, name);
    else if (document)
        result = visit_manifest(choice, path, document, platform, name);
    json_decref(document);
    free(path);
    return result;
}

/* Of the images in an index in the index one is taken; those of index.json are all looked at. */
static int visit_index(struct choice *choice, const char *path, const json_t *index, unsigned depth,
                       const char *name)
{
    const json_t *manifests = json_object_get(index, "manifests");
    int found = 0;

    if (!json_is_array(manifests))
        return complain(choice->files, path, "lists no manifests");
    if (depth > DEPTH_MAX)
        return complain(choice->files, path, "too many indexes lead to others");
    for (size_t i = 0; i < json_array_size(manifests); i++) {
        int result = visit(choice, path, json_array_get(manifests, i), depth, name);

        if (result < 0)
            return -1;
        found |= result;
        if (found && depth)
            break;
    }
    return found;
}

static int visit_layout(struct choice *choice)
{
    json_t *index = load(choice, "index.json");
    int result = index ? visit_index(choice, "index.json", index, 0, NULL) : -1;

    json_decref(index);
    return result;
}

static int add_saved_layers(struct choice *choice, const json_t *image)
{
    const json_t *layers = json_object_get(image, "Layers");
    int result = 0;

    if (!json_is_array(layers))
        return complain(choice->files, "manifest.json", "lists no layers");
    for (size_t i = 0; i < json_array_size(layers) && result == 0; i++) {
        const char *path = json_string_value(json_array_get(layers, i));

        result = path ? add_layer(choice, path)
                      : complain(choice->files, "manifest.json", "has a layer without a name");
    }
    return result;
}

/* manifest.json of docker save: [{"Config": PATH, "RepoTags": [...], "Layers": [PATH...]}]. */
static int visit_saved(struct choice *choice)
{
    json_t *images = load(choice, "manifest.json");
    const char *config;
    int result = -1;

    if (images && json_array_size(images) == 1) {
        config = text_of(json_array_get(images, 0), "Config");
        result = config_is_wanted(choice, config);
        if (result > 0) {
            strings_add(&choice->names, config);
            result = add_saved_layers(choice, json_array_get(images, 0));
        }
    } else if (images && json_array_size(images) == 0) {
        complain(choice->files, "manifest.json", "lists no image");
    }
    for (size_t i = 0; images && json_array_size(images) > 1 && i < json_array_size(images); i++) {
        const json_t *image = json_array_get(images, i);
        const char *tag = json_string_value(json_array_get(json_object_get(image, "RepoTags"), 0));

        strings_add(&choice->names, tag ? tag : text_of(image, "Config"));
        result = 0;
    }
    json_decref(images);
    return result;
}

/* "a, b"; malloc'ed */
static char *enumerate(const struct strings *strings)
{
    struct buf text = {0};

    for (size_t i = 0; i < strings->n && i < 20; i++)
        buf_printf(&text, "%s%s", i ? ", " : "", strings->v[i]);
    if (strings->n > 20)
        buf_puts(&text, ", ...");
    return text.data;
}

/* Exactly one image must have been found. */
static int check_one(const struct choice *choice)
{
    const char *subject = choice->files->subject;
    char *names = enumerate(&choice->names), *others = enumerate(&choice->others);

    if (choice->names.n > 1)
        msg_error("%s: reading the container image: there are several in it (%s); one is needed",
                  subject, names);
    else if (choice->names.n == 0 && others)
        msg_error("%s: reading the container image: no image for linux/amd64 (it has %s)", subject,
                  others);
    else if (choice->names.n == 0)
        msg_error("%s: reading the container image: no image in it", subject);
    free(names);
    free(others);
    return choice->names.n == 1 ? 0 : -1;
}

int oci_layers_find(struct oci_layers *layers, struct oci_files *files)
{
    struct choice choice = {.files = files, .layers = layers};
    struct content content;
    int found = files->is_folder ? 1 : oci_files_find(files, "index.json", &content);

    *layers = (struct oci_layers){0};
    if (found >= 0)
        found = found ? visit_layout(&choice) : visit_saved(&choice);
    if (found >= 0)
        found = check_one(&choice);
    strings_free(&choice.others);
    strings_free(&choice.names);
    strings_free(&choice.digests);
    return found;
}

void oci_layers_free(struct oci_layers *layers)
{
    for (size_t i = 0; i < layers->count; i++) {
        free(layers->list[i].name);
        free(layers->list[i].digest);
    }
    free(layers->list);
    *layers = (struct oci_layers){0};
}
