/*
 * inspect_judge: what becomes of a client or a machine once a loader has it: the loader itself, the
 * menu that it comes to, and the files that the menu's entries name.
 */
#include "media/inspect_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

void inspect_reason(struct inspect_verdict *verdict, const char *format, ...)
{
    va_list ap;
    char *text;

    va_start(ap, format);
    text = xvasprintf(format, ap);
    va_end(ap);
    for (size_t i = 0; i < verdict->reasons.n; i++)
        if (strcmp(verdict->reasons.v[i], text) == 0) {
            free(text);
            return;
        }
    strings_add(&verdict->reasons, text);
    free(text);
}

static void refuse(struct inspect_verdict *verdict)
{
    verdict->boots = INSPECT_NO;
}

/* It would be a yes, if it were known what comes now. */
static void doubt(struct inspect_verdict *verdict)
{
    if (verdict->boots == INSPECT_YES)
        verdict->boots = INSPECT_UNKNOWN;
}

/* A file that the menu names must be there. */
static bool file_fails(struct inspect_verdict *verdict, const struct inspect_file *file)
{
    if (file->state == FILE_MISSING)
        inspect_reason(verdict, "%s, which the menu names, is missing", file->path);
    else if (file->state == FILE_DAMAGED)
        inspect_reason(verdict, "%s is not whole on the medium", file->path);
    else
        return false;
    return true;
}

/* Why this kernel does not run on this firmware; NULL if it does. */
static const char *kernel_problem(const struct inspect_firmware *firmware,
                                  const struct inspect_entry *entry)
{
    if (firmware->machine == PE_AARCH64)
        return entry->facts.pe_machine == PE_AARCH64 ? NULL : "is not a kernel for 64-bit arm";
    if (!entry->readable)
        return entry->why;
    if (entry->facts.arch == KERNEL_OTHER)
        return "is for another architecture";
    if (entry->facts.arch == KERNEL_I386 && firmware->machine == PE_X64)
        return "is a 32-bit kernel, for a 64-bit UEFI";
    if (firmware->machine == PE_I386 && !kernel_boots_ia32(&entry->facts))
        return "is a 64-bit kernel without CONFIG_EFI_MIXED, for a 32-bit UEFI";
    return NULL;
}

static bool kernel_fails(struct inspect_verdict *verdict, const struct inspect_entry *entry)
{
    const char *problem;

    if (file_fails(verdict, &entry->kernel))
        return true;
    if (entry->kernel.state == FILE_UNKNOWN)
        return false;
    problem = kernel_problem(verdict->firmware, entry);
    if (problem) {
        inspect_reason(verdict, "%s %s", entry->kernel.path, problem);
        return true;
    }
    if (verdict->firmware->secure && entry->secure == INSPECT_NO) {
        inspect_reason(verdict, "%s %s", entry->kernel.path, entry->secure_why);
        return true;
    }
    return false;
}

/* Does any of an entry's files fail? All are named. */
static bool entry_fails(struct inspect_verdict *verdict, const struct inspect_entry *entry)
{
    bool fails = kernel_fails(verdict, entry);

    for (size_t i = 0; i < entry->initrd_count; i++)
        fails |= file_fails(verdict, &entry->initrds[i]);
    return fails;
}

/* A menu and all that it goes on to; malloc'ed, a flag for each menu. */
static bool *reach(const struct inspect_report *report, size_t menu)
{
    bool *reached = xcalloc(report->menu_count, sizeof *reached);
    bool more = true;

    reached[menu] = true;
    while (more) {
        more = false;
        for (size_t i = 0; i < report->menu_count; i++)
            for (size_t k = 0; reached[i] && k < report->menus[i].next_count; k++) {
                size_t next = report->menus[i].next[k];

                more |= !reached[next];
                reached[next] = true;
            }
    }
    return reached;
}

/* A volume that a menu may be on and that is not looked into; NULL. */
static const struct inspect_volume *closed_volume(const struct inspect_report *report)
{
    for (size_t i = 0; i < report->volume_count; i++)
        if (report->volumes[i].volume.kind == VOLUME_OTHER && report->volumes[i].volume.type)
            return &report->volumes[i];
    return NULL;
}

/* No entries: because a menu that should have them is not there? */
static void judge_empty(const struct inspect_report *report, struct inspect_verdict *verdict,
                        const bool *reached)
{
    const struct inspect_volume *closed = closed_volume(report);
    bool lost = false;

    for (size_t i = 0; i < report->menu_count; i++)
        for (size_t k = 0; reached[i] && k < report->menus[i].lost.n; k++) {
            const char *path = report->menus[i].lost.v[k];

            lost = true;
            if (closed)
                inspect_reason(verdict,
                               "%s, which %s goes on to, may be on %s (%s), which is not read",
                               path, report->menus[i].path, closed->where, closed->volume.type);
            else
                inspect_reason(verdict, "%s, which %s goes on to, is missing", path,
                               report->menus[i].path);
        }
    if (lost && closed) {
        doubt(verdict);
        return;
    }
    if (!lost)
        inspect_reason(verdict, "the menu has no entries");
    refuse(verdict);
}

static bool judge_markers(const struct inspect_report *report, struct inspect_verdict *verdict,
                          const bool *reached)
{
    bool fails = false;

    for (size_t i = 0; i < report->menu_count; i++)
        if (reached[i] && report->menus[i].marker) {
            inspect_reason(verdict, "%s, which the menu searches for, is missing",
                           report->menus[i].marker);
            fails = true;
            refuse(verdict);
        }
    return fails;
}

/* How many entries start a kernel, and of how many of these it is known that it runs, or not. */
struct sum {
    size_t entries, kernels, failed, unknown;
    const struct inspect_entry *first; /* of the unknown ones */
};

static struct sum judge_entries(const struct inspect_report *report,
                                struct inspect_verdict *verdict, const bool *reached)
{
    struct sum sum = {0};

    for (size_t i = 0; i < report->entry_count; i++) {
        const struct inspect_entry *entry = &report->entries[i];

        if (!reached[entry->menu])
            continue;
        sum.entries++;
        if (!entry->has_kernel)
            continue;
        sum.kernels++;
        if (entry_fails(verdict, entry))
            sum.failed++;
        else if (entry->kernel.state == FILE_UNKNOWN && sum.unknown++ == 0)
            sum.first = entry;
    }
    return sum;
}

void inspect_judge_menu(const struct inspect_report *report, struct inspect_verdict *verdict,
                        size_t menu, const char *missing)
{
    struct sum sum;
    bool *reached, marker;

    if (menu == SIZE_MAX) {
        inspect_reason(verdict, "%s", missing);
        refuse(verdict);
        return;
    }
    reached = reach(report, menu);
    marker = judge_markers(report, verdict, reached);
    sum = judge_entries(report, verdict, reached);
    if (!sum.entries && !marker) {
        judge_empty(report, verdict, reached);
    } else if (sum.entries && !sum.kernels) {
        inspect_reason(verdict,
                       "no entry of the menu starts a kernel: what they do is not followed");
        doubt(verdict);
    } else if (sum.unknown && sum.unknown + sum.failed == sum.kernels) {
        inspect_reason(verdict, "%s is not checked: %s", sum.first->kernel.path,
                       sum.first->kernel.place ? "it may be on another server"
                                               : "its path has variables in it");
        doubt(verdict);
    } else if (sum.failed && verdict->boots == INSPECT_YES) {
        verdict->boots = sum.failed < sum.kernels ? INSPECT_PART : INSPECT_NO;
    }
    free(reached);
}

static bool loader_fails(struct inspect_verdict *verdict, const struct inspect_loader *loader)
{
    uint16_t machine = verdict->firmware->machine;

    if (loader->truncated)
        inspect_reason(verdict, "%s is damaged: it is shorter than it says", loader->path);
    else if (machine && !loader->pe)
        inspect_reason(verdict, "%s is no EFI program", loader->path);
    else if (machine && loader->machine != machine)
        inspect_reason(verdict, "%s is for %s", loader->path, pe_machine_name(loader->machine));
    else if (!machine && loader->pe)
        inspect_reason(verdict, "%s is an EFI program", loader->path);
    else if (verdict->firmware->secure && loader->secure == INSPECT_NO)
        inspect_reason(verdict, "%s %s", loader->path, loader->why);
    else
        return false;
    refuse(verdict);
    return true;
}

/* A loader begins to run: where does it go? */
static void judge_way(const struct inspect_report *report, struct inspect_verdict *verdict,
                      const struct inspect_loader *loader)
{
    bool grub = inspect_is(loader, "GRUB");

    if (grub && verdict->way == WAY_HTTP && !loader->http) {
        inspect_reason(verdict, "%s has no http module: started over HTTP it stops at its prompt",
                       loader->path);
        refuse(verdict);
    } else if (grub) {
        inspect_judge_menu(report, verdict, loader->menu,
                           report->tree
                               ? "grub/grub.cfg is missing: GRUB would stop at its prompt"
                               : "boot/grub/grub.cfg is missing: GRUB would stop at its prompt");
    } else if (inspect_is(loader, "systemd-boot")) {
        inspect_judge_menu(report, verdict, loader->menu,
                           "neither loader/entries nor EFI/Linux is there: systemd-boot has "
                           "nothing to start");
    } else if (inspect_is(loader, "pxelinux")) {
        inspect_judge_menu(report, verdict, loader->menu, "pxelinux.cfg/default is missing");
    } else if (loader->menu != SIZE_MAX) {
        inspect_judge_menu(report, verdict, loader->menu, "");
    } else {
        if (inspect_is(loader, "iPXE"))
            inspect_reason(verdict, "which script iPXE runs is not known: none is %s",
                           report->tree ? "in the tree" : "beside it");
        else
            inspect_reason(verdict, "what %s does is not followed", loader->path);
        doubt(verdict);
    }
}

/* The program that a shim starts: beside itself. */
static const struct inspect_loader *find_next(const struct inspect_report *report,
                                              const struct inspect_loader *shim, const char *path)
{
    for (size_t i = 0; i < report->loader_count; i++) {
        const struct inspect_loader *loader = &report->loaders[i];

        if (loader->volume == shim->volume &&
            (report->tree ? strcmp(loader->path, path) : strcasecmp(loader->path, path)) == 0)
            return loader;
    }
    return NULL;
}

void inspect_judge_loader(const struct inspect_report *report, struct inspect_verdict *verdict,
                          const struct inspect_loader *loader)
{
    bool fails = loader_fails(verdict, loader);

    if (!loader->truncated && inspect_is(loader, "shim") && verdict->firmware->next) {
        const char *slash = strrchr(loader->path, '/');
        char *path = xasprintf("%.*s%s", slash ? (int)(slash + 1 - loader->path) : 0, loader->path,
                               verdict->firmware->next);

        loader = find_next(report, loader, path);
        if (!loader) {
            inspect_reason(verdict, "%s, which shim starts, is missing", path);
            refuse(verdict);
        }
        free(path);
        if (!loader)
            return;
        fails |= loader_fails(verdict, loader);
    }
    if (!fails)
        verdict->boots = INSPECT_YES;
    if (!fails || inspect_is(loader, "GRUB"))
        judge_way(report, verdict, loader);
}
