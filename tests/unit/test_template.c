/* template: text in, text out; errors with their line. */
#include "boot/template.h"

#include "base/msg.h"
#include "caught.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* name=Ann, empty="", quote={{name}}, yes, no, list=[{n=1,last=no} {n=2,name=Bob}], none=[],
 * nested=[{files=[{file=a} {file=b}]}] */
static void fill(struct scope *scope)
{
    struct scope *item;

    *scope = (struct scope){0};
    scope_text(scope, "name", "Ann");
    scope_text(scope, "empty", "");
    scope_text(scope, "quote", "{{name}} {{#");
    scope_flag(scope, "yes", true);
    scope_flag(scope, "no", false);
    scope_list(scope, "none");
    scope_text(scope_item(scope, "list"), "n", "1");
    item = scope_item(scope, "list");
    scope_text(item, "n", "2");
    scope_text(item, "name", "Bob");
    item = scope_item(scope, "nested");
    scope_text(scope_item(item, "files"), "file", "a");
    scope_text(scope_item(item, "files"), "file", "b");
}

static void test_render(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {"plain\n", "plain\n"},
        {"a } b }} c { d\n", "a } b }} c { d\n"},
        {"{{name}}", "Ann"},
        {"<{{name}}{{name}}>", "<AnnAnn>"},
        {"{{ name }}", "Ann"},
        {"[{{empty}}]", "[]"},
        {"{{quote}}", "{{name}} {{#"}, /* a value is never rendered itself */
        {"a{{! comment }}b", "ab"},
        {"a\n{{! comment }}\nb\n", "a\nb\n"},
        {"a\n  {{! comment }}  \nb\n", "a\nb\n"},
        {"a {{! comment }}\nb\n", "a \nb\n"},
        {"{{! comment }}", ""},
        {"{{#yes}}x{{/yes}}", "x"},
        {"{{#no}}x{{/no}}", ""},
        {"{{^yes}}x{{/yes}}", ""},
        {"{{^no}}x{{/no}}", "x"},
        {"{{#name}}x{{/name}}", "x"},
        {"{{#empty}}x{{/empty}}", ""},
        {"{{^empty}}x{{/empty}}", "x"},
        {"{{#none}}x{{/none}}", ""},
        {"{{^none}}x{{/none}}", "x"},
        {"{{^list}}x{{/list}}", ""},
        {"{{#list}}{{n}},{{/list}}", "1,2,"},
        {"{{#list}}{{n}}{{name}} {{/list}}{{name}}", "1Ann 2Bob Ann"},
        {"{{#list}}{{#list}}{{n}}{{/list}};{{/list}}", "12;12;"},
        {"{{#nested}}initrd{{#files}} {{file}}{{/files}}{{/nested}}", "initrd a b"},
        {"{{#no}}{{#list}}{{nosuch}}{{/list}}{{/no}}", ""}, /* what is not shown is not looked at */
        {"a\n{{#list}}\n{{n}}\n{{/list}}\nb\n", "a\n1\n2\nb\n"},
        {"a\n    {{#list}}\n    {{n}}\n    {{/list}}\nb\n", "a\n    1\n    2\nb\n"},
        {"a\n{{#no}}\nx\n{{/no}}\nb\n", "a\nb\n"},
        {"a\n{{#no}}\nx\n{{/no}}", "a\n"},
        {"a {{#yes}}\nx\n{{/yes}} b\n", "a \nx\n b\n"},
        {"a\n{{name}}\nb\n", "a\nAnn\nb\n"}, /* a value keeps its line */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct scope scope;
        struct buf out = {0};

        fill(&scope);
        buf_puts(&out, "");
        if (template_render(&out, &(struct template_text){"file", cases[i].text}, &scope, NULL,
                            NULL) != 0 ||
            strcmp(out.data, cases[i].want) != 0)
            fail_msg("\"%s\": got \"%s\", want \"%s\"", cases[i].text, out.data, cases[i].want);
        buf_free(&out);
        scope_free(&scope);
    }
}

/* Templates that name each other, by their texts. */
static int find_partial(struct template_text *found, const char *name, void *arg)
{
    static const struct {
        const char *name, *text;
    } partials[] = {
        {"greeting", "Hello {{name}}"}, {"lines", "x\n{{n}}\ny\n"},
        {"outer", "<{{> greeting}}>"},  {"section", "{{#list}}{{> item}}{{/list}}"},
        {"item", "({{n}} {{name}})"},   {"empty", ""},
        {"itself", "a {{> itself}}"},   {"ping", "{{> pong}}"},
        {"pong", "\n{{> ping}}"},       {"broken", "a\nb {{nosuch}}\n"},
        {"open", "a\n{{#yes}}\n"},      {"closes", "{{/yes}}"},
    };

    (void)arg;
    for (size_t i = 0; i < ARRAY_LEN(partials); i++)
        if (strcmp(partials[i].name, name) == 0) {
            *found = (struct template_text){partials[i].name, partials[i].text};
            return 0;
        }
    return msg_error("%s: rendering: no such template", name);
}

/* Runs a render with standard error caught in text. */
static int render_caught(const char *template, template_find *find, char *text, size_t size)
{
    struct scope scope;
    struct buf out = {0};
    struct caught caught;
    int result;

    fill(&scope);
    caught_begin(&caught);
    result =
        template_render(&out, &(struct template_text){"menu.cfg", template}, &scope, find, NULL);
    caught_end(&caught, text, size);
    buf_free(&out);
    scope_free(&scope);
    return result;
}

static void test_partials(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"{{> greeting}}", "Hello Ann"},
        {"{{>greeting}}!", "Hello Ann!"},
        {"{{#list}}{{> greeting}};{{/list}}",
         "Hello Ann;Hello Bob;"}, /* the scope where it stands */
        {"{{> outer}} {{> outer}}", "<Hello Ann> <Hello Ann>"},
        {"{{> section}}", "(1 Ann)(2 Bob)"},
        {"a{{> empty}}b", "ab"},
        {"a\n  {{> greeting}}\nb\n", "a\nHello Annb\n"}, /* its line is the partial's */
        {"{{#list}}\n{{> lines}}\n{{/list}}\nz\n", "x\n1\ny\nx\n2\ny\nz\n"},
        {"{{#no}}{{> nosuch}}{{/no}}", ""}, /* what is not shown is not looked at */
        {"{{#none}}{{> itself}}{{/none}}", ""},
        {"{{^no}}{{> greeting}}{{/no}}", "Hello Ann"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct scope scope;
        struct buf out = {0};

        fill(&scope);
        buf_puts(&out, "");
        if (template_render(&out, &(struct template_text){"file", cases[i].text}, &scope,
                            find_partial, NULL) != 0 ||
            strcmp(out.data, cases[i].want) != 0)
            fail_msg("\"%s\": got \"%s\", want \"%s\"", cases[i].text, out.data, cases[i].want);
        buf_free(&out);
        scope_free(&scope);
    }
}

static void test_partial_errors(void **state)
{
    static const struct {
        const char *text, *want; /* want: the start of the message */
    } cases[] = {
        {"{{> nosuch}}", "nosuch: rendering: no such template\n"},
        {"{{> }}", ": rendering: no such template\n"},
        {"{{> broken}}",
         "broken:2: rendering: no such name: {{nosuch}}\n"}, /* its file, its line */
        {"\n\n{{#list}}{{> broken}}{{/list}}", "broken:2: rendering: no such name: {{nosuch}}\n"},
        {"{{> open}}{{/yes}}", "open:2: rendering: a section without its end: {{yes}}\n"},
        {"{{#yes}}{{> closes}}", "closes:1: rendering: closes no open section: {{yes}}\n"},
        {"{{> itself}}", "itself:1: rendering: too many partials in each other: {{itself}}\n"},
        {"x\n{{> ping}}", "p"}, /* ping or pong */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char got[256], want[256];
        int result = render_caught(cases[i].text, find_partial, got, sizeof got);

        snprintf(want, sizeof want, "mkbootmedia: %s", cases[i].want);
        if (result != -1 || strncmp(got, want, strlen(want)) != 0 ||
            strchr(got, '\n') != got + strlen(got) - 1)
            fail_msg("\"%s\": %d, got \"%s\"", cases[i].text, result, got);
    }
}

/* Names that a scope has not are those of the scope around it: a host's, then the plan's. */
static void test_outer(void **state)
{
    struct scope outer = {0}, inner = {.outer = &outer};
    struct buf out = {0};

    (void)state;
    scope_text(&outer, "mac", "none");
    scope_text(&outer, "label", "LAB");
    scope_text(scope_item(&outer, "entries"), "title", "a");
    scope_text(&inner, "mac", "52-54");
    assert_int_equal(template_render(&out,
                                     &(struct template_text){
                                         "file", "{{mac}} {{label}} {{#entries}}{{title}} {{mac}}"
                                                 "{{/entries}}"},
                                     &inner, NULL, NULL),
                     0);
    assert_string_equal(out.data, "52-54 LAB a 52-54");
    buf_free(&out);
    scope_free(&inner);
    scope_free(&outer);
}

static void test_errors(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"{{nosuch}}", "menu.cfg:1: rendering: no such name: {{nosuch}}"},
        {"a\nb\nc {{nam}}", "menu.cfg:3: rendering: no such name: {{nam}}"},
        {"{{names}}", "menu.cfg:1: rendering: no such name: {{names}}"},
        {"{{}}", "menu.cfg:1: rendering: no such name: {{}}"},
        {"{{n}}", "menu.cfg:1: rendering: no such name: {{n}}"},
        {"{{#list}}\n{{nosuch}}{{/list}}", "menu.cfg:2: rendering: no such name: {{nosuch}}"},
        {"{{#nosuch}}x{{/nosuch}}", "menu.cfg:1: rendering: no such name: {{nosuch}}"},
        {"{{^nosuch}}x{{/nosuch}}", "menu.cfg:1: rendering: no such name: {{nosuch}}"},
        {"{{yes}}", "menu.cfg:1: rendering: is not a text: {{yes}}"},
        {"{{list}}", "menu.cfg:1: rendering: is not a text: {{list}}"},
        {"\n{{#yes}}x", "menu.cfg:2: rendering: a section without its end: {{yes}}"},
        {"\n{{#no}}x", "menu.cfg:2: rendering: a section without its end: {{no}}"},
        {"{{#yes}}{{#no}}{{/yes}}", "menu.cfg:1: rendering: closes no open section: {{yes}}"},
        {"{{/yes}}", "menu.cfg:1: rendering: closes no open section: {{yes}}"},
        {"a {{name", "menu.cfg:1: rendering: a tag without its end: {{}}"},
        {"a {{name\n}}", "menu.cfg:1: rendering: a tag without its end: {{}}"},
        {"\n{{> greeting}}", "menu.cfg:2: rendering: no such partial: {{greeting}}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char got[256], want[256];
        int result = render_caught(cases[i].text, NULL, got, sizeof got);

        snprintf(want, sizeof want, "mkbootmedia: %s\n", cases[i].want);
        if (result != -1 || strcmp(got, want) != 0)
            fail_msg("\"%s\": %d, got \"%s\"", cases[i].text, result, got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_render),   cmocka_unit_test(test_errors),
        cmocka_unit_test(test_partials), cmocka_unit_test(test_partial_errors),
        cmocka_unit_test(test_outer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
