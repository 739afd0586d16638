/*
 * inspect_menu: GRUB's menu, and whether the files that it names are on the medium and would do.
 */
#include "media/inspect_private.h"

#include "boot/chain.h"
#include "boot/initramfs.h"

#include <stdio.h>
#include <stdlib.h>

#define MENU_PATH "boot/grub/grub.cfg"
#define MENU_MAX  (4 * MIB)
#define CONF_MAX  MIB

/* A shim's opinion of kernels; open only if there is a shim. */
struct shim {
    struct file file;
    struct chain chain;
    bool open;
};

/* The shim that firmware would start: the first BOOTX64.EFI that is one. */
static int open_shim(const struct inspect_report *report, struct shim *shim)
{
    *shim = (struct shim){.open = false};
    for (size_t i = 0; i < report->volume_count && !shim->open; i++) {
        const struct inspect_loader *loader = inspect_loader(report, i, "BOOTX64.EFI");
        int result;

        if (!loader || !loader->kind || strcmp(loader->kind, "shim") != 0)
            continue;
        result = volume_open_file(&report->volumes[i].volume, loader->path, &shim->file);
        if (result == 1) {
            result = chain_open(&shim->chain, &shim->file.content);
            shim->open = true;
        }
        if (result < 0)
            return -1;
    }
    return 0;
}

static void close_shim(struct shim *shim)
{
    if (shim->open)
        chain_free(&shim->chain);
    file_free(&shim->file);
}

/* ($root)/boot/x, (hd0,1)/boot/x, $prefix/x: the path on the medium, malloc'ed; NULL: who knows. */
static char *plain_path(const char *path)
{
    if (strncmp(path, "$prefix/", 8) == 0)
        return xasprintf("boot/grub/%s", path + 8);
    if (*path == '(' && strchr(path, ')'))
        path = strchr(path, ')') + 1;
    return strchr(path, '$') ? NULL : xstrdup(path);
}

/* In the menu's own volume, else in any. 1 and *volume, *entry; 0; -1, reported. */
static int find_file(const struct inspect_report *report, const char *path, size_t *volume,
                     struct entry *entry)
{
    int result = volume_find(&report->volumes[report->menu_volume].volume, path, entry);

    *volume = report->menu_volume;
    for (size_t i = 0; i < report->volume_count && result == 0; i++) {
        result = volume_find(&report->volumes[i].volume, path, entry);
        *volume = i;
    }
    return result;
}

/* State and length of a file that the menu names; if it is there, *file is its content. */
static int check_file(const struct inspect_report *report, struct inspect_file *named,
                      struct file *file)
{
    char *path = plain_path(named->path);
    struct entry entry = {0};
    size_t volume;
    int result;

    *file = (struct file){.content = content_memory("", 0)};
    named->state = FILE_UNKNOWN;
    if (!path)
        return 0;
    result = find_file(report, path, &volume, &entry);
    named->state = FILE_MISSING;
    if (result == 1 && !entry.folder) {
        named->len = entry.len;
        result = volume_file(&report->volumes[volume].volume, &entry, file);
        named->state = result == 1 ? FILE_THERE : FILE_DAMAGED;
    }
    free(entry.name);
    free(path);
    return result < 0 ? -1 : 0;
}

static int check_kernel(const struct inspect_report *report, struct inspect_entry *entry,
                        const struct shim *shim)
{
    char secure_why[CHAIN_WHY_LEN] = "";
    const char *why = NULL;
    struct file file;
    int result = check_file(report, &entry->kernel, &file);

    if (result == 0 && entry->kernel.state == FILE_THERE) {
        entry->readable = kernel_read(&entry->facts, &file.content, &why) == 0;
        if (!entry->readable && !why)
            result = -1;
        entry->why = why ? xstrdup(why) : NULL;
    }
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

static int check_entries(struct inspect_report *report)
{
    struct shim shim;
    int result = open_shim(report, &shim);

    for (size_t i = 0; i < report->entry_count && result == 0; i++) {
        struct inspect_entry *entry = &report->entries[i];

        if (entry->has_kernel)
            result = check_kernel(report, entry, &shim);
        for (size_t k = 0; k < entry->initrd_count && result == 0; k++) {
            struct file file;

            result = check_file(report, &entry->initrds[k], &file);
            if (result == 0 && entry->initrds[k].state == FILE_THERE)
                result = check_root(&entry->root, &file.content);
            file_free(&file);
        }
    }
    close_shim(&shim);
    return result;
}

/* Parses the menu of a volume if there is one; what has no entries may lead to another volume's. */
static int read_menu(struct inspect_report *report, size_t volume)
{
    char *text, *search;
    struct file file;
    int result = volume_open_file(&report->volumes[volume].volume, MENU_PATH, &file);

    if (result == 1 && file.content.len <= MENU_MAX) {
        text = xcalloc(file.content.len + 1, 1);
        result = content_read(&file.content, 0, text, file.content.len);
        if (result == 0) {
            free(report->menu);
            free(report->marker);
            report->menu = xstrdup(MENU_PATH);
            report->menu_volume = volume;
            inspect_parse_menu(report, text, &search);
            report->marker = search;
        }
        free(text);
    }
    file_free(&file);
    return result < 0 ? -1 : 0;
}

/* The file that the menu searches for is a problem only if it is not there. */
static int check_marker(struct inspect_report *report)
{
    struct entry entry = {0};
    size_t volume;
    int result;

    if (!report->marker || strchr(report->marker, '$'))
        return 0;
    result = find_file(report, report->marker, &volume, &entry);
    free(entry.name);
    if (result == 1) {
        free(report->marker);
        report->marker = NULL;
    }
    return result < 0 ? -1 : 0;
}

int inspect_menu(struct inspect_report *report)
{
    if (report->iso != SIZE_MAX && read_menu(report, report->iso) < 0)
        return -1;
    for (size_t i = 0; i < report->volume_count && !report->entry_count; i++)
        if (i != report->iso && report->volumes[i].volume.kind == VOLUME_FAT &&
            read_menu(report, i) < 0)
            return -1;
    return report->menu && (check_marker(report) < 0 || check_entries(report) < 0) ? -1 : 0;
}
