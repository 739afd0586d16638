/* newc: literal headers, and what another reader of cpio archives finds in them. */
#include "boot/newc.h"

#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define Z8 "00000000"

/* makedev() of small numbers, for tables. */
#define DEVICE(major, minor) ((major) << 8 | (minor))

/* Headers as the standard has them. */
static const struct {
    const char *name;
    struct newc newc;
    const char *want; /* the header */
    size_t len;       /* of header, name and padding */
} members[] = {
    {"a",
     {.number = 1, .mode = 0100644, .time = 0x5f000000, .size = 3},
     "07070100000001000081A4" Z8 Z8 "000000015F00000000000003" Z8 Z8 Z8 Z8 "00000002" Z8,
     112},
    {"ab",
     {.number = 2, .mode = 0100644},
     "07070100000002000081A4" Z8 Z8 "00000001" Z8 Z8 Z8 Z8 Z8 Z8 "00000003" Z8,
     116},
    {"dev", /* a folder has two links */
     {.number = 0xabcdef, .mode = 040755, .time = 1},
     "07070100ABCDEF000041ED" Z8 Z8 "0000000200000001" Z8 Z8 Z8 Z8 Z8 "00000004" Z8,
     116},
    {"dev/console",
     {.mode = 020600, .device = DEVICE(5, 1)},
     "070701" Z8 "00002180" Z8 Z8 "00000001" Z8 Z8 Z8 Z8 "00000005000000010000000C" Z8,
     124},
    {"big",
     {.mode = 020600, .device = UINT64_C(0x1000abc234de), .size = UINT32_MAX},
     "070701" Z8 "00002180" Z8 Z8 "00000001" Z8 "FFFFFFFF" Z8 Z8 "00001234000ABCDE00000004" Z8,
     116},
    {"old",
     {.mode = 0100644, .time = -1},
     "070701" Z8 "000081A4" Z8 Z8 "00000001" Z8 Z8 Z8 Z8 Z8 Z8 "00000004" Z8,
     116},
    {"new",
     {.mode = 0100644, .time = INT64_C(0x100000000)},
     "070701" Z8 "000081A4" Z8 Z8 "00000001FFFFFFFF" Z8 Z8 Z8 Z8 Z8 "00000004" Z8,
     116},
    {"pad", /* NULs behind the name */
     {.mode = 0100644, .name_len = 18},
     "070701" Z8 "000081A4" Z8 Z8 "00000001" Z8 Z8 Z8 Z8 Z8 Z8 "00000012" Z8,
     128},
};

static void test_member(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        size_t name_len = strlen(members[i].name), rest = NEWC_HEADER_LEN + name_len;
        struct buf out = {0};

        newc_member(&out, members[i].name, &members[i].newc);
        if (out.len != members[i].len || memcmp(out.data, members[i].want, NEWC_HEADER_LEN) != 0 ||
            memcmp(out.data + NEWC_HEADER_LEN, members[i].name, name_len) != 0)
            fail_msg("%s: %zu bytes, <%s>", members[i].name, out.len, out.data);
        for (; rest < out.len; rest++)
            if (out.data[rest])
                fail_msg("%s: byte %zu is no zero", members[i].name, rest);
        buf_free(&out);
    }
}

static void test_pad(void **state)
{
    static const struct {
        size_t len, unit, want;
    } cases[] = {{0, 4, 0},     {1, 4, 4},       {3, 4, 4},        {4, 4, 4},       {511, 512, 512},
                 {1, 512, 512}, {512, 512, 512}, {513, 512, 1024}, {4097, 4, 4100}, {7, 1, 7}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = {0};

        while (out.len < cases[i].len)
            buf_add(&out, "x", 1);
        newc_pad(&out, cases[i].unit);
        if (out.len != cases[i].want)
            fail_msg("%zu to %zu: %zu", cases[i].len, cases[i].unit, out.len);
        for (size_t at = cases[i].len; at < out.len; at++)
            assert_int_equal(out.data[at], 0);
        buf_free(&out);
    }
}

static void test_end(void **state)
{
    static const char want[] =
        "070701" Z8 Z8 Z8 Z8 "00000001" Z8 Z8 Z8 Z8 Z8 Z8 "0000000B" Z8 "TRAILER!!!";

    (void)state;
    for (size_t len = 0; len <= 1024; len += 4) {
        struct buf out = {0};

        while (out.len < len)
            buf_add(&out, "xxxx", 4);
        newc_end(&out);
        if (out.len % 512 || out.len < len + 124 || out.len >= len + 124 + 512 ||
            memcmp(out.data + len, want, sizeof want) != 0)
            fail_msg("behind %zu bytes: %zu", len, out.len);
        buf_free(&out);
    }
}

/* An archive with one of each kind, and odd sizes. */
static const struct file {
    const char *name, *text;
    struct newc newc;
} files[] = {
    {"dev", "", {.mode = 040755}},
    {"dev/console", "", {.mode = 020600, .device = DEVICE(5, 1)}},
    {"dev/sda", "", {.mode = 060660, .device = DEVICE(8, 0)}},
    {"init", "#!/bin/sh\n", {.mode = 0100755, .name_len = 32}},
    {"empty", "", {.mode = 0100600}},
    {"one", "1", {.mode = 0100640}},
    {"four", "1234", {.mode = 0100644}},
    {"a name with blanks", "12345", {.mode = 0104711}},
    {"lib", "usr/lib", {.mode = 0120777}},
};

static void write_archive(const char *path)
{
    FILE *file = fopen(path, "we");
    struct buf out = {0};

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct newc newc = files[i].newc;

        newc.number = (unsigned)i + 1;
        newc.size = strlen(files[i].text);
        newc.time = 981173106; /* 2001-02-03 04:05:06 */
        newc_member(&out, files[i].name, &newc);
        buf_puts(&out, files[i].text);
        newc_pad(&out, 4);
    }
    newc_end(&out);
    assert_int_equal(fwrite(out.data, 1, out.len, file), out.len);
    fclose(file);
    buf_free(&out);
}

/* What a program says, with runs of blanks as one. */
static void listing(const char *line, struct buf *out)
{
    struct content content;
    const char *text;

    if (scratch_sh(line) != 0)
        fail_msg("%s", line);
    content = scratch_load("out");
    text = content.data;
    buf_puts(out, "");
    for (size_t i = 0; i < content.len; i++)
        if (text[i] != ' ' || (i && text[i - 1] != ' '))
            buf_add(out, text + i, 1);
    free((void *)(uintptr_t)content.data);
}

static void test_oracle(void **state)
{
    static const struct {
        const char *line, *want;
    } cases[] = {
        {"TZ=UTC LC_ALL=C bsdtar -tvf newc >out",
         "drwxr-xr-x 2 0 0 0 Feb 3 2001 dev\n"
         "crw------- 1 0 0 5,1 Feb 3 2001 dev/console\n"
         "brw-rw---- 1 0 0 8,0 Feb 3 2001 dev/sda\n"
         "-rwxr-xr-x 1 0 0 10 Feb 3 2001 init\n"
         "-rw------- 1 0 0 0 Feb 3 2001 empty\n"
         "-rw-r----- 1 0 0 1 Feb 3 2001 one\n"
         "-rw-r--r-- 1 0 0 4 Feb 3 2001 four\n"
         "-rws--x--x 1 0 0 5 Feb 3 2001 a name with blanks\n"
         "lrwxrwxrwx 1 0 0 7 Feb 3 2001 lib -> usr/lib\n"},
        {"bsdtar -xOf newc init one four 'a name with blanks' >out", "#!/bin/sh\n1123412345"},
    };
    char *path = xasprintf("%s/newc", scratch_dir());

    (void)state;
    write_archive(path);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = {0};

        listing(cases[i].line, &out);
        if (strcmp(out.data, cases[i].want) != 0)
            fail_msg("%s: got\n%s\nwant\n%s", cases[i].line, out.data, cases[i].want);
        buf_free(&out);
    }
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_member),
        cmocka_unit_test(test_pad),
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_oracle),
    };

    return cmocka_run_group_tests(tests, NULL, scratch_remove);
}
