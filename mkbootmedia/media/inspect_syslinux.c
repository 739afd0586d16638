/*
 * inspect_syslinux: the entries of a menu of isolinux, syslinux, extlinux or pxelinux, from its
 * text (SYSLINUX doc/syslinux.txt, doc/menu.txt): one command a line, in any case.
 *
 * Paths are relative to the folder of the first file, "::" and '/' begin at its volume's root.
 */
#include "media/inspect_private.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

/* The label that is open, until the next one. */
struct label {
    char *name, *title, *kernel, *append, *initrd;
    bool open, linux_kernel; /* LINUX: whatever its name */
};

struct parser {
    struct inspect_report *report;
    size_t menu;
    struct label label;
    char *append; /* for labels that have none */
};

static char *place_of(struct parser *parser, const char *path)
{
    const struct inspect_menu *menu = &parser->report->menus[parser->menu];
    const char *folder = inspect_variable(&menu->variables, "folder", 6, false);
    const char *colons = strstr(path, "::");

    if (colons)
        path = colons + 2;
    if (strstr(path, "://"))
        return xstrdup(strchr(strstr(path, "://") + 3, '/') ? strchr(strstr(path, "://") + 3, '/')
                                                            : "");
    if (colons || *path == '/' || !folder)
        return xstrdup(path);
    return xasprintf("%s/%s", folder, path);
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), n = strlen(end);

    return len >= n && strcasecmp(text + len - n, end) == 0;
}

/* KERNEL takes anything, and tells by the end of its name what it is. */
static bool is_linux(const struct label *label)
{
    static const char *const others[] = {".c32", ".com", ".cbt", ".bin", ".bs",
                                         ".bss", ".0",   ".img", ".efi"};

    if (!label->kernel)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (ends_with(label->kernel, others[i]))
            return label->linux_kernel;
    return true;
}

/* a,b,c */
static void add_initrds(struct parser *parser, struct inspect_entry *entry, const char *list)
{
    for (list += strspn(list, ", "); *list; list += strspn(list, ", ")) {
        size_t len = strcspn(list, ", ");
        char *path = xasprintf("%.*s", (int)len, list), *place = place_of(parser, path);

        inspect_add_initrd(entry, path, place, parser->report->tree);
        free(path);
        free(place);
        list += len;
    }
}

/* The last initrd= of the arguments; NULL. */
static const char *initrd_in(const char *append)
{
    const char *found = NULL;

    for (const char *p = append; *p; p += strcspn(p, " \t")) {
        p += strspn(p, " \t");
        if (strncmp(p, "initrd=", 7) == 0)
            found = p + 7;
    }
    return found;
}

static void free_label(struct label *label)
{
    free(label->name);
    free(label->title);
    free(label->kernel);
    free(label->append);
    free(label->initrd);
    *label = (struct label){.open = false};
}

/* menu.c32 and vesamenu.c32 show another menu when they are given its file. */
static void take_module(struct parser *parser)
{
    const struct label *label = &parser->label;
    const char *file = label->append ? label->append : "";
    char *place;

    if (!label->kernel || !ends_with(label->kernel, "menu.c32") || !*file || *file == '~')
        return;
    place = xasprintf("%.*s", (int)strcspn(file, " \t"), file);
    file = place;
    place = place_of(parser, file);
    inspect_add_lead(parser->report, parser->menu, place);
    free((char *)file);
    free(place);
}

static void end_label(struct parser *parser)
{
    struct label *label = &parser->label;
    struct inspect_entry *entry = NULL;

    if (label->open)
        entry = inspect_add_entry(parser->report, parser->menu,
                                  label->title ? label->title : label->name);
    if (entry && is_linux(label)) {
        const char *append = label->append ? label->append : parser->append ? parser->append : "";
        char *place = place_of(parser, label->kernel), *list;
        const char *initrd = label->initrd ? label->initrd : initrd_in(append);

        inspect_set_kernel(entry, label->kernel, place);
        entry->kernel.served = parser->report->tree;
        inspect_set_text(&entry->cmdline, append);
        list = initrd ? xasprintf("%.*s", (int)strcspn(initrd, " \t"), initrd) : NULL;
        if (list)
            add_initrds(parser, entry, list);
        free(list);
        free(place);
    } else if (entry) {
        take_module(parser);
    }
    free_label(label);
}

/* "^Install": the letter behind ^ is its key. */
static void set_title(struct label *label, const char *text)
{
    char *out, *title = xstrdup(text);

    out = title;
    for (const char *p = title; *p; p++)
        if (*p != '^')
            *out++ = *p;
    *out = '\0';
    free(label->title);
    label->title = title;
}

static void add_lead(struct parser *parser, const char *text)
{
    char *file = xasprintf("%.*s", (int)strcspn(text, " \t"), text);
    char *place = place_of(parser, file);

    if (*file)
        inspect_add_lead(parser->report, parser->menu, place);
    free(file);
    free(place);
}

/* The rest of a line if it begins with this word; else NULL. */
static const char *after(const char *line, const char *word)
{
    size_t len = strlen(word);

    if (strncasecmp(line, word, len) != 0 || (line[len] && !isspace((unsigned char)line[len])))
        return NULL;
    return line + len + strspn(line + len, " \t");
}

static void begin_label(struct parser *parser, const char *name)
{
    end_label(parser);
    parser->label.open = true;
    inspect_set_text(&parser->label.name, name);
}

static void take_line(struct parser *parser, const char *line)
{
    struct label *label = &parser->label;
    const char *menu = after(line, "menu"), *rest;

    if (menu && (rest = after(menu, "include")))
        add_lead(parser, rest);
    else if (menu && (rest = after(menu, "label")) && label->open)
        set_title(label, rest);
    else if ((rest = after(line, "include")) || (rest = after(line, "config")))
        add_lead(parser, rest);
    else if ((rest = after(line, "label")))
        begin_label(parser, rest);
    else if ((rest = after(line, "append")))
        inspect_set_text(label->open ? &label->append : &parser->append,
                         strcmp(rest, "-") == 0 ? "" : rest);
    else if (label->open && (rest = after(line, "initrd")))
        inspect_set_text(&label->initrd, rest);
    else if (label->open && ((rest = after(line, "linux")) || (rest = after(line, "kernel")))) {
        label->linux_kernel = after(line, "linux") != NULL;
        inspect_set_text(&label->kernel, rest);
    }
}

void inspect_parse_syslinux(struct inspect_report *report, size_t menu, const char *text)
{
    struct parser parser = {.report = report, .menu = menu};

    while (*text) {
        size_t len = strcspn(text, "\n"), blanks;
        char *line = xasprintf("%.*s", (int)len, text);
        size_t end = strlen(line);

        while (end && isspace((unsigned char)line[end - 1]))
            line[--end] = '\0';
        blanks = strspn(line, " \t");
        if (line[blanks] != '#')
            take_line(&parser, line + blanks);
        free(line);
        text += len + (text[len] == '\n');
    }
    end_label(&parser);
    free(parser.append);
}
