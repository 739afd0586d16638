/* fat: labels, aliases, long names, dates, cluster arithmetic; every case is a row. */
#include "base/run.h"
#include "image/fat_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

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

static void test_date(void **state)
{
    static const struct {
        time_t time;
        uint16_t date, clock;
        uint8_t tenth;
    } cases[] = {
        {0, 0x0021, 0x0000, 0},                     /* 1970: 1980-01-01 */
        {-1, 0x0021, 0x0000, 0},                    /* 1969 */
        {315532799, 0x0021, 0x0000, 0},             /* 1979-12-31 23:59:59 */
        {315532800, 0x0021, 0x0000, 0},             /* 1980-01-01 00:00:00 */
        {315532801, 0x0021, 0x0000, 100},           /* an odd second */
        {1700000001, 0x576e, 0xb1aa, 100},          /* 2023-11-14 22:13:21 */
        {1709210096, 0x585d, 0x645c, 0},            /* 2024-02-29 12:34:56 */
        {INT64_C(4354819199), 0xff9f, 0xbf7d, 100}, /* 2107-12-31 23:59:59 */
        {INT64_C(4354819200), 0xff9f, 0xbf7d, 0},   /* 2108: the last there is */
        {INT64_MAX, 0xff9f, 0xbf7d, 0},             /* no year that an int holds */
        {INT64_MIN, 0x0021, 0x0000, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fat_date date = fat_date(cases[i].time);

        if (date.date != cases[i].date || date.time != cases[i].clock ||
            date.tenth != cases[i].tenth)
            fail_msg("time %lld: got %04x %04x %u", (long long)cases[i].time, date.date, date.time,
                     date.tenth);
    }
}

/* Made by mkfs.fat 4.2 with -a and that many reserved sectors. */
static void test_geometry(void **state)
{
    static const struct {
        int bits;
        uint64_t size;
        uint32_t cluster, root;
        struct fat_geometry want;
    } cases[] = {
        {32, 36 * MIB, 512, 0, {34, 567, 0, 1168, 72560}},
        {16, 2154496, 512, 512, {38, 17, 32, 104, 4104}},
        {32, 16 * KIB, 512, 0, {32, 0, 0, 0, 0}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fat_geometry got =
            fat_geometry(cases[i].bits, cases[i].size, cases[i].cluster, cases[i].root);
        const struct fat_geometry *want = &cases[i].want;

        if (memcmp(&got, want, sizeof got) != 0)
            fail_msg("FAT%d of %llu bytes: %u %u %u %u %u", cases[i].bits,
                     (unsigned long long)cases[i].size, got.reserved, got.fat_sectors,
                     got.root_sectors, got.data, got.clusters);
    }
}

/* A file of so many bytes, which are never read. */
static struct item item(char *path, uint64_t len)
{
    return (struct item){path, {.path = "host", .fd = 99, .len = len}, ON_ESP, PLACE_NONE};
}

static void test_size(void **state)
{
    static const struct {
        const char *name;
        int bits;
        uint64_t len, size_min, size;
        uint32_t cluster;
    } cases[] = {
        {"empty FAT32", 32, 0, 0, 36 * MIB, 512},
        {"empty FAT16", 16, 0, 0, 2154496, 512},
        {"fits into the smallest", 32, 35 * MIB, 0, 36 * MIB, 512},
        {"just more", 32, 36 * MIB, 0, 37 * MIB, 512},
        {"asked for", 32, 1, 100 * MIB, 100 * MIB, 512},
        {"asked for, rounded", 32, 1, 100 * MIB + 1, 101 * MIB, 512},
        {"asked for, FAT16", 16, 1, 4 * MIB + 1, 4 * MIB + 4 * KIB, 512},
        {"250 MiB", 32, 250 * MIB, 0, 254 * MIB, 512},
        {"400 MiB", 32, 400 * MIB, 0, 404 * MIB, 1024},
        {"3 GiB", 32, 3 * GIB, 0, 3 * GIB + 4 * MIB, 8192},
        {"a stick of 1 TiB", 32, 1, 1024 * GIB, 1024 * GIB, 32768},
        {"60 MiB in FAT16", 16, 60 * MIB, 0, 63197184, 1024},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char path[] = "file";
        struct item file = item(path, cases[i].len);
        struct item *items[] = {&file};
        struct fat_options options = {"L", 1, 0, cases[i].bits, cases[i].size_min};
        struct fat fat;

        assert_int_equal(fat_plan(&fat, &options, items, cases[i].len ? 1 : 0), 0);
        if (fat.size != cases[i].size || fat.cluster_size != cases[i].cluster)
            fail_msg("%s: got %llu bytes, clusters of %u", cases[i].name,
                     (unsigned long long)fat.size, fat.cluster_size);
        fat_free(&fat);
    }
}

/* What a plan says on standard error, which must be one line. */
static void refused(struct item *const items[], size_t count, int bits, const char *want)
{
    struct fat_options options = {.label = "L", .bits = bits};
    struct fat fat;
    char text[2000] = "";
    int kept = dup(2), fd = run_memfd("stderr"), result;

    dup2(fd, 2);
    result = fat_plan(&fat, &options, items, count);
    dup2(kept, 2);
    fat_free(&fat);
    assert_true(pread(fd, text, sizeof text - 1, 0) >= 0);
    close(fd);
    close(kept);
    assert_int_equal(result, -1);
    if (!strstr(text, want) || strchr(text, '\n') != text + strlen(text) - 1)
        fail_msg("got \"%s\", want \"%s\"", text, want);
}

static void test_refused(void **state)
{
    static struct {
        char *paths[2];
        uint64_t len;
        int bits;
        const char *want;
    } cases[] = {
        {{"a", "b"}, FAT_FILE_MAX + 1, 32, "host: laying out a in FAT: 4294967296 bytes"},
        {{"a//b", "b"}, 1, 32, "an empty name"},
        {{"/b", "c"}, 1, 32, "an empty name"},
        {{"", "c"}, 1, 32, "an empty name"},
        {{"a/b/../c", "c"}, 1, 32, "a dot or a blank"},
        {{"x/a", "x/A"}, 1, 32, "x/A: naming it in FAT: x/a has the same name"},
        {{"a", "a/b"}, 1, 32, "has the same name"},
        {{"A/b", "a/c"}, 1, 32, "has the same name"},
        {{"a", "b"}, 2 * GIB, 16, "too large"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct item first = item(cases[i].paths[0], cases[i].len);
        struct item second = item(cases[i].paths[1], cases[i].len);

        refused((struct item *const[]){&first, &second}, 2, cases[i].bits, cases[i].want);
    }
}

#define MANY 21000

/* As many names as a folder holds, all with one alias but for the number. */
static void test_many(void **state)
{
    static char paths[MANY + 1][24];
    static struct item all[MANY + 1];
    static struct item *items[MANY + 1];
    struct fat_options options = {.label = "L", .bits = 32};
    struct fat fat;

    (void)state;
    for (size_t i = 0; i <= MANY; i++) {
        snprintf(paths[i], sizeof paths[i], "d/same name %06zu.text", i);
        all[i] = item(paths[i], 0);
        items[i] = &all[i];
    }
    assert_int_equal(fat_plan(&fat, &options, items, MANY), 0);
    assert_int_equal(fat.nodes[1].entries, 2 + 3 * MANY);
    assert_memory_equal(fat.nodes[2].alias, "SAMENA~1TEX", FAT_ALIAS_LEN);
    assert_memory_equal(fat.nodes[11].alias, "SAMEN~10TEX", FAT_ALIAS_LEN);
    assert_memory_equal(fat.nodes[MANY + 1].alias, "SA~21000TEX", FAT_ALIAS_LEN);
    fat_free(&fat);
}

/* The whole of a small volume: where clusters and chains are. */
static void test_chains(void **state)
{
    char path_a[] = "A", path_b[] = "D/B", path_c[] = "E";
    struct item a = {path_a, content_memory("hello", 5), ON_ESP, PLACE_NONE};
    struct item b = item(path_b, 4097), c = item(path_c, 0);
    struct item *items[] = {&a, &b, &c};
    struct fat_options options = {.label = "LABEL", .bits = 32};
    static const uint32_t table[] = {
        0x0ffffff8, 0x0fffffff, 0x0fffffff, 0x0fffffff, 0,  0,  0,  0,
        0,          0,                                                  /* root, D, free ones */
        0x0fffffff, 0,          0,          0,          0,  0,  0,  0,  /* A */
        19,         20,         21,         22,         23, 24, 25, 26, /* D/B */
        0x0fffffff, 0,
    };
    struct image image = {0};
    struct fat fat;
    uint8_t sector[SECTOR];

    (void)state;
    b.content = content_memory((const uint8_t[4097]){1}, 4097);
    assert_int_equal(fat_plan(&fat, &options, items, 3), 0);
    assert_int_equal(fat_write(&fat, 8192, &image), 0);
    assert_int_equal(image_finish(&image, 8192 + fat.size), 0);
    assert_int_equal(a.place, 8192 + 1168 * SECTOR + 4096);
    assert_int_equal(b.place, a.place + 4096);
    assert_true(c.place == PLACE_NONE);
    for (size_t copy = 0; copy < 2; copy++) {
        assert_int_equal(image_read(&image, 8192 + (34 + copy * 567) * SECTOR, sector, SECTOR), 0);
        for (size_t i = 0; i < ARRAY_LEN(table); i++)
            if (get_le32(sector + 4 * i) != table[i])
                fail_msg("FAT %zu, entry %zu: 0x%x", copy, i, get_le32(sector + 4 * i));
    }
    for (size_t copy = 0; copy < 2; copy++) { /* FSInfo and its copy */
        assert_int_equal(image_read(&image, 8192 + (1 + 6 * copy) * SECTOR, sector, SECTOR), 0);
        assert_int_equal(get_le32(sector + 488), 72560 - 12);
        assert_int_equal(get_le32(sector + 492), 27);
    }
    image_free(&image);
    fat_free(&fat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_label),       cmocka_unit_test(test_name),
        cmocka_unit_test(test_alias_basis), cmocka_unit_test(test_alias_tail),
        cmocka_unit_test(test_fold),        cmocka_unit_test(test_long_name),
        cmocka_unit_test(test_date),        cmocka_unit_test(test_geometry),
        cmocka_unit_test(test_size),        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_many),        cmocka_unit_test(test_chains),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
