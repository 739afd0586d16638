/*
 * inspect_manifest: what the manifest of a boot root or an image says of it, if it is ours; and a
 * boot root's generation, the newest of those that it keeps.
 */
#include "media/inspect_private.h"

#include "boot/plan.h"
#include "media/manifest.h"
#include "media/manifest_read.h"

#include <jansson.h>
#include <stdlib.h>

#define GENERATIONS PLAN_NET_PRIVATE "/generations"

/* A text of an object, malloc'ed; NULL: there is none. */
static char *text_of(const json_t *document, const char *key)
{
    const char *text = json_string_value(json_object_get(document, key));

    return text ? xstrdup(text) : NULL;
}

/* Takes over text. */
static void read_document(struct inspect_report *report, char *text)
{
    struct inspect_manifest *manifest = &report->manifest;
    struct buf buf = {.data = text, .len = strlen(text)};
    struct manifest_doc doc;
    const char *why;

    manifest->there = strstr(text, "\"mkbootmedia\"") != NULL; /* else it is somebody else's */
    if (manifest_parse(&doc, "manifest", buf, &why) == 1) {
        manifest->version = text_of(doc.json, "version");
        manifest->id = text_of(doc.json, "id");
        manifest->label = text_of(doc.json, "label");
        manifest->url = text_of(doc.json, "url");
        manifest->hosts = json_array_size(json_object_get(doc.json, "hosts"));
        manifest->files = json_array_size(json_object_get(doc.json, "files"));
    } else if (manifest->there) {
        manifest->problem = xstrdup(why);
        strings_printf(&report->remarks, "the manifest %s", why);
    }
    manifest_doc_free(&doc);
}

/* The newest one is the tree's; those that were gone back from have more in their names. */
static int read_generation(struct inspect_report *report)
{
    const struct volume *volume = &report->volumes[0].volume;
    struct folder folder = {0};
    struct entry entry;
    int result = volume_find(volume, GENERATIONS, &entry);

    if (result == 1 && entry.folder)
        result = volume_list(volume, &entry, &folder);
    free(entry.name);
    for (size_t i = 0; i < folder.count; i++) {
        char *end;
        unsigned long number = strtoul(folder.list[i].name, &end, 10);

        if (!*end && number <= UINT32_MAX && number > report->manifest.generation)
            report->manifest.generation = (unsigned)number;
    }
    folder_free(&folder);
    return result < 0 ? -1 : 0;
}

int inspect_manifest(struct inspect_report *report)
{
    const char *path = report->tree ? "manifest.json" : MANIFEST_PATH;
    char *text = NULL;
    int result = 0;

    for (size_t i = 0; i < report->volume_count && result == 0; i++)
        result = inspect_text(report, i, path, MANIFEST_MAX, &text);
    if (result == 1) /* which takes the text */
        read_document(report, text);
    if (result < 0)
        return -1;
    return report->tree ? read_generation(report) : 0;
}
