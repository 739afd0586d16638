/* render: fills the names that templates may use from a plan, and finds the templates. */
#include "boot/render.h"

#include "base/embedded.h"
#include "base/msg.h"
#include "base/source.h"
#include "boot/render_scope.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define TEMPLATE_MAX MIB

struct render_template {
    char *name, *file;
    struct buf own; /* its text, if it is the user's */
};

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

/* The label, fit for a theme: a string there ends at the next ", for which GRUB has no escape. */
static void add_label(struct scope *scope, const char *text)
{
    char *label = xstrdup(text);

    for (char *p = label; (p = strchr(p, '"')); *p = '\'')
        ;
    scope_text(scope, "label", label);
    free(label);
}

/* iPXE counts milliseconds, and knows 0 only as "for ever". */
static void add_timeout(struct scope *scope, long seconds)
{
    char *timeout = xasprintf("%ld", seconds), *milliseconds = xasprintf("%ld", seconds * 1000);

    scope_text(scope, "timeout", timeout);
    scope_text(scope, "milliseconds", seconds > 0 ? milliseconds : "");
    scope_flag(scope, "at_once", seconds == 0);
    free(timeout);
    free(milliseconds);
}

void renderer_init(struct renderer *renderer, const struct plan *plan)
{
    struct scope *scope = &renderer->scope;

    *renderer = (struct renderer){.plan = plan};
    add_label(scope, plan->label);
    if (plan->output != PLAN_NET)
        scope_text(scope, "marker", plan->marker);
    add_timeout(scope, plan->request->timeout);
    render_default(scope, plan);
    add_consoles(scope, &plan->request->consoles);
    scope_list(scope, "entries");
    for (size_t i = 0; i < plan->entry_count; i++)
        render_entry(scope_item(scope, "entries"), plan, &plan->entries[i], NULL);
    if (plan->output == PLAN_NET)
        render_net(scope, plan);
}

void renderer_free(struct renderer *renderer)
{
    for (size_t i = 0; i < renderer->template_count; i++) {
        free(renderer->templates[i].name);
        free(renderer->templates[i].file);
        buf_free(&renderer->templates[i].own);
    }
    free(renderer->templates);
    scope_free(&renderer->scope);
}

/* A template of the user's, if the folder has one of that name. 1: read, 0: there is none, -1. */
static int own_template(struct buf *text, const char *path)
{
    struct source source;
    struct content content;
    int result;

    if (access(path, F_OK) < 0 && errno == ENOENT)
        return 0;
    if (source_open_any(&source, path) < 0)
        return -1;
    content = source_content(&source);
    if (source.size > TEMPLATE_MAX) {
        result = msg_error("%s: reading the template: larger than 1 MiB", path);
    } else {
        text->data = xcalloc(1, source.size + 1);
        text->len = source.size;
        result = content_read(&content, 0, text->data, text->len);
    }
    source_close(&source);
    return result < 0 ? -1 : 1;
}

/* Reads a template; -1, reported. */
static int add_template(struct renderer *renderer, const char *name)
{
    const char *dir = renderer->plan->request->templates;
    struct render_template *template;
    int found = 0;

    renderer->templates =
        xgrow(renderer->templates, renderer->template_count, sizeof *renderer->templates);
    template = &renderer->templates[renderer->template_count++];
    *template = (struct render_template){.name = xstrdup(name)};
    if (dir) {
        template->file = xasprintf("%s/%s", dir, name);
        found = own_template(&template->own, template->file);
    }
    if (found == 0) {
        free(template->file);
        template->file = xasprintf("templates/%s", name);
    }
    return found < 0 ? -1 : 0;
}

static int find_template(struct template_text *found, const char *name, void *arg)
{
    struct renderer *renderer = arg;
    const struct render_template *template;
    const struct embedded *embedded;
    size_t i = 0;

    while (i < renderer->template_count && strcmp(renderer->templates[i].name, name) != 0)
        i++;
    if (i == renderer->template_count && add_template(renderer, name) < 0)
        return -1;
    template = &renderer->templates[i];
    *found = (struct template_text){template->file, template->own.data};
    if (template->own.data)
        return 0;
    embedded = embedded_look(template->file);
    if (!embedded)
        return msg_error("%s: rendering: no such template", name);
    found->text = embedded->data;
    return 0;
}

void renderer_host(const struct renderer *renderer, struct scope *scope,
                   const struct payload_host *host)
{
    const struct plan *plan = renderer->plan;

    *scope = (struct scope){.outer = &renderer->scope};
    scope_text(scope, "mac", host->asked->mac);
    render_entry(scope, plan, &plan->entries[host->entry], host);
}

int renderer_render(struct renderer *renderer, struct buf *out, const char *name,
                    const struct scope *host)
{
    struct template_text template;

    if (find_template(&template, name, renderer) < 0)
        return -1;
    return template_render(out, &template, host ? host : &renderer->scope, find_template, renderer);
}

int render(struct buf *out, const char *name, const struct plan *plan)
{
    struct renderer renderer;
    int result;

    renderer_init(&renderer, plan);
    result = renderer_render(&renderer, out, name, NULL);
    renderer_free(&renderer);
    return result;
}
