/*
 * inspect_tree: a boot root, ours or another's: the programs in it that clients may be handed, the
 * menus that these come to, and what becomes of each kind of client.
 */
#include "media/inspect_private.h"

#include <stdlib.h>
#include <strings.h>

#define DEPTH_MAX   5     /* of folders that are searched for programs */
#define ENTRIES_MAX 20000 /* that are looked at */
#define CONF_MAX    MIB

struct walk {
    struct inspect_report *report;
    size_t seen;
    struct {
        dev_t dev;
        ino_t ino;
    } * folders; /* that were entered: links may go round */
    size_t folder_count;
};

/* Is it entered for the first time? */
static bool enter(struct walk *walk, const struct entry *folder)
{
    dev_t dev;
    ino_t ino;

    if (!host_folder_identity(&walk->report->host, folder, &dev, &ino))
        return false;
    for (size_t i = 0; i < walk->folder_count; i++)
        if (walk->folders[i].dev == dev && walk->folders[i].ino == ino)
            return false;
    walk->folders = xgrow(walk->folders, walk->folder_count, sizeof *walk->folders);
    walk->folders[walk->folder_count].dev = dev;
    walk->folders[walk->folder_count++].ino = ino;
    return true;
}

static bool ends_with(const char *name, const char *end)
{
    size_t len = strlen(name), n = strlen(end);

    return len > n && strcasecmp(name + len - n, end) == 0;
}

/* By its name, as PXE servers have them. */
static bool is_program(const char *name)
{
    static const char *const ends[] = {".efi",    ".0",   ".kpxe",       ".kkpxe",
                                       ".kkkpxe", ".pxe", ".efi.signed", ".lkrn"};

    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (ends_with(name, ends[i]))
            return true;
    return false;
}

/* Folders of ours that have a file for each kernel or host, and no program. */
static bool is_skipped(const char *path)
{
    return strcmp(path, "payload") == 0 || strcmp(path, "hosts") == 0 || *path == '.';
}

static bool is_known(const struct inspect_report *report, const char *path)
{
    for (size_t i = 0; i < report->loader_count; i++)
        if (strcmp(report->loaders[i].path, path) == 0)
            return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

/* NULL: the tree's root. */
static int walk_folder(struct walk *walk, const struct entry *folder, const char *path,
                       unsigned depth)
{
    const struct volume *volume = &walk->report->volumes[0].volume;
    struct folder list = {0};
    int result = enter(walk, folder) ? volume_list(volume, folder, &list) : 0;

    if (list.count)
        qsort(list.list, list.count, sizeof *list.list, by_name);
    for (size_t i = 0; i < list.count && result == 0 && walk->seen++ < ENTRIES_MAX; i++) {
        const struct entry *entry = &list.list[i];
        char *whole = xasprintf("%s%s%s", path, *path ? "/" : "", entry->name);

        if (entry->folder && depth < DEPTH_MAX && !is_skipped(whole))
            result = walk_folder(walk, entry, whole, depth + 1);
        else if (!entry->folder && is_program(entry->name) &&
                 walk->report->loader_count < INSPECT_LOADERS_MAX && !is_known(walk->report, whole))
            result = inspect_add_loader(walk->report, 0, xstrdup(whole), entry);
        free(whole);
    }
    folder_free(&list);
    return result;
}

/* What DHCP hands out is a loader, wherever it is and whatever its name. */
static int add_first(struct inspect_report *report, const struct inspect_dhcp *dhcp)
{
    for (size_t i = 0; i < ARRAY_LEN(dhcp->first); i++) {
        const char *path = dhcp->first[i];
        struct entry entry;
        size_t volume;
        int result;

        if (!path)
            continue;
        result = inspect_find_served(report, 0, &path, &volume, &entry);
        if (result == 1 && !entry.folder && !is_known(report, path))
            result = inspect_add_loader(report, 0, xstrdup(path), &entry);
        free(entry.name);
        if (result < 0)
            return -1;
    }
    return 0;
}

static int read_dhcp(struct inspect_report *report, struct inspect_dhcp *dhcp)
{
    char *text;
    int result = inspect_text(report, 0, "dhcp/dnsmasq.conf", CONF_MAX, &text);

    if (result == 1)
        inspect_parse_dhcp(dhcp, text);
    free(text);
    return result < 0 ? -1 : 0;
}

/* The script that DHCP names counts for every iPXE. */
static int set_script(struct inspect_report *report, const struct inspect_dhcp *dhcp)
{
    const char *path = dhcp->script;
    size_t menu = SIZE_MAX, volume;
    struct entry entry = {0};
    int result = path ? inspect_find_served(report, 0, &path, &volume, &entry) : 0;

    if (result == 1 && !entry.folder)
        menu = inspect_add_menu(report, MENU_IPXE, 0, path);
    free(entry.name);
    for (size_t i = 0; i < report->loader_count; i++)
        if (inspect_is(&report->loaders[i], "iPXE"))
            report->loaders[i].menu = menu;
    return result < 0 ? -1 : 0;
}

static int find_programs(struct inspect_report *report)
{
    struct walk walk = {.report = report};
    int result = walk_folder(&walk, NULL, "", 0);

    if (walk.seen >= ENTRIES_MAX)
        strings_printf(&report->remarks, "the tree is large: not all of its folders were searched "
                                         "for boot programs");
    free(walk.folders);
    return result;
}

static int look(struct inspect_report *report, struct inspect_dhcp *dhcp)
{
    if (inspect_manifest(report) < 0 || read_dhcp(report, dhcp) < 0 ||
        add_first(report, dhcp) < 0 || find_programs(report) < 0 ||
        inspect_ask_shim(report, 0, inspect_shim(report)) < 0 || set_script(report, dhcp) < 0 ||
        inspect_menus(report) < 0 || inspect_entries(report) < 0)
        return -1;
    inspect_tree_verdicts(report, dhcp);
    return 0;
}

int inspect_tree(struct inspect_report *report, const char *path, int fd)
{
    struct inspect_dhcp dhcp = {0};
    int result;

    *report = (struct inspect_report){.path = xstrdup(path),
                                      .tree = true,
                                      .iso = SIZE_MAX,
                                      .bios_stick_menu = SIZE_MAX,
                                      .bios_cd_menu = SIZE_MAX,
                                      .host = {.fd = fd}};
    report->host.name = report->path;
    report->volumes = xgrow(NULL, 0, sizeof *report->volumes);
    report->volumes[report->volume_count++] = (struct inspect_volume){.where = xstrdup("the tree")};
    volume_open_host(&report->volumes[0].volume, &report->host);
    result = look(report, &dhcp);
    inspect_dhcp_free(&dhcp);
    return result;
}
