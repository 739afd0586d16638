/* squash: contents: sizes around blocks, holes, threads, and no room for them. */
#include "squash_image.h"

#include <signal.h>
#include <sys/resource.h>

#define BLOCK 131072

/* Sizes around blocks, in runs of odd sizes; with a copy of each, which takes no room. */
static void test_sizes(void **state)
{
    static const size_t sizes[] = {0,     1,         511,       4097,          BLOCK - 1,
                                   BLOCK, BLOCK + 1, 2 * BLOCK, 3 * BLOCK + 5, 1000003};
    struct image image;

    (void)state;
    assert_int_equal(begin(&image, COMPRESS_ZSTD, 1, 3, 0), 0);
    for (size_t i = 0; i < 2 * ARRAY_LEN(sizes); i++) {
        size_t size = sizes[i / 2], third = size / 3;
        char *data = noise(size + 1, (uint32_t)(i / 2)), name[16];

        snprintf(name, sizeof name, "%zu.%zu", size, i % 2);
        assert_int_equal(add_file(&image, name, size,
                                  (struct run[]){{0, third, data},
                                                 {third, 2 * third, data + third},
                                                 {3 * third, size - 3 * third, data + 3 * third},
                                                 {0, 0, NULL}}),
                         0);
        save(name, data, size);
        free(data);
    }
    end(&image);
    assert_says("unsquashfs -q -n -f -d sizes image 1>&2; cd sizes; for f in *; do cmp $f ../$f && "
                "rm ../$f; done; ls | wc -l",
                "20\n");
    assert_says("test $(stat -c %s image) -lt 2100000; echo $?", "0\n");
}

/* What no run holds is zeros and takes no room, whatever its size. */
static void test_holes(void **state)
{
    static const struct {
        const char *name;
        uint64_t size;
        struct run runs[4];
    } cases[] = {
        {"all", 3 * BLOCK, {{0, 0, NULL}}},
        {"all-odd", 3 * BLOCK + 7, {{0, 0, NULL}}},
        {"small", 100, {{0, 0, NULL}}},
        {"before", 2 * BLOCK + 4, {{2 * BLOCK, 4, "tail"}}},
        {"behind", 2 * BLOCK + 4, {{0, 4, "head"}}},
        {"between", 5 * BLOCK, {{0, 1, "a"}, {BLOCK - 1, 2, "bb"}, {5 * BLOCK - 1, 1, "c"}}},
        {"inside", 1000, {{10, 3, "abc"}, {500, 1, "d"}}},
        {"terabyte", UINT64_C(1) << 40, {{(UINT64_C(1) << 40) - 3, 3, "end"}}},
    };
    struct image image;

    (void)state;
    assert_int_equal(begin(&image, COMPRESS_GZIP, 1, 2, 0), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(add_file(&image, cases[i].name, cases[i].size, cases[i].runs), 0);
    end(&image);
    assert_says("unsquashfs -q -n -f -d holes image 1>&2; cd holes; for f in *; do "
                "echo $f $(stat -c %s $f) $(tail -c 600000 $f | tr -d '\\0'); done",
                "all 393216\n"
                "all-odd 393223\n"
                "before 262148 tail\n"
                "behind 262148 head\n"
                "between 655360 bbc\n"
                "inside 1000 abcd\n"
                "small 100\n"
                "terabyte 1099511627776 end\n");
    assert_says("head -c 1 holes/between; stat -c %s image | grep -cE '^[0-9]{6}$'", "a1\n");
}

/* Members whose runs are not where their sizes say. */
static void test_lies(void **state)
{
    static const struct {
        uint64_t size;
        struct run runs[3];
    } cases[] = {
        {2, {{0, 3, "abc"}}}, {9, {{0, 3, "abc"}, {2, 1, "x"}}}, {9, {{UINT64_MAX, 1, "x"}}},
        {9, {{9, 1, "x"}}},   {UINT64_MAX, {{0, 0, NULL}}},      {INT64_MAX, {{0, 0, NULL}}},
    };
    char text[512];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct image image;
        struct caught caught;
        int result;

        assert_int_equal(begin(&image, COMPRESS_NONE, 0, 1, 0), 0);
        caught_begin(&caught);
        result = add_file(&image, "liar", cases[i].size, cases[i].runs);
        caught_end(&caught, text, sizeof text);
        if (result != -1 || strncmp(text, "mkbootmedia: liar: packing: ", 28) != 0)
            fail_msg("case %zu: %d, %s", i, result, text);
        done(&image);
    }
}

/* Holes cost a little memory, so there are bounds. */
static void test_too_many_holes(void **state)
{
    struct image image;
    struct caught caught;
    char name[16], text[256];

    (void)state;
    assert_int_equal(begin(&image, COMPRESS_NONE, 0, 1, 0), 0);
    for (unsigned i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%u", i);
        assert_int_equal(add_file(&image, name, UINT64_C(1) << 40, (struct run[]){{0, 0, NULL}}),
                         0);
    }
    caught_begin(&caught);
    assert_int_equal(add_text(&image, "one", "1"), -1);
    caught_end(&caught, text, sizeof text);
    assert_string_equal(text, "mkbootmedia: one: packing: its size, or that of all files, is too "
                              "large\n");
    done(&image);
}

/* Small files and large ones, some of them more than once. */
static void add_tree(struct image *image)
{
    char *data = noise(400000, 7), name[32];

    for (size_t at = 0; at < 400000; at++)
        data[at] &= 0x1f;
    for (unsigned i = 0; i < 200; i++) {
        size_t len = (size_t)(i % 150) * (i % 150) * 13;

        snprintf(name, sizeof name, "d%u/f%u", i % 7, i);
        assert_int_equal(
            add_file(image, name, len, (struct run[]){{0, len, data + i % 150}, {0, 0, NULL}}), 0);
    }
    free(data);
}

/* The same bytes whatever the threads and wherever it begins; nothing else is touched. */
static void test_same_bytes(void **state)
{
    static const struct {
        enum compress compress;
        int level;
    } cases[] = {{COMPRESS_ZSTD, 1}, {COMPRESS_XZ, 1}, {COMPRESS_GZIP, 1}, {COMPRESS_NONE, 0}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct image image;

        for (unsigned threads = 1; threads <= 4; threads *= 2) {
            uint64_t start = threads == 4 ? 513 : 0;

            assert_int_equal(begin(&image, cases[i].compress, cases[i].level, threads, start), 0);
            assert_int_equal(pwrite(image.image.fd, "before", 6, 0), 6);
            assert_int_equal(ftruncate(image.image.fd, 50000000), 0);
            add_tree(&image);
            end(&image);
            assert_int_equal(scratch_sh(threads == 4   ? "tail -c +514 image | cmp - first"
                                        : threads == 2 ? "cmp image first"
                                                       : "mv image first"),
                             0);
        }
        assert_says("head -c 6 image; unsquashfs -o 513 -cat image d0/f0 d2/f149 | wc -c",
                    "before288613\n");
    }
}

/* No room: at once, in the midst, at the end. All memory comes back. */
static void test_no_room(void **state)
{
    static const rlim_t limits[] = {90, 5000, 300000, 1200000};
    struct rlimit old, limit;
    char text[256];

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        struct caught caught;
        struct image image;
        int result;

        limit = (struct rlimit){limits[i], old.rlim_max};
        caught_begin(&caught);
        setrlimit(RLIMIT_FSIZE, &limit);
        result = begin(&image, COMPRESS_NONE, 0, 2, 0);
        for (unsigned file = 0; file < 20 && result == 0; file++) {
            char *data = noise(61000, file), name[8];

            snprintf(name, sizeof name, "%u", file);
            result = add_file(&image, name, 61000, (struct run[]){{0, 61000, data}, {0, 0, NULL}});
            free(data);
        }
        if (result == 0)
            result = image.image.kind->end(&image.image);
        setrlimit(RLIMIT_FSIZE, &old);
        caught_end(&caught, text, sizeof text);
        done(&image);
        if (result != -1 || strcmp(text, "mkbootmedia: image: packing: File too large\n") != 0)
            fail_msg("case %zu: %d, %s", i, result, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),      cmocka_unit_test(test_holes),
        cmocka_unit_test(test_lies),       cmocka_unit_test(test_too_many_holes),
        cmocka_unit_test(test_same_bytes), cmocka_unit_test(test_no_room),
    };

    return cmocka_run_group_tests(tests, NULL, scratch_remove);
}
