/*
 * inspect_ipxe: the entries of an iPXE script, from its text (ipxe.org/scripting): the kernel and
 * initrd commands behind each label, titled by the item that goes there.
 *
 * Conditions are not followed: commands on both sides of && and || are all taken for executed.
 * Settings are known as far as the script sets them.
 */
#include "media/inspect_private.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define VALUE_MAX 4096 /* bytes of a setting's value: they may hold each other */

struct parser {
    struct inspect_report *report;
    size_t menu;
    struct strings words; /* of one command */
    struct strings items; /* LABEL=TITLE */
    char *label;          /* the last one */
    bool open;            /* the last entry is of this label, and has no boot behind it yet */
};

/* "%20" as what it stands for, in place. */
static void decode(char *text)
{
    char *out = text;
    unsigned c;

    for (const char *p = text; *p; p++)
        if (*p == '%' && isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[2]) &&
            sscanf(p + 1, "%2x", &c) == 1 && c) {
            *out++ = (char)c;
            p += 2;
        } else {
            *out++ = *p;
        }
    *out = '\0';
}

/* ${NAME} and ${NAME:TYPE}; malloc'ed. An unknown one is NULL if strict, else stays. */
static char *expand(struct parser *parser, const char *word, bool strict)
{
    const struct strings *variables = &parser->report->menus[parser->menu].variables;
    struct buf out = {0};

    buf_puts(&out, "");
    while (*word && out.len < VALUE_MAX) {
        size_t plain = strncmp(word, "${", 2) == 0 ? 0 : 1, len;
        const char *value;

        buf_add(&out, word, plain);
        word += plain;
        if (plain)
            continue;
        len = strcspn(word, "}");
        value = inspect_variable(variables, word + 2, strcspn(word + 2, ":}"), strict);
        len += word[len] == '}';
        if (value)
            buf_puts(&out, value);
        else if (strict)
            break;
        else
            buf_add(&out, word, len);
        word += len;
    }
    if (!*word && out.len < VALUE_MAX)
        return out.data;
    buf_free(&out);
    return NULL;
}

/* Of a URL, what comes behind the server's name; relative paths are those of the script's folder.
 */
static char *place_of(struct parser *parser, const char *word)
{
    const struct strings *variables = &parser->report->menus[parser->menu].variables;
    char *url = expand(parser, word, true), *place = NULL;
    const char *host = url ? strstr(url, "://") : NULL;
    const char *folder = inspect_variable(variables, "folder", 6, false);

    if (host)
        place = xstrdup(strchr(host + 3, '/') ? strchr(host + 3, '/') : "");
    else if (url && *url != '/' && folder)
        place = xasprintf("%s/%s", folder, url);
    else if (url)
        place = xstrdup(url);
    if (place)
        place[strcspn(place, "?#")] = '\0';
    free(url);
    return place;
}

/* Is it a URL that names its server, which may be any? */
static bool is_elsewhere(const char *word)
{
    return strncmp(word, "${", 2) != 0 && strstr(word, "://");
}

/* The place of the first operand: behind --OPTION [VALUE], which -n and --name and their like have.
 */
static size_t operand_at(const struct strings *words)
{
    static const char *const alone[] = {"--autofree", "-a", "--replace", "-r", "--append"};
    size_t at = 1;

    while (at < words->n && words->v[at][0] == '-' && words->v[at][1]) {
        bool value = !strchr(words->v[at], '=');

        if (strcmp(words->v[at], "--") == 0)
            return at + 1;
        for (size_t i = 0; i < ARRAY_LEN(alone); i++)
            value &= strcmp(words->v[at], alone[i]) != 0;
        at += 1 + value;
    }
    return at;
}

static char *join(const struct strings *words, size_t from)
{
    struct buf out = {0};

    buf_puts(&out, "");
    for (size_t i = from; i < words->n; i++)
        buf_printf(&out, "%s%s", i > from ? " " : "", words->v[i]);
    return out.data;
}

static void take_kernel(struct parser *parser, size_t at)
{
    const char *title = parser->label ? parser->label : parser->report->menus[parser->menu].path;
    const char *item = inspect_variable(&parser->items, title, strlen(title), false);
    struct inspect_entry *entry =
        inspect_add_entry(parser->report, parser->menu, item ? item : title);
    char *place = place_of(parser, parser->words.v[at]), *words, *cmdline;

    parser->open = entry != NULL;
    if (entry) {
        words = join(&parser->words, at + 1);
        cmdline = expand(parser, words, false);
        inspect_set_kernel(entry, parser->words.v[at], place);
        inspect_set_text(&entry->cmdline, cmdline ? cmdline : words);
        entry->cmdline[strcspn(entry->cmdline, "\n")] = '\0';
        entry->kernel.served = true;
        entry->kernel.elsewhere = is_elsewhere(parser->words.v[at]);
        free(words);
        free(cmdline);
    }
    free(place);
}

static void take_initrd(struct parser *parser, size_t at)
{
    struct inspect_entry *entry = &parser->report->entries[parser->report->entry_count - 1];
    size_t count = entry->initrd_count;
    char *place = place_of(parser, parser->words.v[at]);

    inspect_add_initrd(entry, parser->words.v[at], place, true);
    if (entry->initrd_count > count)
        entry->initrds[count].elsewhere = is_elsewhere(parser->words.v[at]);
    free(place);
}

/* set NAME[:TYPE] VALUE... */
static void take_set(struct parser *parser)
{
    char *words = join(&parser->words, 2), *value = expand(parser, words, false);
    const char *name = parser->words.v[1];
    size_t len = strcspn(name, ":");
    char *plain = xasprintf("%.*s", (int)len, name);

    if (value && strncmp(name + len, ":uristring", 10) == 0)
        decode(value);
    inspect_set_variable(&parser->report->menus[parser->menu].variables, plain, value);
    free(plain);
    free(value);
    free(words);
}

static void take_item(struct parser *parser)
{
    size_t at = operand_at(&parser->words);
    char *words, *title;

    if (at + 1 >= parser->words.n)
        return;
    words = join(&parser->words, at + 1);
    title = expand(parser, words, false);
    inspect_set_variable(&parser->items, parser->words.v[at], title);
    free(title);
    free(words);
}

/* Another script; what is named as a program is not one. */
static void add_lead(struct parser *parser, size_t at)
{
    static const char *const programs[] = {".efi", ".0", ".kpxe", ".kkpxe", ".pxe", ".lkrn"};
    char *place = place_of(parser, parser->words.v[at]);
    const char *dot = place ? strrchr(place, '.') : NULL;
    bool script = place && *place;

    for (size_t i = 0; dot && i < ARRAY_LEN(programs); i++)
        script &= strcasecmp(dot, programs[i]) != 0;
    if (script)
        inspect_add_lead(parser->report, parser->menu, place);
    free(place);
}

static void take_command(struct parser *parser)
{
    const struct strings *words = &parser->words;
    size_t at = operand_at(words);
    const char *name = words->n ? words->v[0] : "";
    bool operand = at < words->n;

    if (strcmp(name, "set") == 0 && words->n > 1)
        take_set(parser);
    else if (strcmp(name, "item") == 0)
        take_item(parser);
    else if (operand && strcmp(name, "kernel") == 0)
        take_kernel(parser, at);
    else if (operand && (strcmp(name, "initrd") == 0 || strcmp(name, "module") == 0) &&
             parser->open)
        take_initrd(parser, at);
    else if (operand && strcmp(name, "chain") == 0)
        add_lead(parser, at);
    else if (strcmp(name, "boot") == 0)
        parser->open = false;
}

static void take_line(struct parser *parser, const char *line)
{
    if (*line == ':') {
        inspect_set_text(&parser->label, line + 1);
        parser->label[strcspn(parser->label, " \t")] = '\0';
        parser->open = false;
        return;
    }
    for (line += strspn(line, " \t"); *line; line += strspn(line, " \t")) {
        size_t len = strcspn(line, " \t");
        char *word = xasprintf("%.*s", (int)len, line);

        if (strcmp(word, "||") == 0 || strcmp(word, "&&") == 0) {
            take_command(parser);
            strings_free(&parser->words);
        } else {
            strings_add(&parser->words, word);
        }
        free(word);
        line += len;
    }
    take_command(parser);
    strings_free(&parser->words);
}

void inspect_parse_ipxe(struct inspect_report *report, size_t menu, const char *text)
{
    struct parser parser = {.report = report, .menu = menu};

    while (*text) {
        size_t len = strcspn(text, "\r\n");
        char *line = xasprintf("%.*s", (int)len, text);

        if (*line != '#')
            take_line(&parser, line);
        free(line);
        text += len + (text[len] != '\0');
    }
    strings_free(&parser.items);
    free(parser.label);
}
