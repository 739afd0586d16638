/*
 * inspect: GRUB menus as text in, entries out; and images with thousands of changed bytes, which
 * nothing may crash on or go round in for ever.
 */
#include "media/inspect_private.h"

#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* "title [kernel cmdline] {initrd, initrd}" for each entry, and the file that is searched for. */
static char *describe(const char *text)
{
    struct inspect_report report = {.iso = SIZE_MAX};
    struct buf out = {0};
    char *search;

    inspect_parse_menu(&report, text, &search);
    buf_puts(&out, "");
    for (size_t i = 0; i < report.entry_count; i++) {
        const struct inspect_entry *entry = &report.entries[i];

        buf_printf(&out, "<%s>", entry->title);
        if (entry->has_kernel)
            buf_printf(&out, "[%s|%s]", entry->kernel.path, entry->cmdline);
        for (size_t k = 0; k < entry->initrd_count; k++)
            buf_printf(&out, "{%s}", entry->initrds[k].path);
    }
    if (search)
        buf_printf(&out, "@%s", search);
    free(search);
    inspect_free(&report);
    return out.data;
}

static void test_menus(void **state)
{
    static const struct {
        const char *menu, *entries;
    } cases[] = {
        {"", ""},
        {"set timeout=5\n# menuentry 'x' {\n", ""},
        {"menuentry 'a b' {\n linux /k x y\n initrd /i\n}\n", "<a b>[/k|x y]{/i}"},
        {"menuentry 'it'\\''s' --id x {\n}\n", "<it's>"},
        {"menuentry --class gnu --id=x --unrestricted \"q \\\"t\\\"\" {linux /k;initrd /i /j}",
         "<q \"t\">[/k|]{/i}{/j}"},
        {"menuentry a {\nif linux '/k' 'a b' c; then true; else stay '/k'; fi\n"
         "if initrd '/i'; then true; else stay 'The initramfs'; fi\n}",
         "<a>[/k|a b c]{/i}"},
        {"function stay {\n linux /no\n while true; do\n configfile x\n done\n}\n"
         "menuentry a {\n if [ -e /x ]; then {\n linux /k\n} fi\n initrd /i\n}\nlinux /no\n",
         "<a>[/k|]{/i}"},
        {"submenu more {\n menuentry a {\n linux16 /k\n}\n menuentry b {\n linuxefi /l\n"
         " initrdefi /m\n}\n}\n",
         "<a>[/k|]<b>[/l|]{/m}"},
        {"menuentry a {\n linux ($root)/k ${args} $more \\\n  last # comment\n}",
         "<a>[($root)/k|${args} $more last]"},
        {"menuentry a {\n linux /k one#two\n}", "<a>[/k|one#two]"},
        {"menuentry a {\n linux\n initrd\n}", "<a>"},
        {"menuentry a {\n linux /k\n", "<a>[/k|]"},
        {"menuentry 'never closed {\n linux /k\n", ""},
        {"menuentry", ""},
        {"}}}} menuentry a { linux /k }", "<a>[/k|]"},
        {"search --no-floppy --set=root --file /.mark\n", "@/.mark"},
        {"if search --file /a; then x; fi\nsearch --label X\nsearch -f /b\nsearch --file /c\n",
         "@/b"},
        {"menuentry a {\n search --file /in\n}\n", "<a>"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *entries = describe(cases[i].menu);

        if (strcmp(entries, cases[i].entries) != 0)
            fail_msg("%s: gives %s", cases[i].menu, entries);
        free(entries);
    }
}

static void test_menu_bounds(void **state)
{
    struct inspect_report report = {.iso = SIZE_MAX};
    struct buf menu = {0};
    char *search;

    (void)state;
    for (int i = 0; i < 3000; i++)
        buf_printf(&menu, "menuentry %d {\nlinux /k\n%s}\n", i,
                   i ? "" : "initrd a b c d e f g h\n");
    inspect_parse_menu(&report, menu.data, &search);
    assert_in_range(report.entry_count, 100, 1000);
    inspect_free(&report);
    buf_free(&menu);
}

/*
 * disc: El Torito for both, an appended ESP with shim, MokManager as grubx64.efi; kernel is a PE.
 * It has GPT and MBR; the core image is there.
 */
static const char make_images[] =
    "set -e; PATH=$PATH:/usr/sbin:/sbin; D=/usr/lib/grub/i386-pc; mkdir -p t/boot/grub; "
    "grub-mkimage -O i386-pc -d $D -p /boot/grub -C none -o core biosdisk iso9660; "
    "cat $D/cdboot.img core >t/boot/grub/eltorito.img; "
    "truncate -s 4M esp; mkfs.fat -n ESP esp; mmd -i esp ::/EFI ::/EFI/BOOT; "
    "mcopy -i esp /usr/lib/shim/shimx64.efi.signed ::/EFI/BOOT/BOOTX64.EFI; "
    "mcopy -i esp /usr/lib/shim/mmx64.efi.signed ::/EFI/BOOT/grubx64.efi; "
    "cp /usr/lib/shim/mmx64.efi.signed t/boot/k; cp core t/boot/i; "
    "printf 'menuentry a {\\n linux /boot/k x\\n initrd /boot/i\\n}\\n' >t/boot/grub/grub.cfg; "
    "xorriso -as mkisofs -R -J -V DISC -b boot/grub/eltorito.img -no-emul-boot -boot-load-size 4 "
    "-boot-info-table --grub2-boot-info --grub2-mbr $D/boot_hybrid.img -appended_part_as_gpt "
    "-append_partition 2 C12A7328-F81F-11D2-BA4B-00A0C93EC93B esp -eltorito-alt-boot "
    "-e --interval:appended_partition_2:all:: -no-emul-boot -o disc t; ";

static int set_up(void **state)
{
    (void)state;
    return scratch_sh(make_images) == 0 ? 0 : -1;
}

static void test_good_image(void **state)
{
    struct content content = scratch_load("disc");
    struct inspect_report report;

    (void)state;
    assert_int_equal(inspect_image(&report, "disc", &content), 0);
    assert_string_equal(report.boot_code, "GRUB (hybrid)");
    assert_true(report.gpt && !report.gpt_problem);
    assert_int_equal(report.bios_stick, INSPECT_YES);
    assert_int_equal(report.bios_cd, INSPECT_YES);
    assert_int_equal(report.boot_count, 2);
    assert_int_equal(report.loader_count, 2);
    assert_int_equal(report.loaders[0].secure, INSPECT_YES);
    assert_int_equal(report.loaders[1].secure, INSPECT_YES);
    assert_int_equal(report.entry_count, 1);
    assert_int_equal(report.entries[0].kernel.state, FILE_THERE);
    assert_int_equal(report.entries[0].initrds[0].state, FILE_THERE);
    assert_int_equal(report.verdict_count, 8);
    inspect_free(&report);
    free((void *)content.data);
}

/* Where metadata is: system area, descriptors, folders, catalog; the ESP's first sectors; the end.
 */
static void damage(uint8_t *data, size_t len, size_t esp, unsigned *seed, int round)
{
    static const size_t spans[] = {512, 34 * 512, 64 * 2048};
    size_t from = round % 5 == 3 ? esp : round % 5 == 4 ? len - 34 * 512 : 0;
    size_t span = round % 5 == 3 ? 64 * 512 : round % 5 == 4 ? 34 * 512 : spans[round % 5];

    for (int i = 0; i < 1 + round % 40; i++)
        data[from + (size_t)rand_r(seed) % span] ^= (uint8_t)(1u << rand_r(seed) % 8);
}

static void test_hostile(void **state)
{
    struct content content = scratch_load("disc");
    uint8_t *data = (uint8_t *)content.data, *saved = xcalloc(content.len, 1);
    struct inspect_report report;
    size_t len = content.len, esp;
    unsigned seed = 7;

    (void)state;
    memcpy(saved, data, len);
    assert_int_equal(inspect_image(&report, "disc", &content), 0);
    esp = report.volumes[report.loaders[0].volume].offset;
    inspect_free(&report);
    for (int round = 0; round < 400; round++) {
        damage(data, len, esp, &seed, round);
        content.len = round % 11 == 0 ? (size_t)rand_r(&seed) % len : len;
        assert_int_equal(inspect_image(&report, "disc", &content), 0);
        inspect_free(&report);
        memcpy(data, saved, len);
    }
    for (content.len = 0; content.len < 3000; content.len += 37) {
        assert_int_equal(inspect_image(&report, "disc", &content), 0);
        inspect_free(&report);
    }
    free(saved);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_menus),
        cmocka_unit_test(test_menu_bounds),
        cmocka_unit_test(test_good_image),
        cmocka_unit_test(test_hostile),
    };

    return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
