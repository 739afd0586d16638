/* render: fills the names that templates may use from a plan. */
#include "boot/render.h"

#include "base/embedded.h"
#include "base/msg.h"
#include "base/source.h"
#include "boot/template.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define TEMPLATE_MAX MIB

void render_quote(struct buf *out, const char *text)
{
    buf_puts(out, "'");
    for (; *text; text++)
        if (*text == '\'')
            buf_puts(out, "'\\''");
        else
            buf_add(out, text, 1);
    buf_puts(out, "'");
}

static void scope_quoted(struct scope *scope, const char *name, const char *text)
{
    struct buf quoted = {0};

    render_quote(&quoted, text);
    scope_text(scope, name, quoted.data);
    buf_free(&quoted);
}

static void scope_path(struct scope *scope, const char *name, const char *path)
{
    char *absolute = xasprintf("/%s", path);

    scope_text(scope, name, absolute);
    free(absolute);
}

static void add_entry(struct scope *scope, const struct plan_entry *entry)
{
    char *loading = xasprintf("Loading %s ...", entry->payload->title);
    struct scope *initrds;

    scope_quoted(scope, "title", entry->payload->title);
    scope_text(scope, "id", entry->payload->name);
    scope_quoted(scope, "loading", loading);
    free(loading);
    scope_path(scope, "kernel", entry->kernel_path);
    scope_list(scope, "words");
    for (size_t i = 0; i < entry->payload->words.n; i++)
        scope_quoted(scope_item(scope, "words"), "word", entry->payload->words.v[i]);
    scope_list(scope, "initrds");
    if (!entry->initrd_paths.n)
        return;
    initrds = scope_item(scope, "initrds");
    for (size_t i = 0; i < entry->initrd_paths.n; i++)
        scope_path(scope_item(initrds, "files"), "file", entry->initrd_paths.v[i]);
}

/* The first --console that GRUB has a driver for: ttyS0 to ttyS3, with its speed. */
static void add_consoles(struct scope *scope, const struct strings *consoles)
{
    bool serial = false, screen = consoles->n == 0;

    scope_list(scope, "serial");
    for (size_t i = 0; i < consoles->n; i++) {
        const char *console = consoles->v[i];
        bool port = strncmp(console, "ttyS", 4) == 0;

        screen = screen || !port;
        if (port && !serial && console[4] >= '0' && console[4] <= '3' &&
            (!console[5] || console[5] == ',')) {
            const char *speed = console[5] ? console + 6 : "9600";
            char *digits = xasprintf("%.*s", (int)strspn(speed, "0123456789"), speed);
            struct scope *item = scope_item(scope, "serial");

            scope_text(item, "unit", (char[]){console[4], '\0'});
            scope_text(item, "speed", digits);
            free(digits);
            serial = true;
        }
    }
    scope_flag(scope, "screen", screen || !serial);
    scope_flag(scope, "with_serial", serial);
}

static void fill(struct scope *scope, const struct plan *plan)
{
    char *timeout = xasprintf("%ld", plan->request->timeout), *label = xstrdup(plan->label);

    /* a string of GRUB's theme ends at the next ", for which it has no escape */
    for (char *p = label; (p = strchr(p, '"')); *p = '\'')
        ;
    scope_text(scope, "label", label);
    free(label);
    scope_text(scope, "marker", plan->marker);
    scope_text(scope, "timeout", timeout);
    scope_text(scope, "default", plan->entries[0].payload->name);
    add_consoles(scope, &plan->request->consoles);
    scope_list(scope, "entries");
    for (size_t i = 0; i < plan->entry_count; i++)
        add_entry(scope_item(scope, "entries"), &plan->entries[i]);
    free(timeout);
}

/* A template of the user's, if the folder has one of that name. 1: read, 0: there is none, -1. */
static int own_template(struct buf *text, char **path, const char *name, const char *dir)
{
    struct source source;
    struct content content;
    int result;

    *path = xasprintf("%s/%s", dir, name);
    if (access(*path, F_OK) < 0 && errno == ENOENT)
        return 0;
    if (source_open_any(&source, *path) < 0)
        return -1;
    content = source_content(&source);
    if (source.size > TEMPLATE_MAX) {
        result = msg_error("%s: reading the template: larger than 1 MiB", *path);
    } else {
        text->data = xcalloc(1, source.size + 1);
        text->len = source.size;
        result = content_read(&content, 0, text->data, text->len);
    }
    source_close(&source);
    return result < 0 ? -1 : 1;
}

int render(struct buf *out, const char *name, const struct plan *plan)
{
    const char *dir = plan->request->templates;
    struct scope scope = {0};
    struct buf own = {0};
    char *path = NULL, *file = xasprintf("templates/%s", name);
    int result = dir ? own_template(&own, &path, name, dir) : 0;

    fill(&scope, plan);
    if (result == 1)
        result = template_render(out, path, own.data, &scope);
    else if (result == 0)
        result = template_render(out, file, embedded_find(file)->data, &scope);
    scope_free(&scope);
    buf_free(&own);
    free(path);
    free(file);
    return result;
}
