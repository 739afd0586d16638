/*
 * iso9660: descriptors, path tables and records, read back from images that are never written; what
 * other programs make of them is in iso_layout.bats, names are in test_iso9660_names.c.
 */
#include "base/util.h"
#include "image/iso9660.h"
#include "image/iso9660_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define TIME 1700000000 /* 2023-11-14 22:13:20 */
#define A10  "aaaaaaaaaa"
#define A60  A10 A10 A10 A10 A10 A10

/* A volume of some paths, each of size bytes (which nobody reads unless they are few), planned. */
struct volume {
    struct item *items;
    struct item **list;
    size_t count;
    struct iso9660 iso;
    struct image image;
};

#define NO_FD 1000 /* a content that a test does not read */

static int plan(struct volume *v, const char *const paths[], size_t count, uint64_t size,
                bool catalog)
{
    struct iso9660_options options = {"Test label", TIME, catalog};

    *v = (struct volume){.items = xcalloc(count, sizeof *v->items), .count = count};
    v->list = xcalloc(count, sizeof *v->list);
    for (size_t i = 0; i < count; i++) {
        v->items[i] = (struct item){.place = PLACE_NONE, 0};
        v->items[i].path = (char *)(uintptr_t)paths[i];
        v->items[i].content = content_file("nowhere", NO_FD, size);
        v->list[i] = &v->items[i];
    }
    return iso9660_plan(&v->iso, &options, v->list, count);
}

static void finish(struct volume *v)
{
    assert_int_equal(iso9660_write(&v->iso, v->iso.end, &v->image), 0);
    assert_int_equal(image_finish(&v->image, v->iso.end), 0);
}

static void volume_free(struct volume *v)
{
    image_free(&v->image);
    iso9660_free(&v->iso);
    free(v->list);
    free(v->items);
}

static void read_block(const struct volume *v, uint64_t block, uint8_t out[2048])
{
    assert_int_equal(image_read(&v->image, block * ISO_BLOCK, out, ISO_BLOCK), 0);
}

static void test_descriptors(void **state)
{
    static const char *const paths[] = {"a", "b/c"};
    uint8_t d[2048], text[256];
    struct volume v;

    (void)state;
    assert_int_equal(plan(&v, paths, 2, 1, true), 0);
    finish(&v);
    /* 16-19 descriptors, 20-23 path tables, 24 26 primary, 25 rests, 27 28 Joliet, 29 catalog */
    assert_int_equal(v.iso.catalog, 29 * 2048);
    assert_int_equal(v.items[0].place, 30 * 2048);
    assert_int_equal(v.items[1].place, 32 * 2048);
    assert_int_equal(v.iso.end, 33 * 2048);

    read_block(&v, 16, d);
    assert_memory_equal(d, "\1CD001\1\0", 8);
    assert_memory_equal(d + 8, "                                Test label                      ",
                        64);
    assert_memory_equal(d + 80, "\x21\0\0\0\0\0\0\x21", 8);
    assert_memory_equal(d + 120, "\1\0\0\1\1\0\0\1\0\10\10\0", 12);
    assert_memory_equal(d + 132, "\x14\0\0\0\0\0\0\x14", 8);
    assert_memory_equal(d + 140, "\x14\0\0\0\0\0\0\0\0\0\0\x15\0\0\0\0", 16);
    assert_memory_equal(d + 156,
                        "\x22\0\x18\0\0\0\0\0\0\x18\0\x08\0\0\0\0\x08\0"
                        "\x7b\x0b\x0e\x16\x0d\x14\0\x02\0\0\1\0\0\1\1\0",
                        34);
    memset(text, ' ', sizeof text);
    memcpy(text, "MKBOOTMEDIA", 11);
    for (size_t at = 190; at < 702; at += 128)
        assert_memory_equal(d + at, text, 128);
    assert_memory_equal(d + 702, text + 16, 111);
    assert_memory_equal(d + 813,
                        "2023111422132000\0"
                        "2023111422132000",
                        34);
    assert_memory_equal(d + 847,
                        "0000000000000000\0"
                        "0000000000000000\0\1",
                        35);

    read_block(&v, 17, d);
    assert_memory_equal(d, "\0CD001\1EL TORITO SPECIFICATION\0\0\0\0\0\0\0\0\0", 39);
    assert_int_equal(get_le32(d + 71), 29);

    read_block(&v, 18, d);
    assert_memory_equal(d, "\2CD001\1\0", 8);
    assert_memory_equal(d + 40, "\0T\0e\0s\0t\0 \0l\0a\0b\0e\0l\0 \0 \0 \0 \0 \0 ", 32);
    assert_memory_equal(d + 88, "%/E\0", 4);
    assert_memory_equal(d + 318, "\0M\0K\0B\0O\0O\0T\0M\0E\0D\0I\0A\0 ", 24);
    assert_memory_equal(d + 734, "\0 \0 \0\0 ", 7); /* the end of 37 bytes, and the next field */

    read_block(&v, 19, d);
    assert_memory_equal(d,
                        "\xff"
                        "CD001\1\0",
                        8);
    volume_free(&v);
}

static void test_path_tables(void **state)
{
    /* level by level; in a level by parent, then by identifier */
    static const char *const paths[] = {"B/x/", "a/z/", "c/", "c/yy/q"};
    static const uint8_t little[] = "\1\0\x17\0\0\0\1\0\0\0"
                                    "\1\0\x19\0\0\0\1\0A\0"
                                    "\1\0\x1a\0\0\0\1\0B\0"
                                    "\1\0\x1b\0\0\0\1\0C\0"
                                    "\1\0\x1c\0\0\0\2\0Z\0"
                                    "\1\0\x1d\0\0\0\3\0X\0"
                                    "\2\0\x1e\0\0\0\4\0YY\0";
    static const uint8_t joliet[] = "\1\0\0\0\0\x1f\0\1\0\0"
                                    "\2\0\0\0\0\x20\0\1\0B"
                                    "\2\0\0\0\0\x21\0\1\0a"
                                    "\2\0\0\0\0\x22\0\1\0c"
                                    "\2\0\0\0\0\x23\0\2\0x"
                                    "\2\0\0\0\0\x24\0\3\0z"
                                    "\4\0\0\0\0\x25\0\4\0y\0y\0";
    uint8_t block[2048];
    struct volume v;

    (void)state;
    assert_int_equal(plan(&v, paths, 4, 1, false), 0);
    finish(&v);
    read_block(&v, 19, block);
    assert_memory_equal(block, little, sizeof little);
    read_block(&v, 22, block);
    assert_memory_equal(block, joliet, sizeof joliet);
    volume_free(&v);
}

#define DATE "\x7b\x0b\x0e\x16\x0d\x14\0"

static void test_records(void **state)
{
    static const char *const paths[] = {"a.b", "d/"};
    static const uint8_t root[] =
        "\x7e\0\x17\0\0\0\0\0\0\x17\0\x08\0\0\0\0\x08\0" DATE "\x02\0\0\1\0\0\1\1\0"
        "SP\x07\1\xbe\xef\0"
        "PX\x2c\1\x6d\x41\0\0\0\0\x41\x6d\3\0\0\0\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
        "\1\0\0\0\0\0\0\1"
        "TF\x0c\1\2" DATE "CE\x1c\1\x18\0\0\0\0\0\0\x18\0\0\0\0\0\0\0\0\xb8\0\0\0\0\0\0\xb8\0"
        /* its parent is itself */
        "\x5a\0\x17\0\0\0\0\0\0\x17\0\x08\0\0\0\0\x08\0" DATE "\x02\0\0\1\0\0\1\1\1"
        "PX\x2c\1\x6d\x41\0\0\0\0\x41\x6d\3\0\0\0\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
        "\1\0\0\0\0\0\0\1"
        "TF\x0c\1\2" DATE
        /* a.b, 5 bytes */
        "\x66\0\x1c\0\0\0\0\0\0\x1c\5\0\0\0\0\0\0\5" DATE "\0\0\0\1\0\0\1\5A.B;1"
        "PX\x2c\1\x24\x81\0\0\0\0\x81\x24\1\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
        "\2\0\0\0\0\0\0\2"
        "TF\x0c\1\2" DATE "NM\x08\1\0a.b"
        /* d */
        "\x60\0\x19\0\0\0\0\0\0\x19\0\x08\0\0\0\0\x08\0" DATE "\2\0\0\1\0\0\1\1D"
        "PX\x2c\1\x6d\x41\0\0\0\0\x41\x6d\2\0\0\0\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
        "\3\0\0\0\0\0\0\3"
        "TF\x0c\1\2" DATE "NM\x06\1\0d";
    static const uint8_t joliet[] =
        "\x22\0\x1a\0\0\0\0\0\0\x1a\0\x08\0\0\0\0\x08\0" DATE "\x02\0\0\1\0\0\1\1\0"
        "\x22\0\x1a\0\0\0\0\0\0\x1a\0\x08\0\0\0\0\x08\0" DATE "\x02\0\0\1\0\0\1\1\1"
        "\x28\0\x1c\0\0\0\0\0\0\x1c\5\0\0\0\0\0\0\5" DATE "\0\0\0\1\0\0\1\6\0a\0.\0b\0"
        "\x24\0\x1b\0\0\0\0\0\0\x1b\0\x08\0\0\0\0\x08\0" DATE "\2\0\0\1\0\0\1\2\0d\0";
    uint8_t block[2048];
    struct volume v;

    (void)state;
    assert_int_equal(plan(&v, paths, 2, 5, false), 0);
    finish(&v);
    read_block(&v, 23, block);
    assert_memory_equal(block, root, sizeof root);
    read_block(&v, 26, block);
    assert_memory_equal(block, joliet, sizeof joliet);
    read_block(&v, 24, block);
    assert_memory_equal(block, "ER\xb8\1\x0a\x48\x5e\1IEEE_P1282THE IEEE P1282 PROTOCOL ", 40);
    volume_free(&v);
}

/* The record that begins at *pos of a directory; moves *pos to the next one; NULL at its end. */
static const uint8_t *next_record(const uint8_t *dir, size_t len, size_t *pos)
{
    const uint8_t *record;

    if (*pos < len && !dir[*pos])
        *pos = round_up(*pos, ISO_BLOCK);
    if (*pos >= len)
        return NULL;
    record = dir + *pos;
    assert_true(*pos % ISO_BLOCK + record[0] <= ISO_BLOCK);
    assert_int_equal(record[0] % 2, 0);
    *pos += record[0];
    return record;
}

struct extent_case {
    uint64_t len;
    size_t count;
    uint32_t last;
};

static const struct extent_case extents[] = {
    {0, 1, 0},
    {1, 1, 1},
    {UINT64_C(0xfffff000), 1, 0xfffff000},
    {UINT64_C(0xfffff001), 2, 1},
    {UINT64_C(2) * 0xfffff000, 2, 0xfffff000},
    {UINT64_C(10) << 30, 3, 0x80002000},
};

static void check_extents(const struct volume *v, uint64_t block, const struct extent_case *c,
                          uint32_t begin)
{
    uint8_t dir[2048];
    size_t pos = 0;

    read_block(v, block, dir);
    next_record(dir, sizeof dir, &pos);
    next_record(dir, sizeof dir, &pos);
    for (size_t i = 0; i < c->count; i++) {
        const uint8_t *record = next_record(dir, sizeof dir, &pos);
        bool last = i + 1 == c->count;

        assert_non_null(record);
        assert_int_equal(record[25], last ? 0 : 0x80);
        assert_int_equal(get_le32(record + 10), last ? c->last : 0xfffff000);
        assert_int_equal(get_le32(record + 2), c->len ? begin + i * (0xfffff000 / 2048) : 0);
    }
    assert_int_equal(dir[pos], 0);
}

static void test_extents(void **state)
{
    static const char *const paths[] = {"big"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(extents); i++) {
        struct volume v;
        uint32_t block = extents[i].len >= 1 << 20 ? 32 : 26; /* large files: 64 KiB */

        assert_int_equal(plan(&v, paths, 1, extents[i].len, false), 0);
        finish(&v);
        assert_int_equal(v.items[0].place, block * 2048);
        check_extents(&v, 23, &extents[i], block);
        check_extents(&v, 25, &extents[i], block);
        assert_true(v.iso.end >= v.items[0].place + extents[i].len || !extents[i].len);
        volume_free(&v);
    }
}

/* An item inside the ESP: not laid out, and its place counts when it is written. */
static void test_place_given(void **state)
{
    static const char *const paths[] = {"EFI", "z"};
    const struct iso9660_options options = {"X", TIME, false};
    const struct extent_case expected = {100, 1, 100};
    struct volume v;

    (void)state;
    assert_int_equal(plan(&v, paths, 2, 100, false), 0);
    iso9660_free(&v.iso);
    v.items[0].place = 0;
    v.items[1].place = PLACE_NONE;
    assert_int_equal(iso9660_plan(&v.iso, &options, v.list, 1), 0);
    assert_int_equal(v.iso.end, 26 * 2048);
    v.items[0].place = 1234 * 2048;
    finish(&v);
    check_extents(&v, 23, &expected, 1234);
    for (size_t i = 0; i < v.image.count; i++)
        assert_int_not_equal(v.image.regions[i].content.fd, NO_FD);
    volume_free(&v);
}

/* Every length of a name, so every way to split it; put together again from NM, CE and NM. */
static void test_long_names(void **state)
{
    static char text[255][256];
    const char *paths[255];
    uint8_t dir[64 * 2048], rest[2048];
    const uint8_t *record;
    size_t pos = 0, seen = 0, continued = 0, len;
    struct volume v;

    (void)state;
    for (size_t i = 0; i < 255; i++) {
        memset(text[i], 'a' + (int)i % 26, i + 1);
        paths[i] = text[i];
    }
    assert_int_equal(plan(&v, paths, 255, 1, false), 0);
    finish(&v);
    len = v.iso.layout->nodes[0]->in[PRIMARY].len;
    assert_true(len <= sizeof dir);
    image_read(&v.image, 23 * 2048, dir, len);
    while ((record = next_record(dir, len, &pos))) {
        const uint8_t *nm = record + round_up(33 + record[32], 2) + 44 + 12;
        char name[300] = "";

        if (record[32] == 1) /* "." and ".." */
            continue;
        assert_memory_equal(nm, "NM", 2);
        memcpy(name, nm + 5, nm[2] - 5u);
        if (nm[4]) {
            const uint8_t *ce = nm + nm[2];
            size_t part = strlen(name);

            assert_memory_equal(ce, "CE\x1c\1", 4);
            assert_true(get_le32(ce + 12) + get_le32(ce + 20) <= 2048);
            read_block(&v, get_le32(ce + 4), rest);
            memcpy(name + part, rest + get_le32(ce + 12) + 5, get_le32(ce + 20) - 5);
            assert_memory_equal(rest + get_le32(ce + 12), "NM", 2);
            assert_int_equal(rest[get_le32(ce + 12) + 2], get_le32(ce + 20));
            continued++;
        }
        len = strlen(name);
        assert_true(len >= 1 && len <= 255);
        assert_string_equal(name, text[len - 1]);
        seen++;
        len = v.iso.layout->nodes[0]->in[PRIMARY].len;
    }
    assert_int_equal(seen, 255);
    assert_in_range(continued, 120, 160);
    volume_free(&v);
}

static const struct {
    const char *name;
    const char *paths[3];
} refused[] = {
    {"twice", {"a/b", "a/b"}},
    {"a file and a folder", {"a", "a/b"}},
    {"a file and a folder with an extension", {"a.b", "a.b/c"}},
    {"not sorted", {"a/b", "b", "a/c"}},
    {"empty part", {"a//b"}},
    {"empty", {""}},
    {"leading slash", {"/a"}},
    {"dot", {"a/./b"}},
    {"dots", {"a/.."}},
    {"256 bytes", {A60 A60 A60 A60 A10 "aaaaaa"}},
    {"a folder of 256 bytes", {A60 A60 A60 A60 A10 "aaaaaa/"}},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        size_t n = 0;
        struct volume v;
        int result;

        while (n < 3 && refused[i].paths[n])
            n++;
        result = plan(&v, refused[i].paths, n, 1, false);
        volume_free(&v);
        if (result != -1)
            print_error("case: %s\n", refused[i].name);
        assert_int_equal(result, -1);
    }
}

static void test_too_large(void **state)
{
    static const char *const paths[] = {"a"};
    struct volume v;

    (void)state;
    assert_int_equal(plan(&v, paths, 1, UINT64_C(8) << 40, false), -1);
    volume_free(&v);
    assert_int_equal(plan(&v, paths, 1, 1, false), 0);
    assert_int_equal(iso9660_write(&v.iso, v.iso.end - 2048, &v.image), -1);
    volume_free(&v);
}

static void test_nothing(void **state)
{
    struct iso9660 iso = {0};
    struct volume v;

    (void)state;
    iso9660_free(&iso);
    assert_int_equal(plan(&v, NULL, 0, 0, false), 0);
    finish(&v);
    assert_int_equal(v.iso.end, 26 * 2048);
    volume_free(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptors), cmocka_unit_test(test_path_tables),
        cmocka_unit_test(test_records),     cmocka_unit_test(test_extents),
        cmocka_unit_test(test_place_given), cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_refused),     cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
