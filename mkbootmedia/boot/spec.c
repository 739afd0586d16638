/*
 * spec: libconfuse reads the text; here its values become a request. The one room for libconfuse.
 *
 * Each value is checked as it is read, for only then libconfuse knows the line. A section is taken
 * out of libconfuse as soon as it ends: libconfuse compares each title with all that it holds, and
 * so does not do that 10,000 times 10,000 times (100,000 hosts: 0.5 s, not 48).
 */
#include "boot/spec.h"

#include "base/msg.h"
#include "base/util.h"
#include "boot/handover.h"
#include "boot/inventory.h"
#include "boot/setting.h"

#include <confuse.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* libconfuse has no argument for its callbacks. */
static struct reading {
    struct request *request;
    struct strings inventories;
    struct place default_place;
    char *folder; /* of the spec file, with '/'; "" for the current one */
} reading;

/* Keys that are options of the command line too, by the same function. */
static const struct key {
    const char *name;
    setting_fn *set;
    bool path; /* its value is one */
} keys[] = {
    {"label", setting_label, false},
    {"timeout", setting_timeout, false},
    {"console", setting_console, false},
    {"default", setting_default, false},
    {"outputs", setting_outputs, false},
    {"firmware", setting_firmware, false},
    {"loaders", setting_loaders, true},
    {"templates", setting_templates, true},
    {"add", setting_add, true},
    {"size", setting_size, false},
    {"hybrid", setting_hybrid, false},
    {"url", setting_url, false},
    {"server", setting_server, false},
    {"subnet", setting_subnet, false},
    {"interface", setting_interface, false},
    {"server_path", setting_server_path, false},
    {"pxe", setting_pxe, false},
    {"keep", setting_keep, false},
    {"uki", setting_uki, false},
    {"uki_boot", setting_uki_boot, false},
    {"sign_key", setting_sign_key, true},
    {"sign_cert", setting_sign_cert, true},
};

/* libconfuse's own messages come here too. */
static void report(cfg_t *cfg, const char *format, va_list ap)
{
    char *text = xvasprintf(format, ap);

    msg_error("%s:%d: reading: %s", cfg->filename, cfg->line, text);
    free(text);
}

static struct place place_of(const cfg_t *cfg)
{
    return (struct place){reading.request->spec_files.v[0], (unsigned)cfg->line};
}

/* A path of the spec file as one of this process; malloc'ed. */
static char *beside(const char *path)
{
    return *path == '/' ? xstrdup(path) : xasprintf("%s%s", reading.folder, path);
}

/* Is a file of the spec file there? 0, or -1, reported with the line. */
static int check_file(cfg_t *cfg, const char *key, const char *path)
{
    if (access(path, R_OK) == 0)
        return 0;
    cfg_error(cfg, "%s: %s: %s", key, path, strerror(errno));
    return -1;
}

/* Called for each value of a key in the table above. */
static int take_setting(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
    const struct key *key = keys;
    const char *why;
    char *text;

    while (strcmp(key->name, opt->name) != 0)
        key++;
    if (key->set == setting_default)
        reading.default_place = place_of(cfg);
    text = key->path ? beside(value) : xstrdup(value);
    why = key->set(reading.request, text);
    free(text);
    if (why)
        cfg_error(cfg, "%s: '%s' %s", opt->name, value, why);
    *(const char **)result = value;
    return why ? -1 : 0;
}

/* A value that names a file; libconfuse keeps it as the file's path. */
static int take_path(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
    static char *kept; /* libconfuse copies it */

    free(kept);
    kept = beside(value);
    *(const char **)result = kept;
    return check_file(cfg, opt->name, kept);
}

static int take_handover(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
    static char *kept;
    struct handover handover;
    const char *why;
    int checked = -1;

    free(kept);
    kept = beside(value);
    *(const char **)result = kept;
    why = handover_split(&handover, kept);
    if (why)
        cfg_error(cfg, "%s: '%s' %s", opt->name, value, why);
    else
        checked = check_file(cfg, opt->name, handover.file);
    handover_free(&handover);
    return checked;
}

static int take_firmware(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
    unsigned mask = 0;
    const char *why = setting_firmware_words(&mask, value);

    if (why)
        cfg_error(cfg, "%s: '%s' %s", opt->name, value, why);
    *(const char **)result = value;
    return why ? -1 : 0;
}

static int take_hostname(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
    const char *why = setting_hostname_check(value);

    if (why)
        cfg_error(cfg, "%s: '%s' %s", opt->name, value, why);
    *(const char **)result = value;
    return why ? -1 : 0;
}

static int take_mode(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
    bool known = strcmp(value, "tmpfs") == 0 || strcmp(value, "overlay") == 0;

    if (!known)
        cfg_error(cfg, "%s: '%s' is neither tmpfs nor overlay", opt->name, value);
    *(const char **)result = value;
    return known ? 0 : -1;
}

static char *text_of(cfg_t *section, const char *key)
{
    const char *text = cfg_getstr(section, key);

    return text ? xstrdup(text) : NULL;
}

static void list_of(struct strings *list, cfg_t *section, const char *key)
{
    for (unsigned i = 0; i < cfg_size(section, key); i++)
        strings_add(list, cfg_getnstr(section, key, i));
}

/*
 * The line on which a section begins. libconfuse lets a section's line run on, but makes a section
 * within it, which nobody writes, right at its start.
 */
#define START "where it starts"

static cfg_opt_t start_options[] = {CFG_END()};

static void at_start(cfg_t *section)
{
    section->line = cfg_getsec(section, START)->line;
}

static int end_entry(cfg_t *cfg, cfg_opt_t *opt)
{
    cfg_t *section = cfg_opt_getnsec(opt, 0);
    const char *name = cfg_title(section), *why = setting_entry_name_check(name);
    struct request_entry *entry = request_find_entry(reading.request, name);

    (void)cfg;
    at_start(section);
    if (why)
        return cfg_error(section, "entry '%s' %s", name, why), -1;
    if (entry)
        return cfg_error(section, "entry '%s' is there already, on line %u", name,
                         entry->place.line),
               -1;
    entry = request_add_entry(reading.request, name);
    entry->place = place_of(section);
    entry->title = text_of(section, "title");
    entry->kernel = text_of(section, "kernel");
    entry->root = text_of(section, "root");
    entry->mode = text_of(section, "mode");
    entry->cmdline = text_of(section, "cmdline");
    entry->fetch = cfg_getbool(section, "fetch");
    list_of(&entry->initrds, section, "initrd");
    for (unsigned i = 0; i < cfg_size(section, "firmware"); i++)
        setting_firmware_words(&entry->firmware, cfg_getnstr(section, "firmware", i));
    if (!entry->kernel && !entry->root)
        return cfg_error(section, "entry '%s' has neither kernel nor root", name), -1;
    return cfg_opt_rmnsec(opt, 0);
}

static int end_host(cfg_t *cfg, cfg_opt_t *opt)
{
    cfg_t *section = cfg_opt_getnsec(opt, 0);
    struct request_host *host = request_add_host(reading.request);
    const char *why = setting_mac(host->mac, cfg_title(section));

    (void)cfg;
    at_start(section);
    if (why)
        return cfg_error(section, "host '%s' %s", cfg_title(section), why), -1;
    host->place = place_of(section);
    host->entry = text_of(section, "entry");
    host->hostname = text_of(section, "hostname");
    host->cmdline = text_of(section, "cmdline");
    list_of(&host->files, section, "files");
    return cfg_opt_rmnsec(opt, 0);
}

static int end_inventories(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
    char *path = beside(value);
    int checked = check_file(cfg, opt->name, path);

    strings_add(&reading.inventories, path);
    free(path);
    *(const char **)result = value;
    return checked;
}

static int parse(FILE *file, const char *path)
{
    cfg_opt_t entry[] = {
        CFG_STR("title", NULL, CFGF_NONE),
        CFG_STR_CB("kernel", NULL, CFGF_NONE, take_path),
        CFG_STR_LIST_CB("initrd", NULL, CFGF_NONE, take_path),
        CFG_STR_CB("root", NULL, CFGF_NONE, take_path),
        CFG_STR_CB("mode", NULL, CFGF_NONE, take_mode),
        CFG_BOOL("fetch", cfg_false, CFGF_NONE),
        CFG_STR("cmdline", NULL, CFGF_NONE),
        CFG_STR_LIST_CB("firmware", NULL, CFGF_NONE, take_firmware),
        CFG_SEC(START, start_options, CFGF_NONE),
        CFG_END(),
    };
    cfg_opt_t host[] = {
        CFG_STR("entry", NULL, CFGF_NONE),
        CFG_STR_CB("hostname", NULL, CFGF_NONE, take_hostname),
        CFG_STR("cmdline", NULL, CFGF_NONE),
        CFG_STR_LIST_CB("files", NULL, CFGF_NONE, take_handover),
        CFG_SEC(START, start_options, CFGF_NONE),
        CFG_END(),
    };
    cfg_opt_t options[ARRAY_LEN(keys) + 4] = {
        CFG_SEC("entry", entry, CFGF_MULTI | CFGF_TITLE),
        CFG_SEC("host", host, CFGF_MULTI | CFGF_TITLE),
        CFG_STR_LIST_CB("hosts", NULL, CFGF_NONE, end_inventories),
    };
    cfg_t *cfg;
    int result;

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) /* a list takes a single value too */
        options[3 + i] = (cfg_opt_t)CFG_STR_LIST_CB(keys[i].name, NULL, CFGF_NONE, take_setting);
    options[3 + ARRAY_LEN(keys)] = (cfg_opt_t)CFG_END();
    cfg = cfg_init(options, CFGF_NONE);
    if (!cfg)
        return msg_error("%s: reading: out of memory", path);
    cfg->filename = xstrdup(path);
    cfg_set_error_function(cfg, report);
    cfg_set_validate_func(cfg, "entry", end_entry);
    cfg_set_validate_func(cfg, "host", end_host);
    result = cfg_parse_fp(cfg, file) == CFG_SUCCESS ? 0 : -1;
    cfg_free(cfg);
    return result;
}

static int open_and_parse(const char *path)
{
    struct stat st;
    FILE *file = fopen(path, "re");
    int result;

    if (!file)
        return msg_errno(path, "opening");
    if (fstat(fileno(file), &st) < 0 || !S_ISREG(st.st_mode))
        result = msg_error("%s: opening: is not a regular file", path);
    else
        result = parse(file, path);
    fclose(file);
    return result;
}

static int by_mac(const void *a, const void *b)
{
    const struct request_host *x = a, *y = b;
    int order = strcmp(x->mac, y->mac);

    return order ? order : (x->place.line > y->place.line) - (x->place.line < y->place.line);
}

/* Sorts the hosts, and refuses one that is there twice or names an entry that is not there. */
static int check_hosts(struct request *request)
{
    qsort(request->hosts, request->host_count, sizeof *request->hosts, by_mac);
    for (size_t i = 0; i < request->host_count; i++) {
        const struct request_host *host = &request->hosts[i], *before = host - 1;

        if (i && strcmp(before->mac, host->mac) == 0)
            return msg_error("%s:%u: reading: host %s is there already, in %s:%u", host->place.file,
                             host->place.line, host->mac, before->place.file, before->place.line);
        if (host->entry && !request_find_entry(request, host->entry))
            return msg_error("%s:%u: reading: host %s: no such entry '%s'", host->place.file,
                             host->place.line, host->mac, host->entry);
    }
    return 0;
}

static int check_default(const struct request *request)
{
    const struct place *place = &reading.default_place;

    if (!request->default_entry || request_find_entry(request, request->default_entry))
        return 0;
    return msg_error("%s:%u: reading: default: no such entry '%s'", place->file, place->line,
                     request->default_entry);
}

int spec_read(struct request *request, const char *path)
{
    const char *slash = strrchr(path, '/');
    int result;

    reading = (struct reading){.request = request};
    reading.folder = xasprintf("%.*s", slash ? (int)(slash - path) + 1 : 0, path);
    strings_add(&request->spec_files, path);
    result = open_and_parse(path);
    for (size_t i = 0; i < reading.inventories.n && result == 0; i++)
        result = inventory_read(request, reading.inventories.v[i]);
    if (result == 0 && (check_default(request) < 0 || check_hosts(request) < 0))
        result = -1;
    strings_free(&reading.inventories);
    free(reading.folder);
    return result;
}
