/*
 * inspect_tree_verdict: for each kind of client of a boot root: the file that it gets first, and
 * whether it will boot.
 *
 * That file is the one of dhcp/dnsmasq.conf, if it is there; else the first with a usual name.
 */
#include "media/inspect_private.h"

#include <stdlib.h>

#define NAMES_MAX 12

/* Clients by how DHCP knows them (RFC 4578), and names that servers usually have for them. */
static const struct client {
    size_t firmware; /* in inspect_firmwares */
    enum inspect_way way;
    unsigned arch;
    const char *names[NAMES_MAX];
} clients[] = {
    {0,
     WAY_PXE,
     0,
     {"undionly.kpxe", "ipxe.pxe", "undionly.kkpxe", "ipxe/undionly.kpxe", "lpxelinux.0",
      "pxelinux.0", "grub/i386-pc/core.0", "boot/grub/i386-pc/core.0",
      "debian-installer/amd64/pxelinux.0"}},
    {1,
     WAY_PXE,
     7,
     {"snponly.efi", "ipxe.efi", "ipxe/snponly.efi", "ipxe/ipxe.efi", "grub/x86_64-efi/core.efi",
      "boot/grub/x86_64-efi/core.efi", "shimx64.efi", "bootx64.efi", "grubx64.efi", "syslinux.efi",
      "debian-installer/amd64/bootnetx64.efi"}},
    {1,
     WAY_HTTP,
     16,
     {"snponly.efi", "ipxe.efi", "ipxe/snponly.efi", "ipxe/ipxe.efi", "grub/x86_64-efi/core.efi",
      "boot/grub/x86_64-efi/core.efi", "shimx64.efi", "bootx64.efi", "grubx64.efi",
      "debian-installer/amd64/bootnetx64.efi"}},
    {2,
     WAY_PXE,
     7,
     {"shimx64.efi", "bootx64.efi", "debian-installer/amd64/bootnetx64.efi", "snponly.efi",
      "ipxe.efi", "grub/x86_64-efi/core.efi", "grubx64.efi"}},
    {2,
     WAY_HTTP,
     16,
     {"shimx64.efi", "bootx64.efi", "debian-installer/amd64/bootnetx64.efi", "snponly.efi",
      "ipxe.efi", "grub/x86_64-efi/core.efi", "grubx64.efi"}},
    {3,
     WAY_PXE,
     6,
     {"grub/i386-efi/core.efi", "boot/grub/i386-efi/core.efi", "bootia32.efi", "grubia32.efi"}},
    {3,
     WAY_HTTP,
     15,
     {"grub/i386-efi/core.efi", "boot/grub/i386-efi/core.efi", "bootia32.efi", "grubia32.efi"}},
    {4,
     WAY_PXE,
     11,
     {"ipxe-arm64.efi", "snponly-arm64.efi", "grub/arm64-efi/core.efi", "shimaa64.efi",
      "bootaa64.efi", "grubaa64.efi", "debian-installer/arm64/bootnetaa64.efi"}},
    {4,
     WAY_HTTP,
     19,
     {"ipxe-arm64.efi", "snponly-arm64.efi", "grub/arm64-efi/core.efi", "shimaa64.efi",
      "bootaa64.efi", "grubaa64.efi", "debian-installer/arm64/bootnetaa64.efi"}},
};

/* A loader whose path this is, or ends in: the server may know the first folders otherwise. */
static const struct inspect_loader *find_loader(const struct inspect_report *report,
                                                const char *path)
{
    for (; path; path = strchr(path, '/')) {
        path += strspn(path, "/");
        for (size_t i = 0; i < report->loader_count; i++)
            if (strcmp(report->loaders[i].path, path) == 0)
                return &report->loaders[i];
    }
    return NULL;
}

static const struct inspect_loader *usual_loader(const struct inspect_report *report,
                                                 const struct client *client)
{
    const struct inspect_loader *loader = NULL;

    for (size_t i = 0; i < NAMES_MAX && client->names[i] && !loader; i++)
        loader = find_loader(report, client->names[i]);
    return loader;
}

/* Would another file of the tree do for a PXE client that refuses unsigned ones? */
static void suggest_shim(const struct inspect_report *report, struct inspect_verdict *verdict,
                         const struct inspect_loader *first)
{
    const struct inspect_loader *shim = inspect_shim(report);

    if (verdict->way == WAY_PXE && shim && shim != first && first->secure == INSPECT_NO)
        inspect_reason(verdict, "%s is there and would be started: DHCP has to name it",
                       shim->path);
}

static void judge_client(const struct inspect_report *report, const struct client *client,
                         const struct inspect_dhcp *dhcp, struct inspect_verdict *verdict)
{
    const char *told = dhcp->there ? dhcp->first[client->arch] : NULL;
    const struct inspect_loader *loader = NULL;

    verdict->boots = INSPECT_NO;
    if (told)
        loader = find_loader(report, told);
    else if (!dhcp->there)
        loader = usual_loader(report, client);
    if (loader) {
        verdict->first = xstrdup(loader->path);
        inspect_judge_loader(report, verdict, loader);
        if (verdict->firmware->secure)
            suggest_shim(report, verdict, loader);
    } else if (told) {
        verdict->first = xstrdup(told);
        inspect_reason(verdict, "%s, which dhcp/dnsmasq.conf names, is missing", told);
    } else if (dhcp->there) {
        inspect_reason(verdict, "dhcp/dnsmasq.conf names no file for it");
    } else {
        inspect_reason(verdict, "no boot program for it has a usual name");
    }
}

void inspect_tree_verdicts(struct inspect_report *report, const struct inspect_dhcp *dhcp)
{
    report->verdicts = xcalloc(ARRAY_LEN(clients), sizeof *report->verdicts);
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        struct inspect_verdict *verdict = &report->verdicts[report->verdict_count++];

        verdict->firmware = &inspect_firmwares[clients[i].firmware];
        verdict->way = clients[i].way;
        judge_client(report, &clients[i], dhcp, verdict);
    }
}
