/* modules: what the first stage gets of Debian's kernel; depmod, modinfo and BusyBox as oracles. */
#include "ramroot/modules_private.h"

#include "base/embedded.h"
#include "caught.h"
#include "kernel_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct module *module_of(const struct modules *modules, const char *name)
{
    for (size_t i = 0; i < modules->count; i++)
        if (strcmp(modules->list[i].name, name) == 0)
            return &modules->list[i];
    return NULL;
}

static void test_wishes(void **state)
{
    static const char list[] = "# a comment\n"
                               "[overlay]\n"
                               "squashfs # another\n"
                               "[ network\tmedium ]\n"
                               "\n"
                               "  virtio-pci\n"
                               "[network]\n"
                               "kernel/net/*\n"
                               "-kernel/net/big/*\n"
                               "-old*\n"
                               "kernel/net/big/but.ko\n"
                               "[medium]\n"
                               "nls-*\n"
                               "big";
    static const struct {
        unsigned purposes;
        const char *name, *path;
        bool want;
    } cases[] = {
        {MODULES_OVERLAY, "squashfs", "kernel/fs/squashfs.ko", true},
        {MODULES_NETWORK, "squashfs", "kernel/fs/squashfs.ko", false},
        {MODULES_OVERLAY, "squash", "squash.ko", false},
        {MODULES_OVERLAY, "virtio_pci", "virtio-pci.ko", false},
        {MODULES_NETWORK, "virtio_pci", "virtio-pci.ko", true},
        {MODULES_MEDIUM | MODULES_OVERLAY, "virtio_pci", "virtio-pci.ko", true},
        {MODULES_NETWORK, "a", "kernel/net/x/a.ko", true},
        {MODULES_NETWORK, "a", "kernel/network/a.ko", false},
        {MODULES_NETWORK, "big", "kernel/net/big/big.ko", false},
        {MODULES_NETWORK, "but", "kernel/net/big/but.ko", true},
        {MODULES_NETWORK, "older", "kernel/net/older.ko", false},
        /* what one section leaves out, another may want */
        {MODULES_NETWORK | MODULES_MEDIUM, "big", "kernel/net/big/big.ko", true},
        {MODULES_MEDIUM, "nls_utf8", "kernel/fs/nls/nls_utf8.ko", true},
        {MODULES_MEDIUM, "nls", "kernel/fs/nls/nls.ko", false},
        {0, "squashfs", "kernel/fs/squashfs.ko", false},
    };
    struct module_wishes wishes;

    (void)state;
    module_wishes_read(&wishes, xstrdup(list));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (module_wished(&wishes, cases[i].purposes, cases[i].name, cases[i].path) !=
            cases[i].want)
            fail_msg("case %zu: %s for %u", i, cases[i].path, cases[i].purposes);
    module_wishes_free(&wishes);
}

/* Each line of firststage/modules is in a section of some purpose. */
static void test_own_wishes(void **state)
{
    struct module_wishes wishes;

    (void)state;
    module_wishes_read(&wishes, xstrdup(embedded_find("firststage/modules")->data));
    assert_true(wishes.count > 50);
    for (size_t i = 0; i < wishes.count; i++)
        if (!wishes.list[i].purposes || strpbrk(wishes.list[i].pattern, "[]!"))
            fail_msg("%s", wishes.list[i].pattern);
    module_wishes_free(&wishes);
}

static void test_normalise(void **state)
{
    static const struct {
        const char *name, *want;
    } cases[] = {
        {"virtio-net", "virtio_net"},           {"", ""},       {"--a-", "__a_"},
        {"usb:v*d[0-9]p-*", "usb:v*d[0-9]p_*"}, {"a[-", "a[-"}, {"a]-", "a]_"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *name = xstrdup(cases[i].name);

        module_normalise(name);
        assert_string_equal(name, cases[i].want);
        free(name);
    }
}

/* What each purpose has of the whole kernel, and that it has not become large. */
static void test_purposes(void **state)
{
    static const struct {
        unsigned purposes;
        const char *has[10], *has_not[6];
        size_t max; /* MiB */
    } cases[] = {
        {MODULES_OVERLAY, {"squashfs", "loop", "overlay"}, {"ext4", "e1000", "usbcore"}, 1},
        {MODULES_NETWORK,
         {"virtio_net", "virtio_pci", "virtio_ring", "e1000e", "r8169", "realtek", "libphy",
          "xhci_pci", "usbhid", "vmxnet3"},
         {"squashfs", "ext4", "iwlwifi", "bnx2x", "link"},
         30},
        {MODULES_MEDIUM,
         {"usb_storage", "uas", "sr_mod", "ahci", "nvme", "isofs", "vfat", "nls_cp437",
          "crc32c_generic", "virtio_blk"},
         {"squashfs", "e1000e", "lpfc", "link"},
         20},
        {MODULES_SHELL,
         {"xhci_pci", "ehci_pci", "usbhid", "hid_generic", "usbcore"},
         {"squashfs", "ext4", "e1000e", "usb_storage"},
         3},
        {0, {NULL}, {"squashfs", "ext4"}, 0},
    };
    struct spool spool = {.fd = -1};

    (void)state;
    add_kernel(&spool);
    spool_sort(&spool);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct modules modules;
        size_t total = 0;

        assert_int_equal(modules_find(&modules, &spool, "lib/modules/V", cases[i].purposes, "tree"),
                         0);
        for (size_t k = 0; k < ARRAY_LEN(cases[i].has) && cases[i].has[k]; k++)
            if (!module_of(&modules, cases[i].has[k]))
                fail_msg("purposes %u: %s is missing", cases[i].purposes, cases[i].has[k]);
        for (size_t k = 0; k < ARRAY_LEN(cases[i].has_not) && cases[i].has_not[k]; k++)
            if (module_of(&modules, cases[i].has_not[k]))
                fail_msg("purposes %u: %s is there", cases[i].purposes, cases[i].has_not[k]);
        for (size_t k = 0; k < modules.count; k++)
            total += modules.list[k].len;
        if (total > cases[i].max * MIB)
            fail_msg("purposes %u: %zu bytes", cases[i].purposes, total);
        modules_free(&modules);
    }
    spool_free(&spool);
}

static void write_text(const char *path, const struct buf *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text->data, 1, text->len, file), text->len);
    fclose(file);
}

/* The modules as a folder under root/lib/modules, in the scratch folder. */
static void write_modules(const struct modules *modules, const char *name)
{
    struct buf text = {0};

    for (size_t i = 0; i < modules->count; i++) {
        const struct module *module = &modules->list[i];
        struct buf data = {module->data, module->len, 0};
        char *path = xasprintf("%s/root/lib/modules/%s/%s", scratch_dir(), name, module->path);
        char *line = xasprintf("mkdir -p \"$(dirname %s)\"", path);

        assert_int_equal(scratch_sh(line), 0);
        write_text(path, &data);
        free(path);
        free(line);
    }
    for (int i = 0; i < 2; i++) {
        char *path = xasprintf("%s/root/lib/modules/%s/%s", scratch_dir(), name,
                               i ? "modules.alias" : "modules.dep");

        text.len = 0;
        (i ? modules_alias : modules_dep)(modules, &text);
        write_text(path, &text);
        free(path);
    }
    buf_free(&text);
}

/* depmod says the same, but for soft dependencies, which are in a file of their own there; BusyBox
 * reads what we wrote. */
static void test_text(void **state)
{
    static const char in_root[] = "modprobe() { as=; [ $(id -u) = 0 ] || as='unshare -r'; "
                                  "$as chroot root /bin/busybox modprobe \"$@\"; }";
    static const char *const lines[] = {
        "mkdir -p theirs/lib/modules && cp -r root/lib/modules/V theirs/lib/modules/1.0 && "
        "rm theirs/lib/modules/1.0/modules.* && depmod -b $PWD/theirs 1.0",
        /* each dependency of depmod's is one of ours, and stands behind what needs it */
        "awk 'NR == FNR { ours[$1] = $0 \" \"; next } !($1 in ours) { exit 1 } "
        "{ for (i = 2; i <= NF; i++) if (!index(ours[$1], \" \" $i \" \")) exit 1 }' "
        "root/lib/modules/V/modules.dep theirs/lib/modules/1.0/modules.dep",
        "awk 'NR == FNR { n[$1] = NF; next } /e1000e.ko:|isofs.ko:|nvme.ko:|sr_mod.ko:/ "
        "&& NF != n[$1] { exit 1 }' "
        "root/lib/modules/V/modules.dep theirs/lib/modules/1.0/modules.dep",
        "grep -v '[#[]' theirs/lib/modules/1.0/modules.alias | tr - _ | sort >theirs.alias; "
        "grep -v '\\[' root/lib/modules/V/modules.alias | sort >ours.alias; cmp theirs.alias "
        "ours.alias",
        "mv root/lib/modules/V root/lib/modules/$(uname -r); mkdir root/bin; "
        "cp $(command -v busybox) root/bin/busybox",
        "modprobe -D virtio-net | sed 's,.*/,,;s/ *$//' | tr '\\n' ' ' | "
        "grep -x 'virtio_ring.ko virtio.ko failover.ko net_failover.ko virtio_net.ko '",
        "modprobe -D fs-ext4 | sed 's,.*/,,;s/ *$//' | tr '\\n' ' ' | "
        "grep -x 'crc32c_generic.ko jbd2.ko mbcache.ko crc16.ko ext4.ko '",
        "modprobe -D pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00"
        " | grep -q /virtio_pci.ko",
        "modprobe -D usb:v1645p0007d0121dc00dsc00dp00ic00isc00ip00in00 | "
        "grep -q /usb-storage.ko",
        "! modprobe -D usb:v1645p0007d0321dc00dsc00dp00ic00isc00ip00in00 "
        "| "
        "grep -q /usb-storage.ko",
        "modprobe -D scsi:t-0x05 | grep -q /sr_mod.ko",
    };
    struct spool spool = {.fd = -1};
    struct modules modules;

    (void)state;
    add_kernel(&spool);
    spool_sort(&spool);
    assert_int_equal(modules_find(&modules, &spool, "lib/modules/V",
                                  MODULES_OVERLAY | MODULES_NETWORK | MODULES_MEDIUM, "tree"),
                     0);
    write_modules(&modules, "V");
    modules_free(&modules);
    spool_free(&spool);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        char *line = xasprintf("%s; %s", in_root, lines[i]);

        if (scratch_sh(line) != 0)
            fail_msg("%s: failed", lines[i]);
        free(line);
    }
}

static const char squashfs[] = "kernel/fs/squashfs/squashfs.ko";
static const char loop[] = "kernel/drivers/block/loop.ko";
static const char overlay[] = "kernel/fs/overlayfs/overlay.ko";

static int find_overlay(struct spool *spool, struct modules *modules, char *text, size_t size)
{
    struct caught caught;
    int result;

    spool_sort(spool);
    caught_begin(&caught);
    result = modules_find(modules, spool, "lib/modules/V", MODULES_OVERLAY, "tree");
    caught_end(&caught, text, size);
    spool_free(spool);
    return result;
}

/* What mode overlay needs is there, or built in, or it is an error. */
static void test_overlay(void **state)
{
    static const struct {
        const char *files[3], *builtin;
        int count; /* of modules; -1: an error */
        const char *says;
    } cases[] = {
        {{squashfs, loop, overlay}, NULL, 3, ""},
        {{loop, overlay}, squashfs, 2, ""},
        {{NULL}, "kernel/drivers/block/loop.ko\nx/squashfs.ko\nx/overlay.ko\n", 0, ""},
        {{loop, overlay},
         NULL,
         -1,
         "mkbootmedia: tree: finding kernel modules: V has no squashfs module, and mode overlay "
         "needs it\n"},
        {{squashfs, loop},
         "kernel/fs/nls/nls_base.ko\n",
         -1,
         "mkbootmedia: tree: finding kernel modules: V has no overlay module, and mode overlay "
         "needs it\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct spool spool = {.fd = -1};
        struct modules modules;
        char text[512];
        int result;

        for (size_t k = 0; k < 3 && cases[i].files[k]; k++)
            add_file(&spool, cases[i].files[k]);
        if (cases[i].builtin)
            add(&spool, "lib/modules/V/modules.builtin",
                content_memory(cases[i].builtin, strlen(cases[i].builtin)));
        result = find_overlay(&spool, &modules, text, sizeof text);
        assert_string_equal(text, cases[i].says);
        assert_int_equal(result == 0 ? (int)modules.count : -1, cases[i].count);
        modules_free(&modules);
    }
}

/* Compressed modules come out as they were; of two of a name the added one is taken. */
static void test_compressed(void **state)
{
    static const struct {
        const char *tool, *path;
    } cases[] = {
        {"gzip -c", "kernel/fs/squashfs/squashfs.ko.gz"},
        {"xz -c", "kernel/fs/squashfs/squashfs.ko.xz"},
        {"zstd -qc", "kernel/fs/squashfs/squashfs.ko.zst"},
        {"zstd -qc", "updates/squashfs.ko.zst"},
        {"cat", "extra/squashfs.ko"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *line = xasprintf("%s <%s/%s >packed", cases[i].tool, kernel_folder, squashfs);
        char *name = xasprintf("lib/modules/V/%s", cases[i].path), *whole, text[512];
        struct spool spool = {.fd = -1};
        struct modules modules;
        const struct module *module;
        struct content packed, plain;

        assert_int_equal(scratch_sh(line), 0);
        packed = scratch_load("packed");
        whole = xasprintf("%s/%s", kernel_folder, squashfs);
        plain = file_load(whole);
        add_file(&spool, loop);
        add_file(&spool, overlay);
        if (i > 2)
            add_from(&spool, loop, squashfs); /* another one under that name */
        add(&spool, name, packed);
        assert_int_equal(find_overlay(&spool, &modules, text, sizeof text), 0);
        module = module_of(&modules, "squashfs");
        assert_int_equal(module->len, plain.len);
        assert_memory_equal(module->data, plain.data, plain.len);
        assert_true(strncmp(module->path, cases[i].path, strlen(module->path)) == 0);
        modules_free(&modules);
        free((void *)packed.data);
        free((void *)plain.data);
        free(line);
        free(name);
        free(whole);
    }
}

/* No module, half a module, half a compressed module. */
static void test_damaged(void **state)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {": >bad", "mkbootmedia: tree: /lib/modules/V/kernel/fs/squashfs/squashfs.ko: "},
        {"echo hello >bad", "mkbootmedia: tree: /lib/modules/V/kernel/fs/squashfs/squashfs.ko: "
                            "reading: it is no kernel "
                            "module for x86-64\n"},
        {"head -c 64 good >bad",
         "mkbootmedia: tree: /lib/modules/V/kernel/fs/squashfs/squashfs.ko: reading what it "
         "depends on: "},
        {"head -c 5000 good >bad",
         "mkbootmedia: tree: /lib/modules/V/kernel/fs/squashfs/squashfs.ko: reading what it "
         "depends on: "},
        {"xz -c good | head -c 20000 >bad",
         "mkbootmedia: tree: /lib/modules/V/kernel/fs/squashfs/squashfs.ko: uncompressing: "},
        {"echo hello | gzip >bad",
         "mkbootmedia: tree: /lib/modules/V/kernel/fs/squashfs/squashfs.ko: reading: it is no "
         "kernel "
         "module for x86-64\n"},
    };
    char *line = xasprintf("cp %s/%s good", kernel_folder, squashfs);

    (void)state;
    assert_int_equal(scratch_sh(line), 0);
    free(line);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct spool spool = {.fd = -1};
        struct modules modules;
        struct content bad;
        char text[512];
        int result;

        assert_int_equal(scratch_sh(cases[i].line), 0);
        bad = scratch_load("bad");
        add(&spool, "lib/modules/V/kernel/fs/squashfs/squashfs.ko", bad);
        add_file(&spool, loop);
        add_file(&spool, overlay);
        result = find_overlay(&spool, &modules, text, sizeof text);
        if (result != -1 || strncmp(text, cases[i].says, strlen(cases[i].says)) != 0 ||
            strchr(text, '\n') != strrchr(text, '\n'))
            fail_msg("%s: %d, %s", cases[i].line, result, text);
        modules_free(&modules);
        free((void *)bad.data);
    }
}

/* Bytes that are changed here and there may give another answer, but nothing worse. */
static void test_hostile(void **state)
{
    char *path = xasprintf("%s/%s", kernel_folder, loop), text[512];
    struct content content = file_load(path);
    uint32_t seed = 7;

    (void)state;
    for (size_t i = 0; i < 3000; i++) {
        struct module module = {0};
        struct strings soft = {0};
        struct caught caught;
        char *data = xcalloc(content.len, 1);

        memcpy(data, content.data, content.len);
        for (size_t k = 0; k < 1 + i % 3; k++) {
            size_t at;

            seed = seed * 1664525 + 1013904223;
            /* the headers of the file and of its sections, which are at its end */
            at = i % 2 ? (seed >> 8) % 64 : content.len - 1 - (seed >> 8) % 4000;
            data[at] = (char)seed;
        }
        caught_begin(&caught);
        module_read(&module, &soft, data, content.len, MIB, "fuzz");
        caught_end(&caught, text, sizeof text);
        free(module.data);
        strings_free(&module.needs);
        strings_free(&module.aliases);
        strings_free(&soft);
    }
    free((void *)content.data);
    free(path);
}

/* A module of which a dependency is not there is left out; one that must be there is an error. */
static void test_lacking(void **state)
{
    struct spool spool = {.fd = -1};
    struct modules modules;

    (void)state;
    add_file(&spool, "kernel/fs/isofs/isofs.ko"); /* needs cdrom */
    add_file(&spool, "kernel/fs/fat/vfat.ko");
    add_file(&spool, "kernel/fs/fat/fat.ko");
    spool_sort(&spool);
    assert_int_equal(modules_find(&modules, &spool, "lib/modules/V", MODULES_MEDIUM, "tree"), 0);
    assert_null(module_of(&modules, "isofs"));
    assert_non_null(module_of(&modules, "vfat"));
    assert_string_equal(module_of(&modules, "vfat")->needs.v[0], "fat");
    assert_int_equal(modules.count, 2);
    modules_free(&modules);
    spool_free(&spool);
    modules_free(&modules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wishes),     cmocka_unit_test(test_own_wishes),
        cmocka_unit_test(test_normalise),  cmocka_unit_test(test_purposes),
        cmocka_unit_test(test_text),       cmocka_unit_test(test_overlay),
        cmocka_unit_test(test_compressed), cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_hostile),    cmocka_unit_test(test_lacking),
    };

    return cmocka_run_group_tests(tests, find_kernel, scratch_remove);
}
