/* inspect_files: files that menus and loaders name, wherever they are on the medium. */
#include "media/inspect_private.h"

#include <stdlib.h>

int inspect_find(const struct inspect_report *report, size_t prefer, const char *path,
                 size_t *volume, struct entry *entry)
{
    int result = volume_find(&report->volumes[prefer].volume, path, entry);

    *volume = prefer;
    for (size_t i = 0; i < report->volume_count && result == 0; i++) {
        result = volume_find(&report->volumes[i].volume, path, entry);
        *volume = i;
    }
    return result;
}

int inspect_find_served(const struct inspect_report *report, size_t prefer, const char **path,
                        size_t *volume, struct entry *entry)
{
    const char *rest = *path;
    int result = 0;

    *entry = (struct entry){0};
    while (rest && result == 0) {
        rest += strspn(rest, "/");
        *path = rest;
        result = *rest ? inspect_find(report, prefer, rest, volume, entry) : 0;
        rest = strchr(rest, '/');
    }
    return result;
}

int inspect_text(const struct inspect_report *report, size_t volume, const char *path, size_t max,
                 char **text)
{
    struct file file;
    int result = volume_open_file(&report->volumes[volume].volume, path, &file);

    *text = NULL;
    if (result == 1 && file.content.len > max)
        result = 0;
    if (result == 1) {
        *text = xcalloc(file.content.len + 1, 1);
        if (content_read(&file.content, 0, *text, file.content.len) < 0)
            result = -1;
    }
    file_free(&file);
    if (result < 0) {
        free(*text);
        *text = NULL;
    }
    return result;
}
