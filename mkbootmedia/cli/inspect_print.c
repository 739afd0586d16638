/* inspect_print: the report as text, what firmware would do first. */
#include "cli/inspect_print.h"

#include "base/util.h"
#include "cli/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* From a CD it is often as from a stick, over HTTP as by PXE: then one line says both. */
static bool same_verdict(const struct inspect_verdict *a, const struct inspect_verdict *b)
{
    if (a->firmware != b->firmware || a->boots != b->boots || a->reasons.n != b->reasons.n ||
        strcmp(a->first ? a->first : "", b->first ? b->first : "") != 0)
        return false;
    for (size_t i = 0; i < a->reasons.n; i++)
        if (strcmp(a->reasons.v[i], b->reasons.v[i]) != 0)
            return false;
    return true;
}

static void print_verdict(const struct inspect_verdict *verdict, bool both)
{
    static const char *const answers[] = {"no", "yes", "in part", "not known"};

    static const char *const ways[] = {"stick", "CD", "PXE", "HTTP"};
    static const char *const both_ways[] = {"stick, CD", "", "PXE, HTTP", ""};

    text_put(stdout, "  %-22s %-9s  %s", verdict->firmware->name,
             both ? both_ways[verdict->way] : ways[verdict->way], answers[verdict->boots]);
    if (verdict->first && verdict->boots != INSPECT_NO)
        text_put(stdout, ", by %s", verdict->first);
    for (size_t i = 0; i < verdict->reasons.n; i++)
        if (i == 0)
            text_put(stdout, ": %s", verdict->reasons.v[i]);
        else
            text_put(stdout, "\n%39s%s", "", verdict->reasons.v[i]);
    text_put(stdout, "\n");
}

static void print_verdicts(const struct inspect_report *report)
{
    text_put(stdout, "\nboots\n");
    for (size_t i = 0; i < report->verdict_count; i++) {
        bool both = i + 1 < report->verdict_count &&
                    same_verdict(&report->verdicts[i], &report->verdicts[i + 1]);

        print_verdict(&report->verdicts[i], both);
        i += both;
    }
    if (report->remarks.n)
        text_put(stdout, "\nremarks\n");
    for (size_t i = 0; i < report->remarks.n; i++)
        text_put(stdout, "  %s\n", report->remarks.v[i]);
}

static void print_tables(const struct inspect_report *report)
{
    text_put(stdout, "\npartitions\n");
    text_put(stdout, "  MBR  %s\n",
             !report->mbr        ? "none"
             : report->boot_code ? report->boot_code
                                 : "no boot code");
    if (!report->gpt)
        text_put(stdout, "  GPT  none\n");
    else
        text_put(stdout, "  GPT  %s; the copy %s\n",
                 report->gpt_problem ? report->gpt_problem : "valid",
                 report->gpt_copy_problem ? report->gpt_copy_problem : "is valid");
    for (size_t i = 0; i < report->partition_count; i++) {
        const struct inspect_partition *p = &report->partitions[i];
        char first[96];

        snprintf(first, sizeof first, "%s %u", p->gpt ? "GPT" : "MBR", p->number);
        text_put(stdout, "  %-6s %14" PRIu64 " %11s  %-18s %s%s%s%s%s%s\n", first, p->offset,
                 size_text(p->len).text, p->type_name ? p->type_name : p->type, p->fs ? p->fs : "",
                 *p->label ? " " : "", p->label, *p->name ? "  # " : "", p->name,
                 p->active ? "  # active" : "");
    }
}

static void print_cd(const struct inspect_report *report)
{
    const struct volume *volume;

    if (report->iso == SIZE_MAX)
        return;
    volume = &report->volumes[report->iso].volume;
    text_put(stdout, "\nISO 9660\n");
    text_put(stdout, "  %s, %s%s%s\n", *volume->label ? volume->label : "no label",
             size_text(volume->size).text, volume->iso.rock_ridge ? ", Rock Ridge" : "",
             volume->iso.joliet ? ", Joliet" : "");
    for (size_t i = 0; i < report->boot_count; i++) {
        const struct inspect_boot *boot = &report->boots[i];

        text_put(stdout, "  El Torito %zu  %-4s %14" PRIu64 " %11s  %s%s\n", i + 1,
                 boot->platform == 0xef ? "EFI"
                 : boot->platform == 0  ? "BIOS"
                                        : "?",
                 boot->offset, boot->len ? size_text(boot->len).text : "to the end",
                 boot->what ? boot->what : "?", boot->bootable ? "" : "  # not bootable");
    }
}

static void print_loader(const struct inspect_report *report, const struct inspect_loader *loader)
{
    text_put(stdout, "  %-22s %-11s %-8s %11s  in %s\n", loader->path,
             loader->kind ? loader->kind : "?", loader->pe ? pe_machine_name(loader->machine) : "-",
             size_text(loader->len).text, report->volumes[loader->volume].where);
    if (loader->sbat_count)
        text_put(stdout, "    SBAT       ");
    for (size_t i = 0; i < loader->sbat_count; i++)
        text_put(stdout, "%s%s %u", i ? ", " : "", loader->sbat[i].component,
                 loader->sbat[i].generation);
    if (loader->sbat_count)
        text_put(stdout, "\n");
    for (size_t i = 0; i < loader->signers.count; i++)
        text_put(stdout, "    signed by  %s, issued by %s\n", loader->signers.list[i].subject,
                 loader->signers.list[i].issuer);
    if (loader->secure == INSPECT_NO && loader->machine == PE_X64)
        text_put(stdout, "    Secure Boot would not start it: it %s\n", loader->why);
}

static void print_file(const char *what, const struct inspect_file *file)
{
    static const char *const states[] = {"", "  # missing", "  # damaged", "  # not checked"};

    text_put(stdout, "    %-10s %s", what, file->path);
    if (file->state == FILE_THERE)
        text_put(stdout, "  %s", size_text(file->len).text);
    text_put(stdout, "%s\n", states[file->state]);
}

static void print_root(const struct inspect_root *root)
{
    static const struct {
        const char *source, *text;
    } ways[] = {{"ram", "brought by the boot loader"},
                {"medium", "read from the medium"},
                {"http", "fetched over HTTP"}};
    const char *way = root->source;

    for (size_t i = 0; i < ARRAY_LEN(ways); i++)
        if (strcmp(root->source, ways[i].source) == 0)
            way = ways[i].text;
    text_put(stdout, "    root       %s, %s, %s; %s unpacked\n", root->mode,
             size_text(root->image).text, way, size_text(root->unpacked).text);
    text_put(stdout, "    memory     %s at the peak; the least that boots has %s\n",
             size_text(root->peak).text, size_text(root->ram).text);
}

static void print_entry(const struct inspect_entry *entry)
{
    text_put(stdout, "  %s\n", entry->title);
    if (!entry->has_kernel)
        return;
    print_file("kernel", &entry->kernel);
    if (entry->readable)
        text_put(stdout, "               %s, %s%s%s\n", entry->facts.version,
                 kernel_arch_name(entry->facts.arch),
                 entry->secure == INSPECT_YES ? ", accepted by shim" : "",
                 entry->secure == INSPECT_NO ? ", not accepted by shim" : "");
    else if (entry->why)
        text_put(stdout, "               %s\n", entry->why);
    for (size_t i = 0; i < entry->initrd_count; i++)
        print_file("initramfs", &entry->initrds[i]);
    if (entry->root.there)
        print_root(&entry->root);
    if (*entry->cmdline)
        text_put(stdout, "    arguments  %s\n", entry->cmdline);
}

/* Each menu with its entries; several that are one behind the other as well. */
static void print_menus(const struct inspect_report *report)
{
    static const char *const kinds[] = {"GRUB's menu", "syslinux's menu", "systemd-boot's entries",
                                        "iPXE's script", "started by the firmware"};

    for (size_t i = 0; i < report->menu_count; i++) {
        const struct inspect_menu *menu = &report->menus[i];

        text_put(stdout, "\n%s: %s in %s\n", kinds[menu->kind], menu->path,
                 report->volumes[menu->volume].where);
        for (size_t k = 0; k < menu->next_count; k++)
            text_put(stdout, "  goes on to %s\n", report->menus[menu->next[k]].path);
        for (size_t k = 0; k < menu->lost.n; k++)
            text_put(stdout, "  goes on to %s  # missing\n", menu->lost.v[k]);
        for (size_t k = 0; k < report->entry_count; k++)
            if (report->entries[k].menu == i)
                print_entry(&report->entries[k]);
    }
}

static void print_manifest(const struct inspect_manifest *manifest)
{
    if (!manifest->there || manifest->problem)
        return;
    text_put(stdout, "\nmanifest\n");
    text_put(stdout, "  id          %s\n", manifest->id ? manifest->id : "?");
    if (manifest->generation)
        text_put(stdout, "  generation  %u\n", manifest->generation);
    text_put(stdout, "  label       %s\n", manifest->label ? manifest->label : "?");
    if (manifest->url)
        text_put(stdout, "  served at   %s\n", manifest->url);
    text_put(stdout, "  holds       %zu files", manifest->files);
    if (manifest->hosts)
        text_put(stdout, ", scripts of %zu hosts", manifest->hosts);
    text_put(stdout, "; made by mkbootmedia %s\n", manifest->version ? manifest->version : "?");
}

void inspect_print(const struct inspect_report *report)
{
    if (report->tree)
        text_put(stdout, "%s: a boot root\n", report->path);
    else
        text_put(stdout, "%s: %s (%" PRIu64 " bytes)\n", report->path, size_text(report->size).text,
                 report->size);
    print_verdicts(report);
    print_manifest(&report->manifest);
    if (!report->tree)
        print_tables(report);
    print_cd(report);
    if (report->loader_count)
        text_put(stdout, "\nloaders\n");
    for (size_t i = 0; i < report->loader_count; i++)
        print_loader(report, &report->loaders[i]);
    print_menus(report);
}
