/* kernel: the boot protocol header and the PE header of an x86 Linux kernel. */
#include "boot/kernel.h"

#include "base/util.h"
#include "boot/pe.h"

#include <ctype.h>

#define HEAD_LEN 4096

/* Offsets in the first sectors (boot.rst, "The Real-Mode Kernel Header"). */
enum {
    SETUP_SECTS = 0x1f1,
    SYSSIZE = 0x1f4,
    BOOT_FLAG = 0x1fe,
    MAGIC = 0x202,
    PROTOCOL = 0x206,
    VERSION_PTR = 0x20e,
    INITRD_ADDR_MAX = 0x22c,
    XLOADFLAGS = 0x236,
    CMDLINE_SIZE = 0x238,
    INIT_SIZE = 0x260,
};

/* Files that people take for a kernel, by how they begin. */
static const struct {
    const char *magic;
    size_t len;
    const char *why;
} known[] = {
    {"\177ELF", 4, "is an ELF file (vmlinux); the kernel to boot is arch/x86/boot/bzImage"},
    {"\x1f\x8b", 2, "is a gzip file, not a kernel"},
    {"\3757zXZ", 5, "is an xz file, not a kernel"},
    {"\x28\xb5\x2f\xfd", 4, "is a zstd file, not a kernel"},
    {"070701", 6, "is an initramfs (cpio), not a kernel"},
    {"070702", 6, "is an initramfs (cpio), not a kernel"},
    {"!<arch>", 7, "is a package or library (ar), not a kernel"},
    {"hsqs", 4, "is a squashfs image, not a kernel"},
};

static const char *what_else(const uint8_t *head, size_t len)
{
    size_t text = 0;

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (len >= known[i].len && memcmp(head, known[i].magic, known[i].len) == 0)
            return known[i].why;
    while (text < len && (isprint(head[text]) || isspace(head[text])))
        text++;
    if (text == len)
        return "is a text file, not a kernel";
    return "is not a kernel: it has neither a Linux boot header nor an EFI one";
}

static const char *other_arch(uint16_t machine)
{
    switch (machine) {
    case PE_AARCH64:
        return "is a kernel for arm64; the boot loaders here are for x86";
    case PE_ARM:
        return "is a kernel for 32-bit arm; the boot loaders here are for x86";
    case PE_RISCV64:
        return "is a kernel for RISC-V; the boot loaders here are for x86";
    case PE_LOONGARCH64:
        return "is a kernel for LoongArch; the boot loaders here are for x86";
    case PE_X64:
    case PE_I386:
        return "is an EFI program without a Linux boot header, not a kernel";
    default:
        return "is a kernel for another architecture; the boot loaders here are for x86";
    }
}

/* The stub's machine, if there is a stub; and whether all that its headers name is in the file. */
static int read_stub(struct kernel *kernel, const struct content *content, bool *truncated)
{
    struct pe pe;
    struct content compat;
    int found = pe_open(&pe, content);

    kernel->pe_machine = found == 1 ? pe.machine : 0;
    kernel->efi_mixed = found == 1 && pe_section(&pe, ".compat", &compat);
    *truncated = found == 1 && pe.truncated;
    pe_free(&pe);
    return found < 0 ? -1 : 0;
}

static int read_version(struct kernel *kernel, const uint8_t *head, const struct content *content)
{
    uint64_t at = get_le16(head + VERSION_PTR);
    size_t len = sizeof kernel->version - 1;

    if (!at || at + 0x200 >= content->len)
        return 0;
    at += 0x200;
    if (len > content->len - at)
        len = (size_t)(content->len - at);
    if (content_read(content, at, kernel->version, len) < 0)
        return -1;
    for (char *p = kernel->version; *p; p++)
        if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
            *p = '\0';
    return 0;
}

/* A bzImage: what its header says; *why when the file is shorter than the header says. */
static int read_header(struct kernel *kernel, const uint8_t *head, const struct content *content,
                       const char **why)
{
    uint64_t setup = head[SETUP_SECTS] ? head[SETUP_SECTS] : 4;
    uint64_t need = (setup + 1) * 512 + (uint64_t)get_le32(head + SYSSIZE) * 16;
    bool truncated;

    if (read_stub(kernel, content, &truncated) < 0)
        return -1;
    kernel->protocol = get_le16(head + PROTOCOL);
    if (kernel->protocol < 0x0202)
        *why = "is a kernel with a boot protocol before 2.02, too old to load";
    else if (truncated || content->len < need)
        *why = "is truncated: the kernel's header tells of a longer file";
    if (*why)
        return -1;
    kernel->initrd_addr_max =
        kernel->protocol >= 0x0203 ? get_le32(head + INITRD_ADDR_MAX) : 0x37ffffff;
    kernel->cmdline_size = kernel->protocol >= 0x0206 ? get_le32(head + CMDLINE_SIZE) : 255;
    kernel->init_size = kernel->protocol >= 0x020a ? get_le32(head + INIT_SIZE) : 0;
    kernel->xloadflags = kernel->protocol >= 0x020c ? get_le16(head + XLOADFLAGS) : 0;
    if (kernel->xloadflags & XLF_EFI_HANDOVER_32) /* older kernels have no .compat section */
        kernel->efi_mixed = true;
    /* before 2.12 nothing but the stub's machine tells 64 bit */
    kernel->arch = kernel->xloadflags & XLF_KERNEL_64 || kernel->pe_machine == PE_X64
                       ? KERNEL_X86_64
                       : KERNEL_I386;
    return read_version(kernel, head, content);
}

int kernel_read(struct kernel *kernel, const struct content *content, const char **why)
{
    uint8_t head[HEAD_LEN] = {0};
    size_t len = content->len < HEAD_LEN ? (size_t)content->len : HEAD_LEN;
    bool truncated;

    *kernel = (struct kernel){.arch = KERNEL_OTHER};
    *why = NULL;
    if (content_read(content, 0, head, len) < 0)
        return -1;
    if (len >= 0x268 && get_le16(head + BOOT_FLAG) == 0xaa55 &&
        memcmp(head + MAGIC, "HdrS", 4) == 0)
        return read_header(kernel, head, content, why);
    if (read_stub(kernel, content, &truncated) < 0)
        return -1;
    if (len >= 2 && len < 0x268 && memcmp(head, "MZ", 2) == 0)
        *why = "is truncated: it ends within the kernel's header";
    else if (kernel->pe_machine)
        *why = other_arch(kernel->pe_machine);
    else if (len >= 0x40 && memcmp(head + 0x38, "ARM\x64", 4) == 0)
        *why = other_arch(PE_AARCH64);
    else
        *why = what_else(head, len);
    return -1;
}

bool kernel_boots_ia32(const struct kernel *kernel)
{
    return kernel->arch == KERNEL_I386 || kernel->efi_mixed;
}

const char *kernel_arch_name(enum kernel_arch arch)
{
    return arch == KERNEL_X86_64 ? "x86-64" : arch == KERNEL_I386 ? "x86 (32 bit)" : "unknown";
}
