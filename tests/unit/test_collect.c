/* collect: what is put aside of a tree, and which kernel is found in it. */
#include "ramroot/collect.h"

#include "base/util.h"
#include "caught.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

struct bytes {
    const char *data;
    size_t len;
    bool given;
};

static int give(struct member *member, const void **data, size_t *len, uint64_t *offset)
{
    struct bytes *bytes = member->arg;

    if (bytes->given || !bytes->len)
        return 0;
    bytes->given = true;
    *data = bytes->data;
    *len = bytes->len;
    *offset = 0;
    return 1;
}

/* Passes a member on, and reads it if it goes on; what collect_member said. */
static int pass(struct collect *collect, unsigned type, const char *path, const char *data,
                size_t len)
{
    struct bytes bytes = {data, len, false};
    struct archive_entry *entry = archive_entry_new();
    struct member member = {entry, type == AE_IFREG ? give : NULL, &bytes};
    const void *got;
    size_t got_len;
    uint64_t offset;
    int result;

    archive_entry_set_pathname(entry, path);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_size(entry, (int64_t)len);
    if (type == AE_IFLNK)
        archive_entry_set_symlink(entry, data);
    result = collect_member(collect, &member);
    if (result == 1 && type == AE_IFREG && len) {
        assert_int_equal(member.block(&member, &got, &got_len, &offset), 1);
        assert_memory_equal(got, data, len);
        assert_int_equal(got_len, len);
        assert_int_equal(offset, 0);
    }
    if (result == 1 && member.block)
        assert_int_equal(member.block(&member, &got, &got_len, &offset), 0);
    archive_entry_free(entry);
    return result;
}

/* A tree of files, each with its own path as text. */
static void plant(struct collect *collect, const char *const *paths)
{
    *collect = (struct collect){.spool.fd = -1};
    for (; *paths; paths++)
        assert_true(pass(collect, AE_IFREG, *paths, *paths, strlen(*paths)) >= 0);
    spool_sort(&collect->spool);
}

static void test_aside(void **state)
{
    static const struct {
        const char *path;
        bool aside;
    } cases[] = {
        {"boot/vmlinuz-6.1", true},
        {"boot/grub/grub.cfg", true},
        {"boot", false},
        {"bootstrap", false},
        {"usr/boot/x", false},
        {"lib/modules/6.1/modules.dep", true},
        {"usr/lib/modules/6.1/kernel/fs/ext4/ext4.ko", true},
        {"usr/lib/modules/x", true},
        {"usr/lib/modules", false},
        {"lib/modules", false},
        {"usr/lib/modules-load.d/a.conf", false},
        {"lib/modules.d/x", false},
        {"usr/local/lib/modules/6.1/x", false},
        {"usr/bin/sh", false},
        {".", false},
    };
    static const unsigned types[] = {AE_IFREG, AE_IFDIR, AE_IFLNK};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases) * ARRAY_LEN(types); i++) {
        const char *path = cases[i / 3].path;
        struct collect collect = {.spool.fd = -1};

        if (pass(&collect, types[i % 3], path, "x", 1) != !cases[i / 3].aside ||
            collect.spool.count != cases[i / 3].aside)
            fail_msg("%s: %zu aside", path, collect.spool.count);
        collect_free(&collect);
        collect_free(&collect);
    }
}

/* Which kernel: the path of the file that is chosen. */
static void test_kernel(void **state)
{
    static const struct {
        const char *version; /* NULL: the newest */
        const char *tree[6];
        const char *want, *want_version;
    } cases[] = {
        {NULL, {"boot/vmlinuz-6.1.0-44-amd64"}, "boot/vmlinuz-6.1.0-44-amd64", "6.1.0-44-amd64"},
        {NULL,
         {"boot/vmlinuz-6.1.0-9", "boot/vmlinuz-6.1.0-10", "boot/vmlinuz-5.10.0-30"},
         "boot/vmlinuz-6.1.0-10",
         "6.1.0-10"},
        {NULL, {"boot/vmlinuz-6.9.1", "boot/vmlinuz-6.12.0"}, "boot/vmlinuz-6.12.0", "6.12.0"},
        {NULL,
         {"usr/lib/modules/6.1/vmlinuz", "usr/lib/modules/6.2/vmlinuz"},
         "usr/lib/modules/6.2/vmlinuz",
         "6.2"},
        {NULL, {"lib/modules/6.1/vmlinuz"}, "lib/modules/6.1/vmlinuz", "6.1"},
        {NULL,
         {"boot/vmlinuz-6.1", "usr/lib/modules/6.2/vmlinuz"},
         "usr/lib/modules/6.2/vmlinuz",
         "6.2"},
        {NULL, {"boot/vmlinuz-6.1", "usr/lib/modules/6.1/vmlinuz"}, "boot/vmlinuz-6.1", "6.1"},
        {NULL, {"boot/vmlinuz-0-rescue-1234", "boot/vmlinuz-6.1"}, "boot/vmlinuz-6.1", "6.1"},
        {NULL, {"boot/vmlinuz-lts"}, "boot/vmlinuz-lts", "lts"},
        {"6.1", {"boot/vmlinuz-6.1", "boot/vmlinuz-6.2"}, "boot/vmlinuz-6.1", "6.1"},
        {"6.2", {"boot/vmlinuz-6.1", "lib/modules/6.2/vmlinuz"}, "lib/modules/6.2/vmlinuz", "6.2"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct collect collect;
        struct collect_kernel kernel;
        char *text;
        size_t len;

        plant(&collect, cases[i].tree);
        if (collect_kernel(&collect, cases[i].version, "root.tar", &kernel) != 0)
            fail_msg("case %zu: none", i);
        text = spool_read(&collect.spool, kernel.file, &len);
        if (strcmp(text, cases[i].want) != 0 || strcmp(kernel.version, cases[i].want_version) != 0)
            fail_msg("case %zu: %s (%s)", i, text, kernel.version);
        free(text);
        free(kernel.version);
        collect_free(&collect);
    }
}

static void test_no_kernel(void **state)
{
    static const char none[] =
        "there is no /boot/vmlinuz-* and no /lib/modules/*/vmlinuz; name one "
        "with --kernel";
    static const struct {
        const char *version;
        const char *tree[6];
        const char *want;
    } cases[] = {
        {NULL, {NULL}, none},
        {NULL, {"usr/bin/sh"}, none},
        {NULL, {"boot/vmlinuz", "boot/vmlinuz-", "boot/vmlinux-6.1", "boot/old/vmlinuz-6.1"}, none},
        {NULL, {"boot/vmlinuz-0-rescue-1234"}, none},
        {NULL, {"lib/modules/vmlinuz", "lib/modules/6.1/build/vmlinuz"}, none},
        {NULL, {"lib/modules/6.1/vmlinuz.zst"}, none},
        {"6.1", {NULL}, "there is no 6.1 (there is: none)"},
        {"6.1",
         {"boot/vmlinuz-6.2", "boot/vmlinuz-6.1.1"},
         "there is no 6.1 (there is: 6.1.1 6.2)"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct collect collect;
        struct collect_kernel kernel;
        struct caught caught;
        char text[512], want[512];
        int result;

        plant(&collect, cases[i].tree);
        caught_begin(&caught);
        result = collect_kernel(&collect, cases[i].version, "root.tar", &kernel);
        caught_end(&caught, text, sizeof text);
        snprintf(want, sizeof want, "mkbootmedia: root.tar: looking for a kernel: %s\n",
                 cases[i].want);
        if (result != -1 || strcmp(text, want) != 0)
            fail_msg("case %zu: %d, got <%s>, want <%s>", i, result, text, want);
        collect_free(&collect);
    }
}

/* Folders and links are no kernels, whatever their names. */
static void test_kernel_types(void **state)
{
    struct collect collect = {.spool.fd = -1};
    struct collect_kernel kernel;

    (void)state;
    assert_int_equal(pass(&collect, AE_IFLNK, "boot/vmlinuz-9", "vmlinuz-6.1", 0), 0);
    assert_int_equal(pass(&collect, AE_IFDIR, "boot/vmlinuz-8", NULL, 0), 0);
    assert_int_equal(pass(&collect, AE_IFREG, "boot/vmlinuz-6.1", "x", 1), 0);
    spool_sort(&collect.spool);
    assert_int_equal(collect_kernel(&collect, NULL, "root.tar", &kernel), 0);
    assert_string_equal(kernel.version, "6.1");
    free(kernel.version);
    collect_free(&collect);
}

static void check_text(const char *what, size_t i, char *got, const char *want)
{
    if (!got != !want || (got && strcmp(got, want) != 0))
        fail_msg("case %zu, %s: got %s, want %s", i, what, got ? got : "none",
                 want ? want : "none");
    free(got);
}

static void test_modules_config(void **state)
{
    static const struct {
        const char *tree[4];
        const char *modules, *config; /* of 6.1; NULL: none */
    } cases[] = {
        {{NULL}, NULL, NULL},
        {{"usr/lib/modules/6.1/modules.dep"}, "usr/lib/modules/6.1", NULL},
        {{"lib/modules/6.1/kernel/a.ko"}, "lib/modules/6.1", NULL},
        {{"lib/modules/6.1.1/modules.dep", "lib/modules/6/modules.dep"}, NULL, NULL},
        {{"lib/modules/6.1"}, NULL, NULL}, /* nothing in it */
        {{"boot/config-6.1"}, NULL, "boot/config-6.1"},
        {{"boot/config-6.1.1", "boot/config"}, NULL, NULL},
        {{"lib/modules/6.1/config"}, "lib/modules/6.1", "lib/modules/6.1/config"},
        {{"lib/modules/6.1/config", "boot/config-6.1"}, "lib/modules/6.1", "boot/config-6.1"},
        {{"lib/modules/6.2/config", "boot/System.map-6.1"}, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct collect collect;

        plant(&collect, cases[i].tree);
        check_text("modules", i, collect_modules(&collect, "6.1"), cases[i].modules);
        check_text("config", i, collect_config(&collect, "6.1"), cases[i].config);
        collect_free(&collect);
    }
}

/* A configuration is a small text; what is larger is none. */
static void test_large_config(void **state)
{
    struct collect collect = {.spool.fd = -1};
    char *large = xcalloc(MIB, 1);

    (void)state;
    assert_int_equal(pass(&collect, AE_IFREG, "boot/config-6.1", large, MIB), 0);
    assert_int_equal(pass(&collect, AE_IFREG, "lib/modules/6.1/config", "small", 5), 0);
    spool_sort(&collect.spool);
    check_text("config", 0, collect_config(&collect, "6.1"), "small");
    free(large);
    collect_free(&collect);
}

#define ELF(machine) "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0" machine "\1\0\0\0", 24

static void test_machine(void **state)
{
    static const struct {
        const char *path, *data;
        size_t len;
        unsigned want; /* 0: not seen */
    } cases[] = {
        {"usr/lib/systemd/systemd", ELF("\76\0"), 62},
        {"lib/systemd/systemd", ELF("\76\0"), 62},
        {"sbin/init", ELF("\3\0"), 3},
        {"init", ELF("\267\0"), 183}, /* AArch64 */
        {"bin/busybox", ELF("\363\0"), 243},
        {"usr/bin/bash", ELF("\0\26"), 0x1600}, /* big-endian */
        {"bin/dash", "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\76\0", 20, 62},
        {"bin/dash", "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\76", 19, 0},
        {"sbin/init", "#!/bin/sh\nexec /bin/true\n", 25, 0},
        {"sbin/init", "", 0, 0},
        {"usr/bin/ls", ELF("\76\0"), 0},
        {"usr/lib/systemd/systemd-journald", ELF("\76\0"), 0},
        {"home/init", ELF("\76\0"), 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct collect collect = {.spool.fd = -1};

        assert_int_equal(pass(&collect, AE_IFREG, cases[i].path, cases[i].data, cases[i].len), 1);
        if (collect.machine != cases[i].want || !collect.machine_path != !cases[i].want ||
            (cases[i].want && strcmp(collect.machine_path, cases[i].path) != 0))
            fail_msg("case %zu, %s: %u", i, cases[i].path, collect.machine);
        collect_free(&collect);
    }
}

/* The first that is seen tells; links, which have no bytes, do not. */
static void test_machine_first(void **state)
{
    struct collect collect = {.spool.fd = -1};

    (void)state;
    assert_int_equal(pass(&collect, AE_IFLNK, "sbin/init", "/lib/systemd/systemd", 0), 1);
    assert_int_equal(pass(&collect, AE_IFREG, "init", "#!/bin/sh\n", 10), 1);
    assert_int_equal(pass(&collect, AE_IFREG, "usr/bin/bash", ELF("\267\0")), 1);
    assert_int_equal(pass(&collect, AE_IFREG, "usr/bin/busybox", ELF("\76\0")), 1);
    assert_int_equal(collect.machine, 183);
    assert_string_equal(collect.machine_path, "usr/bin/bash");
    collect_free(&collect);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aside),          cmocka_unit_test(test_kernel),
        cmocka_unit_test(test_no_kernel),      cmocka_unit_test(test_kernel_types),
        cmocka_unit_test(test_modules_config), cmocka_unit_test(test_large_config),
        cmocka_unit_test(test_machine),        cmocka_unit_test(test_machine_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
