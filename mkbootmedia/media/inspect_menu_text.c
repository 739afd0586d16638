/* inspect_menu_text: what the readers of menus share: entries that grow, and variables. */
#include "media/inspect_private.h"

#include <stdlib.h>

#define TEXT_MAX      4096 /* bytes of a title or path, of Linux's arguments (at most as many) */
#define ENTRIES_MAX   512  /* as many as are looked at, and initramfs files of each */
#define INITRDS_MAX   32
#define VARIABLES_MAX 256
#define LEADS_MAX     64 /* of one menu */

/* What a hostile menu may have of any length; malloc'ed. */
static char *clip(const char *text)
{
    return xasprintf("%.*s", TEXT_MAX, text);
}

struct inspect_entry *inspect_add_entry(struct inspect_report *report, size_t menu,
                                        const char *title)
{
    if (report->entry_count == ENTRIES_MAX)
        return NULL;
    report->entries = xgrow(report->entries, report->entry_count, sizeof *report->entries);
    report->entries[report->entry_count] = (struct inspect_entry){
        .menu = menu, .title = clip(title), .cmdline = xstrdup(""), .secure = INSPECT_UNKNOWN};
    return &report->entries[report->entry_count++];
}

void inspect_set_text(char **text, const char *value)
{
    char *copy = value ? clip(value) : NULL;

    free(*text);
    *text = copy;
}

/* "/a/b/../c" becomes "/a/c"; malloc'ed. Above the root there is the root. */
static char *resolve(const char *path)
{
    char *out = clip(path), *end = out;

    for (const char *p = out; *p;) {
        size_t len = 1 + strcspn(p + 1, "/"); /* a part with the '/' before it */

        if (len == 3 && strncmp(p, "/..", 3) == 0) {
            while (end > out && *--end != '/')
                ;
        } else if (len != 2 || strncmp(p, "/.", 2) != 0) {
            memmove(end, p, len);
            end += len;
        }
        p += len;
    }
    *end = '\0';
    return out;
}

void inspect_add_lead(struct inspect_report *report, size_t menu, const char *place)
{
    struct strings *leads = &report->menus[menu].leads;

    if (leads->n < LEADS_MAX) {
        char *path = resolve(place);

        strings_add(leads, path);
        free(path);
    }
}

void inspect_set_kernel(struct inspect_entry *entry, const char *path, const char *place)
{
    entry->has_kernel = true;
    inspect_set_text(&entry->kernel.path, path);
    free(entry->kernel.place);
    entry->kernel.place = place ? resolve(place) : NULL;
}

void inspect_add_initrd(struct inspect_entry *entry, const char *path, const char *place,
                        bool served)
{
    if (entry->initrd_count == INITRDS_MAX)
        return;
    entry->initrds = xgrow(entry->initrds, entry->initrd_count, sizeof *entry->initrds);
    entry->initrds[entry->initrd_count++] = (struct inspect_file){
        .path = clip(path), .place = place ? resolve(place) : NULL, .served = served};
}

/* In the list: "NAME=VALUE"; "NAME!VALUE": it has had other values; "NAME?": it is unknown. */
static char **find(const struct strings *variables, const char *name, size_t len)
{
    for (size_t i = 0; i < variables->n; i++)
        if (strncmp(variables->v[i], name, len) == 0 && variables->v[i][len] &&
            strchr("=!?", variables->v[i][len]))
            return &variables->v[i];
    return NULL;
}

const char *inspect_variable(const struct strings *variables, const char *name, size_t len,
                             bool strict)
{
    char **found = find(variables, name, len);

    if (!found || (*found)[len] == '?' || (strict && (*found)[len] == '!'))
        return NULL;
    return *found + len + 1;
}

/* A menu is told its own folder, and may set another, which then counts. */
static bool may_change(const char *name)
{
    return strcmp(name, "prefix") == 0 || strcmp(name, "folder") == 0;
}

void inspect_set_variable(struct strings *variables, const char *name, const char *value)
{
    size_t len = strlen(name);
    char **found = find(variables, name, len);
    char mark = !value ? '?' : '=';
    char *text;

    if (!len || strpbrk(name, "=!?") || (!found && variables->n == VARIABLES_MAX))
        return;
    if (found && !may_change(name) && value &&
        ((*found)[len] != '=' || strcmp(*found + len + 1, value) != 0))
        mark = '!';
    text = xasprintf("%s%c%s", name, mark, value ? value : "");
    if (!found) {
        strings_add(variables, text);
        free(text);
        return;
    }
    free(*found);
    *found = text;
}
