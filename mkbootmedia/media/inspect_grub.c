/*
 * inspect_grub: the entries of a GRUB menu, from its text.
 *
 * Understood is as much of GRUB's language (GRUB manual, section "Writing GRUB configuration files
 * directly") as menus are made of: words, quotes, blocks; not variables, functions or conditions,
 * whose commands are all taken for executed.
 */
#include "media/inspect_private.h"

#include <stdlib.h>

#define ENTRIES_MAX 512 /* as many as are looked at, and initramfs files of each */
#define INITRDS_MAX 32

/* What a command ends with. */
enum end { END_COMMAND, END_BLOCK_OPENS, END_BLOCK_CLOSES, END_TEXT };

struct parser {
    struct inspect_report *report;
    const char *p;
    struct strings words; /* of one command */
    int depth;            /* open blocks */
    int entry_depth;      /* that of the open menu entry's block; 0: none */
    char **search;
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
    report->entries = xgrow(report->entries, report->entry_count, sizeof *report->entries);
    report->entries[report->entry_count++] = (struct inspect_entry){
        .title = xstrdup(title), .cmdline = xstrdup(""), .secure = INSPECT_UNKNOWN};
    parser->entry_depth = parser->depth + 1;
}

static void set_kernel(struct inspect_entry *entry, const struct strings *words, size_t at)
{
    struct buf cmdline = {0};

    buf_puts(&cmdline, "");
    for (size_t i = at + 2; i < words->n; i++)
        buf_printf(&cmdline, "%s%s", cmdline.len ? " " : "", words->v[i]);
    free(entry->kernel.path);
    free(entry->cmdline);
    entry->has_kernel = true;
    entry->kernel = (struct inspect_file){.path = xstrdup(words->v[at + 1])};
    entry->cmdline = cmdline.data;
}

static void add_initrds(struct inspect_entry *entry, const struct strings *words, size_t at)
{
    for (size_t i = at + 1; i < words->n && entry->initrd_count < INITRDS_MAX; i++) {
        entry->initrds = xgrow(entry->initrds, entry->initrd_count, sizeof *entry->initrds);
        entry->initrds[entry->initrd_count++] = (struct inspect_file){.path = xstrdup(words->v[i])};
    }
}

/* search --file /NAME, outside of entries and conditions: the menu relies on it. */
static void note_search(struct parser *parser)
{
    const struct strings *words = &parser->words;
    bool file = false;

    for (size_t i = 1; i < words->n; i++)
        file |= is_one_of(words->v[i], "--file", "-f", "--file");
    if (!file || *parser->search || words->v[words->n - 1][0] != '/')
        return;
    *parser->search = xstrdup(words->v[words->n - 1]);
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
    if (strcmp(name, "menuentry") == 0 && end == END_BLOCK_OPENS && !entry &&
        parser->report->entry_count < ENTRIES_MAX)
        begin_entry(parser, at);
    else if (entry && is_one_of(name, "linux", "linuxefi", "linux16") && at + 1 < parser->words.n)
        set_kernel(entry, &parser->words, at);
    else if (entry && is_one_of(name, "initrd", "initrdefi", "initrd16"))
        add_initrds(entry, &parser->words, at);
    else if (strcmp(name, "search") == 0 && at == 0 && !parser->depth)
        note_search(parser);
}

void inspect_parse_menu(struct inspect_report *report, const char *text, char **search)
{
    struct parser parser = {.report = report, .p = text, .search = search};
    enum end end;

    *search = NULL;
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
