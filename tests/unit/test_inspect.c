/*
 * inspect: menus as text in, entries and what they go on to out; and images with thousands of
 * changed bytes, which nothing may crash on or go round in for ever.
 */
#include "media/inspect_private.h"

#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void put_file(struct buf *out, const struct inspect_file *file)
{
    buf_printf(out, "%s", file->path);
    if (!file->place || strcmp(file->place, file->path) != 0)
        buf_printf(out, "=%s", file->place ? file->place : "?");
}

/*
 * "<title>[kernel|arguments]{initrd}" for each entry, then "@marker" and ">lead" for each; of a
 * file whose place is another than its path, "path=place", or "path=?" if it is unknown.
 */
static char *describe(const struct inspect_report *report)
{
    const struct inspect_menu *menu = &report->menus[0];
    struct buf out = {0};

    buf_puts(&out, "");
    for (size_t i = 0; i < report->entry_count; i++) {
        const struct inspect_entry *entry = &report->entries[i];

        buf_printf(&out, "<%s>", entry->title);
        if (entry->has_kernel) {
            buf_puts(&out, "[");
            put_file(&out, &entry->kernel);
            buf_printf(&out, "|%s]", entry->cmdline);
        }
        for (size_t k = 0; k < entry->initrd_count; k++) {
            buf_puts(&out, "{");
            put_file(&out, &entry->initrds[k]);
            buf_puts(&out, "}");
        }
    }
    if (menu->marker)
        buf_printf(&out, "@%s", menu->marker);
    for (size_t i = 0; i < menu->leads.n; i++)
        buf_printf(&out, ">%s", menu->leads.v[i]);
    return out.data;
}

static void parse(struct inspect_report *report, enum inspect_menu_kind kind, const char *path,
                  const char *text)
{
    *report = (struct inspect_report){.iso = SIZE_MAX};
    assert_int_equal(inspect_add_menu(report, kind, 0, path), 0);
    if (kind == MENU_GRUB)
        inspect_parse_grub(report, 0, text);
    else if (kind == MENU_SYSLINUX)
        inspect_parse_syslinux(report, 0, text);
    else if (kind == MENU_IPXE)
        inspect_parse_ipxe(report, 0, text);
    else
        inspect_parse_bls(report, 0, "x.conf", text);
}

static char *read_menu(enum inspect_menu_kind kind, const char *path, const char *text)
{
    struct inspect_report report;
    char *entries;

    parse(&report, kind, path, text);
    entries = describe(&report);
    inspect_free(&report);
    return entries;
}

struct menu_case {
    const char *menu, *entries;
};

static void check_menus(enum inspect_menu_kind kind, const char *path,
                        const struct menu_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *entries = read_menu(kind, path, cases[i].menu);

        if (strcmp(entries, cases[i].entries) != 0)
            fail_msg("%s\ngives %s\nnot   %s", cases[i].menu, entries, cases[i].entries);
        free(entries);
    }
}

static const struct menu_case grub_menus[] = {
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
     "<a>[/k|]{/i}>x"},
    {"submenu more {\n menuentry a {\n linux16 /k\n}\n menuentry b {\n linuxefi /l\n"
     " initrdefi /m\n}\n}\n",
     "<a>[/k|]<b>[/l|]{/m}"},
    {"menuentry a {\n linux ($root)/k ${args} $more \\\n  last # comment\n}",
     "<a>[($root)/k=/k|${args} $more last]"},
    {"menuentry a {\n linux /k one#two\n}", "<a>[/k|one#two]"},
    {"menuentry a {\n linux\n initrd\n}", "<a>"},
    {"menuentry a {\n linux /k\n", "<a>[/k|]"},
    {"menuentry 'never closed {\n linux /k\n", ""},
    {"menuentry", ""},
    {"}}}} menuentry a { linux /k }", "<a>[/k|]"},
    {"search --no-floppy --set=root --file /.mark\n", "@/.mark"},
    {"if search --file /a; then x; fi\nsearch --label X\nsearch -f /b\nsearch --file /c\n", "@/b"},
    {"menuentry a {\n search --file /in\n}\n", "<a>"},
    {"set prefix=(hd0,gpt2)/EFI/x\nsource $prefix/more.cfg\nconfigfile /y", ">/EFI/x/more.cfg>/y"},
    {"source ${prefix}/a.cfg\n. /b.cfg\nsource $config_directory/c.cfg",
     ">/boot/grub/a.cfg>/b.cfg"},
    {"set k=/live\nmenuentry a {\nlinux $k/vmlinuz $k\ninitrd ${k}/i $x/j\n}",
     "<a>[$k/vmlinuz=/live/vmlinuz|$k]{${k}/i=/live/i}{$x/j=?}"},
    {"if a; then\nset k=/a\nelse\nset k=/b\nfi\nmenuentry a {\nlinux $k/v\n}", "<a>[$k/v=?|]"},
    {"set k=$k$k\nset k=$k$k\nmenuentry a {\nlinux /v$k\n}", "<a>[/v$k=?|]"},
    {"regexp --set=1:tree '^(.*)/grub$' \"$prefix\"\nmenuentry a {\nlinux $tree/payload/v\n}",
     "<a>[$tree/payload/v=/boot/payload/v|]"},
    {"menuentry retry {\nconfigfile $prefix/grub.cfg\n}\n", "<retry>"},
    {"menuentry more {\nconfigfile /boot/more.cfg\n}\n", "<more>>/boot/more.cfg"},
    {"blscfg\n", ">loader/entries"},
    {"menuentry a {\nlinux (tftp,10.0.0.1)/v $\n}", "<a>[(tftp,10.0.0.1)/v=/v|$]"},
    {"menuentry a {\nlinux ${ ${\ninitrd ${x\n", "<a>[${ ${=?|]{${x=?}"},
};

static const struct menu_case syslinux_menus[] = {
    {"", ""},
    {"DEFAULT vesamenu.c32\nPROMPT 0\nTIMEOUT 50\n", ""},
    {"label live\n  menu label ^Live (amd64)\n  linux /live/vmlinuz\n  initrd /live/initrd.img\n"
     "  append boot=live quiet\n",
     "<Live (amd64)>[/live/vmlinuz|boot=live quiet]{/live/initrd.img}"},
    {"LABEL a\r\nKERNEL vmlinuz\r\nAPPEND initrd=a.img,/b.img x initrd=c.img,../d\r\n",
     "<a>[vmlinuz=/isolinux/vmlinuz|initrd=a.img,/b.img x initrd=c.img,../d]"
     "{c.img=/isolinux/c.img}{../d=/d}"},
    {"append quiet\nlabel a\nkernel ::/k\nlabel b\nkernel /k\nappend -\n",
     "<a>[::/k=/k|quiet]<b>[/k|]"},
    {"label m\nkernel memdisk.bin\nlabel n\nkernel chain.c32\nlabel o\nlinux k.c32\n",
     "<m><n><o>[k.c32=/isolinux/k.c32|]"},
    {"include menu.cfg\nMENU INCLUDE /x/std.cfg tag\nlabel a\nkernel vesamenu.c32\n"
     "append more.cfg\nlabel b\nconfig /b.cfg\n",
     "<a><b>>/isolinux/menu.cfg>/x/std.cfg>/isolinux/more.cfg>/b.cfg"},
    {"label a\nkernel http://10.0.0.1/d/vmlinuz\n", "<a>[http://10.0.0.1/d/vmlinuz=/d/vmlinuz|]"},
    {"# label a\nlabelled b\nkernel /k\nlinux\n", ""},
    {"label a\nkernel /a/./b/../../../k\ninclude ../x/../../y\n", "<a>[/a/./b/../../../k=/k|]>/y"},
    {"label", "<>"},
    {"label a\nkernel\nappend\ninitrd ,,, \n", "<a>[=/isolinux/|]"},
    {"menu label x\nmenu\nmenu include\ninclude\n", ""},
};

static const struct menu_case bls_files[] = {
    {"", "<x.conf>"},
    {"title  Debian 12\nversion 6.1\nlinux /l/k\ninitrd /l/i /l/j\ninitrd\t/m\noptions a b\n"
     "options c\r\n",
     "<Debian 12>[/l/k|a b c]{/l/i}{/l/j}{/m}"},
    {"# title x\n  title y \n\nlinux /k\ninitrd /i $tuned_initrd\noptions $kernelopts",
     "<y>[/k|$kernelopts]{/i}"},
    {"title Shell\nefi /shell.efi\n", "<Shell>"},
    {"uki /EFI/Linux/a.efi\n", "<x.conf>[/EFI/Linux/a.efi|]"},
    {"linux\ntitle\ninitrd\nlinuxx /k\n", "<x.conf>"},
    {"linux /k\nlinux $x/l\n", "<x.conf>[$x/l=?|]"},
};

static const struct menu_case ipxe_scripts[] = {
    {"#!ipxe\n", ""},
    {"#!ipxe\nisset ${base} || set base http://10.0.0.1/boot\nset title:uristring A%20b%2\n"
     "item -- one ${title:string} ||\n:one\nset args:uristring quiet%0Ax\n"
     "kernel --name k ${base}/p/vmlinuz initrd=i ${args:string} || goto failed\n"
     "initrd --name i ${base}/p/i || goto failed\nboot || goto failed\n",
     "<A b%2>[${base}/p/vmlinuz=/boot/p/vmlinuz|initrd=i quiet]{${base}/p/i=/boot/p/i}"},
    {"#!ipxe\nkernel vmlinuz a b\ninitrd -n x http://h/i?y#z\nboot\ninitrd no\n",
     "<net/boot.ipxe>[vmlinuz=/net/vmlinuz|a b]{http://h/i?y#z=/i}"},
    {"#!ipxe\n:a\nkernel /k\n:b\nkernel ${x}/k\ninitrd ${net0/mac}\n",
     "<a>[/k|]<b>[${x}/k=?|]{${net0/mac}=?}"},
    {"#!ipxe\nchain --autofree menu.ipxe\nchain http://h/a.ipxe || chain x.efi\nchain ${y}\n",
     ">/net/menu.ipxe>/a.ipxe"},
    {"#!ipxe\nset a ${a}${a}x\nset a ${a}${a}\nkernel ${a}\n", "<net/boot.ipxe>[${a}=?|]"},
    {"#!ipxe\n:\nkernel\ninitrd\nset\nset a\nitem\nitem a\nchain\n||&& ||\n${\n", ""},
    {"#!ipxe\nkernel ${\nkernel ${a", "<net/boot.ipxe>[${=?|]<net/boot.ipxe>[${a=?|]"},
};

static void test_menus(void **state)
{
    (void)state;
    check_menus(MENU_GRUB, "boot/grub/grub.cfg", grub_menus, ARRAY_LEN(grub_menus));
    check_menus(MENU_SYSLINUX, "isolinux/isolinux.cfg", syslinux_menus, ARRAY_LEN(syslinux_menus));
    check_menus(MENU_SYSTEMD, "loader/entries", bls_files, ARRAY_LEN(bls_files));
    check_menus(MENU_IPXE, "net/boot.ipxe", ipxe_scripts, ARRAY_LEN(ipxe_scripts));
}

/* Nothing is known of what comes out, but that it comes out. */
static void damage_menus(enum inspect_menu_kind kind, const struct menu_case *cases, size_t count)
{
    static const char bytes[] = "${}'\"\\\n\t =:;|&#/%()a\xff";
    unsigned seed = 3;

    for (size_t i = 0; i < count; i++)
        for (int round = 0; round < 300; round++) {
            char *text = xstrdup(cases[i].menu), *entries;
            size_t len = strlen(text);

            for (int k = 0; k < 1 + round % 9 && len; k++)
                text[(size_t)rand_r(&seed) % len] =
                    bytes[(size_t)rand_r(&seed) % (sizeof bytes - 1)];
            entries = read_menu(kind, "a/b", text);
            free(entries);
            free(text);
        }
}

static void test_damaged_menus(void **state)
{
    (void)state;
    damage_menus(MENU_GRUB, grub_menus, ARRAY_LEN(grub_menus));
    damage_menus(MENU_SYSLINUX, syslinux_menus, ARRAY_LEN(syslinux_menus));
    damage_menus(MENU_SYSTEMD, bls_files, ARRAY_LEN(bls_files));
    damage_menus(MENU_IPXE, ipxe_scripts, ARRAY_LEN(ipxe_scripts));
}

/* Values that double with each line stay short. */
static void test_doubling(void **state)
{
    struct buf menu = {0};
    char *entries;

    (void)state;
    buf_puts(&menu, "set v0=0123456789\n");
    for (int i = 1; i < 200; i++)
        buf_printf(&menu, "set v%d=$v%d$v%d\n", i, i - 1, i - 1);
    buf_puts(&menu, "menuentry a {\nlinux /$v199\n}\n");
    entries = read_menu(MENU_GRUB, "boot/grub/grub.cfg", menu.data);
    assert_string_equal(entries, "<a>[/$v199=?|]");
    free(entries);
    buf_free(&menu);
}

static void test_menu_bounds(void **state)
{
    struct inspect_report report;
    struct buf menu = {0};

    (void)state;
    for (int i = 0; i < 3000; i++)
        buf_printf(&menu, "menuentry %d {\nlinux /k\n%s}\n", i,
                   i ? "" : "initrd a b c d e f g h\n");
    parse(&report, MENU_GRUB, "x", menu.data);
    assert_in_range(report.entry_count, 100, 1000);
    inspect_free(&report);
    buf_free(&menu);
}

/* dnsmasq's configuration: the files for BIOS, UEFI x86-64 and HTTP Boot, and iPXE's script. */
static void test_dhcp(void **state)
{
    static const struct {
        const char *text, *bios, *x64, *http, *script;
    } cases[] = {
        {"", "-", "-", "-", "-"},
        {"dhcp-boot=tag:ipxe,http://10.0.0.1/boot/boot.ipxe\n"
         "dhcp-match=set:bios,option:client-arch,0\ndhcp-boot=tag:bios,tag:!ipxe,undionly.kpxe\n"
         "dhcp-match=set:x64,option:client-arch,7\ndhcp-boot=tag:x64,tag:!ipxe,a/b.efi\n"
         "dhcp-match=set:h,option:client-arch,16\ndhcp-boot=tag:h,http://10.0.0.1/boot/h.efi\n",
         "undionly.kpxe", "a/b.efi", "boot/h.efi", "boot/boot.ipxe"},
        {"dhcp-match=set:bios,option:client-arch,0\n#dhcp-boot=tag:bios,x\n"
         "dhcp-match=set:a,option:client-arch,99999999999\ndhcp-match=set:,option:client-arch,7\n"
         "dhcp-match=set:"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,option:client-arch,7\n",
         "-", "-", "-", "-"},
        {"dhcp-match=set:bios,option:client-arch,0\ndhcp-boot=tag:bios,tag:x", "", "-", "-", "-"},
        {"dhcp-boot=tag:ipxe,http://x", "-", "-", "-", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct inspect_dhcp dhcp = {0};

        inspect_parse_dhcp(&dhcp, cases[i].text);
        assert_string_equal(dhcp.first[0] ? dhcp.first[0] : "-", cases[i].bios);
        assert_string_equal(dhcp.first[7] ? dhcp.first[7] : "-", cases[i].x64);
        assert_string_equal(dhcp.first[16] ? dhcp.first[16] : "-", cases[i].http);
        assert_string_equal(dhcp.script ? dhcp.script : "-", cases[i].script);
        inspect_dhcp_free(&dhcp);
    }
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
        cmocka_unit_test(test_menus),    cmocka_unit_test(test_damaged_menus),
        cmocka_unit_test(test_doubling), cmocka_unit_test(test_menu_bounds),
        cmocka_unit_test(test_dhcp),     cmocka_unit_test(test_good_image),
        cmocka_unit_test(test_hostile),
    };

    return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
