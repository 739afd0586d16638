/*
 * inspect_menus: the menus that loaders and boot sectors come to, and those that these go on to.
 *
 * A menu is one file, read once, whoever comes to it; entries belong to it. Menus that lead to each
 * other are walked by whoever asks for all entries of one.
 */
#include "media/inspect_private.h"

#include <stdlib.h>
#include <strings.h>

#define MENUS_MAX 64

/* Where GRUB looks if it is not known what it was told; the last for UEFI only. */
static const char *const grub_paths[] = {
    "boot/grub/grub.cfg", "boot/grub2/grub.cfg",           "grub/grub.cfg",
    "grub2/grub.cfg",     "boot/grub/x86_64-efi/grub.cfg", "grub/x86_64-efi/grub.cfg",
    "EFI/BOOT/grub.cfg"};
/* SYSLINUX doc/isolinux.txt, doc/syslinux.txt: the first of them. */
static const char *const syslinux_paths[] = {
    "boot/isolinux/isolinux.cfg",  "isolinux/isolinux.cfg",  "isolinux.cfg",
    "boot/isolinux/syslinux.cfg",  "isolinux/syslinux.cfg",  "boot/syslinux/syslinux.cfg",
    "syslinux/syslinux.cfg",       "syslinux.cfg",           "boot/syslinux/extlinux.conf",
    "boot/extlinux/extlinux.conf", "extlinux/extlinux.conf", "extlinux.conf"};

/* The folder of a path, with a '/' before it: "/boot/grub"; "" for the root; malloc'ed. */
static char *folder_of(const char *path)
{
    const char *slash;

    path += strspn(path, "/");
    slash = strrchr(path, '/');
    return slash ? xasprintf("/%.*s", (int)(slash - path), path) : xstrdup("");
}

size_t inspect_add_menu(struct inspect_report *report, enum inspect_menu_kind kind, size_t volume,
                        const char *path)
{
    struct inspect_menu *menu;
    char *folder;

    path += strspn(path, "/");
    for (size_t i = 0; i < report->menu_count; i++)
        if (report->menus[i].volume == volume && strcasecmp(report->menus[i].path, path) == 0)
            return i;
    if (report->menu_count == MENUS_MAX)
        return SIZE_MAX;
    report->menus = xgrow(report->menus, report->menu_count, sizeof *report->menus);
    menu = &report->menus[report->menu_count];
    *menu = (struct inspect_menu){.kind = kind, .path = xstrdup(path), .volume = volume};
    folder = folder_of(path);
    inspect_set_variable(&menu->variables, kind == MENU_GRUB ? "prefix" : "folder", folder);
    free(folder);
    return report->menu_count++;
}

/* Adds the menu at a path if there is a file (or, for systemd-boot, a folder). 1, 0, -1. */
static int try_menu(struct inspect_report *report, enum inspect_menu_kind kind, size_t volume,
                    const char *path, size_t *menu)
{
    struct entry entry;
    int result = volume_find(&report->volumes[volume].volume, path, &entry);

    if (result == 1 && entry.folder != (kind == MENU_SYSTEMD))
        result = 0;
    free(entry.name);
    if (result == 1)
        *menu = inspect_add_menu(report, kind, volume, path);
    return result == 1 ? *menu != SIZE_MAX : result;
}

/* The first of these paths that is in a volume. */
static int try_menus(struct inspect_report *report, enum inspect_menu_kind kind, size_t volume,
                     const char *const *paths, size_t count, size_t *menu)
{
    int result = 0;

    for (size_t i = 0; i < count && result == 0; i++)
        result = try_menu(report, kind, volume, paths[i], menu);
    return result;
}

static int read_menu(struct inspect_report *report, size_t menu)
{
    enum inspect_menu_kind kind = report->menus[menu].kind;
    char *text;
    int result;

    if (kind == MENU_SYSTEMD)
        return inspect_read_systemd(report, menu);
    if (kind == MENU_PROGRAM)
        return inspect_read_program(report, menu);
    result = inspect_text(report, report->menus[menu].volume, report->menus[menu].path,
                          INSPECT_MENU_MAX, &text);
    if (result == 1 && kind == MENU_GRUB)
        inspect_parse_grub(report, menu, text);
    else if (result == 1 && kind == MENU_SYSLINUX)
        inspect_parse_syslinux(report, menu, text);
    else if (result == 1 && strncmp(text, "#!ipxe", 6) == 0)
        inspect_parse_ipxe(report, menu, text);
    free(text);
    return result < 0 ? -1 : 0;
}

/* Where a lead goes to: 1 and *volume, *path; 0; -1. */
static int find_lead(const struct inspect_report *report, const struct inspect_menu *menu,
                     const char **path, size_t *volume)
{
    bool self = strcasecmp(*path + strspn(*path, "/"), menu->path) == 0;
    struct entry entry = {0};
    int result = 0;

    *volume = menu->volume;
    if (!self && report->tree)
        result = inspect_find_served(report, menu->volume, path, volume, &entry);
    else if (!self)
        result = inspect_find(report, menu->volume, *path, volume, &entry);
    for (size_t i = 0; self && i < report->volume_count && result == 0; i++)
        if (i != menu->volume) { /* it has searched for another volume with the same path */
            result = volume_find(&report->volumes[i].volume, *path, &entry);
            *volume = i;
        }
    if (result == 1 && entry.folder != (strcmp(*path, INSPECT_BLS_FOLDER) == 0))
        result = 0;
    free(entry.name);
    return result;
}

/* A menu and what it sources share their variables. */
static void link_menus(struct inspect_report *report, size_t menu, size_t next, bool fresh)
{
    struct inspect_menu *from = &report->menus[menu], *to = &report->menus[next];

    for (size_t i = 0; i < from->variables.n && fresh && to->kind == from->kind; i++)
        strings_add(&to->variables, from->variables.v[i]);
    from->next = xgrow(from->next, from->next_count, sizeof *from->next);
    from->next[from->next_count++] = next;
}

static int follow_leads(struct inspect_report *report, size_t menu)
{
    int result = 0;

    for (size_t i = 0; i < report->menus[menu].leads.n && result >= 0; i++) {
        const char *path = report->menus[menu].leads.v[i];
        enum inspect_menu_kind kind = report->menus[menu].kind;
        size_t volume, next, count = report->menu_count;

        result = find_lead(report, &report->menus[menu], &path, &volume);
        if (result == 0)
            strings_add(&report->menus[menu].lost, report->menus[menu].leads.v[i]);
        if (result != 1)
            continue;
        if (strcmp(path, INSPECT_BLS_FOLDER) == 0)
            kind = MENU_SYSTEMD;
        next = inspect_add_menu(report, kind, volume, path);
        if (next != SIZE_MAX && next != menu)
            link_menus(report, menu, next, report->menu_count > count);
    }
    return result < 0 ? -1 : 0;
}

/* The file that a menu searches for is a problem only if it is not there. */
static int check_marker(struct inspect_report *report, struct inspect_menu *menu)
{
    struct entry entry = {0};
    size_t volume;
    int result;

    if (!menu->marker || strchr(menu->marker, '$'))
        return 0;
    result = inspect_find(report, menu->volume, menu->marker, &volume, &entry);
    free(entry.name);
    if (result == 1) {
        free(menu->marker);
        menu->marker = NULL;
    }
    return result < 0 ? -1 : 0;
}

/* GRUB's: where it was told, beside it, else where menus usually are: on the ISO first. */
static int find_grub(struct inspect_report *report, const struct inspect_loader *loader,
                     size_t volume, size_t *menu)
{
    char *beside = loader ? folder_of(loader->path) : NULL;
    const char *folders[] = {loader ? loader->prefix : NULL, beside};
    size_t count = ARRAY_LEN(grub_paths) - (loader ? 0 : 1);
    int result = 0;

    for (size_t i = 0; i < ARRAY_LEN(folders) && result == 0; i++) {
        char *path = folders[i] ? xasprintf("%s/grub.cfg", folders[i]) : NULL;

        result = path ? try_menu(report, MENU_GRUB, volume, path, menu) : 0;
        free(path);
    }
    if (result == 0 && report->iso != SIZE_MAX)
        result = try_menus(report, MENU_GRUB, report->iso, grub_paths, count, menu);
    if (result == 0)
        result = try_menus(report, MENU_GRUB, volume, grub_paths, count, menu);
    for (size_t i = 0; i < report->volume_count && result == 0; i++)
        result = try_menus(report, MENU_GRUB, i, grub_paths, count, menu);
    free(beside);
    return result < 0 ? -1 : 0;
}

/* Beside a program, else in the usual places of a volume. */
static int find_beside(struct inspect_report *report, const struct inspect_loader *loader,
                       enum inspect_menu_kind kind, const char *const names[], size_t count,
                       size_t *menu)
{
    char *folder = folder_of(loader->path);
    int result = 0;

    for (size_t i = 0; i < 2 * count && result == 0; i++) {
        char *path = xasprintf("%s/%s", i < count ? folder : "", names[i % count]);

        result = try_menu(report, kind, loader->volume, path, menu);
        free(path);
    }
    free(folder);
    return result < 0 ? -1 : 0;
}

/* systemd-boot has no menu file: either folder will do. */
static int try_systemd(struct inspect_report *report, size_t volume, size_t *menu)
{
    int result = try_menu(report, MENU_SYSTEMD, volume, INSPECT_BLS_FOLDER, menu);
    struct entry entry = {0};

    if (result == 0) {
        result = volume_find(&report->volumes[volume].volume, "EFI/Linux", &entry);
        free(entry.name);
        if (result == 1)
            *menu = inspect_add_menu(report, MENU_SYSTEMD, volume, INSPECT_BLS_FOLDER);
    }
    return result;
}

/* On its own volume, else on the one that is its extension (XBOOTLDR). */
static int find_systemd(struct inspect_report *report, size_t volume, size_t *menu)
{
    int result = try_systemd(report, volume, menu);

    for (size_t i = 0; i < report->volume_count && result == 0; i++)
        if (report->volumes[i].volume.kind == VOLUME_FAT)
            result = try_systemd(report, i, menu);
    return result < 0 ? -1 : 0;
}

static int find_loader_menu(struct inspect_report *report, size_t i)
{
    static const char *const scripts[] = {"autoexec.ipxe", "boot.ipxe", "menu.ipxe",
                                          "default.ipxe"};
    static const char *const configs[] = {"pxelinux.cfg/default", "syslinux.cfg", "syslinux64.cfg",
                                          "EFI/syslinux/syslinux.cfg"};
    const struct inspect_loader *loader = &report->loaders[i];
    size_t *menu = &report->loaders[i].menu;

    if (inspect_is(loader, "GRUB"))
        return find_grub(report, loader, loader->volume, menu);
    if (inspect_is(loader, "systemd-boot"))
        return find_systemd(report, loader->volume, menu);
    if (*menu != SIZE_MAX) /* DHCP has said */
        return 0;
    if (inspect_is(loader, "iPXE")) /* only a server's names can be anything */
        return find_beside(report, loader, MENU_IPXE, scripts,
                           report->tree ? ARRAY_LEN(scripts) : 1, menu);
    if (inspect_is(loader, "pxelinux") || inspect_is(loader, "syslinux"))
        return find_beside(report, loader, MENU_SYSLINUX, configs, ARRAY_LEN(configs), menu);
    if (inspect_is(loader, "unified kernel image") || inspect_is(loader, "kernel"))
        *menu = inspect_add_menu(report, MENU_PROGRAM, loader->volume, loader->path);
    return 0;
}

/* Is a file of syslinux's beside its menu, or in the folders where it looks? 1, 0, -1. */
static int has_module(const struct inspect_report *report, const struct inspect_menu *menu,
                      const char *name)
{
    char *beside = folder_of(menu->path);
    const char *folders[] = {beside, "boot/isolinux", "isolinux", "boot/syslinux", "syslinux", ""};
    int result = 0;

    for (size_t i = 0; i < ARRAY_LEN(folders) && result == 0; i++) {
        char *path = xasprintf("%s/%s", folders[i], name);
        struct entry entry;

        result = volume_find(&report->volumes[menu->volume].volume, path, &entry);
        free(entry.name);
        free(path);
    }
    free(beside);
    return result;
}

/* isolinux from version 5 on names ldlinux.c32, and needs it. */
static int check_isolinux(struct inspect_report *report, size_t menu, enum inspect_answer *reached,
                          char **why)
{
    int result;

    if (!report->needs_ldlinux || menu == SIZE_MAX || report->menus[menu].kind != MENU_SYSLINUX ||
        report->menus[menu].volume != report->iso)
        return 0;
    result = has_module(report, &report->menus[menu], "ldlinux.c32");
    if (result == 0) {
        *reached = INSPECT_NO;
        *why = xstrdup("ldlinux.c32, which isolinux needs, is missing");
    }
    return result < 0 ? -1 : 0;
}

static int find_bios_menu(struct inspect_report *report, enum inspect_answer reached,
                          enum inspect_menu_kind kind, size_t volume, size_t *menu)
{
    if (reached != INSPECT_YES || !report->volume_count)
        return 0;
    if (kind == MENU_GRUB)
        return find_grub(report, NULL, 0, menu);
    return try_menus(report, MENU_SYSLINUX, volume, syslinux_paths, ARRAY_LEN(syslinux_paths),
                     menu) < 0
               ? -1
               : 0;
}

int inspect_menus(struct inspect_report *report)
{
    if (find_bios_menu(report, report->bios_stick, report->bios_stick_kind,
                       report->bios_stick_volume, &report->bios_stick_menu) < 0 ||
        find_bios_menu(report, report->bios_cd, report->bios_cd_kind, report->bios_cd_volume,
                       &report->bios_cd_menu) < 0 ||
        check_isolinux(report, report->bios_stick_menu, &report->bios_stick,
                       &report->bios_stick_why) < 0 ||
        check_isolinux(report, report->bios_cd_menu, &report->bios_cd, &report->bios_cd_why) < 0)
        return -1;
    for (size_t i = 0; i < report->loader_count; i++)
        if (find_loader_menu(report, i) < 0)
            return -1;
    for (size_t i = 0; i < report->menu_count; i++) /* it grows meanwhile */
        if (read_menu(report, i) < 0 || check_marker(report, &report->menus[i]) < 0 ||
            follow_leads(report, i) < 0)
            return -1;
    return 0;
}
