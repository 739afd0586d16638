/*
 * inspect_manifest: what manifest.json of a boot root says of it, if it is ours; and its
 * generation, the newest of those that the tree keeps.
 */
#include "media/inspect_private.h"

#include "boot/plan.h"

#include <jansson.h>
#include <stdlib.h>

#define GENERATIONS  PLAN_NET_PRIVATE "/generations"
#define MANIFEST_MAX (256 * MIB)

/* A text of an object, malloc'ed; NULL: there is none. */
static char *text_of(const json_t *document, const char *key)
{
    const char *text = json_string_value(json_object_get(document, key));

    return text ? xstrdup(text) : NULL;
}

static void read_document(struct inspect_manifest *manifest, const char *text)
{
    json_error_t error;
    json_t *document = json_loads(text, 0, &error);
    const char *generator = json_string_value(json_object_get(document, "generator"));

    if (!document)
        manifest->problem = xasprintf("line %d: %s", error.line, error.text);
    manifest->there = !document || (generator && strcmp(generator, "mkbootmedia") == 0);
    if (document && manifest->there) {
        manifest->version = text_of(document, "version");
        manifest->id = text_of(document, "id");
        manifest->label = text_of(document, "label");
        manifest->url = text_of(document, "url");
        manifest->hosts = json_array_size(json_object_get(document, "hosts"));
        manifest->files = json_array_size(json_object_get(document, "files"));
    }
    json_decref(document);
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
    char *text;
    int result = inspect_text(report, 0, "manifest.json", MANIFEST_MAX, &text);

    if (result == 1)
        read_document(&report->manifest, text);
    free(text);
    return result < 0 ? -1 : read_generation(report);
}
