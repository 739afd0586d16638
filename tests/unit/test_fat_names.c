/* fat_names: labels, names, aliases, long names; every case is a row. */
#include "image/fat_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void same_text(const char *name, const char *got, const char *want)
{
    if (strcmp(got, want) != 0)
        fail_msg("%s: got \"%s\", want \"%s\"", name, got, want);
}

static void test_label(void **state)
{
    static const struct {
        const char *label;
        bool good;
    } cases[] = {
        {"A", true},        {"MKBOOTMEDIA", true}, {"LAB 1", true},         {"A-B_C'~!#$%", true},
        {"&()@^`{}", true}, {"", false},           {"ABCDEFGHIJKL", false}, {" A", false},
        {"A ", false},      {"lab", false},        {"LAb", false},          {"A.B", false},
        {"A+B", false},     {"A/B", false},        {"A[B", false},          {"A|B", false},
        {"A\"B", false},    {"A\tB", false},       {"A\x7f", false},        {"\xc3\x84", false},
        {"NO NAME", false}, {"NO NAMES", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *wrong = fat_label_check(cases[i].label);

        if ((wrong == NULL) != cases[i].good)
            fail_msg("label \"%s\": %s", cases[i].label, wrong ? wrong : "accepted");
    }
}

static void test_name(void **state)
{
    static const struct {
        const char *name;
        bool good;
    } cases[] = {
        {"vmlinuz", true},      {".hidden", true}, {" a", true},   {"a b", true},
        {"\xe4\xb8\xad", true}, {"a'b", true},     {"", false},    {".", false},
        {"..", false},          {"a.", false},     {"a ", false},  {"a:b", false},
        {"a\\b", false},        {"a?", false},     {"a*", false},  {"a\"b", false},
        {"a<b", false},         {"a>b", false},    {"a|", false},  {"a\x01", false},
        {"a\x7f", false},       {"\xff", false},   {"a/b", false}, {"\xef\xbf\xbf", false},
    };
    char longest[FAT_NAME_MAX + 2];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if ((fat_name_check(cases[i].name) == NULL) != cases[i].good)
            fail_msg("name \"%s\"", cases[i].name);
    memset(longest, 'x', sizeof longest);
    longest[FAT_NAME_MAX + 1] = '\0';
    assert_non_null(fat_name_check(longest));
    longest[FAT_NAME_MAX] = '\0';
    assert_null(fat_name_check(longest));
}

static void test_alias_basis(void **state)
{
    static const struct {
        const char *name, *alias;
        enum fat_fit fit;
    } cases[] = {
        {"GRUB.CFG", "GRUB    CFG", FAT_FIT_EXACT},
        {"grub.cfg", "GRUB    CFG", FAT_FIT_CASE},
        {"Grub.CFG", "GRUB    CFG", FAT_FIT_CASE},
        {"EFI", "EFI        ", FAT_FIT_EXACT},
        {"BOOTX64.EFI", "BOOTX64 EFI", FAT_FIT_EXACT},
        {"12345678.123", "12345678123", FAT_FIT_EXACT},
        {"123456789.123", "12345678123", FAT_FIT_TAIL},
        {"a.text", "A       TEX", FAT_FIT_TAIL},
        {"initrd.img-6.1", "INITRDIM1  ", FAT_FIT_TAIL},
        {"archive.tar.gz", "ARCHIVETGZ ", FAT_FIT_TAIL},
        {".config", "CONFIG     ", FAT_FIT_TAIL},
        {". a.b", "A       B  ", FAT_FIT_TAIL},
        {"a b", "AB         ", FAT_FIT_TAIL},
        {"a.b c", "A       BC ", FAT_FIT_TAIL},
        {"a+b,c", "A_B_C      ", FAT_FIT_TAIL},
        {"x.[1]", "X       _1_", FAT_FIT_TAIL},
        {"\xc3\xa4.txt", "_       TXT", FAT_FIT_TAIL},
        {"A~1", "A~1        ", FAT_FIT_EXACT},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char alias[FAT_ALIAS_LEN + 1] = "";

        if (fat_alias_basis(cases[i].name, (uint8_t *)alias) != cases[i].fit)
            fail_msg("%s: how the alias fits", cases[i].name);
        same_text(cases[i].name, alias, cases[i].alias);
    }
}

static void test_alias_tail(void **state)
{
    static const struct {
        const char *alias;
        uint32_t number;
        const char *want;
    } cases[] = {
        {"AB      CFG", 1, "AB~1    CFG"},      {"GRUBFOOBCFG", 1, "GRUBFO~1CFG"},
        {"GRUBFOOBCFG", 10, "GRUBF~10CFG"},     {"GRUBFOOBCFG", 99, "GRUBF~99CFG"},
        {"GRUBFOOBCFG", 100, "GRUB~100CFG"},    {"GRUBFOOB   ", 65535, "GR~65535   "},
        {"A       ~~~", 999999, "A~999999~~~"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char alias[FAT_ALIAS_LEN + 1];

        memcpy(alias, cases[i].alias, sizeof alias);
        fat_alias_tail((uint8_t *)alias, cases[i].number);
        same_text(cases[i].alias, alias, cases[i].want);
    }
}

static void test_fold(void **state)
{
    static const struct {
        uint16_t lower, upper;
    } pairs[] = {
        {'a', 'A'},     {'z', 'Z'},     {0xe4, 0xc4},   {0xfe, 0xde},   {0x101, 0x100},
        {0x142, 0x141}, {0x17e, 0x17d}, {0x3b1, 0x391}, {0x3c9, 0x3a9}, {0x430, 0x410},
        {0x451, 0x401}, {0x44f, 0x42f}, {0x461, 0x460},
    };
    static const uint16_t alone[] = {'1', '_', '{', 0xd7, 0xf7, 0xdf, 0x138, 0x149, 0x4e2d, 0xd83d};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        assert_int_equal(fat_fold(pairs[i].lower), pairs[i].upper);
        assert_int_equal(fat_fold(pairs[i].upper), pairs[i].upper);
    }
    for (size_t i = 0; i < ARRAY_LEN(alone); i++)
        assert_int_equal(fat_fold(alone[i]), alone[i]);
}

static void same_bytes(const char *name, const uint8_t *got, const char *want, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (got[i] != (uint8_t)want[i])
            fail_msg("%s: byte %zu is 0x%02x, want 0x%02x", name, i, got[i], (uint8_t)want[i]);
}

/* The example of fatgen103: "The quick brown.fox", THEQUI~1.FOX, checksum 07. */
static void test_long_name(void **state)
{
    static const char quick[] = "\x42w\0n\0.\0f\0o\0\x0f\0\x07x\0\0\0\xff\xff\xff\xff\xff\xff\xff"
                                "\xff\0\0\xff\xff\xff\xff"
                                "\x01T\0h\0e\0 \0q\0\x0f\0\x07u\0i\0c\0k\0 \0b\0\0\0r\0o\0";
    static const char thirteen[] = "\x41t\0h\0i\0r\0t\0\x0f\0\x59"
                                   "e\0e\0n\0-\0u\0n\0\0\0i\0t\0";
    uint8_t entries[3 * FAT_ENTRY_LEN];

    (void)state;
    assert_int_equal(fat_alias_sum((const uint8_t *)"THEQUI~1FOX"), 0x07);
    assert_int_equal(fat_long_count("The quick brown.fox"), 2);
    fat_long_write("The quick brown.fox", (const uint8_t *)"THEQUI~1FOX", entries);
    same_bytes("The quick brown.fox", entries, quick, 2 * FAT_ENTRY_LEN);

    /* a name that fills its entry has no 0 behind it */
    assert_int_equal(fat_long_count("thirteen-unit"), 1);
    fat_long_write("thirteen-unit", (const uint8_t *)"THIRTE~1   ", entries);
    entries[13] = 0x59; /* the sum, tested above */
    same_bytes("thirteen-unit", entries, thirteen, FAT_ENTRY_LEN);

    /* U+1F600 is two units */
    assert_int_equal(fat_long_count("\xf0\x9f\x98\x80"
                                    "123456789ab"),
                     1);
    assert_int_equal(fat_long_count("\xf0\x9f\x98\x80"
                                    "123456789abc"),
                     2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_label),       cmocka_unit_test(test_name),
        cmocka_unit_test(test_alias_basis), cmocka_unit_test(test_alias_tail),
        cmocka_unit_test(test_fold),        cmocka_unit_test(test_long_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
