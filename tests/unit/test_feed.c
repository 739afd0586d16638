/* feed: what of an image is read for a disk, in which pieces. */
#include "media/feed.h"

#include "caught.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static uint8_t data[FEED_PIECE];

/* The pieces as text: "0+8192 z8192+65536", z is zeros. */
static char *pieces(struct feed *feed, int *end, char **why)
{
    struct feed_piece piece;
    struct buf text = {0};

    buf_puts(&text, "");
    while ((*end = feed_next(feed, &piece, data)) == 1) {
        *end = feed_check(feed, &piece, data, why);
        if (*end < 0)
            break;
        buf_printf(&text, "%s%s%ju+%ju", text.len ? " " : "", piece.zero ? "z" : "",
                   (uintmax_t)piece.offset, (uintmax_t)piece.len);
    }
    return text.data;
}

static void check(struct feed *feed, const char *want, uint64_t size, uint64_t total)
{
    char *why = NULL;
    int end;
    char *got;

    assert_int_equal(feed->total, total);
    got = pieces(feed, &end, &why);
    assert_null(why);
    assert_int_equal(end, 0);
    assert_string_equal(got, want);
    assert_int_equal(feed->size, size);
    free(got);
    feed_close(feed);
}

static void add(struct image *image, uint64_t offset, size_t len)
{
    uint8_t *bytes = xcalloc(1, len);

    memset(bytes, 'x', len);
    image_own(image, offset, bytes, len, "data");
}

/* Small gaps are read with what is around them; spare regions are left out. */
static void test_image(void **state)
{
    struct image image = {0};
    struct feed feed;

    (void)state;
    add(&image, 0, 100);
    add(&image, 6000, 1000);                         /* a gap of one block */
    add(&image, 300000, 10);                         /* a gap that is zeros */
    image_add_spare(&image, 300010, 700000, "free"); /* nobody reads it */
    add(&image, 1000010, 10);
    add(&image, 4 * MIB - 10, 20); /* over the end of a piece */
    image_finish(&image, 5 * MIB + 10);
    feed_open_image(&feed, &image, "lab");
    check(&feed,
          "0+8192 z8192+290816 299008+4096 999424+4096 z1003520+3186688 4190208+4096 "
          "4194304+4096 z4198400+1044480 5242880+4096",
          5 * MIB + 10, 8192 + 290816 + 4096 + 4096 + 3186688 + 4096 + 4096 + 1044480 + 4096);
    image_free(&image);
}

/* What is behind the image's end is zeros, and a piece can be read again. */
static void test_bytes(void **state)
{
    struct image image = {0};
    struct feed feed;
    struct feed_piece piece;

    (void)state;
    add(&image, 10, 90);
    image_finish(&image, 100);
    feed_open_image(&feed, &image, "lab");
    assert_true(feed_rereads(&feed));
    assert_int_equal(feed_next(&feed, &piece, data), 1);
    assert_int_equal(piece.len, FEED_ALIGN);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(data[9], 0);
        assert_int_equal(data[10], 'x');
        assert_int_equal(data[99], 'x');
        assert_int_equal(data[100], 0);
        memset(data, 7, sizeof data);
        assert_int_equal(feed_again(&feed, &piece, data), 0);
    }
    assert_int_equal(feed_next(&feed, &piece, data), 0);
    feed_close(&feed);
    image_free(&image);
}

/* A file with a hole; the same as a stream; with a map. */
static void test_file(void **state)
{
    char path[] = "/tmp/test_feed.XXXXXX";
    int fd = mkstemp(path), saved = dup(STDIN_FILENO);
    struct bmap_range ranges[] = {{.offset = 4096, .len = 4096}, {.offset = 2 * MIB, .len = 100}};
    struct bmap map = {.size = 2 * MIB + 100, .ranges = ranges, .count = 2};
    struct feed feed;

    (void)state;
    assert_int_equal(pwrite(fd, "begin", 5, 0), 5);
    assert_int_equal(pwrite(fd, "end", 3, 2 * MIB + 97), 3);
    assert_int_equal(feed_open(&feed, path, NULL, NULL), 0);
    assert_true(feed_rereads(&feed));
    check(&feed, "0+4096 z4096+2093056 2097152+4096", 2 * MIB + 100, 2 * MIB + 4096);

    assert_int_equal(feed_open(&feed, path, &map, "map"), 0);
    check(&feed, "4096+4096 2097152+4096", 2 * MIB + 100, 8192);

    dup2(fd, STDIN_FILENO);
    lseek(fd, 0, SEEK_SET);
    assert_int_equal(feed_open(&feed, "-", NULL, NULL), 0);
    assert_false(feed_rereads(&feed));
    check(&feed, "0+2101248", 2 * MIB + 100, 2 * MIB + 100);
    lseek(fd, 0, SEEK_SET);
    assert_int_equal(feed_open(&feed, "-", &map, "map"), 0);
    check(&feed, "4096+4096 2097152+4096", 2 * MIB + 100, 8192);
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(fd);
    unlink(path);
}

/* Sums of a map are of what was read. */
static void test_sums(void **state)
{
    struct bmap_range ranges[] = {{.offset = 0, .len = 4096, .summed = true},
                                  {.offset = 3 * MIB, .len = 2 * MIB, .summed = true}};
    struct bmap map = {.size = 5 * MIB, .ranges = ranges, .count = 2};
    char path[] = "/tmp/test_feed.XXXXXX", text[512];
    int fd = mkstemp(path), end;
    struct content content;
    struct caught caught;
    struct feed feed;
    char *got, *why = NULL;

    (void)state;
    assert_int_equal(pwrite(fd, "begin", 5, 0), 5);
    assert_int_equal(pwrite(fd, "end", 3, 5 * MIB - 3), 3);
    content = content_slice(content_file(path, fd, 5 * MIB), 0, 4096);
    assert_int_equal(digest_content(&content, 0, ranges[0].digest), 0);
    content = content_slice(content_file(path, fd, 5 * MIB), 3 * MIB, 2 * MIB);
    assert_int_equal(digest_content(&content, 0, ranges[1].digest), 0);
    assert_int_equal(feed_open(&feed, path, &map, "lab.bmap"), 0);
    check(&feed, "0+4096 3145728+1048576 4194304+1048576", 5 * MIB, 4096 + 2 * MIB);

    assert_int_equal(pwrite(fd, "End", 3, 5 * MIB - 3), 3);
    assert_int_equal(feed_open(&feed, path, &map, "lab.bmap"), 0);
    caught_begin(&caught);
    got = pieces(&feed, &end, &why);
    caught_end(&caught, text, sizeof text);
    assert_string_equal(text, ""); /* whoever asks reports it */
    assert_int_equal(end, -1);
    assert_string_equal(got, "0+4096 3145728+1048576");
    assert_non_null(strstr(why, ": reading: bytes 3145728 to 5242879 are not those that lab.bmap "
                                "has the checksum of"));
    free(why);
    free(got);
    feed_close(&feed);
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_image),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_sums),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
