/* compress: all formats, sizes and numbers of threads, unpacked by the tools of each format. */
#include "ramroot/compress.h"

#include "caught.h"
#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const unsigned threads[] = {1, 2, 3, 8};
static const enum compress formats[] = {COMPRESS_ZSTD, COMPRESS_XZ, COMPRESS_GZIP, COMPRESS_NONE};

static void test_names(void **state)
{
    static const struct {
        const char *name;
        int format;
    } cases[] = {
        {"auto", COMPRESS_AUTO},
        {"zstd", COMPRESS_ZSTD},
        {"xz", COMPRESS_XZ},
        {"gzip", COMPRESS_GZIP},
        {"none", COMPRESS_NONE},
        {"lz4", -1},
        {"", -1},
        {"ZSTD", -1},
        {"zst", -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (compress_find(cases[i].name) != cases[i].format)
            fail_msg("\"%s\" is found as %d", cases[i].name, compress_find(cases[i].name));
        if (cases[i].format >= 0)
            assert_string_equal(compress_name((enum compress)cases[i].format), cases[i].name);
    }
}

/* Words that repeat, and now and then some noise; only noise behind the first part, for speed. */
static char *make_data(size_t len)
{
    char *data = xcalloc(len + 1, 1);
    uint32_t seed = 1;

    for (size_t i = 0; i < len; i++) {
        if (i % 64 == 0)
            seed = seed * 1664525 + 1013904223;
        if (i < MIB)
            data[i] = "boot media "[(i + seed) % 11];
        if (i % 4096 < 256 && (i < MIB || i % MIB < 8 * KIB))
            data[i] = (char)((seed >> (i % 24)) + i * i);
    }
    return data;
}

struct run {
    enum compress format;
    unsigned threads;
    size_t len, piece; /* how many bytes are added at a time */
};

/* Compresses into a file of the scratch folder; the number of bytes that it says came out. */
static uint64_t compress_to(const char *file, const char *data, const struct run *run)
{
    struct compressor compressor = {0};
    char *path = xasprintf("%s/%s", scratch_dir(), file);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    uint64_t out;

    assert_true(fd >= 0);
    assert_int_equal(compressor_begin(&compressor, run->format, 0, run->threads, fd, path), 0);
    for (size_t at = 0; at < run->len; at += run->piece) {
        size_t n = run->len - at < run->piece ? run->len - at : run->piece;

        assert_int_equal(compressor_add(&compressor, data + at, n), 0);
    }
    assert_int_equal(compressor_end(&compressor), 0);
    assert_int_equal(compressor.in, run->len);
    out = compressor.out;
    compressor_free(&compressor);
    close(fd);
    free(path);
    return out;
}

static void check_unpacked(const char *data, const struct run *run)
{
    static const char *const lines[] = {
        [COMPRESS_ZSTD] = "zstd -t out && zstd -dc out >plain",
        [COMPRESS_XZ] = "xz -t <out && xz -dc <out >plain",
        [COMPRESS_GZIP] = "gzip -t <out && gzip -dc <out >plain",
        [COMPRESS_NONE] = "cp out plain",
    };
    struct content plain;

    if (scratch_sh(lines[run->format]) != 0)
        fail_msg("%s, %zu bytes: %s: failed", compress_name(run->format), run->len,
                 lines[run->format]);
    plain = scratch_load("plain");
    if (plain.len != run->len || memcmp(plain.data, data, run->len) != 0)
        fail_msg("%s, %zu bytes: they come back otherwise", compress_name(run->format), run->len);
    free((void *)plain.data);
}

/* Other numbers of threads and other pieces make the same bytes. */
static void check_same(const char *data, struct run run, uint64_t want)
{
    static const size_t pieces[] = {65536, 1000003, 4097, 10240};

    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        run.threads = threads[i];
        run.piece = pieces[i];
        if (compress_to("again", data, &run) != want || scratch_sh("cmp out again") != 0)
            fail_msg("%s, %zu bytes: %u threads make other bytes", compress_name(run.format),
                     run.len, run.threads);
    }
}

static void check_run(const char *data, const struct run *run)
{
    uint64_t out = compress_to("out", data, run);
    struct content file = scratch_load("out");

    assert_int_equal(out, file.len);
    free((void *)file.data);
    check_unpacked(data, run);
    check_same(data, *run, out);
}

static void test_formats(void **state)
{
    static const struct {
        size_t len;
        enum compress only; /* COMPRESS_AUTO: all formats */
    } cases[] = {
        {0, COMPRESS_AUTO},
        {1, COMPRESS_AUTO},
        {511, COMPRESS_AUTO},
        {4097, COMPRESS_AUTO},
        {700001, COMPRESS_AUTO},
        /* about the blocks of gzip, the jobs of zstd, the blocks of xz */
        {512 * KIB - 1, COMPRESS_GZIP},
        {512 * KIB, COMPRESS_GZIP},
        {512 * KIB + 1, COMPRESS_GZIP},
        {MIB, COMPRESS_GZIP},
        {11 * MIB, COMPRESS_GZIP},
        {8 * MIB, COMPRESS_ZSTD},
        {26 * MIB + 3, COMPRESS_ZSTD},
        {24 * MIB, COMPRESS_XZ},
        {26 * MIB + 3, COMPRESS_XZ},
    };
    char *data = make_data(26 * MIB + 3);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (size_t k = 0; k < ARRAY_LEN(formats); k++) {
            struct run run = {formats[k], 2, cases[i].len, 32768};

            if (cases[i].only != COMPRESS_AUTO && cases[i].only != formats[k])
                continue;
            check_run(data, &run);
        }
    free(data);
}

/* What cannot be made smaller. */
static void test_noise(void **state)
{
    size_t len = 3 * MIB + 5;
    char *data = xcalloc(len, 1);
    uint64_t seed = 88172645463325252u;

    (void)state;
    for (size_t i = 0; i < len; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        data[i] = (char)(seed >> 32);
    }
    for (size_t k = 0; k < ARRAY_LEN(formats); k++) {
        struct run run = {formats[k], 2, len, 65536};
        uint64_t out = compress_to("out", data, &run);

        if (out < len || out > len + len / 1000 + 100)
            fail_msg("%s: noise becomes %llu bytes", compress_name(formats[k]),
                     (unsigned long long)out);
        check_unpacked(data, &run);
    }
    free(data);
}

/* What Linux and others rely on, beyond the bytes that come back. */
static void test_shape(void **state)
{
    static const struct {
        enum compress format;
        const char *line;
    } cases[] = {
        {COMPRESS_XZ,
         "cp out o.xz; xz --robot -lvv o.xz | grep -q 'CRC32.*--x86 --lzma2=dict=8MiB'"},
        {COMPRESS_XZ,
         "cp out o.xz; xz --robot -l o.xz | grep -q '^totals.1.2'"}, /* one stream, two blocks */
        {COMPRESS_ZSTD, "cp out o.zst; zstd -lv o.zst | grep -q 'Check: XXH64'"},
        {COMPRESS_ZSTD, "cp out o.zst; zstd -lv o.zst | grep -q 'Zstandard Frames: 1$'"},
        {COMPRESS_ZSTD, "zstd -dc --memory=16MB out | cmp - plain"},
        /* neither name nor time; one member, of which the size is at the end */
        {COMPRESS_GZIP, "head -c 10 out | od -An -tx1 | grep -q '1f 8b 08 00 00 00 00 00 02 03'"},
        {COMPRESS_GZIP, "gzip -lq out | grep -q ' 26214400 '; zcat out | cmp - plain"},
    };
    struct run run = {COMPRESS_NONE, 2, 25 * MIB, MIB};
    char *data = make_data(run.len);

    (void)state;
    compress_to("plain", data, &run);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        run.format = cases[i].format;
        compress_to("out", data, &run);
        if (scratch_sh(cases[i].line) != 0)
            fail_msg("%s: %s: failed", compress_name(run.format), cases[i].line);
    }
    free(data);
}

/* A full disk is reported once, with the name of the file. */
static void test_full(void **state)
{
    size_t len = 4 * MIB;
    char *data = make_data(len), text[512];
    struct caught caught;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        struct compressor compressor = {0};
        int fd = open("/dev/full", O_WRONLY | O_CLOEXEC), result;

        caught_begin(&caught);
        result = compressor_begin(&compressor, formats[i], 0, 2, fd, "root.img");
        for (size_t at = 0; at < len && result == 0; at += 65536)
            result = compressor_add(&compressor, data + at, 65536);
        if (result == 0)
            result = compressor_end(&compressor);
        compressor_free(&compressor);
        caught_end(&caught, text, sizeof text);
        close(fd);
        assert_int_equal(result, -1);
        assert_string_equal(text, "mkbootmedia: root.img: writing: No space left on device\n");
    }
    free(data);
}

/* Stopped before its end, or not even begun. */
static void test_stopped(void **state)
{
    char *data = make_data(2 * MIB);
    struct compressor none = {0};

    (void)state;
    compressor_free(&none);
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        struct compressor compressor;
        int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

        assert_int_equal(compressor_begin(&compressor, formats[i], 0, 3, fd, "null"), 0);
        assert_int_equal(compressor_add(&compressor, data, 2 * MIB), 0);
        compressor_free(&compressor);
        compressor_free(&compressor);
        close(fd);
    }
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names), cmocka_unit_test(test_formats),
        cmocka_unit_test(test_noise), cmocka_unit_test(test_shape),
        cmocka_unit_test(test_full),  cmocka_unit_test(test_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, scratch_remove);
}
