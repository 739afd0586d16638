/* kernel: headers made here byte by byte; what is read from them, what is refused and why. */
#include "boot/kernel.h"

#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SETUP      3  /* sectors behind the first */
#define SYSSIZE    40 /* paragraphs of 16 bytes */
#define WHOLE      ((SETUP + 1) * 512 + SYSSIZE * 16)
#define VERSION_AT 0x900 /* in the file */

/* What differs from a modern 64-bit bzImage of WHOLE bytes. */
struct made {
    const char *name;
    uint16_t protocol, xloadflags, pe_machine; /* pe_machine 0: no EFI stub */
    const char *version;                       /* NULL: none */
};

/* boot.rst, "The Real-Mode Kernel Header"; PE/COFF 3.3: the machine is behind "PE\0\0". */
static void make(uint8_t *k, const struct made *made)
{
    memset(k, 0, WHOLE);
    k[0x1f1] = SETUP;
    put_le32(k + 0x1f4, SYSSIZE);
    put_le16(k + 0x1fe, 0xaa55);
    memcpy(k + 0x200, "\xeb\x6aHdrS", 6);
    put_le16(k + 0x206, made->protocol);
    put_le32(k + 0x22c, 0x7fffffff);
    put_le16(k + 0x236, made->xloadflags);
    put_le32(k + 0x238, 2047);
    put_le32(k + 0x260, 0x3000000);
    if (made->version) {
        put_le16(k + 0x20e, VERSION_AT - 0x200);
        snprintf((char *)k + VERSION_AT, WHOLE - VERSION_AT, "%s", made->version);
    }
    if (made->pe_machine) {
        memcpy(k, "MZ", 2);
        put_le32(k + 0x3c, 0x82);
        memcpy(k + 0x82, "PE\0\0", 4);
        put_le16(k + 0x86, made->pe_machine);
        put_le16(k + 0x96, 0x70);  /* bytes of optional header: no data directories */
        put_le16(k + 0x9a, 0x20b); /* PE32+ */
    }
}

/* kernel_read on a copy that is exactly as long, so that ASan sees a step too far. */
static int read_exact(struct kernel *kernel, const void *data, size_t len, const char **why)
{
    void *copy = xcalloc(len, 1);
    struct content content = content_memory(copy, len);
    int result;

    memcpy(copy, data, len);
    result = kernel_read(kernel, &content, why);
    free(copy);
    return result;
}

static void test_good(void **state)
{
    static const struct {
        struct made made;
        enum kernel_arch arch;
        uint32_t initrd_addr_max, cmdline_size, init_size;
        uint16_t xloadflags;
        const char *version;
    } cases[] = {
        {{"64 bit", 0x020f, 0x3f, 0x8664, "6.1.0-44-amd64 (x) #1 SMP"},
         KERNEL_X86_64,
         0x7fffffff,
         2047,
         0x3000000,
         0x3f,
         "6.1.0-44-amd64 (x) #1 SMP"},
        {{"64 bit without a stub", 0x020f, 0x01, 0, "6.1"},
         KERNEL_X86_64,
         0x7fffffff,
         2047,
         0x3000000,
         0x01,
         "6.1"},
        {{"32 bit", 0x020f, 0x00, 0x014c, "6.1.0-686"},
         KERNEL_I386,
         0x7fffffff,
         2047,
         0x3000000,
         0x00,
         "6.1.0-686"},
        {{"32 bit without a stub", 0x020f, 0, 0, "6.1"},
         KERNEL_I386,
         0x7fffffff,
         2047,
         0x3000000,
         0,
         "6.1"},
        {{"2.11: only the stub tells 64 bit", 0x020b, 0xffff, 0x8664, "3.4"},
         KERNEL_X86_64,
         0x7fffffff,
         2047,
         0x3000000,
         0,
         "3.4"},
        {{"2.09: no init_size", 0x0209, 0xffff, 0, "2.6.30"},
         KERNEL_I386,
         0x7fffffff,
         2047,
         0,
         0,
         "2.6.30"},
        {{"2.05: no cmdline_size", 0x0205, 0, 0, "2.6.20"},
         KERNEL_I386,
         0x7fffffff,
         255,
         0,
         0,
         "2.6.20"},
        {{"2.02: no initrd_addr_max", 0x0202, 0, 0, "2.4.0"},
         KERNEL_I386,
         0x37ffffff,
         255,
         0,
         0,
         "2.4.0"},
        {{"no version", 0x020f, 1, 0x8664, NULL},
         KERNEL_X86_64,
         0x7fffffff,
         2047,
         0x3000000,
         1,
         ""},
        {{"a version with a control character", 0x020f, 1, 0x8664, "6.1\n'x"},
         KERNEL_X86_64,
         0x7fffffff,
         2047,
         0x3000000,
         1,
         "6.1"},
        {{"a version that is not ASCII", 0x020f, 1, 0x8664, "6.1\xff"},
         KERNEL_X86_64,
         0x7fffffff,
         2047,
         0x3000000,
         1,
         "6.1"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t data[WHOLE];
        struct kernel k;
        const char *why;

        make(data, &cases[i].made);
        if (read_exact(&k, data, sizeof data, &why) != 0)
            fail_msg("%s: %s", cases[i].made.name, why);
        if (k.arch != cases[i].arch || k.protocol != cases[i].made.protocol ||
            k.pe_machine != cases[i].made.pe_machine ||
            k.initrd_addr_max != cases[i].initrd_addr_max ||
            k.cmdline_size != cases[i].cmdline_size || k.init_size != cases[i].init_size ||
            k.xloadflags != cases[i].xloadflags || strcmp(k.version, cases[i].version) != 0)
            fail_msg(
                "%s: %s, protocol %x, stub %x, initrd up to %llx, %u bytes of arguments, needs "
                "%x, flags %x, version <%s>",
                cases[i].made.name, kernel_arch_name(k.arch), k.protocol, k.pe_machine,
                (unsigned long long)k.initrd_addr_max, k.cmdline_size, k.init_size, k.xloadflags,
                k.version);
    }
}

/* Setup sectors 0 mean 4. */
static void test_setup_sectors(void **state)
{
    uint8_t data[WHOLE + 512];
    struct kernel k;
    const char *why;

    (void)state;
    make(data, &(struct made){"", 0x020f, 1, 0x8664, NULL});
    memset(data + WHOLE, 0, 512);
    data[0x1f1] = 0;
    assert_int_equal(read_exact(&k, data, WHOLE + 512, &why), 0);
    assert_int_equal(read_exact(&k, data, WHOLE + 511, &why), -1);
    assert_string_equal(why, "is truncated: the kernel's header tells of a longer file");
}

/* A version pointer to anywhere, and a version that the end of the file cuts. */
static void test_version_place(void **state)
{
    uint8_t data[WHOLE];
    struct kernel k;
    const char *why;

    (void)state;
    make(data, &(struct made){"", 0x020f, 1, 0x8664, NULL});
    for (unsigned at = 0; at <= 0xffff; at += 5) {
        put_le16(data + 0x20e, (uint16_t)at);
        assert_int_equal(read_exact(&k, data, sizeof data, &why), 0);
    }
    put_le16(data + 0x20e, WHOLE - 0x200 - 3);
    memcpy(data + WHOLE - 3, "6.1", 3);
    assert_int_equal(read_exact(&k, data, sizeof data, &why), 0);
    assert_string_equal(k.version, "6.1");
    /* longer than its field */
    put_le16(data + 0x20e, 0x600 - 0x200);
    memset(data + 0x600, 'v', 300);
    assert_int_equal(read_exact(&k, data, sizeof data, &why), 0);
    assert_int_equal(strlen(k.version), sizeof k.version - 1);
}

/* Cut anywhere, it is refused, and nothing behind the cut is read. */
static void test_truncated(void **state)
{
    uint8_t data[WHOLE];
    struct kernel k;
    const char *why;

    (void)state;
    make(data, &(struct made){"", 0x020f, 1, 0x8664, "6.1"});
    for (size_t len = 1; len < WHOLE; len++) {
        if (read_exact(&k, data, len, &why) != -1 || !why)
            fail_msg("cut at %zu bytes: accepted", len);
        if (len >= 2 && !strstr(why, "is truncated"))
            fail_msg("cut at %zu bytes: %s", len, why);
    }
    assert_int_equal(read_exact(&k, data, WHOLE, &why), 0);
}

#define FILLED(text) text, sizeof text - 1

/* Beginnings of files; what follows is binary. */
static void test_refused(void **state)
{
    static const struct {
        const char *name, *head;
        size_t len;
        const char *want;
    } cases[] = {
        {"ELF",
         FILLED("\x7f"
                "ELF\2\1\1"),
         "is an ELF file (vmlinux); the kernel to boot is "
         "arch/x86/boot/bzImage"},
        {"gzip", FILLED("\x1f\x8b\x08"), "is a gzip file, not a kernel"},
        {"xz",
         FILLED("\xfd"
                "7zXZ\0"),
         "is an xz file, not a kernel"},
        {"zstd", FILLED("\x28\xb5\x2f\xfd"), "is a zstd file, not a kernel"},
        {"cpio", FILLED("070701"), "is an initramfs (cpio), not a kernel"},
        {"package", FILLED("!<arch>\n"), "is a package or library (ar), not a kernel"},
        {"squashfs", FILLED("hsqs"), "is a squashfs image, not a kernel"},
        {"noise", FILLED("\x93\x1c\x07\xf2"),
         "is not a kernel: it has neither a Linux boot header nor an EFI one"},
        {"MZ without PE", FILLED("MZ\x90\0\3\0\0\0\4"),
         "is not a kernel: it has neither a Linux boot header nor an EFI one"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t data[5000];
        struct kernel k;
        const char *why;

        memset(data, 0x80, sizeof data);
        memcpy(data, cases[i].head, cases[i].len);
        if (read_exact(&k, data, sizeof data, &why) != -1 || strcmp(why, cases[i].want) != 0)
            fail_msg("%s: %s", cases[i].name, why ? why : "accepted");
    }
}

static void test_text(void **state)
{
    struct kernel k;
    const char *why;

    (void)state;
    assert_int_equal(read_exact(&k, "x", 1, &why), -1);
    assert_string_equal(why, "is a text file, not a kernel");
    assert_int_equal(read_exact(&k, "#!/bin/sh\necho hello\n", 21, &why), -1);
    assert_string_equal(why, "is a text file, not a kernel");
}

static void test_architecture(void **state)
{
    static const struct {
        uint16_t machine;
        const char *want;
    } cases[] = {
        {0xaa64, "arm64"},
        {0x01c2, "32-bit arm"},

        {0x5064, "RISC-V"},

        {0x6264, "LoongArch"},
        {0x0ebc, "another architecture"},
        {0x8664, "is an EFI program without a Linux boot header, not a kernel"},
        {0x014c, "is an EFI program without a Linux boot header, not a kernel"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t data[WHOLE];
        struct kernel k;
        const char *why;

        make(data, &(struct made){"", 0, 0, cases[i].machine, NULL});
        memset(data + 0x1f0, 0x80, 0x80);
        if (read_exact(&k, data, sizeof data, &why) != -1 || !why || !strstr(why, cases[i].want))
            fail_msg("machine %04x: %s", cases[i].machine, why ? why : "accepted");
    }
}

/* arm64 Documentation/arch/arm64/booting.rst: code0, code1, ..., "ARM\x64" at 0x38. */
static void test_arm64_image(void **state)
{
    uint8_t data[4096] = {0x00, 0x00, 0xa0, 0xe1};
    struct kernel k;
    const char *why;

    (void)state;
    memcpy(data + 0x38, "ARM\x64", 4);
    assert_int_equal(read_exact(&k, data, sizeof data, &why), -1);
    assert_non_null(strstr(why, "is a kernel for arm64"));
    /* with an EFI stub: code0 is "MZ", the word behind the magic leads to the PE header */
    memcpy(data, "MZ\0\x91", 4);
    put_le32(data + 0x3c, 0x40);
    memcpy(data + 0x40, "PE\0\0\x64\xaa", 6);
    assert_int_equal(read_exact(&k, data, sizeof data, &why), -1);
    assert_non_null(strstr(why, "is a kernel for arm64"));
}

/* Where a PE header is said to be may be anywhere. */
static void test_pe_place(void **state)
{
    static const uint32_t places[] = {0,          1,          0x3c,      0x40, 4089,
                                      4090,       4091,       4095,      4096, 0x7fffffff,
                                      0x80000000, 0xfffffffa, 0xffffffff};
    uint8_t data[WHOLE];
    struct kernel k;
    const char *why;

    (void)state;
    make(data, &(struct made){"", 0x020f, 1, 0x8664, NULL});
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        put_le32(data + 0x3c, places[i]);
        if (read_exact(&k, data, sizeof data, &why) != 0 || k.pe_machine != 0)
            fail_msg("PE header at 0x%x: machine %x", places[i], k.pe_machine);
    }
    memset(data + 0x1f0, 0, 0x80); /* without a Linux header */
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        for (size_t len = 0x40; len <= 0x48; len++) {
            put_le32(data + 0x3c, places[i]);
            assert_int_equal(read_exact(&k, data, len, &why), -1);
        }
}

static void test_protocol(void **state)
{
    uint8_t data[WHOLE];
    struct kernel k;
    const char *why;

    (void)state;
    for (uint16_t protocol = 0; protocol < 0x0202; protocol++) {
        make(data, &(struct made){"", protocol, 1, 0x8664, NULL});
        assert_int_equal(read_exact(&k, data, sizeof data, &why), -1);
        assert_string_equal(why, "is a kernel with a boot protocol before 2.02, too old to load");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),          cmocka_unit_test(test_setup_sectors),
        cmocka_unit_test(test_version_place), cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_refused),       cmocka_unit_test(test_text),
        cmocka_unit_test(test_architecture),  cmocka_unit_test(test_arm64_image),
        cmocka_unit_test(test_pe_place),      cmocka_unit_test(test_protocol),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
