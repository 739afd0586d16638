/*
 * spec: libconfuse reads the text; here its values become a request. The one room for libconfuse.
 *
 * Each value is checked as it is read, for only then libconfuse knows the line. A section is taken
 * out of libconfuse as soon as it ends: libconfuse compares each title with all that it holds, and
 * so does not do that 100,000 times 100,000 times.
 */
#include "boot/spec.h"

#include "base/msg.h"
#include "base/source.h"
#include "base/util.h"
#include "boot/handover.h"
#include "boot/inventory.h"
#include "boot/setting.h"
#include "boot/setting_root.h"
#include "boot/spec_scan.h"

#include <confuse.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPEC_MAX (64 * MIB)

/* libconfuse has no argument for its callbacks. */
static struct reading {
    struct request *request;
    struct strings inventories;
    struct place default_place;
    char *folder;          /* of the spec file, with '/'; "" for the current one */
    uint64_t seen, inside; /* keys that have a value: of the file, of the section, as bits */
} reading;

/* What a value is, besides a text. */
enum kind { TEXT, PATH, FILE_PATH, FOLDER_PATH, ADD, HANDOVER };

struct key {
    const char *name;
    bool list; /* takes more than one value */
    enum kind kind;
    setting_fn *set;                         /* keys that are options of the command line too */
    const char *(*check)(const char *value); /* others: NULL, or what is wrong */
    setting_root_fn *set_root;               /* keys of an entry's RAM root */
};

static const char *check_full(const char *value)
{
    return *value ? NULL : "is empty";
}

static const char *check_firmware(const char *value)
{
    unsigned mask = 0;

    return setting_firmware_words(&mask, value);
}

static const struct key file_keys[] = {
    {"label", false, TEXT, setting_label, NULL, NULL},
    {"timeout", false, TEXT, setting_timeout, NULL, NULL},
    {"console", true, TEXT, setting_console, NULL, NULL},
    {"default", false, TEXT, setting_default, NULL, NULL},
    {"outputs", true, TEXT, setting_outputs, NULL, NULL},
    {"firmware", true, TEXT, setting_firmware, NULL, NULL},
    {"loaders", true, FOLDER_PATH, setting_loaders, NULL, NULL},
    {"templates", false, FOLDER_PATH, setting_templates, NULL, NULL},
    {"add", true, ADD, setting_add, NULL, NULL},
    {"size", false, TEXT, setting_size, NULL, NULL},
    {"data", false, TEXT, setting_data, NULL, NULL},
    {"hybrid", false, TEXT, setting_hybrid, NULL, NULL},
    {"url", false, TEXT, setting_url, NULL, NULL},
    {"server", false, TEXT, setting_server, NULL, NULL},
    {"subnet", false, TEXT, setting_subnet, NULL, NULL},
    {"interface", false, TEXT, setting_interface, NULL, NULL},
    {"server_path", false, TEXT, setting_server_path, NULL, NULL},
    {"pxe", false, TEXT, setting_pxe, NULL, NULL},
    {"keep", false, TEXT, setting_keep, NULL, NULL},
    {"uki", false, TEXT, setting_uki, NULL, NULL},
    {"uki_boot", false, TEXT, setting_uki_boot, NULL, NULL},
    {"sign_key", false, FILE_PATH, setting_sign_key, NULL, NULL},
    {"sign_cert", false, FILE_PATH, setting_sign_cert, NULL, NULL},
    {"hosts", true, FILE_PATH, NULL, NULL, NULL},
};

static const struct key entry_keys[] = {
    {"title", false, TEXT, NULL, check_full, NULL},
    {"kernel", false, FILE_PATH, NULL, NULL, NULL},
    {"initrd", true, FILE_PATH, NULL, NULL, NULL},
    {"cmdline", false, TEXT, NULL, NULL, NULL},
    {"firmware", true, TEXT, NULL, check_firmware, NULL},
    {"root", false, PATH, NULL, NULL, setting_root_path},
    {"mode", false, TEXT, NULL, NULL, setting_root_mode},
    {"fetch", true, TEXT, NULL, NULL, setting_root_fetch},
    {"kernel_version", false, TEXT, NULL, NULL, setting_root_kernel_version},
    {"busybox", false, FILE_PATH, NULL, NULL, setting_root_busybox},
    {"compress", false, TEXT, NULL, NULL, setting_root_compress},
    {"threads", false, TEXT, NULL, NULL, setting_root_threads},
    {"ram_limit", false, TEXT, NULL, NULL, setting_root_ram_limit},
    {"fstab", false, TEXT, NULL, NULL, setting_root_fstab},
    {"selinux", false, TEXT, NULL, NULL, setting_root_selinux},
    {"getty", false, TEXT, NULL, NULL, setting_root_getty},
    {"boot", false, TEXT, NULL, NULL, setting_root_boot},
    {"modules", false, TEXT, NULL, NULL, setting_root_modules},
    {"hostname", false, TEXT, NULL, NULL, setting_root_hostname},
    {"root_password", false, TEXT, NULL, NULL, setting_root_password},
    {"ssh_key", true, FILE_PATH, NULL, NULL, setting_root_ssh_key},
    {"overlay", true, PATH, NULL, NULL, setting_root_overlay},
};

static const struct key host_keys[] = {
    {"entry", false, TEXT, NULL, check_full, NULL},
    {"hostname", false, TEXT, NULL, setting_hostname_check, NULL},
    {"cmdline", false, TEXT, NULL, NULL, NULL},
    {"files", true, HANDOVER, NULL, NULL, NULL},
};

#define KEYS_MAX ARRAY_LEN(file_keys)

/* libconfuse's own messages come here too. */
static void report(cfg_t *cfg, const char *format, va_list ap)
{
    char *text = xvasprintf(format, ap);

    msg_error("%s:%d: reading: %s", cfg->filename, cfg->line, text);
    free(text);
}

static int fail(cfg_t *cfg, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int fail(cfg_t *cfg, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    report(cfg, format, ap);
    va_end(ap);
    return -1;
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

/* Is a file there, and what it has to be? 0, or -1, reported with the line. */
static int check_there(cfg_t *cfg, const char *key, const char *path, enum kind kind)
{
    struct stat st;

    if (stat(path, &st) < 0 || access(path, R_OK) < 0)
        return fail(cfg, "%s: %s: %s", key, path, strerror(errno));
    if (kind == FILE_PATH && !S_ISREG(st.st_mode))
        return fail(cfg, "%s: %s: is not a regular file", key, path);
    if (kind == FOLDER_PATH && !S_ISDIR(st.st_mode))
        return fail(cfg, "%s: %s: is not a folder", key, path);
    return 0;
}

/* The files that a value names. */
static int check_files(cfg_t *cfg, const struct key *key, const char *value)
{
    struct handover handover;
    const char *why, *end = NULL;
    char *file;
    int result;

    if (key->kind == ADD) { /* "FILE:/DEST" */
        for (const char *p = value; (p = strstr(p, ":/")); p++)
            end = p;
        file = end ? xasprintf("%.*s", (int)(end - value), value) : xstrdup(value);
        result = access(value, R_OK) == 0 ? 0 : check_there(cfg, key->name, file, ADD);
        free(file);
        return result;
    }
    if (key->kind != HANDOVER)
        return key->kind == TEXT ? 0 : check_there(cfg, key->name, value, key->kind);
    why = handover_split(&handover, value);
    result = why ? fail(cfg, "%s: '%s' %s", key->name, value, why)
                 : check_there(cfg, key->name, handover.file, FILE_PATH);
    handover_free(&handover);
    return result;
}

/* One value only, unless the key takes a list; and one assignment. */
static int check_count(cfg_t *cfg, const cfg_opt_t *opt, const struct key *key, uint64_t bit,
                       uint64_t *seen)
{
    if (opt->nvalues > 1)
        return key->list ? 0 : fail(cfg, "%s: takes one value", key->name);
    if (*seen & bit)
        return fail(cfg, "%s: has a value already", key->name);
    *seen |= bit;
    return 0;
}

/* What a setting of a RAM root says of a value, which it gets when its entry ends. */
static const char *check_root(const struct key *key, const char *value)
{
    struct request_root root = {0};
    const char *why = key->set_root(&root, value);

    request_root_free(&root);
    return why;
}

/* A value of a key; libconfuse copies what *result becomes. */
static int take(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result, const struct key *keys,
                uint64_t *seen)
{
    static char *kept;
    const struct key *key = keys;
    const char *why;

    while (strcmp(key->name, opt->name) != 0)
        key++;
    if (check_count(cfg, opt, key, UINT64_C(1) << (key - keys), seen) < 0)
        return -1;
    free(kept);
    kept = key->kind == TEXT ? xstrdup(value) : beside(value);
    *(const char **)result = kept;
    if (check_files(cfg, key, kept) < 0)
        return -1;
    if (key->set == setting_default)
        reading.default_place = place_of(cfg);
    why = key->set        ? key->set(reading.request, kept)
          : key->check    ? key->check(kept)
          : key->set_root ? check_root(key, kept)
                          : NULL;
    return why ? fail(cfg, "%s: '%s' %s", key->name, value, why) : 0;
}

static int take_file(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
    int taken = take(cfg, opt, value, result, file_keys, &reading.seen);

    if (taken == 0 && strcmp(opt->name, "hosts") == 0)
        strings_add(&reading.inventories, *(const char **)result);
    return taken;
}

static int take_entry(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
    return take(cfg, opt, value, result, entry_keys, &reading.inside);
}

static int take_host(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
    return take(cfg, opt, value, result, host_keys, &reading.inside);
}

static char *text_of(cfg_t *section, const char *key)
{
    return cfg_size(section, key) ? xstrdup(cfg_getnstr(section, key, 0)) : NULL;
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

static cfg_t *end_section(cfg_opt_t *opt)
{
    cfg_t *section = cfg_opt_getnsec(opt, 0);

    section->line = cfg_getsec(section, START)->line;
    reading.inside = 0;
    return section;
}

/* The keys that came with an entry, as settings of its RAM root. */
static void set_root(struct request_root *root, cfg_t *section)
{
    for (size_t i = 0; i < ARRAY_LEN(entry_keys); i++) {
        const struct key *key = &entry_keys[i];
        unsigned values = key->set_root ? cfg_size(section, key->name) : 0;

        for (unsigned k = 0; k < values; k++)
            key->set_root(root, cfg_getnstr(section, key->name, k));
    }
}

static int end_entry(cfg_t *cfg, cfg_opt_t *opt)
{
    cfg_t *section = end_section(opt);
    const char *name = cfg_title(section), *why = setting_entry_name_check(name);
    struct request_entry *entry = request_find_entry(reading.request, name);

    (void)cfg;
    if (why)
        return fail(section, "entry '%s' %s", name, why);
    if (entry)
        return fail(section, "entry '%s' is there already, on line %u", name, entry->place.line);
    entry = request_add_entry(reading.request, name);
    entry->place = place_of(section);
    entry->title = text_of(section, "title");
    entry->kernel = text_of(section, "kernel");
    entry->cmdline = text_of(section, "cmdline");
    list_of(&entry->initrds, section, "initrd");
    for (unsigned i = 0; i < cfg_size(section, "firmware"); i++)
        setting_firmware_words(&entry->firmware, cfg_getnstr(section, "firmware", i));
    set_root(&entry->root, section);
    if (request_root_adjusted(&entry->root) && !entry->root.path)
        return fail(section, "entry '%s': mode, fetch and their like are for an entry with root",
                    name);
    if (entry->root.path && entry->initrds.n)
        return fail(section, "entry '%s' has both root and initrd", name);
    if (!entry->kernel && !entry->root.path)
        return fail(section, "entry '%s' has neither kernel nor root", name);
    return cfg_opt_rmnsec(opt, 0);
}

static int end_host(cfg_t *cfg, cfg_opt_t *opt)
{
    cfg_t *section = end_section(opt);
    struct request_host *host = request_add_host(reading.request);
    const char *why = setting_mac(host->mac, cfg_title(section));

    (void)cfg;
    if (why)
        return fail(section, "host '%s' %s", cfg_title(section), why);
    host->place = place_of(section);
    host->entry = text_of(section, "entry");
    host->hostname = text_of(section, "hostname");
    host->cmdline = text_of(section, "cmdline");
    list_of(&host->files, section, "files");
    return cfg_opt_rmnsec(opt, 0);
}

/* A table as libconfuse wants it; a list takes a single value without braces too. */
static cfg_opt_t *add_options(cfg_opt_t *option, const struct key *keys, size_t count,
                              cfg_callback_t callback)
{
    for (size_t i = 0; i < count; i++)
        *option++ = (cfg_opt_t)CFG_STR_LIST_CB(keys[i].name, NULL, CFGF_NONE, callback);
    return option;
}

static int parse(FILE *file, const char *path)
{
    cfg_opt_t none[] = {CFG_END()};
    cfg_opt_t entry[ARRAY_LEN(entry_keys) + 2] = {CFG_SEC(START, none, CFGF_NONE)};
    cfg_opt_t host[ARRAY_LEN(host_keys) + 2] = {CFG_SEC(START, none, CFGF_NONE)};
    cfg_opt_t options[KEYS_MAX + 3] = {
        CFG_SEC("entry", entry, CFGF_MULTI | CFGF_TITLE),
        CFG_SEC("host", host, CFGF_MULTI | CFGF_TITLE),
    };
    cfg_t *cfg;
    int result;

    *add_options(entry + 1, entry_keys, ARRAY_LEN(entry_keys), take_entry) = (cfg_opt_t)CFG_END();
    *add_options(host + 1, host_keys, ARRAY_LEN(host_keys), take_host) = (cfg_opt_t)CFG_END();
    *add_options(options + 2, file_keys, KEYS_MAX, take_file) = (cfg_opt_t)CFG_END();
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

static int read_text(struct buf *text, const char *path)
{
    struct source source;
    struct content content;
    int result;

    if (source_open(&source, path) < 0)
        return -1;
    content = source_content(&source);
    text->data = xcalloc(1, source.size + 1);
    text->len = source.size;
    if (source.size > SPEC_MAX)
        result = msg_error("%s: reading: larger than 64 MiB", path);
    else
        result = content_read(&content, 0, text->data, text->len);
    if (result == 0 && strlen(text->data) != text->len)
        result = msg_error("%s: reading: holds a NUL byte, so it is no text", path);
    source_close(&source);
    return result;
}

static int read_file(const char *path)
{
    struct buf text = {0};
    FILE *file = NULL;
    int result = read_text(&text, path);

    if (result == 0)
        result = spec_scan(path, text.data);
    if (result == 0) {
        file = fmemopen(text.data, text.len, "r");
        result = file ? parse(file, path) : msg_errno(path, "reading");
    }
    if (file)
        fclose(file);
    buf_free(&text);
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
    if (request->host_count)
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
    result = read_file(path);
    for (size_t i = 0; i < reading.inventories.n && result == 0; i++)
        result = inventory_read(request, reading.inventories.v[i]);
    if (result == 0 && (check_default(request) < 0 || check_hosts(request) < 0))
        result = -1;
    strings_free(&reading.inventories);
    free(reading.folder);
    return result;
}
