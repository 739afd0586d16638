/* inspect_entries: are the files that entries name on the medium, and would they do? */
#include "media/inspect_private.h"

#include "boot/initramfs.h"

#include <stdio.h>
#include <stdlib.h>

#define CONF_MAX MIB

/* A shim's opinion of kernels; open only if there is a shim. */
struct shim {
    struct file file;
    struct chain chain;
    bool open;
};

static int open_shim(const struct inspect_report *report, struct shim *shim)
{
    const struct inspect_loader *loader = inspect_shim(report);
    int result = 0;

    *shim = (struct shim){.open = false};
    if (loader)
        result =
            volume_open_file(&report->volumes[loader->volume].volume, loader->path, &shim->file);
    if (result == 1) {
        result = chain_open(&shim->chain, &shim->file.content);
        shim->open = true;
    }
    return result < 0 ? -1 : 0;
}

static void close_shim(struct shim *shim)
{
    if (shim->open)
        chain_free(&shim->chain);
    file_free(&shim->file);
}

/* State and length of a file that a menu names; if it is there, *file is its content. */
static int check_file(const struct inspect_report *report, size_t volume,
                      struct inspect_file *named, struct file *file)
{
    const char *place = named->place;
    struct entry entry = {0};
    int result;

    *file = (struct file){.content = content_memory("", 0)};
    named->state = FILE_UNKNOWN;
    if (!named->place)
        return 0;
    result = named->served ? inspect_find_served(report, volume, &place, &volume, &entry)
                           : inspect_find(report, volume, place, &volume, &entry);
    named->state = named->elsewhere ? FILE_UNKNOWN : FILE_MISSING;
    if (result == 1 && !entry.folder) {
        named->len = entry.len;
        result = volume_file(&report->volumes[volume].volume, &entry, file);
        named->state = result == 1 ? FILE_THERE : FILE_DAMAGED;
    }
    free(entry.name);
    return result < 0 ? -1 : 0;
}

/* The kernel in a unified kernel image, or the file itself. */
static int find_kernel(const struct content *content, struct content *kernel)
{
    struct pe pe;
    int result = pe_open(&pe, content);

    *kernel = *content;
    if (result == 1)
        pe_section(&pe, ".linux", kernel);
    pe_free(&pe);
    return result;
}

static bool takes_programs(const struct inspect_report *report, const struct inspect_entry *entry)
{
    enum inspect_menu_kind kind = report->menus[entry->menu].kind;

    return kind == MENU_SYSTEMD || kind == MENU_IPXE || kind == MENU_PROGRAM;
}

static int read_kernel(const struct inspect_report *report, struct inspect_entry *entry,
                       const struct content *content)
{
    struct content kernel = *content;
    const char *why = NULL;

    if (takes_programs(report, entry) && find_kernel(content, &kernel) < 0)
        return -1;
    entry->readable = kernel_read(&entry->facts, &kernel, &why) == 0;
    if (!entry->readable && !why)
        return -1;
    entry->why = why ? xstrdup(why) : NULL;
    return 0;
}

static bool same_file(const struct inspect_file *a, const struct inspect_file *b)
{
    return a->place && b->place && a->served == b->served && strcmp(a->place, b->place) == 0;
}

/* Entries may share their kernel, and hostile ones share a large one: what is known of it stays. */
static bool copy_kernel(const struct inspect_report *report, struct inspect_entry *entry)
{
    for (const struct inspect_entry *known = report->entries; known < entry; known++)
        if (known->has_kernel && known->kernel.state == FILE_THERE &&
            report->menus[known->menu].volume == report->menus[entry->menu].volume &&
            takes_programs(report, known) == takes_programs(report, entry) &&
            same_file(&known->kernel, &entry->kernel)) {
            entry->kernel.state = FILE_THERE;
            entry->kernel.len = known->kernel.len;
            entry->readable = known->readable;
            entry->facts = known->facts;
            entry->secure = known->secure;
            inspect_set_text(&entry->why, known->why);
            inspect_set_text(&entry->secure_why, known->secure_why);
            return true;
        }
    return false;
}

static int check_kernel(const struct inspect_report *report, struct inspect_entry *entry,
                        const struct shim *shim)
{
    char secure_why[CHAIN_WHY_LEN] = "";
    struct file file;
    int result = check_file(report, report->menus[entry->menu].volume, &entry->kernel, &file);

    if (result == 0 && entry->kernel.state == FILE_THERE)
        result = read_kernel(report, entry, &file.content);
    if (result == 0 && entry->readable && shim->open) {
        result = chain_check(&shim->chain, &file.content, secure_why);
        entry->secure = result == 1 ? INSPECT_YES : INSPECT_NO;
        entry->secure_why = xstrdup(secure_why);
    }
    file_free(&file);
    return result < 0 ? -1 : 0;
}

/* The value of a line KEY=VALUE, cut to what fits. */
static void read_word(const char *text, const char *key, char *word, size_t room)
{
    const char *line = text;
    size_t len = strlen(key);

    while (line && strncmp(line, key, len) != 0)
        line = (line = strchr(line, '\n')) ? line + 1 : NULL;
    if (line)
        snprintf(word, room, "%.*s", (int)strcspn(line + len, "\n"), line + len);
}

static uint64_t read_number(const char *text, const char *key)
{
    char word[24] = "";

    read_word(text, key, word, sizeof word);
    return strtoull(word, NULL, 10);
}

/* Does this initramfs file bring a root? */
static int check_root(struct inspect_root *root, const struct content *content)
{
    char *text;
    int result = initramfs_find(content, INITRAMFS_CONF, CONF_MAX, &text);

    if (result != 1)
        return result;
    root->there = true;
    read_word(text, "mode=", root->mode, sizeof root->mode);
    read_word(text, "compress=", root->compress, sizeof root->compress);
    read_word(text, "source=", root->source, sizeof root->source);
    root->image = read_number(text, "size=");
    root->unpacked = read_number(text, "unpacked=");
    root->peak = read_number(text, "peak=");
    root->ram = read_number(text, "ram=");
    free(text);
    return 0;
}

static int check_initrd(const struct inspect_report *report, struct inspect_entry *entry, size_t i)
{
    struct inspect_file *initrd = &entry->initrds[i];
    struct file file;
    int result = check_file(report, report->menus[entry->menu].volume, initrd, &file);

    if (result == 0 && initrd->state == FILE_THERE)
        result = check_root(&entry->root, &file.content);
    file_free(&file);
    return result;
}

int inspect_entries(struct inspect_report *report)
{
    struct shim shim;
    int result = open_shim(report, &shim);

    for (size_t i = 0; i < report->entry_count && result == 0; i++) {
        struct inspect_entry *entry = &report->entries[i];

        if (entry->has_kernel && !copy_kernel(report, entry))
            result = check_kernel(report, entry, &shim);
        for (size_t k = 0; k < entry->initrd_count && result == 0; k++)
            result = check_initrd(report, entry, k);
    }
    close_shim(&shim);
    return result;
}
