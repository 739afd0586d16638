/*
 * inspect_systemd: the entries that systemd-boot finds: a file each in loader/entries (UAPI Group,
 * "The Boot Loader Specification", type #1), and programs in EFI/Linux that are a kernel with all
 * that it needs (type #2); and such a program that firmware starts itself.
 */
#include "media/inspect_private.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#define FILES_MAX   128
#define SECTION_MAX (64 * KIB)

/* The rest of a line whose key this is; else NULL. */
static const char *after(const char *line, const char *key)
{
    size_t len = strlen(key);

    if (strncmp(line, key, len) != 0 || !isblank((unsigned char)line[len]))
        return NULL;
    return line + len + strspn(line + len, " \t");
}

static void add_words(struct inspect_entry *entry, const char *words)
{
    for (; *words; words += strspn(words, " \t")) {
        size_t len = strcspn(words, " \t");
        char *path = xasprintf("%.*s", (int)len, words);

        if (*path != '$') /* of a GRUB, which it is nothing to at first */
            inspect_add_initrd(entry, path, strchr(path, '$') ? NULL : path, false);
        free(path);
        words += len;
    }
}

static void take_line(struct inspect_entry *entry, const char *line)
{
    const char *rest;

    if ((rest = after(line, "title"))) {
        inspect_set_text(&entry->title, rest);
    } else if ((rest = after(line, "linux")) || (rest = after(line, "uki"))) {
        inspect_set_kernel(entry, rest, strchr(rest, '$') ? NULL : rest);
    } else if ((rest = after(line, "initrd"))) {
        add_words(entry, rest);
    } else if ((rest = after(line, "options"))) {
        char *all = xasprintf("%s%s%s", entry->cmdline, *entry->cmdline ? " " : "", rest);

        inspect_set_text(&entry->cmdline, all);
        free(all);
    }
}

void inspect_parse_bls(struct inspect_report *report, size_t menu, const char *name,
                       const char *text)
{
    struct inspect_entry *entry = inspect_add_entry(report, menu, name);

    while (entry && *text) {
        size_t len = strcspn(text, "\n"), end;
        char *line = xasprintf("%.*s", (int)len, text + strspn(text, " \t"));

        end = strcspn(line, "\r\n");
        while (end && isblank((unsigned char)line[end - 1]))
            end--;
        line[end] = '\0';
        take_line(entry, line);
        free(line);
        text += len + (text[len] == '\n');
    }
}

static int read_file(struct inspect_report *report, size_t menu, const char *name)
{
    char *path = xasprintf("%s/%s", report->menus[menu].path, name), *text;
    int result = inspect_text(report, report->menus[menu].volume, path, INSPECT_MENU_MAX, &text);

    if (result == 1)
        inspect_parse_bls(report, menu, name, text);
    free(text);
    free(path);
    return result < 0 ? -1 : 0;
}

/* A section as text, malloc'ed, without the end of line; "" if there is none. */
static int section_text(const struct pe *pe, const char *name, char **text)
{
    struct content section;

    *text = NULL;
    if (!pe_section(pe, name, &section) || section.len > SECTION_MAX) {
        *text = xstrdup("");
        return 0;
    }
    *text = xcalloc(section.len + 1, 1);
    return content_read(&section, 0, *text, section.len);
}

/* PRETTY_NAME of os-release, malloc'ed; NULL. */
static char *pretty_name(const char *osrel)
{
    const char *line = osrel, *value;
    size_t len;

    while (line && strncmp(line, "PRETTY_NAME=", 12) != 0)
        line = (line = strchr(line, '\n')) ? line + 1 : NULL;
    if (!line)
        return NULL;
    value = line + 12;
    len = strcspn(value, "\n");
    if (len >= 2 && (*value == '"' || *value == '\'') && value[len - 1] == *value) {
        value++;
        len -= 2;
    }
    return xasprintf("%.*s", (int)len, value);
}

static int take_program(struct inspect_report *report, size_t menu, const char *path,
                        const struct pe *pe)
{
    const char *slash = strrchr(path, '/');
    char *osrel = NULL, *cmdline = NULL, *title;
    struct inspect_entry *entry = NULL;
    int result = section_text(pe, ".osrel", &osrel);

    if (result == 0)
        result = section_text(pe, ".cmdline", &cmdline);
    if (result == 0) {
        title = pretty_name(osrel);
        entry = inspect_add_entry(report, menu, title ? title : slash ? slash + 1 : path);
        free(title);
    }
    if (entry) {
        cmdline[strcspn(cmdline, "\n")] = '\0';
        inspect_set_text(&entry->cmdline, cmdline);
        inspect_set_kernel(entry, path, path);
    }
    free(osrel);
    free(cmdline);
    return result;
}

static int add_program(struct inspect_report *report, size_t menu, const char *path)
{
    struct content section;
    struct file file;
    struct pe pe = {0};
    int result = volume_open_file(&report->volumes[report->menus[menu].volume].volume, path, &file);

    if (result == 1)
        result = pe_open(&pe, &file.content);
    if (result == 1 &&
        (report->menus[menu].kind == MENU_PROGRAM || pe_section(&pe, ".linux", &section)))
        result = take_program(report, menu, path, &pe);
    pe_free(&pe);
    file_free(&file);
    return result < 0 ? -1 : 0;
}

int inspect_read_program(struct inspect_report *report, size_t menu)
{
    char *path = xstrdup(report->menus[menu].path); /* the list of menus may move */
    int result = add_program(report, menu, path);

    free(path);
    return result;
}

static bool ends_with(const char *name, const char *end)
{
    size_t len = strlen(name), n = strlen(end);

    return len > n && strcasecmp(name + len - n, end) == 0;
}

/* Lists a folder, if it is one. */
static int list(const struct inspect_report *report, size_t volume, const char *path,
                struct folder *folder)
{
    struct entry entry;
    int result = volume_find(&report->volumes[volume].volume, path, &entry);

    *folder = (struct folder){0};
    if (result == 1 && entry.folder)
        result = volume_list(&report->volumes[volume].volume, &entry, folder);
    free(entry.name);
    return result < 0 ? -1 : 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

/* Each file of a folder that ends so, by name. */
static int read_folder(struct inspect_report *report, size_t menu, const char *path,
                       const char *end)
{
    struct folder folder;
    int result = list(report, report->menus[menu].volume, path, &folder);
    size_t found = 0;

    if (folder.count)
        qsort(folder.list, folder.count, sizeof *folder.list, by_name);
    for (size_t i = 0; i < folder.count && result == 0 && found < FILES_MAX; i++) {
        const struct entry *entry = &folder.list[i];
        char *whole;

        if (entry->folder || !ends_with(entry->name, end))
            continue;
        found++;
        whole = xasprintf("%s/%s", path, entry->name);
        result = strcmp(end, ".conf") == 0 ? read_file(report, menu, entry->name)
                                           : add_program(report, menu, whole);
        free(whole);
    }
    folder_free(&folder);
    return result;
}

int inspect_read_systemd(struct inspect_report *report, size_t menu)
{
    if (read_folder(report, menu, report->menus[menu].path, ".conf") < 0)
        return -1;
    return read_folder(report, menu, "EFI/Linux", ".efi");
}
