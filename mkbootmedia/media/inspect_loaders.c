/*
 * inspect_loaders: boot programs, such as those in EFI/BOOT of each FAT volume: what they are, for
 * which machine, their SBAT generations and signers, and whether Secure Boot would start them.
 *
 * Firmware that has Microsoft's keys starts BOOTX64.EFI if a UEFI CA of Microsoft's issued the
 * signer; if that is shim, it asks its vendor certificate about the rest (boot/chain.h). The CA is
 * known by its name: its certificate is in the firmware, not on the medium.
 */
#include "media/inspect_private.h"

#include <stdlib.h>
#include <strings.h>

#define SIGNATURE_MAX MIB
#define HEAD_MAX      (256 * KIB) /* of a BIOS program, where its name is looked for */
#define MODULES_MAX   (32 * MIB)

static bool has_component(const struct inspect_loader *loader, const char *name)
{
    for (size_t i = 0; i < loader->sbat_count; i++)
        if (strcmp(loader->sbat[i].component, name) == 0)
            return true;
    return false;
}

/* From its sections and SBAT; shim is told from MokManager and fallback by its certificate. */
static const char *loader_kind(const struct inspect_loader *loader, const struct pe *pe)
{
    const char *slash = strrchr(loader->path, '/'), *name = slash ? slash + 1 : loader->path;
    struct content section;

    if (pe_section(pe, ".vendor_cert", &section))
        return "shim";
    if (has_component(loader, "shim"))
        return strncasecmp(name, "mm", 2) == 0   ? "MokManager"
               : strncasecmp(name, "fb", 2) == 0 ? "fallback"
                                                 : "of shim";
    if (has_component(loader, "grub") || pe_section(pe, "mods", &section))
        return "GRUB";
    if (pe_section(pe, ".linux", &section))
        return "unified kernel image";
    if (pe_section(pe, ".sdmagic", &section))
        return "systemd-boot";
    if (has_component(loader, "ipxe"))
        return "iPXE";
    return NULL;
}

/* What has neither sections nor SBAT that tell: by a text in it, or a kernel's header. */
static int name_by_bytes(struct inspect_loader *loader, const struct content *content)
{
    size_t len = content->len < MIB ? (size_t)content->len : (size_t)MIB;
    char *bytes = xcalloc(len, 1);
    struct kernel kernel;
    const char *why;
    int result = content_read(content, 0, bytes, len);

    if (result == 0 && memmem(bytes, len, "iPXE", 4))
        loader->kind = "iPXE";
    else if (result == 0 && memmem(bytes, len, "SYSLINUX", 8))
        loader->kind = "syslinux";
    else if (result == 0 && kernel_read(&kernel, content, &why) == 0)
        loader->kind = "kernel";
    free(bytes);
    return result;
}

/* Programs that BIOS starts by PXE. */
static int name_bios(struct inspect_loader *loader, const struct content *content)
{
    static const struct {
        const char *text, *kind;
    } kinds[] = {{"PXELINUX", "pxelinux"}, {"PXE->EB:", "iPXE"}, {"iPXE", "iPXE"}};
    size_t len = content->len < HEAD_MAX ? (size_t)content->len : (size_t)HEAD_MAX;
    uint8_t *head = xcalloc(len + 4 * SECTOR, 1);
    int result = content_read(content, 0, head, len);

    for (size_t i = 0; i < ARRAY_LEN(kinds) && result == 0 && !loader->kind; i++)
        if (memmem(head, len, kinds[i].text, strlen(kinds[i].text)))
            loader->kind = kinds[i].kind;
    /* pxeboot.img and diskboot.img of GRUB speak alike */
    if (!loader->kind && memmem(head, 4 * SECTOR, "loading", 8) &&
        memmem(head, 4 * SECTOR, "Geom", 5))
        loader->kind = "GRUB";
    loader->bios = result == 0 && loader->kind;
    free(head);
    return result;
}

/*
 * What a GRUB was told when it was made (GRUB include/grub/kernel.h): "mimg", the offset of the
 * first module, the size of all; then each with its type and size, 3: the prefix. Fields have the
 * machine's width.
 */
static void read_prefix(struct inspect_loader *loader, const char *mods, size_t len)
{
    bool wide = loader->machine != PE_I386 && loader->machine != PE_ARM;
    uint64_t at;

    if (len < 24 || memcmp(mods, "mimg", 4) != 0)
        return;
    at = wide ? get_le64(mods + 8) : get_le32(mods + 4);
    while (at < len && len - at >= 8) {
        uint32_t type = get_le32(mods + at), size = get_le32(mods + at + 4);
        const char *text = mods + at + 8;

        if (size < 8 || size > len - at)
            return;
        if (type == 3 && memchr(text, '\0', size - 8)) {
            const char *end = *text == '(' ? strchr(text, ')') : NULL;

            loader->prefix = xstrdup(end ? end + 1 : text);
            return;
        }
        at += size;
    }
}

static int read_modules(struct inspect_loader *loader, const struct pe *pe)
{
    struct content section;
    char *mods;
    int result;

    if (!pe_section(pe, "mods", &section) || section.len > MODULES_MAX)
        return 0;
    mods = xcalloc(section.len, 1);
    result = content_read(&section, 0, mods, section.len);
    if (result == 0) {
        loader->http = memmem(mods, section.len, "User-Agent: GRUB", 16) != NULL;
        read_prefix(loader, mods, section.len);
    }
    free(mods);
    return result;
}

/* Who issued the key of a sound signature? */
static void note_issuers(struct inspect_loader *loader, size_t from, bool sound)
{
    for (size_t i = from; i < loader->signers.count; i++) {
        const char *issuer = loader->signers.list[i].issuer;

        if (!sound || !strstr(issuer, "Microsoft") || !strstr(issuer, "UEFI CA"))
            continue;
        loader->ca_2011 |= strstr(issuer, "2011") != NULL;
        loader->ca_2023 |= strstr(issuer, "2023") != NULL;
    }
}

static void set_why(struct inspect_loader *loader, const char *why)
{
    free(loader->why);
    loader->why = xstrdup(why);
}

/* Adds the signers of one signature; notes if it does not hold. */
static int read_signature(struct inspect_loader *loader, const struct content *signature,
                          const uint8_t *digest)
{
    size_t from = loader->signers.count;
    enum sign_verdict verdict;
    char *der;

    if (signature->len > SIGNATURE_MAX)
        return 0;
    der = xcalloc(signature->len, 1);
    if (content_read(signature, 0, der, signature->len) < 0) {
        free(der);
        return -1;
    }
    verdict = sign_check(der, signature->len, digest, NULL, 0);
    sign_list(der, signature->len, &loader->signers);
    note_issuers(loader, from, verdict == SIGN_UNTRUSTED); /* sound, as far as it goes */
    if (verdict == SIGN_OTHER_FILE)
        set_why(loader, "was changed after it was signed");
    else if (verdict != SIGN_UNTRUSTED)
        set_why(loader, "has a signature that does not hold");
    free(der);
    return 0;
}

static int read_signatures(struct inspect_loader *loader, const struct pe *pe)
{
    uint8_t digest[DIGEST_LEN] = {0};
    struct content signature;
    uint64_t at = 0;
    int result;

    if (pe_digest(pe, digest) < 0)
        return -1;
    while ((result = pe_signature(pe, &at, &signature)) == 1)
        if (read_signature(loader, &signature, digest) < 0)
            return -1;
    if (loader->ca_2011 || loader->ca_2023)
        set_why(loader, "");
    else if (!loader->signers.count)
        set_why(loader, "is not signed");
    else if (!loader->why)
        loader->why = xasprintf("is signed by %s (issued by %s), not by a UEFI CA of Microsoft's",
                                loader->signers.list[0].subject, loader->signers.list[0].issuer);
    return result;
}

static int read_pe(struct inspect_loader *loader, const struct content *content)
{
    struct pe pe;
    int result = pe_open(&pe, content);

    if (result == 1) {
        loader->pe = true;
        loader->truncated = pe.truncated;
        loader->machine = pe.machine;
        result = pe_sbat_read(&pe, &loader->sbat, &loader->sbat_count);
        loader->kind = loader_kind(loader, &pe);
        if (result == 0 && !loader->kind)
            result = name_by_bytes(loader, content);
        if (result == 0 && inspect_is(loader, "GRUB"))
            result = read_modules(loader, &pe);
        if (result == 0)
            result = read_signatures(loader, &pe);
    }
    pe_free(&pe);
    return result;
}

int inspect_add_loader(struct inspect_report *report, size_t volume, char *path,
                       const struct entry *entry)
{
    struct inspect_loader loader = {
        .path = path, .volume = volume, .len = entry->len, .menu = SIZE_MAX};
    struct file file;
    int result = volume_file(&report->volumes[volume].volume, entry, &file);

    if (result == 1)
        result = read_pe(&loader, &file.content);
    else if (result == 0)
        loader.truncated = true;
    if (result == 0 && report->tree && !loader.truncated)
        result = name_bios(&loader, &file.content);
    if (!loader.why)
        set_why(&loader, loader.truncated ? "is damaged" : "is no EFI program");
    file_free(&file);
    report->loaders = xgrow(report->loaders, report->loader_count, sizeof *report->loaders);
    report->loaders[report->loader_count++] = loader;
    return result < 0 ? -1 : 0;
}

static bool is_program(const struct entry *entry)
{
    size_t len = strlen(entry->name);

    return !entry->folder && len > 4 && strcasecmp(entry->name + len - 4, ".efi") == 0;
}

static int list_volume(struct inspect_report *report, size_t volume)
{
    const struct volume *reader = &report->volumes[volume].volume;
    struct folder folder = {0};
    struct entry boot;
    size_t found = 0;
    int result = volume_find(reader, "EFI/BOOT", &boot);

    if (result == 1 && boot.folder)
        result = volume_list(reader, &boot, &folder);
    free(boot.name);
    for (size_t i = 0; i < folder.count && result >= 0; i++)
        if (is_program(&folder.list[i]) && found++ < INSPECT_LOADERS_MAX)
            result = inspect_add_loader(
                report, volume, xasprintf("EFI/BOOT/%s", folder.list[i].name), &folder.list[i]);
    folder_free(&folder);
    return result < 0 ? -1 : 0;
}

/* What the shim of a volume says of its neighbours. */
static int ask_shim(struct inspect_report *report, const struct chain *chain, size_t volume)
{
    for (size_t i = 0; i < report->loader_count; i++) {
        struct inspect_loader *loader = &report->loaders[i];
        char why[CHAIN_WHY_LEN];
        struct file file;
        int result;

        if (loader->volume != volume || !loader->pe || loader->machine != PE_X64 ||
            inspect_is(loader, "shim"))
            continue;
        result = volume_open_file(&report->volumes[volume].volume, loader->path, &file);
        if (result == 1)
            result = chain_check(chain, &file.content, why);
        file_free(&file);
        if (result < 0)
            return -1;
        loader->secure = result == 1 ? INSPECT_YES : INSPECT_NO;
        set_why(loader, result == 1 ? "" : why);
    }
    return 0;
}

int inspect_ask_shim(struct inspect_report *report, size_t volume,
                     const struct inspect_loader *first)
{
    struct chain chain;
    struct file file;
    int result;

    for (size_t i = 0; i < report->loader_count; i++)
        if (report->loaders[i].volume == volume)
            report->loaders[i].secure = *report->loaders[i].why ? INSPECT_NO : INSPECT_YES;
    if (!first || !inspect_is(first, "shim"))
        return 0;
    result = volume_open_file(&report->volumes[volume].volume, first->path, &file);
    if (result == 1) {
        result = chain_open(&chain, &file.content);
        if (result == 1)
            result = ask_shim(report, &chain, volume);
        chain_free(&chain);
    }
    file_free(&file);
    return result < 0 ? -1 : 0;
}

const struct inspect_loader *inspect_shim(const struct inspect_report *report)
{
    for (size_t i = 0; i < report->loader_count; i++) {
        const struct inspect_loader *loader = &report->loaders[i];

        if (inspect_is(loader, "shim") && loader->machine == PE_X64 &&
            (report->tree || loader == inspect_loader(report, loader->volume, "BOOTX64.EFI")))
            return loader;
    }
    return NULL;
}

int inspect_loaders(struct inspect_report *report)
{
    for (size_t i = 0; i < report->volume_count; i++)
        if (report->volumes[i].volume.kind == VOLUME_FAT &&
            (list_volume(report, i) < 0 ||
             inspect_ask_shim(report, i, inspect_loader(report, i, "BOOTX64.EFI")) < 0))
            return -1;
    return 0;
}
