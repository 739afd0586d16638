/* handover: texts taken apart, and the archive: member by member as Linux reads it. */
#include "boot/handover.h"

#include "base/util.h"
#include "caught.h"
#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

static void test_split(void **state)
{
    static const char form[] = "is not FILE:/DEST:MODE";
    static const char mode[] = "does not end in a mode of three or four octal digits";
    static const char part[] = "has an empty, '.' or '..' part";
    static const struct {
        const char *text, *want; /* "file|dest|mode", or what is wrong */
    } cases[] = {
        {"key:/etc/key", "key|etc/key|644"},
        {"key:/etc/key:0600", "key|etc/key|600"},
        {"key:/etc/key:600", "key|etc/key|600"},
        {"key:/key:4755", "key|key|4755"},
        {"key:/key:7777", "key|key|7777"},
        {"key:/key:000", "key|key|0"},
        {"/a/b:/c", "/a/b|c|644"},
        {"a:b:/c", "a:b|c|644"},
        {"a:/b:/c", "a:/b|c|644"}, /* the last :/ parts */
        {"a b:/c d:0600", "a b|c d|600"},
        {"a:/b:c:0600", "a|b:c|600"},
        {"a:/\xc3\xbc", "a|\xc3\xbc|644"},
        {"a:/...", "a|...|644"},
        {"", form},
        {"a", form},
        {"a:", mode},
        {":/b", form},
        {"a/b", form},
        {"a:b", mode},
        {"a:/b:", mode},
        {"a:/b:c", mode},
        {"a:/b:77", mode},
        {"a:/b:07777", mode},
        {"a:/b:0888", mode},
        {"a:/b:0600 ", mode},
        {"a:/b:-600", mode},
        {"a:0600", form},
        {"a:/", "a|a|644"}, /* into a folder, under its own name */
        {"a:/:0600", "a|a|600"},
        {"a:/b/", "a|b/a|644"},
        {"/x/y:/b/c/:4755", "/x/y|b/c/y|4755"},
        {"a://b", part},
        {"a:/b//c", part},
        {"a:/../b", part},
        {"a:/b/..", part},
        {"a:/b/../c:0600", part},
        {"a:/./b", part},
        {"a:/b\nc", "holds a control character"},
        {"a:/\xff", "is not valid UTF-8"},
        {"a:/TRAILER!!!", NULL}, /* Linux reads no further than a member of that name */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct handover handover;
        const char *why = handover_split(&handover, cases[i].text), *want = cases[i].want;
        char *got =
            why ? xstrdup(why) : xasprintf("%s|%s|%o", handover.file, handover.dest, handover.mode);

        if (want ? strcmp(got, want) != 0 : !why)
            fail_msg("<%s>: got <%s>, want <%s>", cases[i].text, got, want ? want : "a refusal");
        free(got);
        handover_free(&handover);
    }
}

static unsigned long field(const char *header, unsigned number)
{
    char digits[9] = "";

    memcpy(digits, header + 6 + 8 * number, 8);
    return strtoul(digits, NULL, 16);
}

/* "d 755 etc; f 600 etc/key=text; ": members up to the trailer; fails where Linux would. */
static char *read_back(const struct buf *archive, unsigned long time)
{
    struct buf list = {0};
    size_t at = 0;

    buf_puts(&list, "");
    for (unsigned long inode = 1;; inode++) {
        const char *header = archive->data + at, *name = header + 110, *data;
        unsigned long mode, size, name_len;

        assert_true(at + 110 < archive->len);
        assert_memory_equal(header, "070701", 6);
        assert_int_equal(strspn(header, "0123456789ABCDEF"),
                         110 + strspn(name, "ABCDEF0123456789"));
        mode = field(header, 1);
        size = field(header, 6);
        name_len = field(header, 11);
        assert_int_equal(strlen(name) + 1, name_len);
        data = archive->data + round_up(at + 110 + name_len, 4);
        at = round_up(round_up(at + 110 + name_len, 4) + size, 4);
        assert_true(at <= archive->len);
        if (strcmp(name, "TRAILER!!!") == 0)
            break;
        assert_int_equal(field(header, 0), inode); /* else they would be hard links */
        assert_int_equal(field(header, 2), 0);     /* root's */
        assert_int_equal(field(header, 3), 0);
        assert_int_equal(field(header, 4), S_ISDIR(mode) ? 2 : 1);
        assert_int_equal(field(header, 5), time);
        assert_int_equal(field(header, 12), 0);
        if (S_ISDIR(mode))
            buf_printf(&list, "d %lo %s; ", mode & 07777, name);
        else if (S_ISREG(mode))
            buf_printf(&list, "f %lo %s=%.*s; ", mode & 07777, name, (int)size, data);
        else
            fail_msg("%s: mode %lo", name, mode);
    }
    for (; at < archive->len; at++)
        assert_int_equal(archive->data[at], 0);
    assert_int_equal(archive->len % 512, 0);
    return list.data;
}

static int setup(void **state)
{
    (void)state;
    return scratch_sh("printf one >one; printf 'twoo' >two; : >empty; truncate -s 16M large; "
                      "truncate -s 16777217 larger; mkdir folder; printf x >'with blank'");
}

/* handover_archive of the words of a text, each a file of the scratch folder. */
static int archive_of(struct buf *out, const char *texts, time_t time)
{
    struct strings list = {0};
    char *copy = xstrdup(texts), *save;
    int result;

    for (char *word = strtok_r(copy, ";", &save); word; word = strtok_r(NULL, ";", &save))
        strings_printf(&list, "%s/%s", scratch_dir(), word);
    result = handover_archive(out, &list, time);
    strings_free(&list);
    free(copy);
    return result;
}

static void test_archive(void **state)
{
    static const struct {
        const char *texts, *want;
    } cases[] = {
        {"one:/one", "f 644 one=one; "},
        {"one:/etc/key:0600", "d 755 etc; f 600 etc/key=one; "},
        {"two:/b;one:/a", "f 644 a=one; f 644 b=twoo; "},
        {"one:/a/b/c;two:/a/b/d;one:/a/e", /* each folder once */
         "d 755 a; d 755 a/b; f 644 a/b/c=one; f 644 a/b/d=twoo; f 644 a/e=one; "},
        {"one:/a/b;one:/ab/c", "d 755 a; f 644 a/b=one; d 755 ab; f 644 ab/c=one; "},
        {"one:/a/b;one:/a-b/c;one:/a.b", /* - and . are before / */
         "d 755 a-b; f 644 a-b/c=one; f 644 a.b=one; d 755 a; f 644 a/b=one; "},
        {"one:/ab/x;one:/a/x", "d 755 a; f 644 a/x=one; d 755 ab; f 644 ab/x=one; "},
        {"empty:/empty", "f 644 empty=; "},
        {"one:/x;one:/y", "f 644 x=one; f 644 y=one; "},
        {"one:/x:4755", "f 4755 x=one; "},
        {"with blank:/a b/c d", "d 755 a b; f 644 a b/c d=x; "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = {0}, again = {0};
        char *got;

        if (archive_of(&out, cases[i].texts, 1700000000) != 0)
            fail_msg("<%s>: refused", cases[i].texts);
        got = read_back(&out, 1700000000);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("<%s>: got <%s>, want <%s>", cases[i].texts, got, cases[i].want);
        assert_int_equal(archive_of(&again, cases[i].texts, 1700000000), 0);
        assert_int_equal(again.len, out.len);
        assert_memory_equal(again.data, out.data, out.len);
        free(got);
        buf_free(&again);
        buf_free(&out);
    }
}

static void test_times(void **state)
{
    static const struct {
        time_t time;
        unsigned long want;
    } cases[] = {
        {0, 0}, {1, 1}, {4294967295, 4294967295}, {4294967296, 4294967295}, {-1, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = {0};

        assert_int_equal(archive_of(&out, "one:/a/b", cases[i].time), 0);
        free(read_back(&out, cases[i].want));
        buf_free(&out);
    }
}

static void test_large(void **state)
{
    struct buf out = {0};

    (void)state;
    assert_int_equal(archive_of(&out, "large:/large", 0), 0);
    assert_int_equal(field(out.data, 6), 16 * MIB);
    buf_free(&out);
}

static void test_refused(void **state)
{
    static const struct {
        const char *texts, *want; /* want: part of the one line */
    } cases[] = {
        {"none:/a", "/none: opening: No such file or directory\n"},
        {"folder:/a", "/folder: opening: is a directory, not a file\n"},
        {"one:/a;none:/b", "/none: opening: No such file or directory\n"},
        {"larger:/a", "/larger: handing over: larger than 16 MiB\n"},
        {"one", ": handing over: is not FILE:/DEST:MODE\n"},
        {"one:/a:9", ": handing over: does not end in a mode"},
        {"one:/a;two:/a", ": handing over: two files want the path /a\n"},
        {"one:/a;one:/a", ": handing over: two files want the path /a\n"},
        {"one:/a;one:/a/b", ": handing over: two files want the path /a"},
        {"one:/a/b;one:/a/b/c", ": handing over: two files want the path /a/b"},
        /* sorted, something is between the two */
        {"one:/a;one:/a-b;one:/a/c", ": handing over: two files want the path /a"},
        {"one:/a;one:/a.b/c;one:/a/c", ": handing over: two files want the path /a"},
        {"one:/x/a;one:/x/a b;one:/x/a/c", ": handing over: two files want the path /x/a"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = {0};
        struct caught caught;
        char got[4096];
        int result;

        caught_begin(&caught);
        result = archive_of(&out, cases[i].texts, 0);
        caught_end(&caught, got, sizeof got);
        if (result != -1 || strncmp(got, "mkbootmedia: /", 14) != 0 ||
            !strstr(got, cases[i].want) || strchr(got, '\n') != got + strlen(got) - 1)
            fail_msg("<%s>: %d, got <%s>", cases[i].texts, result, got);
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split), cmocka_unit_test(test_archive), cmocka_unit_test(test_times),
        cmocka_unit_test(test_large), cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, setup, scratch_remove);
}
