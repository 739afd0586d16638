/* bmap: maps that are made can be read; maps that are none are refused with the reason. */
#include "media/bmap.h"

#include "caught.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/test_bmap.XXXXXX";

static void save(const char *text, size_t len)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void test_round(void **state)
{
    struct image image = {0};
    struct buf text = {0};
    struct bmap bmap;

    (void)state;
    image_own(&image, 0, xcalloc(1, 512), 512, "table");
    image_own(&image, 100 * KIB, xcalloc(1, 5000), 5000, "data");
    image_add_spare(&image, 200 * KIB, 300 * KIB, "free");
    image_finish(&image, 600 * KIB + 100);
    assert_int_equal(bmap_print(&text, &image), 0);
    save(text.data, text.len);
    assert_int_equal(bmap_read(&bmap, path), 0);
    assert_int_equal(bmap.size, 600 * KIB + 100);
    assert_int_equal(bmap.count, 2);
    assert_int_equal(bmap.ranges[0].offset, 0);
    assert_int_equal(bmap.ranges[0].len, 200 * KIB);
    assert_int_equal(bmap.ranges[1].offset, 500 * KIB);
    assert_int_equal(bmap.ranges[1].len, 100 * KIB + 100);
    assert_true(bmap.ranges[0].summed && bmap.ranges[1].summed);
    bmap_free(&bmap);
    buf_free(&text);
    image_free(&image);
}

#define HEAD  "<?xml version=\"1.0\" ?>\n<bmap version=\"2.0\">\n"
#define SIZES "<ImageSize> 8192 </ImageSize><BlockSize> 4096 </BlockSize>"
#define SUM                                                                                        \
    "<BmapFileChecksum> 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef "         \
    "</BmapFileChecksum>"

static void test_bad(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"text", "line 1: "},
        {HEAD, "line 3: "},
        {HEAD "</bmap>", "it is no map of blocks"},
        {"<bmap version=\"1.3\"></bmap>", "it has version 1.3, not 2.0"},
        {HEAD "<ImageSize> many </ImageSize></bmap>", "'many' is no number"},
        {HEAD "<ImageSize> -1 </ImageSize></bmap>", "'-1' is no number"},
        {HEAD "<ImageSize></ImageSize></bmap>", "'' is no number"},
        {HEAD "<BlockSize> 100 </BlockSize></bmap>", "blocks of 100 bytes are none"},
        {HEAD "<BlockSize> 0 </BlockSize></bmap>", "blocks of 0 bytes are none"},
        {HEAD "<ChecksumType> sha1 </ChecksumType></bmap>", "its checksums are sha1, not sha256"},
        {HEAD "<Range> 0-1 </Range></bmap>", "its sizes are missing"},
        {HEAD SIZES "<Range> 0-2 </Range></bmap>", "blocks 0 to 2 are out of order or out of the "},
        {HEAD SIZES "<Range> 1-0 </Range></bmap>", "blocks 1 to 0 are out of order or out of the "},
        {HEAD SIZES "<Range> 1 </Range><Range> 0 </Range></bmap>",
         "blocks 0 to 0 are out of order"},
        {HEAD SIZES "<Range> 0- </Range></bmap>", "'' is no number"},
        {HEAD SIZES "<Range chksum=\"abc\"> 0 </Range></bmap>", "a checksum is no SHA-256"},
        {HEAD SIZES "<Range> 0 </Range></bmap>", "its own checksum is missing"},
        {HEAD SIZES SUM "<Range> 0 </Range></bmap>", "it is damaged: its own checksum is wrong"},
        {HEAD SIZES "<Range> 99999999999999999999999 </Range></bmap>", "is no number"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct caught caught;
        struct bmap bmap;
        char text[1024], *want = xasprintf("%s: reading the map: ", path);
        int result;

        save(cases[i].text, strlen(cases[i].text));
        caught_begin(&caught);
        result = bmap_read(&bmap, path);
        caught_end(&caught, text, sizeof text);
        if (result != -1 || !strstr(text, want) || !strstr(text, cases[i].why))
            fail_msg("case %zu: %d, %s, not %s", i, result, text, cases[i].why);
        bmap_free(&bmap);
        free(want);
    }
}

static int start(void **state)
{
    (void)state;
    return mkstemp(path) < 0;
}

static int end(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round),
        cmocka_unit_test(test_bad),
    };

    return cmocka_run_group_tests(tests, start, end);
}
