/* fat: dates, cluster arithmetic, what is refused, chains; every case is a row. */
#include "base/run.h"
#include "image/fat_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

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
        {32, 36 * MIB, 512, 0, {146, 567, 0, 1280, 72448}},
        {16, 2166784, 512, 512, {62, 17, 32, 128, 4104}},
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
    return (struct item){.path = path,
                         .content = {.path = "host", .fd = 99, .len = len},
                         .volumes = ON_ESP,
                         .place = PLACE_NONE};
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
        {"empty FAT16", 16, 0, 0, 2166784, 512},
        {"fits into the smallest", 32, 35 * MIB, 0, 36 * MIB, 512},
        {"just more", 32, 36 * MIB, 0, 37 * MIB, 512},
        {"asked for", 32, 1, 100 * MIB, 100 * MIB, 1024},
        {"asked for, rounded", 32, 1, 100 * MIB + 1, 101 * MIB, 1024},
        {"asked for, FAT16", 16, 1, 4 * MIB + 1, 4 * MIB + 4 * KIB, 512},
        {"250 MiB", 32, 250 * MIB, 0, 252 * MIB, 2048},
        {"400 MiB", 32, 400 * MIB, 0, 401 * MIB, 4096},
        {"3 GiB", 32, 3 * GIB, 0, 3 * GIB + 1 * MIB, 32768},
        {"a stick of 1 TiB", 32, 1, 1024 * GIB, 1024 * GIB, 32768},
        {"60 MiB in FAT16", 16, 60 * MIB, 0, 63242240, 1024},
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
    struct item a = {.path = path_a,
                     .content = content_memory("hello", 5),
                     .volumes = ON_ESP,
                     .place = PLACE_NONE};
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
    assert_int_equal(a.place, 8192 + 1280 * SECTOR + 4096);
    assert_int_equal(b.place, a.place + 4096);
    assert_true(c.place == PLACE_NONE);
    for (size_t copy = 0; copy < 2; copy++) {
        assert_int_equal(image_read(&image, 8192 + (146 + copy * 567) * SECTOR, sector, SECTOR), 0);
        for (size_t i = 0; i < ARRAY_LEN(table); i++)
            if (get_le32(sector + 4 * i) != table[i])
                fail_msg("FAT %zu, entry %zu: 0x%x", copy, i, get_le32(sector + 4 * i));
    }
    for (size_t copy = 0; copy < 2; copy++) { /* FSInfo and its copy */
        assert_int_equal(image_read(&image, 8192 + (1 + 6 * copy) * SECTOR, sector, SECTOR), 0);
        assert_int_equal(get_le32(sector + 488), 72448 - 12);
        assert_int_equal(get_le32(sector + 492), 27);
    }
    image_free(&image);
    fat_free(&fat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_date), cmocka_unit_test(test_geometry),
        cmocka_unit_test(test_size), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_many), cmocka_unit_test(test_chains),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
