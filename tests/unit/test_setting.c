/* setting: what texts the settings take, and what is said of the others. */
#include "boot/setting.h"

#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define X10(s) s s s s s s s s s s

static void test_mac(void **state)
{
    static const char bad[] = "is not the address of a network card (52:54:00:12:34:56)";
    static const struct {
        const char *text, *want; /* want: the address, or what is wrong */
    } cases[] = {
        {"52:54:00:12:34:56", "52-54-00-12-34-56"},
        {"52-54-00-12-34-56", "52-54-00-12-34-56"},
        {"525400123456", "52-54-00-12-34-56"},
        {"AA:BB:CC:DD:EE:0F", "aa-bb-cc-dd-ee-0f"},
        {"aAbBcCdDeEfF", "aa-bb-cc-dd-ee-ff"},
        {"00:00:00:00:00:01", "00-00-00-00-00-01"},
        {"00:00:00:00:00:10", "00-00-00-00-00-10"},
        {"", bad},
        {"5", bad},
        {"52:54:00:12:34", bad},
        {"52:54:00:12:34:5", bad},
        {"52:54:00:12:34:567", bad},
        {"52:54:00:12:34:56:", bad},
        {" 52:54:00:12:34:56", bad},
        {"52:54:00:12:34:56 ", bad},
        {"52:54-00:12-34:56", bad},
        {"52.54.00.12.34.56", bad},
        {"5254.0012.3456", bad},
        {"52:54:00:12:34:5g", bad},
        {"g2:54:00:12:34:56", bad},
        {"52540012345", bad},
        {"5254001234567", bad},
        {"52:54:00:12:34::6", bad},
        {"::::::::::::::::", bad},
        {":::::::::::::::::", bad},
        {"-----------------", bad},
        {"0x5254001234", bad},
        {"52:54:00:12:34:\xc3\xbc", bad},
        {"01:00:5e:00:00:01", "is a group address, not that of a network card"},
        {"ff:ff:ff:ff:ff:ff", "is a group address, not that of a network card"},
        {"33-33-00-00-00-01", "is a group address, not that of a network card"},
        {"00:00:00:00:00:00", "is all zeros, not the address of a network card"},
        {"000000000000", "is all zeros, not the address of a network card"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char mac[18] = "";
        const char *why = setting_mac(mac, cases[i].text), *got = why ? why : mac;

        if (strcmp(got, cases[i].want) != 0)
            fail_msg("<%s>: got <%s>, want <%s>", cases[i].text, got, cases[i].want);
    }
}

static void test_hostname(void **state)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"a", true},
        {"node1", true},
        {"node-1.lab.example", true},
        {"NODE", true},
        {"1", true},
        {"10.0.0.1", true},
        {"a--b", true},
        {X10("a") X10("b") X10("c") X10("d") X10("e") X10("f") "ghi", true},  /* 63 */
        {X10("a") X10("b") X10("c") ".de." X10("a") X10("b") X10("c"), true}, /* 64 */
        {X10("a") X10("b") X10("c") ".def." X10("a") X10("b") X10("c"), false},
        {X10("a") X10("b") X10("c") X10("d") X10("e") X10("f") "ghij", false},
        {"", false},
        {".", false},
        {".a", false},
        {"a.", false},
        {"a..b", false},
        {"-a", false},
        {"a-", false},
        {"a.-b", false},
        {"a-.b", false},
        {"a_b", false},
        {"a b", false},
        {" a", false},
        {"a\n", false},
        {"a;b", false},
        {"$a", false},
        {"a${b}", false},
        {"a'b", false},
        {"a/b", false},
        {"\xc3\xbc", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *why = setting_hostname_check(cases[i].text);

        if (!why != cases[i].valid)
            fail_msg("<%s>: %s", cases[i].text, why ? why : "accepted");
    }
}

static void test_entry_name(void **state)
{
    static const char bad[] = "is not a name of a-z, 0-9 and '-' (at most 32)";
    static const char taken[] = "is the name of a line that every menu has";
    static const struct {
        const char *text, *want; /* NULL: accepted */
    } cases[] = {
        {"a", NULL},
        {"debian", NULL},
        {"debian-12", NULL},
        {"0", NULL},
        {"a-", NULL},
        {"hosts", NULL},
        {"offline", NULL},
        {X10("a") X10("b") X10("c") "de", NULL},
        {X10("a") X10("b") X10("c") "def", bad},
        {"", bad},
        {"-a", bad},
        {"-", bad},
        {"--", bad},
        {"A", bad},
        {"a b", bad},
        {"a_b", bad},
        {"a.b", bad},
        {"a/b", bad},
        {"../a", bad},
        {"a\n", bad},
        {"a'b", bad},
        {"${a}", bad},
        {"\xc3\xa4", bad},
        {"host", taken},
        {"firmware", taken},
        {"restart", taken},
        {"off", taken},
        {"shell", taken},
        {"local", taken},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *why = setting_entry_name_check(cases[i].text);

        if (why != cases[i].want && (!why || !cases[i].want || strcmp(why, cases[i].want) != 0))
            fail_msg("<%s>: %s", cases[i].text, why ? why : "accepted");
    }
}

/* Settings that keep a text: what they keep, or NULL. */
static void check_texts(setting_fn *set, size_t offset, const char *const (*cases)[2], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct request request;
        const char *text = cases[i][0], *want = cases[i][1], *why, *got;

        request_init(&request);
        why = set(&request, text);
        got = *(char **)((char *)&request + offset);
        if (why && got)
            fail_msg("<%s>: refused (%s), but kept", text, why);
        if (!why != (want != NULL) || (want && strcmp(got, want) != 0))
            fail_msg("<%s>: got %s, want %s", text, why ? why : got, want ? want : "a refusal");
        request_free(&request);
    }
}

#define CHECK_TEXTS(name, cases)                                                                   \
    check_texts(setting_##name, offsetof(struct request, name), cases, ARRAY_LEN(cases))

static void test_url(void **state)
{
    static const char *const cases[][2] = {
        {"http://10.0.0.1", "http://10.0.0.1"},
        {"http://10.0.0.1/", "http://10.0.0.1"},
        {"http://10.0.0.1/boot", "http://10.0.0.1/boot"},
        {"http://10.0.0.1/boot/", "http://10.0.0.1/boot"},
        {"http://boot.lab:8080", "http://boot.lab:8080"},
        {"http://boot.lab:8080/", "http://boot.lab:8080"},
        {"http://boot.lab:65535/a/b-c_d.e~f", "http://boot.lab:65535/a/b-c_d.e~f"},
        {"http://b:1/x", "http://b:1/x"},
        {"", NULL},
        {"http://", NULL},
        {"http:///boot", NULL},
        {"10.0.0.1/boot", NULL},
        {"https://10.0.0.1/boot", NULL}, /* nobody has the certificate */
        {"HTTP://10.0.0.1/boot", NULL},
        {"tftp://10.0.0.1/boot", NULL},
        {" http://10.0.0.1", NULL},
        {"http://10.0.0.1 ", NULL},
        {"http://10.0.0.1/a b", NULL},
        {"http://10.0.0.1/a%20b", NULL},
        {"http://10.0.0.1/a?b", NULL},
        {"http://10.0.0.1?b", NULL},
        {"http://10.0.0.1/a#b", NULL},
        {"http://10.0.0.1/a\"b", NULL},
        {"http://10.0.0.1/a;b", NULL},
        {"http://10.0.0.1/a,b", NULL},
        {"http://10.0.0.1/${a}", NULL},
        {"http://10.0.0.1/{{a}}", NULL},
        {"http://10.0.0.1/a\n", NULL},
        {"http://10.0.0.1/\xc3\xbc", NULL},
        {"http://10.0.0.1//", NULL},
        {"http://10.0.0.1//boot", NULL},
        {"http://10.0.0.1/boot//", NULL},
        {"http://10.0.0.1/../boot", NULL},
        {"http://10.0.0.1/./boot", NULL},
        {"http://10.0.0.1/.boot", NULL}, /* nginx.conf hides such */
        {"http://10.0.0.1:/boot", NULL},
        {"http://10.0.0.1:0/boot", NULL},
        {"http://10.0.0.1:65536/boot", NULL},
        {"http://10.0.0.1:99999999999/boot", NULL},
        {"http://10.0.0.1:-1/boot", NULL},
        {"http://10.0.0.1:80a/boot", NULL},
        {"http://10.0.0.1:80:80/boot", NULL},
        {"http://user@10.0.0.1/boot", NULL},
        {"http://[::1]/boot", NULL},
        {"http://-a/boot", NULL},
        {"http://.a/boot", NULL},
        {"http://a_b/boot", NULL},
        {"http://\xc3\xbc/boot", NULL},
        {"http://a/" X10(X10("long/")) X10(X10("x")), NULL},
    };

    (void)state;
    CHECK_TEXTS(url, cases);
}

static void test_server(void **state)
{
    static const char *const cases[][2] = {
        {"10.0.0.1", "10.0.0.1"},
        {"192.168.255.254", "192.168.255.254"},
        {"", NULL},
        {"10.0.0", NULL},
        {"10.0.0.256", NULL},
        {"10.0.0.1.", NULL},
        {"10.0.0.01", NULL},
        {"10.0.0.1/24", NULL},
        {"10.0.0.1 ", NULL},
        {"0.0.0.0", NULL},
        {"boot.lab", NULL},
        {"::1", NULL},
        {"0x0a000001", NULL},
        {"167772161", NULL},
        {"10.0.0.1\n", NULL},
    };

    (void)state;
    CHECK_TEXTS(server, cases);
}

static void test_subnet(void **state)
{
    static const char *const cases[][2] = {
        {"10.0.0.0/24", "10.0.0.0/24"},
        {"10.0.0.0/8", "10.0.0.0/8"},
        {"10.1.2.0/23", "10.1.2.0/23"},
        {"10.1.2.8/29", "10.1.2.8/29"},
        {"192.168.0.128/25", "192.168.0.128/25"},
        {"", NULL},
        {"/24", NULL},
        {"10.0.0.0", NULL},
        {"10.0.0.0/", NULL},
        {"10.0.0.0/24 ", NULL},
        {"10.0.0.0/24x", NULL},
        {"10.0.0.0/-1", NULL},
        {"10.0.0.0/+24", NULL},
        {"10.0.0.0/0", NULL},
        {"10.0.0.0/7", NULL},
        {"10.0.0.0/30", NULL},
        {"10.0.0.0/32", NULL},
        {"10.0.0.0/33", NULL},
        {"10.0.0.0/240", NULL},
        {"10.0.0.0/4294967320", NULL}, /* 24 in 32 bits */
        {"10.0.0.0/255.255.255.0", NULL},
        {"10.0.0.1/24", NULL},
        {"10.1.1.0/23", NULL},
        {"10.1.2.4/29", NULL},
        {"192.168.0.1/25", NULL},
        {"10.0.0.256/24", NULL},
        {"10.0.0/24", NULL},
        {"fd00::/64", NULL},
        {"10.0.0.0/24,10.0.1.0/24", NULL},
    };

    (void)state;
    CHECK_TEXTS(subnet, cases);
}

static void test_interface(void **state)
{
    static const char *const cases[][2] = {
        {"eth0", "eth0"},
        {"enp0s31f6", "enp0s31f6"},
        {"br-lab_1.100", "br-lab_1.100"},
        {"a23456789012345", "a23456789012345"},
        {"a234567890123456", NULL}, /* IFNAMSIZ - 1 is 15 */
        {"", NULL},
        {".", NULL}, /* dev_valid_name in Linux */
        {"..", NULL},
        {"eth 0", NULL},
        {"eth0:1", NULL},
        {"eth/0", NULL},
        {"*", NULL},
        {"eth0,eth1", NULL},
        {"eth0;", NULL},
        {"eth0\n", NULL},
        {"\"eth0\"", NULL},
        {"\xc3\xbc", NULL},
    };

    (void)state;
    CHECK_TEXTS(interface, cases);
}

static void test_server_path(void **state)
{
    static const char *const cases[][2] = {
        {"/srv/boot", "/srv/boot"}, {"/", "/"},           {"", NULL},
        {"srv/boot", NULL},         {"./srv/boot", NULL}, {"~/boot", NULL},
    };

    (void)state;
    CHECK_TEXTS(server_path, cases);
}

static void test_numbers(void **state)
{
    static const struct {
        setting_fn *set;
        const char *text;
        long want; /* -2: refused */
    } cases[] = {
        {setting_timeout, "5", 5},
        {setting_timeout, "0", 0},
        {setting_timeout, "-1", -1},
        {setting_timeout, "86400", 86400},
        {setting_timeout, "86401", -2},
        {setting_timeout, "-2", -2},
        {setting_timeout, "", -2},
        {setting_timeout, "x", -2},
        {setting_timeout, "5s", -2},
        {setting_timeout, "5 ", -2},
        {setting_timeout, "1.5", -2},
        {setting_timeout, "0x5", -2},
        {setting_timeout, "99999999999999999999", -2},
        {setting_keep, "1", 1},
        {setting_keep, "3", 3},
        {setting_keep, "1000", 1000},
        {setting_keep, "1001", -2},
        {setting_keep, "0", -2},
        {setting_keep, "-1", -2},
        {setting_keep, "", -2},
        {setting_keep, "x", -2},
        {setting_keep, "3x", -2},
        {setting_keep, "3.0", -2},
        {setting_keep, "99999999999999999999", -2},
        {setting_keep, "4294967297", -2}, /* 1 in 32 bits */
        {setting_keep, "18446744073709551617", -2},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct request request;
        const char *why;
        long got;

        request_init(&request);
        why = cases[i].set(&request, cases[i].text);
        got = why ? -2 : cases[i].set == setting_keep ? (long)request.keep : request.timeout;
        if (got != cases[i].want)
            fail_msg("<%s>: got %ld, want %ld", cases[i].text, got, cases[i].want);
        request_free(&request);
    }
}

static void test_words(void **state)
{
    static const struct {
        setting_fn *set;
        const char *text;
        bool valid;
    } cases[] = {
        {setting_pxe, "ipxe", true},        {setting_pxe, "grub", true},
        {setting_pxe, "shim", true},        {setting_pxe, "", false},
        {setting_pxe, "GRUB", false},       {setting_pxe, "ipxe,grub", false},
        {setting_hybrid, "gpt", true},      {setting_hybrid, "mbr", false},
        {setting_outputs, "usb", true},     {setting_outputs, "iso", true},
        {setting_outputs, "net", true},     {setting_outputs, "all", false},
        {setting_outputs, "", false},       {setting_outputs, "usb,iso", false},
        {setting_uki, "true", true},        {setting_uki, "off", true},
        {setting_uki, "1", false},          {setting_uki, "", false},
        {setting_uki, "TRUE", false},       {setting_default, "debian", true},
        {setting_default, "Debian", false}, {setting_output, "", false},
        {setting_sign_key, "", false},      {setting_sign_cert, "", false},
        {setting_title, "", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct request request;
        const char *why;

        request_init(&request);
        request_add_entry(&request, "linux");
        why = cases[i].set(&request, cases[i].text);
        if (!why != cases[i].valid)
            fail_msg("%zu <%s>: %s", i, cases[i].text, why ? why : "accepted");
        request_free(&request);
    }
}

static void test_flags(void **state)
{
    static const struct {
        const char *text;
        bool want;
    } cases[] = {
        {NULL, true},     {"true", true}, {"yes", true},  {"on", true},
        {"false", false}, {"no", false},  {"off", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct request request;

        request_init(&request);
        request.rollback = !cases[i].want;
        if (setting_rollback(&request, cases[i].text) || request.rollback != cases[i].want)
            fail_msg("<%s>", cases[i].text ? cases[i].text : "NULL");
        request_free(&request);
    }
}

/* NULL empties a list: the command line's first value puts away the spec file's. */
static void test_lists(void **state)
{
    static const struct {
        setting_fn *set;
        size_t offset;
        const char *one, *two;
    } cases[] = {
        {setting_console, offsetof(struct request, consoles), "tty0", "ttyS0"},
        {setting_add, offsetof(struct request, added), "a", "b"},
        {setting_loaders, offsetof(struct request, loader_dirs), "a", "b"},
        {setting_outputs, offsetof(struct request, outputs), "usb", "net"},
    };
    struct request request;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct strings *list;

        request_init(&request);
        list = (const struct strings *)((char *)&request + cases[i].offset);
        if (cases[i].set(&request, cases[i].one) || cases[i].set(&request, cases[i].two) ||
            list->n != 2 || strcmp(list->v[1], cases[i].two) != 0)
            fail_msg("%zu: two values make no list of two", i);
        if (cases[i].set(&request, NULL) || list->n != 0)
            fail_msg("%zu: the list is not empty", i);
        if (cases[i].set(&request, cases[i].two) || list->n != 1)
            fail_msg("%zu: no list of one", i);
        request_free(&request);
    }
    request_init(&request);
    assert_null(setting_firmware(&request, "bios"));
    assert_null(setting_firmware(&request, "ia32,uefi"));
    assert_int_equal(request.firmware, FIRMWARE_BIOS | FIRMWARE_IA32 | FIRMWARE_UEFI);
    assert_null(setting_firmware(&request, NULL));
    assert_int_equal(request.firmware, 0);
    assert_null(setting_outputs(&request, "usb"));
    assert_string_equal(setting_outputs(&request, "usb"), "is named twice");
    request_free(&request);
}

static void test_data(void **state)
{
    static const struct {
        const char *text;
        uint64_t size; /* 0: refused */
        enum data_fs fs;
    } cases[] = {
        {"16M", 16 * MIB, DATA_EXT4},
        {"4G", 4 * GIB, DATA_EXT4},
        {"4G:ext4", 4 * GIB, DATA_EXT4},
        {"4G:exfat", 4 * GIB, DATA_EXFAT},
        {"16777217", 16 * MIB + 1, DATA_EXT4},
        {"64T:exfat", 65536 * GIB, DATA_EXFAT},
        {"16383K", 0, DATA_EXT4},
        {"65T", 0, DATA_EXT4},
        {"4G:", 0, DATA_EXT4},
        {"4G:ext", 0, DATA_EXT4},
        {"4G:ext4:", 0, DATA_EXT4},
        {"4G:ExFAT", 0, DATA_EXT4},
        {":exfat", 0, DATA_EXT4},
        {"exfat", 0, DATA_EXT4},
        {"4G exfat", 0, DATA_EXT4},
        {"", 0, DATA_EXT4},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct request request = {0};
        const char *why = setting_data(&request, cases[i].text);

        if (!why != (cases[i].size != 0))
            fail_msg("<%s>: %s", cases[i].text, why ? why : "accepted");
        if (!why && (request.data_size != cases[i].size || request.data_fs != cases[i].fs))
            fail_msg("<%s>: another size or file system", cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mac),        cmocka_unit_test(test_hostname),
        cmocka_unit_test(test_entry_name), cmocka_unit_test(test_url),
        cmocka_unit_test(test_server),     cmocka_unit_test(test_subnet),
        cmocka_unit_test(test_interface),  cmocka_unit_test(test_server_path),
        cmocka_unit_test(test_numbers),    cmocka_unit_test(test_words),
        cmocka_unit_test(test_flags),      cmocka_unit_test(test_lists),
        cmocka_unit_test(test_data),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
