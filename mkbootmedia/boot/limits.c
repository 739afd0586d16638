/* limits: a row for each loader: when it is of the plan, and what room it has. */
#include "boot/limits.h"

#include "base/msg.h"

#define KERNEL_AT       (16 * MIB)             /* where an x86 kernel is put at the least */
#define GRUB_BIOS_TOP   (UINT64_C(0x37ffffff)) /* grub-core/loader/i386/linux.c */
#define IPXE_BIOS_TOP   (2 * GIB)   /* what PCI devices leave below 4 GiB, at the least */
#define EFI_GRUB_SAFE   (800 * MIB) /* UEFI firmwares with one free run so long are common */
#define EFI_PROGRAM_MAX (2 * GIB)

/* Where the highest byte of an initramfs may be, and what lies below it. */
static uint64_t room_below(const struct plan_entry *entry, uint64_t top)
{
    const struct kernel *kernel = &entry->payload->kernel;
    uint64_t below = KERNEL_AT + kernel->init_size;

    if (kernel->initrd_addr_max < top)
        top = kernel->initrd_addr_max;
    return top > below ? top - below : 0;
}

static bool is_ipxe(const struct plan *plan, enum net_client client)
{
    const char *first = plan->first[client];

    return first &&
           (strstr(first, "undionly") || strstr(first, "snponly") || strstr(first, "ipxe"));
}

static bool bios_grub(const struct plan *plan)
{
    return plan->loaders.firmware & FIRMWARE_BIOS && !is_ipxe(plan, CLIENT_BIOS);
}

static bool bios_ipxe(const struct plan *plan)
{
    return plan->loaders.firmware & FIRMWARE_BIOS && is_ipxe(plan, CLIENT_BIOS);
}

static bool efi_grub(const struct plan *plan)
{
    if (plan->output != PLAN_NET)
        return plan->loaders.firmware & ~(unsigned)FIRMWARE_BIOS;
    return plan->first[CLIENT_IA32] || (plan->first[CLIENT_X64] && !is_ipxe(plan, CLIENT_X64));
}

static bool efi_uki(const struct plan *plan)
{
    return plan->request->uki;
}

static const struct limit {
    bool (*applies)(const struct plan *plan);
    uint64_t top; /* on BIOS: the address that nothing goes above; elsewhere: bytes */
    bool bios;
    const char *loader, *verdict;
} limits[] = {
    {bios_grub, GRUB_BIOS_TOP, true, "GRUB on BIOS", "will not load"},
    {bios_ipxe, IPXE_BIOS_TOP, true, "iPXE on BIOS", "may not load"},
    {efi_grub, EFI_GRUB_SAFE, false, "GRUB on UEFI, in one run of memory", "may not load"},
    {efi_uki, EFI_PROGRAM_MAX, false, "UEFI, for a UKI", "may not load"},
};

static double mib(uint64_t bytes)
{
    return (double)bytes / MIB;
}

static void warn(const struct plan_entry *entry, const struct limit *limit, uint64_t total)
{
    const struct payload_entry *payload = entry->payload;
    uint64_t room = limit->bios ? room_below(entry, limit->top) : limit->top;
    uint64_t top = room + KERNEL_AT + payload->kernel.init_size;

    if (total <= room)
        return;
    if (limit->bios)
        msg_warn("%s: %.0f MiB of initramfs %s by %s: it has %.0f MiB for that (%.0f MiB less %.0f "
                 "MiB at the start and %.0f MiB for the kernel)",
                 payload->title, mib(total), limit->verdict, limit->loader, mib(room), mib(top),
                 mib(KERNEL_AT), mib(payload->kernel.init_size));
    else
        msg_warn("%s: %.0f MiB of initramfs %s by %s: %.0f MiB is what can be hoped for",
                 payload->title, mib(total), limit->verdict, limit->loader, mib(room));
}

void limits_warn(const struct plan *plan, const struct plan_entry *entry)
{
    const struct payload_entry *payload = entry->payload;
    uint64_t total = 0;

    for (size_t i = 0; i < payload->initrd_count; i++)
        total += payload->initrds[i].size;
    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        if (limits[i].applies(plan))
            warn(entry, &limits[i], total);
}
