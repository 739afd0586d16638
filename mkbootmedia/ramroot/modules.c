/*
 * modules: from the files of a spool to those modules that are wanted and what they depend on.
 *
 *   candidates: all modules of the folder, by name
 *   picked:     the wanted ones, and what the picked ones depend on
 *
 * A module of which a dependency is nowhere is of no use and is left out.
 */
#include "ramroot/modules_private.h"

#include "base/embedded.h"
#include "base/msg.h"

#include <stdlib.h>

#define DEPTH_MAX 100       /* of dependencies */
#define TOTAL_MAX (2 * GIB) /* bytes of all modules together */
#define WISHES    "firststage/modules"

enum state { NEW, PICKED, USELESS };

struct candidate {
    const struct spooled *file;
    struct module module; /* its name and path at first, the rest once it is picked */
    struct strings soft;  /* what should be loaded before it, if it is there */
    char *lacks;          /* the module for want of which it is useless */
    enum state state;
};

struct find {
    const struct spool *spool;
    const char *folder, *version, *subject;
    unsigned purposes;
    bool lenient; /* what is wanted now may be missing */
    struct module_wishes wishes;
    struct strings builtin;       /* names, sorted */
    struct candidate *candidates; /* sorted by name */
    size_t count;
    size_t room; /* bytes that may still be taken */
};

/* The length of a path without the end of a module's file: 0, it is no module's. */
static size_t module_stem(const char *path)
{
    static const char *const ends[] = {".ko", ".ko.gz", ".ko.xz", ".ko.zst"};
    size_t len = strlen(path);

    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        size_t end = strlen(ends[i]);

        if (len > end && strcmp(path + len - end, ends[i]) == 0)
            return len - end;
    }
    return 0;
}

/* The name of the module of a path, malloc'ed; NULL: it is no module's, or no word of modules.dep.
 */
static char *module_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    size_t stem = path[strcspn(path, " \t\n:")] ? 0 : module_stem(base);
    char *name = stem ? xasprintf("%.*s", (int)stem, base) : NULL;

    if (name)
        module_normalise(name);
    return name;
}

static void add_candidate(struct find *find, const struct spooled *file, const char *path)
{
    struct candidate *candidate;
    char *name = module_name(path);

    if (!name)
        return;
    find->candidates = xgrow(find->candidates, find->count, sizeof *find->candidates);
    candidate = &find->candidates[find->count++];
    *candidate = (struct candidate){.file = file};
    candidate->module.name = name;
    candidate->module.path = xasprintf("%.*s.ko", (int)module_stem(path), path);
}

static bool is_kernel_own(const struct candidate *candidate)
{
    return strncmp(candidate->module.path, "kernel/", 7) == 0;
}

/* Of one name, what was added to the kernel (updates/, extra/) comes before its own. */
static int by_name(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    int order = strcmp(x->module.name, y->module.name);

    if (order == 0)
        order = is_kernel_own(x) - is_kernel_own(y);
    return order ? order : strcmp(x->module.path, y->module.path);
}

static void free_candidate(struct candidate *candidate)
{
    free(candidate->module.name);
    free(candidate->module.path);
    free(candidate->module.data);
    strings_free(&candidate->module.needs);
    strings_free(&candidate->module.aliases);
    strings_free(&candidate->soft);
    free(candidate->lacks);
}

static void sort_candidates(struct find *find)
{
    size_t kept = 0;

    if (find->count)
        qsort(find->candidates, find->count, sizeof *find->candidates, by_name);
    for (size_t i = 0; i < find->count; i++) {
        if (kept &&
            strcmp(find->candidates[kept - 1].module.name, find->candidates[i].module.name) == 0)
            free_candidate(&find->candidates[i]);
        else
            find->candidates[kept++] = find->candidates[i];
    }
    find->count = kept;
}

/* Links such as "build" and "source" are no files, and lead nowhere in an initramfs. */
static void find_candidates(struct find *find)
{
    size_t len = strlen(find->folder);

    for (size_t i = 0; i < find->spool->count; i++) {
        const struct spooled *file = &find->spool->members[i];
        const char *path = file->path;

        if (strncmp(path, find->folder, len) == 0 && path[len] == '/' &&
            (archive_entry_filetype(file->entry) == AE_IFREG ||
             archive_entry_hardlink(file->entry)))
            add_candidate(find, file, path + len + 1);
    }
    sort_candidates(find);
}

static int compare_name(const void *key, const void *element)
{
    return strcmp(key, ((const struct candidate *)element)->module.name);
}

static struct candidate *find_candidate(const struct find *find, const char *name)
{
    return find->count ? bsearch(name, find->candidates, find->count, sizeof *find->candidates,
                                 compare_name)
                       : NULL;
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_builtin(const struct find *find, const char *name)
{
    return find->builtin.n && bsearch(&name, find->builtin.v, find->builtin.n,
                                      sizeof *find->builtin.v, compare_strings);
}

/* A hard link to something that is not among the files of a kernel (ostree has such). */
static bool is_elsewhere(const struct spooled *file)
{
    return archive_entry_hardlink(file->entry);
}

/* modules.builtin: a path a line. Without it nothing is known to be built in. */
static int read_builtin(struct find *find)
{
    char *path = xasprintf("%s/modules.builtin", find->folder), *rest = NULL;
    const struct spooled *file = spool_find(find->spool, path);
    size_t len;
    char *text;

    free(path);
    if (file && is_elsewhere(file) && find->purposes == MODULES_SHELL)
        file = NULL;
    text = file ? spool_read(find->spool, file, &len) : NULL;
    if (file && !text)
        return -1;
    for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest)) {
        char *name = module_name(line);

        if (name)
            strings_add(&find->builtin, name);
        free(name);
    }
    free(text);
    if (find->builtin.n)
        qsort(find->builtin.v, find->builtin.n, sizeof *find->builtin.v, compare_strings);
    return 0;
}

static int read_candidate(struct find *find, struct candidate *candidate)
{
    struct module *module = &candidate->module;
    char *name = xasprintf("%s: /%s", find->subject, candidate->file->path);
    size_t len;
    char *data = spool_read(find->spool, candidate->file, &len);
    int result = data ? module_read(module, &candidate->soft, data, len, find->room, name) : -1;

    find->room -= result == 0 ? module->len : 0;
    free(name);
    return result;
}

static int pick(struct find *find, struct candidate *candidate, unsigned depth);

static int set_useless(struct candidate *candidate, const char *lacks)
{
    candidate->state = USELESS;
    candidate->lacks = xstrdup(lacks);
    return 0;
}

/* Picks what it depends on; its needs are left with those that are modules of their own. */
static int pick_needs(struct find *find, struct candidate *candidate, unsigned depth)
{
    struct strings found = {0};
    struct strings *needs = &candidate->module.needs;
    int result = 1;

    for (size_t i = 0; i < needs->n && result == 1; i++) {
        struct candidate *need = find_candidate(find, needs->v[i]);

        if (!need && is_builtin(find, needs->v[i]))
            continue;
        result = need ? pick(find, need, depth + 1) : 0;
        if (result == 0)
            set_useless(candidate, need && need->lacks ? need->lacks : needs->v[i]);
        else
            strings_add(&found, needs->v[i]);
    }
    strings_free(needs);
    *needs = found;
    return result;
}

static int pick_soft(struct find *find, struct candidate *candidate, unsigned depth)
{
    for (size_t i = 0; i < candidate->soft.n; i++) {
        struct candidate *need = find_candidate(find, candidate->soft.v[i]);
        int result = need ? pick(find, need, depth + 1) : 0;

        if (result < 0)
            return -1;
        if (result == 1)
            strings_add(&candidate->module.needs, candidate->soft.v[i]);
    }
    return 1;
}

/* 1: it is picked, with all that it depends on; 0: it is useless; -1, reported. */
static int pick(struct find *find, struct candidate *candidate, unsigned depth)
{
    int result;

    if (candidate->state != NEW)
        return candidate->state == PICKED;
    if (depth > DEPTH_MAX)
        return msg_error("%s: finding kernel modules: dependencies of %s are too deep",
                         find->subject, candidate->module.name);
    if (find->lenient && is_elsewhere(candidate->file))
        return set_useless(candidate, candidate->module.name);
    candidate->state = PICKED; /* also for those on which it depends and which depend on it */
    if (read_candidate(find, candidate) < 0)
        return -1;
    result = pick_needs(find, candidate, depth);
    return result == 1 ? pick_soft(find, candidate, depth) : result;
}

static int pick_wanted(struct find *find, unsigned purposes)
{
    for (size_t i = 0; i < find->count; i++) {
        struct candidate *candidate = &find->candidates[i];

        if (!module_wished(&find->wishes, purposes, candidate->module.name, candidate->module.path))
            continue;
        if (pick(find, candidate, 0) < 0)
            return -1;
        if (candidate->state == USELESS)
            msg_detail("%s: leaving out the kernel module %s: it needs %s, which is not there",
                       find->subject, candidate->module.name, candidate->lacks);
    }
    return 0;
}

/* A shell can do without a keyboard: what is wanted for that alone stops nobody. */
static int pick_all(struct find *find)
{
    if (pick_wanted(find, find->purposes & ~(unsigned)MODULES_SHELL) < 0)
        return -1;
    find->lenient = true;
    return pick_wanted(find, find->purposes & MODULES_SHELL);
}

/* What mode overlay wants has to be there. */
static int check_overlay(const struct find *find)
{
    for (size_t i = 0; i < find->wishes.count; i++) {
        const struct module_wish *wish = &find->wishes.list[i];
        const struct candidate *candidate;

        if (!(wish->purposes & find->purposes & MODULES_OVERLAY) || is_builtin(find, wish->pattern))
            continue;
        candidate = find_candidate(find, wish->pattern);
        if (!candidate)
            return msg_error("%s: finding kernel modules: %s has no %s module, and mode overlay "
                             "needs it",
                             find->subject, find->version, wish->pattern);
        if (candidate->state == USELESS)
            return msg_error("%s: finding kernel modules: %s has a %s module, but not %s, which "
                             "that needs",
                             find->subject, find->version, wish->pattern, candidate->lacks);
    }
    return 0;
}

/* Is it for some processors only? On others it does not load, nor does what needs it. */
static bool is_for_some(const struct module *module)
{
    for (size_t i = 0; i < module->aliases.n; i++)
        if (strncmp(module->aliases.v[i], "cpu:", 4) == 0)
            return true;
    return false;
}

static bool has_alias(const struct module *module, const char *name)
{
    for (size_t i = 0; i < module->aliases.n; i++)
        if (strcmp(module->aliases.v[i], name) == 0)
            return true;
    return false;
}

/* A soft dependency may be an alias ("crypto-crc32c"): of a module that has been picked. */
static void find_soft_aliases(struct find *find, struct candidate *candidate)
{
    for (size_t i = 0; i < candidate->soft.n; i++) {
        const char *name = candidate->soft.v[i];

        for (size_t k = 0; k < find->count && !find_candidate(find, name); k++) {
            const struct candidate *other = &find->candidates[k];

            if (other != candidate && other->state == PICKED && !is_for_some(&other->module) &&
                has_alias(&other->module, name))
                strings_add(&candidate->module.needs, other->module.name);
        }
    }
}

/* Moves what has been picked into the result. */
static void take_picked(struct find *find, struct modules *modules)
{
    for (size_t i = 0; i < find->count; i++)
        if (find->candidates[i].state == PICKED)
            find_soft_aliases(find, &find->candidates[i]);
    for (size_t i = 0; i < find->count; i++) {
        struct candidate *candidate = &find->candidates[i];

        if (candidate->state != PICKED)
            continue;
        modules->list = xgrow(modules->list, modules->count, sizeof *modules->list);
        modules->list[modules->count++] = candidate->module;
        candidate->module = (struct module){0};
    }
}

int modules_find(struct modules *modules, const struct spool *spool, const char *folder,
                 unsigned purposes, const char *subject)
{
    const char *slash = strrchr(folder, '/');
    struct find find = {.spool = spool,
                        .folder = folder,
                        .version = slash ? slash + 1 : folder,
                        .subject = subject,
                        .purposes = purposes,
                        .room = TOTAL_MAX};
    int result = -1;

    *modules = (struct modules){0};
    module_wishes_read(&find.wishes, xstrdup(embedded_find(WISHES)->data));
    find_candidates(&find);
    if (read_builtin(&find) == 0 && pick_all(&find) == 0)
        result = check_overlay(&find);
    if (result == 0)
        take_picked(&find, modules);
    for (size_t i = 0; i < find.count; i++)
        free_candidate(&find.candidates[i]);
    free(find.candidates);
    strings_free(&find.builtin);
    module_wishes_free(&find.wishes);
    return result;
}

void modules_free(struct modules *modules)
{
    for (size_t i = 0; i < modules->count; i++) {
        struct module *module = &modules->list[i];

        free(module->name);
        free(module->path);
        free(module->data);
        strings_free(&module->needs);
        strings_free(&module->aliases);
    }
    free(modules->list);
    *modules = (struct modules){0};
}
