/* module_wishes: reads firststage/modules, and says of a module whether a purpose wants it. */
#include "ramroot/modules_private.h"

#include <fnmatch.h>
#include <stdlib.h>

#define BLANKS " \t\r"

void module_normalise(char *name)
{
    bool range = false;

    for (; *name; name++) {
        if (*name == '[')
            range = true;
        else if (*name == ']')
            range = false;
        else if (*name == '-' && !range)
            *name = '_';
    }
}

/* "[network medium]" without its brackets. */
static unsigned read_purposes(char *words)
{
    static const struct {
        const char *word;
        enum module_purpose purpose;
    } known[] = {{"overlay", MODULES_OVERLAY},
                 {"network", MODULES_NETWORK},
                 {"medium", MODULES_MEDIUM},
                 {"shell", MODULES_SHELL}};
    unsigned purposes = 0;
    char *rest = NULL;

    for (char *word = strtok_r(words, BLANKS, &rest); word; word = strtok_r(NULL, BLANKS, &rest))
        for (size_t i = 0; i < ARRAY_LEN(known); i++)
            if (strcmp(word, known[i].word) == 0)
                purposes |= known[i].purpose;
    return purposes;
}

static void add_wish(struct module_wishes *wishes, size_t section, unsigned purposes, char *word)
{
    bool minus = *word == '-';

    word += minus;
    if (!strchr(word, '/'))
        module_normalise(word);
    wishes->list = xgrow(wishes->list, wishes->count, sizeof *wishes->list);
    wishes->list[wishes->count++] = (struct module_wish){word, section, purposes, minus};
}

void module_wishes_read(struct module_wishes *wishes, char *text)
{
    size_t section = 0;
    unsigned purposes = 0;
    char *rest = NULL;

    *wishes = (struct module_wishes){.text = text};
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        line += strspn(line, BLANKS);
        if (*line == '[') {
            line[strcspn(line, "]")] = '\0';
            purposes = read_purposes(line + 1);
            section++;
            continue;
        }
        line[strcspn(line, BLANKS "#")] = '\0';
        if (*line)
            add_wish(wishes, section, purposes, line);
    }
}

static bool matches(const struct module_wish *wish, const char *name, const char *path)
{
    return fnmatch(wish->pattern, strchr(wish->pattern, '/') ? path : name, 0) == 0;
}

bool module_wished(const struct module_wishes *wishes, unsigned purposes, const char *name,
                   const char *path)
{
    size_t section = 0;
    bool wished = false;

    for (size_t i = 0; i < wishes->count; i++) {
        const struct module_wish *wish = &wishes->list[i];

        if (wished && wish->section != section)
            return true;
        section = wish->section;
        if ((wish->purposes & purposes) && matches(wish, name, path))
            wished = !wish->minus;
    }
    return wished;
}

void module_wishes_free(struct module_wishes *wishes)
{
    free(wishes->text);
    free(wishes->list);
    *wishes = (struct module_wishes){0};
}
