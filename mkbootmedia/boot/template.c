/* template: a recursive walk over the tags of a text, with a chain of scopes. */
#include "boot/template.h"

#include "base/msg.h"

#include <stdlib.h>

enum kind { TEXT, FLAG, LIST };

struct scope_value {
    char *name;
    enum kind kind;
    char *text;
    bool flag;
    struct scope *items;
    size_t count;
};

/* Where a walk is: one template, and the scopes around the current one. */
struct walk {
    const char *file, *text;
    struct buf *out;
    int depth; /* of sections and partials in each other */
    template_find *find;
    void *arg;
};

#define DEPTH_MAX 32

struct chain {
    const struct scope *scope;
    const struct chain *outer;
};

struct tag {
    char kind; /* '#' '^' '/' '>' '!' or 0 for a value */
    const char *name;
    size_t name_len;
    const char *start, *end; /* what the output leaves out: the tag, or its whole line */
};

static struct scope_value *new_value(struct scope *scope, const char *name, enum kind kind)
{
    scope->values = xgrow(scope->values, scope->count, sizeof *scope->values);
    scope->values[scope->count] = (struct scope_value){.name = xstrdup(name), .kind = kind};
    return &scope->values[scope->count++];
}

static struct scope_value *find_in(const struct scope *scope, const char *name, size_t len)
{
    for (size_t i = 0; i < scope->count; i++)
        if (strncmp(scope->values[i].name, name, len) == 0 && !scope->values[i].name[len])
            return &scope->values[i];
    return NULL;
}

void scope_text(struct scope *scope, const char *name, const char *text)
{
    new_value(scope, name, TEXT)->text = xstrdup(text);
}

void scope_flag(struct scope *scope, const char *name, bool flag)
{
    new_value(scope, name, FLAG)->flag = flag;
}

void scope_list(struct scope *scope, const char *name)
{
    new_value(scope, name, LIST);
}

struct scope *scope_item(struct scope *scope, const char *name)
{
    struct scope_value *list = find_in(scope, name, strlen(name));

    if (!list)
        list = new_value(scope, name, LIST);
    list->items = xgrow(list->items, list->count, sizeof *list->items);
    list->items[list->count] = (struct scope){0};
    return &list->items[list->count++];
}

size_t scope_item_count(const struct scope *scope, const char *name)
{
    const struct scope_value *list = find_in(scope, name, strlen(name));

    return list ? list->count : 0;
}

void scope_free(struct scope *scope)
{
    for (size_t i = 0; i < scope->count; i++) {
        struct scope_value *value = &scope->values[i];

        for (size_t k = 0; k < value->count; k++)
            scope_free(&value->items[k]);
        free(value->items);
        free(value->text);
        free(value->name);
    }
    free(scope->values);
    *scope = (struct scope){0};
}

static const struct scope_value *find(const struct chain *chain, const struct tag *tag)
{
    for (; chain; chain = chain->outer)
        for (const struct scope *scope = chain->scope; scope; scope = scope->outer) {
            const struct scope_value *value = find_in(scope, tag->name, tag->name_len);

            if (value)
                return value;
        }
    return NULL;
}

static int fail(const struct walk *walk, const char *at, const char *why, const struct tag *tag)
{
    size_t line = 1;

    for (const char *p = walk->text; p < at; p++)
        line += *p == '\n';
    return msg_error("%s:%zu: rendering: %s{{%.*s}}", walk->file, line, why, (int)tag->name_len,
                     tag->name);
}

/* A section, partial or comment tag alone on its line leaves nothing of the line. */
static void widen(const struct walk *walk, struct tag *tag)
{
    const char *start = tag->start, *end = tag->end;

    while (start > walk->text && (start[-1] == ' ' || start[-1] == '\t'))
        start--;
    while (*end == ' ' || *end == '\t')
        end++;
    if ((start == walk->text || start[-1] == '\n') && (*end == '\n' || !*end)) {
        tag->start = start;
        tag->end = end + (*end == '\n');
    }
}

/* The next tag at or after p. Returns 1, 0 if there is none, -1 and reported if it is broken. */
static int next_tag(const struct walk *walk, const char *p, struct tag *tag)
{
    const char *close;

    *tag = (struct tag){.start = strstr(p, "{{")};
    if (!tag->start)
        return 0;
    tag->name = tag->start + 2;
    close = strstr(tag->name, "}}");
    if (!close || memchr(tag->name, '\n', (size_t)(close - tag->name)))
        return fail(walk, tag->start, "a tag without its end: ", tag);
    tag->end = close + 2;
    if (strchr("#^/>!", *tag->name))
        tag->kind = *tag->name++;
    while (tag->name < close && *tag->name == ' ')
        tag->name++;
    while (close > tag->name && close[-1] == ' ')
        close--;
    tag->name_len = (size_t)(close - tag->name);
    if (tag->kind)
        widen(walk, tag);
    return 1;
}

static bool shown(const struct scope_value *value)
{
    return value->kind == TEXT   ? *value->text != '\0'
           : value->kind == FLAG ? value->flag
                                 : value->count > 0;
}

static const char *render_until(struct walk *walk, const char *p, const struct tag *open,
                                const struct chain *chain);

/* A section: rendered once for each item (or once, or not at all); returns where it ends. */
static const char *render_section(struct walk *walk, const struct tag *open,
                                  const struct chain *chain)
{
    static const struct scope nothing;
    struct buf unseen = {0};
    struct walk dry = *walk;
    const struct scope_value *value = find(chain, open);
    size_t times;
    const char *end = NULL;

    if (!value) {
        fail(walk, open->start, "no such name: ", open);
        return NULL;
    }
    dry.out = &unseen;
    times = open->kind == '^' ? !shown(value) : value->kind == LIST ? value->count : shown(value);
    for (size_t i = 0; i < times; i++) {
        bool item = open->kind == '#' && value->kind == LIST;
        struct chain inner = {item ? &value->items[i] : &nothing, chain};

        end = render_until(walk, open->end, open, &inner);
        if (!end)
            return NULL;
    }
    if (!times) /* only to find its end */
        end = render_until(&dry, open->end, open, NULL);
    buf_free(&unseen);
    return end;
}

static int render_value(const struct walk *walk, const struct tag *tag, const struct chain *chain)
{
    const struct scope_value *value = find(chain, tag);

    if (!value)
        return fail(walk, tag->start, "no such name: ", tag);
    if (value->kind != TEXT)
        return fail(walk, tag->start, "is not a text: ", tag);
    buf_puts(walk->out, value->text);
    return 0;
}

static bool closes(const struct tag *tag, const struct tag *open)
{
    return open && tag->name_len == open->name_len &&
           memcmp(tag->name, open->name, open->name_len) == 0;
}

/* A section within what is being rendered or, without a chain of scopes, passed over. */
static const char *render_inner(struct walk *walk, const struct tag *tag, const struct chain *chain)
{
    const char *end;

    if (walk->depth == DEPTH_MAX) {
        fail(walk, tag->start, "too many sections in each other: ", tag);
        return NULL;
    }
    walk->depth++;
    end = chain ? render_section(walk, tag, chain) : render_until(walk, tag->end, tag, NULL);
    walk->depth--;
    return end;
}

/* Another template in the place of its tag. */
static int render_partial(struct walk *walk, const struct tag *tag, const struct chain *chain)
{
    struct walk inner = *walk;
    struct template_text found;
    char *name;
    int result;

    if (walk->depth == DEPTH_MAX)
        return fail(walk, tag->start, "too many partials in each other: ", tag);
    if (!walk->find)
        return fail(walk, tag->start, "no such partial: ", tag);
    name = xasprintf("%.*s", (int)tag->name_len, tag->name);
    result = walk->find(&found, name, walk->arg);
    free(name);
    if (result < 0)
        return -1;
    inner.file = found.file;
    inner.text = found.text;
    inner.depth++;
    return render_until(&inner, found.text, NULL, chain) ? 0 : -1;
}

/* What a tag that opens no section leaves in the output. */
static int render_leaf(struct walk *walk, const struct tag *tag, const struct chain *chain)
{
    if (!chain || tag->kind == '!')
        return 0;
    return tag->kind == '>' ? render_partial(walk, tag, chain) : render_value(walk, tag, chain);
}

/*
 * Renders from p up to the tag that closes open (NULL: up to the end of the text); returns what
 * follows it, or NULL and reported. Without a chain of scopes it only looks for the end.
 */
static const char *render_until(struct walk *walk, const char *p, const struct tag *open,
                                const struct chain *chain)
{
    for (;;) {
        struct tag tag;
        int found = next_tag(walk, p, &tag);

        if (found < 0)
            return NULL;
        if (!found && open) {
            fail(walk, open->start, "a section without its end: ", open);
            return NULL;
        }
        buf_add(walk->out, p, found ? (size_t)(tag.start - p) : strlen(p));
        if (!found)
            return p + strlen(p);
        p = tag.end;
        if (tag.kind == '/') {
            if (closes(&tag, open))
                return p;
            fail(walk, tag.start, "closes no open section: ", &tag);
            return NULL;
        }
        if (tag.kind == '#' || tag.kind == '^')
            p = render_inner(walk, &tag, chain);
        else if (render_leaf(walk, &tag, chain) < 0)
            return NULL;
        if (!p)
            return NULL;
    }
}

int template_render(struct buf *out, const struct template_text *template,
                    const struct scope *scope, template_find *partials, void *arg)
{
    struct walk walk = {template->file, template->text, out, 0, partials, arg};
    struct chain chain = {scope, NULL};

    return render_until(&walk, walk.text, NULL, &chain) ? 0 : -1;
}
