/*
 * inspect_grub: the entries of a GRUB menu, from its text, and the menus that it goes on to.
 *
 * Understood is as much of GRUB's language (GRUB manual, section "Writing GRUB configuration files
 * directly") as menus are made of: words, quotes, blocks, variables that are set to one value; not
 * functions or conditions, whose commands are all taken for executed.
 */
#include "media/inspect_private.h"

#include <stdlib.h>

#define VALUE_MAX 4096 /* bytes of a variable's value: they may hold each other */

/* What a command ends with. */
enum end { END_COMMAND, END_BLOCK_OPENS, END_BLOCK_CLOSES, END_TEXT };

struct parser {
    struct inspect_report *report;
    size_t menu;
    const char *p;
    struct strings words; /* of one command */
    int depth;            /* open blocks */
    int entry_depth;      /* that of the open menu entry's block; 0: none */
};

static const char *skip_blanks(const char *p)
{
    for (;;) {
        if (*p == ' ' || *p == '\t' || *p == '\r')
            p++;
        else if (p[0] == '\\' && p[1] == '\n')
            p += 2;
        else if (*p == '#')
            p += strcspn(p, "\n");
        else
            return p;
    }
}

/* One word with its quotes resolved; "" as well. Variables stay as they are written. */
static const char *read_word(const char *p, struct buf *word)
{
    char quote = '\0';

    buf_add(word, "", 0);
    for (; *p; p++) {
        if (quote == '\0' && strchr(" \t\r\n;|&{}", *p))
            break;
        if (*p == '$' && p[1] == '{' && quote != '\'') {
            size_t len = strcspn(p, "}\n");

            len += p[len] == '}';
            buf_add(word, p, len);
            p += len - 1;
        } else if (quote == '\0' && (*p == '\'' || *p == '"')) {
            quote = *p;
        } else if (quote && *p == quote) {
            quote = '\0';
        } else {
            if (*p == '\\' && quote != '\'' && p[1])
                p++;
            buf_add(word, p, 1);
        }
    }
    return p;
}

/* The words of the next command. */
static enum end read_command(struct parser *parser)
{
    for (;;) {
        const char *p = parser->p = skip_blanks(parser->p);
        struct buf word = {0};

        if (!*p)
            return END_TEXT;
        if (strchr("\n;|&{}", *p)) {
            parser->p++;
            return *p == '{' ? END_BLOCK_OPENS : *p == '}' ? END_BLOCK_CLOSES : END_COMMAND;
        }
        parser->p = read_word(p, &word);
        strings_add(&parser->words, word.data);
        buf_free(&word);
    }
}

/* The place in the words where the command's name is, after if, then, ... */
static size_t command_at(const struct strings *words)
{
    static const char *const before[] = {"if", "then", "else", "elif", "while", "until", "do", "!"};
    size_t at = 0;

    for (size_t i = 0; i < ARRAY_LEN(before) && at < words->n; i++)
        if (strcmp(words->v[at], before[i]) == 0) {
            at++;
            i = (size_t)-1;
        }
    return at;
}

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

/* menuentry OPTION... TITLE: options but --unrestricted take a word; -- ends them. */
static void begin_entry(struct parser *parser, size_t at)
{
    struct inspect_report *report = parser->report;
    const struct strings *words = &parser->words;
    const char *title = "";

    for (size_t i = at + 1; i < words->n; i++) {
        bool last = strcmp(words->v[i], "--") == 0 && i + 1 < words->n;

        if (last || strncmp(words->v[i], "--", 2) != 0) {
            title = words->v[last ? i + 1 : i];
            break;
        }
        if (!strchr(words->v[i], '=') && strcmp(words->v[i], "--unrestricted") != 0)
            i++;
    }
    if (inspect_add_entry(report, parser->menu, title))
        parser->entry_depth = parser->depth + 1;
}

static struct strings *variables_of(struct parser *parser)
{
    return &parser->report->menus[parser->menu].variables;
}

/* A word with its variables' values, malloc'ed; NULL if one of them is unknown. */
static char *expand(struct parser *parser, const char *word)
{
    struct buf out = {0};

    buf_puts(&out, "");
    while (*word && out.len < VALUE_MAX) {
        size_t plain = strcspn(word, "$"), len;
        const char *value;

        buf_add(&out, word, plain);
        word += plain;
        if (!*word)
            return out.data;
        word += word[1] == '{' ? 2 : 1;
        len = strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_?*");
        value = inspect_variable(variables_of(parser), word, len, true);
        if (!value && len == 4 && strncmp(word, "root", 4) == 0)
            value = "root";
        if (!value)
            break;
        buf_puts(&out, value);
        word += len;
        word += *word == '}';
    }
    if (!*word && out.len < VALUE_MAX)
        return out.data;
    buf_free(&out);
    return NULL;
}

/* ($root)/boot/x, (hd0,1)/boot/x, $prefix/x: the path on the medium, malloc'ed; NULL: who knows. */
static char *place_of(struct parser *parser, const char *word)
{
    char *place = expand(parser, word), *end = place ? strchr(place, ')') : NULL;

    if (place && *place == '(' && end)
        memmove(place, end + 1, strlen(end));
    return place;
}

static void set_kernel(struct parser *parser, struct inspect_entry *entry, size_t at)
{
    const struct strings *words = &parser->words;
    char *place = place_of(parser, words->v[at + 1]);
    struct buf cmdline = {0};

    buf_puts(&cmdline, "");
    for (size_t i = at + 2; i < words->n; i++)
        buf_printf(&cmdline, "%s%s", cmdline.len ? " " : "", words->v[i]);
    inspect_set_kernel(entry, words->v[at + 1], place);
    entry->kernel.served = parser->report->tree;
    inspect_set_text(&entry->cmdline, cmdline.data);
    buf_free(&cmdline);
    free(place);
}

static void add_initrds(struct parser *parser, struct inspect_entry *entry, size_t at)
{
    const struct strings *words = &parser->words;

    for (size_t i = at + 1; i < words->n; i++) {
        char *place = place_of(parser, words->v[i]);

        if (strcmp(words->v[i], "--nounzip") != 0 && strncmp(words->v[i], "newc:", 5) != 0)
            inspect_add_initrd(entry, words->v[i], place, parser->report->tree);
        free(place);
    }
}

/* search --file /NAME, outside of entries and conditions: the menu relies on it. */
static void note_search(struct parser *parser)
{
    const struct strings *words = &parser->words;
    char **marker = &parser->report->menus[parser->menu].marker;
    bool file = false;

    for (size_t i = 1; i < words->n; i++)
        file |= is_one_of(words->v[i], "--file", "-f", "--file");
    if (file && !*marker && words->v[words->n - 1][0] == '/')
        *marker = xstrdup(words->v[words->n - 1]);
}

/* set NAME=VALUE */
static void set_variable(struct parser *parser, const char *word)
{
    const char *equals = strchr(word, '=');
    char *name, *value;

    if (!equals)
        return;
    name = xasprintf("%.*s", (int)(equals - word), word);
    value = expand(parser, equals + 1);
    if (strcmp(name, "root") != 0) /* devices: wherever a file is, it will be found */
        inspect_set_variable(variables_of(parser), name, value);
    free(name);
    free(value);
}

/* regexp --set=1:NAME '^(.*)/TAIL$' "$prefix": what is before the tail. */
static void take_regexp(struct parser *parser, size_t at)
{
    const struct strings *words = &parser->words;
    char *text, *tail;

    if (words->n != at + 4 || strncmp(words->v[at + 1], "--set=1:", 8) != 0 ||
        strncmp(words->v[at + 2], "^(.*)/", 6) != 0)
        return;
    text = expand(parser, words->v[at + 3]);
    tail =
        xasprintf("%.*s", (int)strcspn(words->v[at + 2] + 5, "$\\.*[+?({|"), words->v[at + 2] + 5);
    if (text && strlen(text) >= strlen(tail) &&
        strcmp(text + strlen(text) - strlen(tail), tail) == 0) {
        text[strlen(text) - strlen(tail)] = '\0';
        inspect_set_variable(variables_of(parser), words->v[at + 1] + 8, text);
    }
    free(text);
    free(tail);
}

static void add_lead(struct parser *parser, const char *word)
{
    struct inspect_menu *menu = &parser->report->menus[parser->menu];
    char *place = place_of(parser, word);

    /* an entry that starts its own menu again goes nowhere */
    if (place && !(parser->entry_depth && strcmp(place + strspn(place, "/"), menu->path) == 0))
        inspect_add_lead(parser->report, parser->menu, place);
    free(place);
}

/* Commands that matter wherever they stand. */
static void take_other(struct parser *parser, size_t at, const char *name)
{
    bool more = at + 1 < parser->words.n;

    if (strcmp(name, "search") == 0 && at == 0 && !parser->depth)
        note_search(parser);
    else if (strcmp(name, "set") == 0 && more)
        set_variable(parser, parser->words.v[at + 1]);
    else if (strcmp(name, "regexp") == 0)
        take_regexp(parser, at);
    else if (is_one_of(name, "source", "configfile", ".") && more)
        add_lead(parser, parser->words.v[at + 1]);
    else if (strcmp(name, "blscfg") == 0)
        inspect_add_lead(parser->report, parser->menu, INSPECT_BLS_FOLDER);
}

static void take_command(struct parser *parser, enum end end)
{
    size_t at = command_at(&parser->words);
    struct inspect_entry *entry =
        parser->entry_depth ? &parser->report->entries[parser->report->entry_count - 1] : NULL;
    const char *name;

    if (at == parser->words.n)
        return;
    name = parser->words.v[at];
    if (strcmp(name, "menuentry") == 0 && end == END_BLOCK_OPENS && !entry)
        begin_entry(parser, at);
    else if (entry && is_one_of(name, "linux", "linuxefi", "linux16") && at + 1 < parser->words.n)
        set_kernel(parser, entry, at);
    else if (entry && is_one_of(name, "initrd", "initrdefi", "initrd16"))
        add_initrds(parser, entry, at);
    else
        take_other(parser, at, name);
}

void inspect_parse_grub(struct inspect_report *report, size_t menu, const char *text)
{
    struct parser parser = {.report = report, .menu = menu, .p = text};
    enum end end;

    do {
        end = read_command(&parser);
        take_command(&parser, end);
        strings_free(&parser.words);
        if (end == END_BLOCK_OPENS)
            parser.depth++;
        if (end == END_BLOCK_CLOSES && parser.depth)
            parser.depth--;
        if (parser.depth < parser.entry_depth && end == END_BLOCK_CLOSES)
            parser.entry_depth = 0;
    } while (end != END_TEXT);
}
