/* region: any order in, sorted and contiguous out; overlaps are refused. */
#include "image/region.h"

#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define PARTS 5

/* Letters "a", "b", ... of a length at an offset; the image as text, '.' for zeros. */
static const struct {
    const char *name;
    uint64_t size;
    struct {
        uint64_t offset, len;
    } parts[PARTS];
    int result;
    const char *image;
    size_t regions;
} cases[] = {
    {"nothing", 0, {{0}}, 0, "", 0},
    {"only zeros", 4, {{0}}, 0, "....", 1},
    {"one", 3, {{0, 3}}, 0, "aaa", 1},
    {"gaps", 9, {{1, 2}, {5, 1}}, 0, ".aa..b...", 5},
    {"touching", 4, {{0, 2}, {2, 2}}, 0, "aabb", 2},
    {"any order", 8, {{6, 2}, {0, 1}, {3, 1}}, 0, "b..c..aa", 5},
    {"empty ones are none", 4, {{1, 2}, {1, 0}, {9, 0}}, 0, ".aa.", 3},
    {"overlap by one", 4, {{0, 2}, {1, 2}}, -1, NULL, 0},
    {"the same place", 4, {{1, 1}, {1, 1}}, -1, NULL, 0},
    {"one within another", 9, {{0, 9}, {3, 1}}, -1, NULL, 0},
    {"past the end", 3, {{0, 4}}, -1, NULL, 0},
    {"behind the end", 3, {{5, 1}}, -1, NULL, 0},
    {"five", 5, {{4, 1}, {3, 1}, {2, 1}, {1, 1}, {0, 1}}, 0, "edcba", 5},
};

static void make(struct image *image, size_t n)
{
    static const char letters[PARTS][16] = {"aaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbb", "ccccccccccccccc",
                                            "ddddddddddddddd", "eeeeeeeeeeeeeee"};

    *image = (struct image){0};
    for (size_t i = 0; i < PARTS; i++) {
        void *copy = xstrdup(letters[i]);

        if (i % 2)
            image_own(image, cases[n].parts[i].offset, copy, cases[n].parts[i].len, "owned");
        else
            image_add(image, cases[n].parts[i].offset,
                      content_memory(letters[i], cases[n].parts[i].len), "borrowed");
        if (!(i % 2))
            free(copy);
    }
}

static void test_finish(void **state)
{
    (void)state;
    for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
        struct image image;
        uint64_t end = 0;

        make(&image, n);
        if (image_finish(&image, cases[n].size) != cases[n].result)
            fail_msg("%s: result", cases[n].name);
        if (cases[n].result == 0) {
            if (image.size != cases[n].size || image.count != cases[n].regions)
                fail_msg("%s: %zu regions", cases[n].name, image.count);
            for (size_t i = 0; i < image.count; i++) {
                if (image.regions[i].offset != end || !image.regions[i].len)
                    fail_msg("%s: region %zu", cases[n].name, i);
                end += image.regions[i].len;
            }
            assert_int_equal(end, image.size);
        }
        image_free(&image);
        image_free(&image);
    }
}

/* Every range of every image. */
static void test_read(void **state)
{
    (void)state;
    for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
        struct image image;

        if (cases[n].result < 0)
            continue;
        make(&image, n);
        assert_int_equal(image_finish(&image, cases[n].size), 0);
        for (size_t from = 0; from <= cases[n].size; from++)
            for (size_t len = 0; from + len <= cases[n].size; len++) {
                char got[16] = "################";

                assert_int_equal(image_read(&image, from, got, len), 0);
                for (size_t i = 0; i < len; i++)
                    if ((got[i] ? got[i] : '.') != cases[n].image[from + i])
                        fail_msg("%s: %zu bytes at %zu", cases[n].name, len, from);
                assert_int_equal(got[len], '#');
            }
        image_free(&image);
    }
}

/* Ranges over twelve letters that are bytes 4 to 15; '.' is a zero. */
static void test_clear(void **state)
{
    static const struct {
        const char *name;
        struct image_range ranges[3];
        size_t count;
        const char *out;
    } clears[] = {
        {"none", {{0}}, 0, "abcdefghijkl"},
        {"before", {{0, 4}}, 1, "abcdefghijkl"},
        {"behind", {{16, 9}}, 1, "abcdefghijkl"},
        {"over the start", {{0, 5}}, 1, ".bcdefghijkl"},
        {"over the end", {{15, 5}}, 1, "abcdefghijk."},
        {"over all", {{0, 99}}, 1, "............"},
        {"just all", {{4, 12}}, 1, "............"},
        {"empty", {{8, 0}}, 1, "abcdefghijkl"},
        {"three", {{4, 1}, {6, 2}, {15, 1}}, 3, ".b..efghijk."},
        {"touching", {{5, 1}, {6, 1}, {7, 1}}, 3, "a...efghijkl"},
        {"some elsewhere", {{0, 2}, {9, 1}, {77, 1}}, 3, "abcde.ghijkl"},
        {"the last there is", {{UINT64_MAX - 1, 1}}, 1, "abcdefghijkl"},
    };

    (void)state;
    for (size_t n = 0; n < ARRAY_LEN(clears); n++) {
        char data[] = "#abcdefghijkl#";

        image_ranges_clear(clears[n].ranges, clears[n].count, 4, data + 1, 12);
        for (size_t i = 0; i < 12; i++)
            if ((data[i + 1] ? data[i + 1] : '.') != clears[n].out[i])
                fail_msg("%s: byte %zu", clears[n].name, i);
        assert_int_equal(data[0], '#');
        assert_int_equal(data[13], '#');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finish),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
