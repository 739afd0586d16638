/*
 * inspect_verdict: for each firmware, from a stick and from a CD: will it boot, and why not.
 */
#include "media/inspect_private.h"

#include <stdio.h>
#include <stdlib.h>

static void refuse(struct inspect_verdict *verdict)
{
    verdict->boots = INSPECT_NO;
}

/* A file that the menu names must be there. */
static bool file_fails(struct inspect_verdict *verdict, const struct inspect_file *file)
{
    if (file->state == FILE_MISSING)
        strings_printf(&verdict->reasons, "%s, which the menu names, is missing", file->path);
    else if (file->state == FILE_DAMAGED)
        strings_printf(&verdict->reasons, "%s is not whole on the medium", file->path);
    else
        return false;
    return true;
}

/* Why this kernel does not run on this firmware; NULL if it does. */
static const char *kernel_problem(enum firmware firmware, const struct inspect_entry *entry)
{
    if (entry->facts.arch == KERNEL_OTHER)
        return "is for another architecture";
    if (entry->facts.arch == KERNEL_I386 && firmware & (FIRMWARE_UEFI | FIRMWARE_SECUREBOOT))
        return "is a 32-bit kernel, for a 64-bit UEFI";
    if (firmware == FIRMWARE_IA32 && !kernel_boots_ia32(&entry->facts))
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
    problem = entry->readable ? kernel_problem(verdict->firmware, entry) : entry->why;
    if (problem) {
        strings_printf(&verdict->reasons, "%s %s", entry->kernel.path, problem);
        return true;
    }
    if (verdict->firmware == FIRMWARE_SECUREBOOT && entry->secure == INSPECT_NO) {
        strings_printf(&verdict->reasons, "%s %s", entry->kernel.path, entry->secure_why);
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

/* GRUB runs: what does its menu come to? */
static void judge_menu(const struct inspect_report *report, struct inspect_verdict *verdict)
{
    size_t kernels = 0, failed = 0;

    if (!report->menu) {
        strings_printf(&verdict->reasons,
                       "boot/grub/grub.cfg is missing: GRUB would stop at its prompt");
        refuse(verdict);
        return;
    }
    if (report->marker) {
        strings_printf(&verdict->reasons, "%s, which the menu searches for, is missing",
                       report->marker);
        refuse(verdict);
    }
    for (size_t i = 0; i < report->entry_count; i++) {
        if (!report->entries[i].has_kernel)
            continue;
        kernels++;
        failed += entry_fails(verdict, &report->entries[i]);
    }
    if (!report->entry_count) {
        strings_printf(&verdict->reasons, "the menu has no entries");
        refuse(verdict);
    }
    if (failed && verdict->boots == INSPECT_YES)
        verdict->boots = failed < kernels ? INSPECT_PART : INSPECT_NO;
}

static void judge_bios(const struct inspect_report *report, struct inspect_verdict *verdict)
{
    const char *why = verdict->cd ? report->bios_cd_why : report->bios_stick_why;

    verdict->boots = verdict->cd ? report->bios_cd : report->bios_stick;
    if (why)
        strings_printf(&verdict->reasons, "%s", why);
    if (verdict->boots == INSPECT_YES)
        judge_menu(report, verdict);
}

/* BOOT*.EFI in a volume that this firmware sees; the first wins. */
static struct inspect_loader *find_loader(const struct inspect_report *report, const char *name,
                                          bool cd)
{
    for (size_t i = 0; i < report->volume_count; i++) {
        const struct inspect_volume *volume = &report->volumes[i];
        struct inspect_loader *loader = inspect_loader(report, i, name);

        if (loader && (cd ? volume->cd : volume->stick))
            return loader;
    }
    return NULL;
}

static bool sees_fat(const struct inspect_report *report, bool cd)
{
    for (size_t i = 0; i < report->volume_count; i++)
        if (report->volumes[i].volume.kind == VOLUME_FAT &&
            (cd ? report->volumes[i].cd : report->volumes[i].stick))
            return true;
    return false;
}

static bool loader_fails(struct inspect_verdict *verdict, const struct inspect_loader *loader,
                         uint16_t machine)
{
    if (loader->truncated)
        strings_printf(&verdict->reasons, "%s is damaged: it is shorter than it says",
                       loader->path);
    else if (!loader->pe)
        strings_printf(&verdict->reasons, "%s is no EFI program", loader->path);
    else if (loader->machine != machine)
        strings_printf(&verdict->reasons, "%s is for %s", loader->path,
                       pe_machine_name(loader->machine));
    else if (verdict->firmware == FIRMWARE_SECUREBOOT && loader->secure == INSPECT_NO)
        strings_printf(&verdict->reasons, "%s %s", loader->path, loader->why);
    else
        return false;
    refuse(verdict);
    return true;
}

static bool is_kind(const struct inspect_loader *loader, const char *kind)
{
    return loader->kind && strcmp(loader->kind, kind) == 0;
}

/* The program that firmware starts, and if it is shim, the one that shim starts. */
static void judge_loader(const struct inspect_report *report, struct inspect_verdict *verdict,
                         struct inspect_loader *loader, bool ia32)
{
    const char *next = ia32 ? "grubia32.efi" : "grubx64.efi";
    uint16_t machine = ia32 ? PE_I386 : PE_X64;
    bool fails = loader_fails(verdict, loader, machine);

    if (!loader->truncated && is_kind(loader, "shim")) {
        loader = inspect_loader(report, loader->volume, next);
        if (!loader) {
            strings_printf(&verdict->reasons, "EFI/BOOT/%s, which shim starts, is missing", next);
            refuse(verdict);
            return;
        }
        fails |= loader_fails(verdict, loader, machine);
    }
    if (!fails)
        verdict->boots = INSPECT_YES;
    if (is_kind(loader, "GRUB"))
        judge_menu(report, verdict);
    else if (!fails && !is_kind(loader, "unified kernel image"))
        strings_printf(&verdict->reasons, "what %s does is not followed", loader->path);
}

static void judge_uefi(const struct inspect_report *report, struct inspect_verdict *verdict)
{
    bool ia32 = verdict->firmware == FIRMWARE_IA32;
    const char *name = ia32 ? "BOOTIA32.EFI" : "BOOTX64.EFI";
    struct inspect_loader *loader = find_loader(report, name, verdict->cd);

    verdict->boots = INSPECT_NO;
    if (loader)
        judge_loader(report, verdict, loader, ia32);
    else if (sees_fat(report, verdict->cd))
        strings_printf(&verdict->reasons, "EFI/BOOT/%s is missing", name);
    else
        strings_printf(&verdict->reasons, verdict->cd
                                              ? "El Torito's catalog has no FAT volume for EFI"
                                              : "no partition has a FAT volume");
}

static void add_remarks(struct inspect_report *report)
{
    const struct inspect_loader *first = find_loader(report, "BOOTX64.EFI", false);

    if (!first)
        first = find_loader(report, "BOOTX64.EFI", true);
    if (report->gpt && (report->gpt_problem || report->gpt_copy_problem))
        strings_printf(&report->remarks, "the GPT%s %s", report->gpt_problem ? "" : "'s copy",
                       report->gpt_problem ? report->gpt_problem : report->gpt_copy_problem);
    if (!first)
        return;
    if (first->ca_2011 && !first->ca_2023)
        strings_printf(&report->remarks,
                       "%s is signed by Microsoft's UEFI CA 2011 only: machines that trust only "
                       "the CA of 2023 will not start it",
                       first->path);
    if (first->ca_2023 && !first->ca_2011)
        strings_printf(&report->remarks,
                       "%s is signed by Microsoft's UEFI CA 2023 only: machines from before 2023 "
                       "may not start it",
                       first->path);
    if (is_kind(first, "shim") && inspect_loader(report, first->volume, "fbx64.efi"))
        strings_printf(&report->remarks,
                       "EFI/BOOT/fbx64.efi makes shim write boot entries into the machine "
                       "instead of starting GRUB");
}

void inspect_verdicts(struct inspect_report *report)
{
    static const enum firmware firmware[] = {FIRMWARE_BIOS, FIRMWARE_UEFI, FIRMWARE_SECUREBOOT,
                                             FIRMWARE_IA32};
    size_t ways = report->iso == SIZE_MAX ? 1 : 2;

    report->verdicts = xcalloc(ways * ARRAY_LEN(firmware), sizeof *report->verdicts);
    for (size_t i = 0; i < ways * ARRAY_LEN(firmware); i++) {
        struct inspect_verdict *verdict = &report->verdicts[report->verdict_count++];

        verdict->firmware = firmware[i / ways];
        verdict->cd = i % ways;
        if (verdict->firmware == FIRMWARE_BIOS)
            judge_bios(report, verdict);
        else
            judge_uefi(report, verdict);
    }
    add_remarks(report);
}
