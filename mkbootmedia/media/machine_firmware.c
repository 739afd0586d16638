/*
 * machine_firmware: JSON documents, of which the name's order is that of preference and one of the
 * same name in an earlier folder hides a later one.
 */
#include "media/machine_firmware.h"

#include "base/strings.h"
#include "base/util.h"

#include <dirent.h>
#include <jansson.h>
#include <stdlib.h>

static bool has_word(const json_t *array, const char *word)
{
    size_t i;
    json_t *value;

    json_array_foreach(array, i,
                       value) if (json_is_string(value) &&
                                  strcmp(json_string_value(value), word) == 0) return true;
    return false;
}

static bool has_architecture(const json_t *document, const char *architecture)
{
    const json_t *targets = json_object_get(document, "targets");
    size_t i;
    json_t *target;

    json_array_foreach(targets, i, target)
    {
        const char *name = json_string_value(json_object_get(target, "architecture"));

        if (name && strcmp(name, architecture) == 0)
            return true;
    }
    return false;
}

/* Takes the files of a descriptor that fits. */
static bool take(struct machine_firmware *firmware, const json_t *document,
                 const char *architecture, bool secure)
{
    const json_t *features = json_object_get(document, "features");
    const char *code = NULL, *vars = NULL, *device = NULL;
    bool enrolled = has_word(features, "secure-boot") && has_word(features, "enrolled-keys");

    if (!has_word(json_object_get(document, "interface-types"), "uefi") ||
        !has_architecture(document, architecture) || enrolled != secure)
        return false;
    if (json_unpack((json_t *)(uintptr_t)document, "{s:{s:s, s:{s:s}, s:{s:s}}}", "mapping",
                    "device", &device, "executable", "filename", &code, "nvram-template",
                    "filename", &vars) < 0 ||
        strcmp(device, "flash") != 0)
        return false;
    *firmware =
        (struct machine_firmware){xstrdup(code), xstrdup(vars), has_word(features, "requires-smm")};
    return true;
}

static int by_name(const void *a, const void *b)
{
    const char *x = strrchr(*(char *const *)a, '/'), *y = strrchr(*(char *const *)b, '/');

    return strcmp(x, y);
}

static bool is_known(const struct strings *paths, const char *name)
{
    for (size_t i = 0; i < paths->n; i++)
        if (strcmp(strrchr(paths->v[i], '/') + 1, name) == 0)
            return true;
    return false;
}

static void add_descriptors(struct strings *paths, const char *dir)
{
    DIR *stream = opendir(dir);
    const struct dirent *entry;

    while (stream && (entry = readdir(stream))) {
        size_t len = strlen(entry->d_name);

        if (len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0 &&
            !is_known(paths, entry->d_name))
            strings_printf(paths, "%s/%s", dir, entry->d_name);
    }
    if (stream)
        closedir(stream);
}

/* Where both are there, one that does not want SMM is the simpler machine. */
bool machine_firmware_find(struct machine_firmware *firmware, const char *dirs,
                           const char *architecture, bool secure)
{
    struct strings paths = {0};
    struct machine_firmware found;
    char *copy = xstrdup(dirs), *rest = NULL;

    *firmware = (struct machine_firmware){0};
    for (char *dir = strtok_r(copy, ":", &rest); dir; dir = strtok_r(NULL, ":", &rest))
        add_descriptors(&paths, dir);
    if (paths.n)
        qsort(paths.v, paths.n, sizeof *paths.v, by_name);
    for (size_t i = 0; i < paths.n; i++) {
        json_t *document = json_load_file(paths.v[i], 0, NULL);

        if (document && take(&found, document, architecture, secure)) {
            if (!firmware->code || (firmware->smm && !found.smm)) {
                machine_firmware_free(firmware);
                *firmware = found;
            } else {
                machine_firmware_free(&found);
            }
        }
        json_decref(document);
    }
    strings_free(&paths);
    free(copy);
    return firmware->code;
}

void machine_firmware_free(struct machine_firmware *firmware)
{
    free(firmware->code);
    free(firmware->vars);
    *firmware = (struct machine_firmware){0};
}
