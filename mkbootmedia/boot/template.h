/*
 * template: a Mustache subset (https://mustache.github.io/mustache.5.html): {{name}},
 * {{#list}}..{{/list}}, {{^list}}..{{/list}}, {{> partial}}, {{! comment}}. Values are put in as
 * they are: who makes them has quoted them for the language of the template. A section, partial or
 * comment tag alone on its line takes the whole line with it. A name that nobody has given a value
 * is an error with its line, never an empty string.
 */
#ifndef BOOT_TEMPLATE_H
#define BOOT_TEMPLATE_H

#include "base/util.h"

/* Names and values of one scope; what a list's item does not have, the scope around it may have. */
struct scope {
    struct scope_value *values;
    size_t count;
    const struct scope *outer; /* where names are looked up next; NULL: nowhere */
};

/* A template: its name for messages, its text. */
struct template_text {
    const char *file, *text;
};

/* Finds a partial by its name; returns -1, reported, if there is none. */
typedef int template_find(struct template_text *found, const char *name, void *arg);

/* A text is a value for {{name}}; {{#name}} shows its section once if it is not empty. */
void scope_text(struct scope *scope, const char *name, const char *text);
/* A flag is for {{#name}} and {{^name}} only. */
void scope_flag(struct scope *scope, const char *name, bool flag);
/* Makes a list, which is empty until scope_item has added to it. */
void scope_list(struct scope *scope, const char *name);
/* A new item of a list; valid until the next call for the same list. */
struct scope *scope_item(struct scope *scope, const char *name);
size_t scope_item_count(const struct scope *scope, const char *name);
void scope_free(struct scope *scope);

/*
 * Appends the rendered text to out; -1, reported as "FILE:LINE: ...". partials is asked for those;
 * NULL: there are none.
 */
int template_render(struct buf *out, const struct template_text *template,
                    const struct scope *scope, template_find *partials, void *arg);

#endif
