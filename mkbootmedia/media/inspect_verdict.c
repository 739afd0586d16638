/*
 * inspect_verdict: for each firmware, from a stick and from a CD: will it boot, and why not.
 */
#include "media/inspect_private.h"

#include <stdio.h>
#include <stdlib.h>

const struct inspect_firmware inspect_firmwares[INSPECT_FIRMWARES] = {
    {"bios", "BIOS", 0, false, NULL, NULL},
    {"uefi", "UEFI", PE_X64, false, "BOOTX64.EFI", "grubx64.efi"},
    {"secureboot", "UEFI with Secure Boot", PE_X64, true, "BOOTX64.EFI", "grubx64.efi"},
    {"ia32", "32-bit UEFI", PE_I386, false, "BOOTIA32.EFI", "grubia32.efi"},
    {"aarch64", "UEFI arm64", PE_AARCH64, false, "BOOTAA64.EFI", "grubaa64.efi"},
};

static void judge_bios(const struct inspect_report *report, struct inspect_verdict *verdict)
{
    bool cd = verdict->way == WAY_CD;
    const char *why = cd ? report->bios_cd_why : report->bios_stick_why;
    enum inspect_menu_kind kind = cd ? report->bios_cd_kind : report->bios_stick_kind;

    verdict->boots = cd ? report->bios_cd : report->bios_stick;
    if (why)
        inspect_reason(verdict, "%s", why);
    if (verdict->boots == INSPECT_YES)
        inspect_judge_menu(report, verdict, cd ? report->bios_cd_menu : report->bios_stick_menu,
                           kind == MENU_GRUB
                               ? "boot/grub/grub.cfg is missing: GRUB would stop at its prompt"
                               : "the menu of syslinux (isolinux.cfg, syslinux.cfg) is missing");
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

static void judge_uefi(const struct inspect_report *report, struct inspect_verdict *verdict)
{
    const char *name = verdict->firmware->boot;
    bool cd = verdict->way == WAY_CD;
    const struct inspect_loader *loader = find_loader(report, name, cd);

    verdict->boots = INSPECT_NO;
    if (loader)
        inspect_judge_loader(report, verdict, loader);
    else if (sees_fat(report, cd))
        inspect_reason(verdict, "EFI/BOOT/%s is missing", name);
    else
        inspect_reason(verdict, cd ? "El Torito's catalog has no FAT volume for EFI"
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
    if (inspect_is(first, "shim") && inspect_loader(report, first->volume, "fbx64.efi"))
        strings_printf(&report->remarks,
                       "EFI/BOOT/fbx64.efi makes shim write boot entries into the machine "
                       "instead of starting GRUB");
}

/* 64-bit arm concerns only media that have something for it. */
static bool is_judged(const struct inspect_report *report, const struct inspect_firmware *firmware)
{
    return firmware->machine != PE_AARCH64 || find_loader(report, firmware->boot, false) ||
           find_loader(report, firmware->boot, true);
}

void inspect_verdicts(struct inspect_report *report)
{
    size_t ways = report->iso == SIZE_MAX ? 1 : 2;

    report->verdicts = xcalloc(ways * INSPECT_FIRMWARES, sizeof *report->verdicts);
    for (size_t i = 0; i < ways * INSPECT_FIRMWARES; i++) {
        const struct inspect_firmware *firmware = &inspect_firmwares[i / ways];
        struct inspect_verdict *verdict = &report->verdicts[report->verdict_count];

        if (!is_judged(report, firmware))
            continue;
        report->verdict_count++;
        verdict->firmware = firmware;
        verdict->way = i % ways ? WAY_CD : WAY_STICK;
        if (firmware->machine)
            judge_uefi(report, verdict);
        else
            judge_bios(report, verdict);
    }
    add_remarks(report);
}
