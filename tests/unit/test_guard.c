/* guard: which members may be in a tree, what is said of the others, and where paths lead. */
#include "ramroot/guard.h"

#include "base/util.h"
#include "caught.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define X16(s)  s s s s s s s s s s s s s s s s
#define N255    X16("0123456789abcde") "0123456789abcde" /* bytes of a name, the most there may be */
#define READING "mkbootmedia: root.tar: reading the root file system: "

/* A member: 'd' a folder, 'f' a file, 'l' a symbolic link, 'h' a hard link, 'p' a pipe, 's' a
 * socket, 'c' and 'b' devices, '?' none of these; '-' ends a list. */
struct put {
    char type;
    const char *path, *target;
};

static unsigned type_of(char type)
{
    static const struct {
        char letter;
        unsigned type;
    } rows[] = {{'d', AE_IFDIR}, {'f', AE_IFREG}, {'l', AE_IFLNK},  {'p', AE_IFIFO},
                {'c', AE_IFCHR}, {'b', AE_IFBLK}, {'s', AE_IFSOCK}, {'?', 0}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].letter == type)
            return rows[i].type;
    return 0; /* of a hard link an archive says no more */
}

static int put(struct guard *guard, const struct put *put, bool over)
{
    struct archive_entry *entry = archive_entry_new();
    int result;

    archive_entry_set_pathname(entry, put->path);
    archive_entry_set_filetype(entry, type_of(put->type));
    if (put->type == 'l' && put->target)
        archive_entry_set_symlink(entry, put->target);
    if (put->type == 'h')
        archive_entry_set_hardlink(entry, put->target);
    result = guard_member(guard, entry, "root.tar", over);
    archive_entry_free(entry);
    return result;
}

/* What is in the tree before each of the cases. */
static const struct put tree[] = {
    {'d', ".", NULL},
    {'d', "usr", NULL},
    {'d', "usr/lib", NULL},
    {'f', "usr/lib/libc.so", NULL},
    {'l', "lib", "usr/lib"},
    {'l', "usr/lib/deep", "libc.so"},
    {'h', "hard", "usr/lib/libc.so"},
    {'p', "pipe", NULL},
};

static void plant(struct guard *guard)
{
    guard_init(guard, UINT64_MAX);
    for (size_t i = 0; i < ARRAY_LEN(tree); i++)
        if (put(guard, &tree[i], false) < 0)
            fail_msg("%s of the tree", tree[i].path);
}

struct verdict {
    struct put put;
    const char *want; /* NULL: it may be there */
};

static void judge(const struct verdict *cases, size_t count, bool over)
{
    for (size_t i = 0; i < count; i++) {
        struct guard guard;
        struct caught caught;
        char text[16 * 1024], *want;
        int result;

        plant(&guard);
        caught_begin(&caught);
        result = put(&guard, &cases[i].put, over);
        caught_end(&caught, text, sizeof text);
        want = cases[i].want ? xasprintf(READING "%.4200s: %s\n", cases[i].put.path, cases[i].want)
                             : xstrdup("");
        if (result != (cases[i].want ? -1 : 0) || strcmp(text, want) != 0)
            fail_msg("case %zu, %c %.60s: %d, got <%s>, want <%s>", i, cases[i].put.type,
                     cases[i].put.path, result, text, want);
        free(want);
        guard_free(&guard);
    }
}

static void test_paths(void **state)
{
    static char longest[2 * 2048], too_long[2 * 2048 + 1];
    static const char absolute[] = "its path is absolute";
    static const char up[] = "its path has '..' in it";
    static const char empty[] = "its path has an empty part in it";
    static const struct verdict cases[] = {
        {{'f', "a", NULL}, NULL},
        {{'f', "usr/a", NULL}, NULL},
        {{'f', "not/there/yet", NULL}, NULL},
        {{'f', "...", NULL}, NULL},
        {{'f', "..a", NULL}, NULL},
        {{'f', "a..", NULL}, NULL},
        {{'f', ".a", NULL}, NULL},
        {{'f', "a b\\\"'$*", NULL}, NULL},
        {{'f', "\xff\xfe", NULL}, NULL},
        {{'d', ".", NULL}, NULL},
        {{'f', N255, NULL}, NULL},
        {{'f', longest, NULL}, NULL},
        {{'f', "/a", NULL}, absolute},
        {{'f', "/", NULL}, absolute},
        {{'f', "//a", NULL}, absolute},
        {{'f', "/../a", NULL}, absolute},
        {{'f', "..", NULL}, up},
        {{'f', "../a", NULL}, up},
        {{'f', "usr/../a", NULL}, up},
        {{'d', "usr/..", NULL}, up},
        {{'f', "", NULL}, empty},
        {{'f', "./a", NULL}, empty},
        {{'f', "usr/./a", NULL}, empty},
        {{'f', "usr/.", NULL}, empty},
        {{'f', "usr//a", NULL}, empty},
        {{'d', "a/", NULL}, empty},
        {{'f', "usr/" N255 "x", NULL}, "its name is longer than 255 bytes"},
        {{'f', N255 "x/a", NULL}, "its name is longer than 255 bytes"},
        {{'f', too_long, NULL}, "its path is too long"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof longest; i++)
        too_long[i] = longest[i] = i % 2 ? '/' : 'x';
    longest[sizeof longest - 1] = '\0';  /* 4095 bytes */
    too_long[sizeof too_long - 2] = 'y'; /* 4096 */
    too_long[sizeof too_long - 3] = '/';
    too_long[sizeof too_long - 4] = 'z';
    judge(cases, ARRAY_LEN(cases), false);
    judge(cases, ARRAY_LEN(cases), true);
}

static void test_ways(void **state)
{
    static const char through_link[] = "its path goes through a symbolic link";
    static const char through_file[] = "its path goes through a file";
    static const struct verdict cases[] = {
        {{'f', "lib/x", NULL}, through_link},
        {{'d', "lib/a/b/c", NULL}, through_link},
        {{'f', "usr/lib/deep/x", NULL}, through_link},
        {{'l', "lib/x", "/etc"}, through_link},
        {{'f', "usr/lib/libc.so/x", NULL}, through_file},
        {{'f', "hard/x", NULL}, through_file},
        {{'f', "pipe/x/y", NULL}, through_file},
        {{'f', "library/x", NULL}, NULL},
        {{'f', "li/x", NULL}, NULL},
        {{'f', "usr/lib/libc.so.6", NULL}, NULL},
    };

    (void)state;
    judge(cases, ARRAY_LEN(cases), false);
    judge(cases, ARRAY_LEN(cases), true);
}

static void test_kinds(void **state)
{
    static const char nowhere[] = "is a symbolic link to nowhere";
    static char target[4096 + 1];
    static const struct verdict cases[] = {
        {{'c', "null", NULL}, NULL},
        {{'b', "sda", NULL}, NULL},
        {{'p', "fifo", NULL}, NULL},
        {{'s', "log", NULL}, NULL},
        {{'?', "whiteout", NULL}, "is of a kind that no root file system has"},
        {{'l', "a", "/"}, NULL},
        {{'l', "a", "../../../etc"}, NULL},
        {{'l', "a", "a"}, NULL},
        {{'l', "a", "//x//"}, NULL},
        {{'l', "a", target + 1}, NULL},
        {{'l', "a", target}, "is a symbolic link to a path that is too long"},
        {{'l', "a", ""}, nowhere},
        {{'l', "a", NULL}, nowhere},
        {{'f', ".", NULL}, "is the root, but no folder"},
        {{'l', ".", "usr"}, "is the root, but no folder"},
    };

    (void)state;
    memset(target, 't', sizeof target - 1); /* 4096 bytes; one less is the most there may be */
    judge(cases, ARRAY_LEN(cases), false);
    judge(cases, ARRAY_LEN(cases), true);
}

static void test_hard_links(void **state)
{
    static const char cannot[] = "is a hard link to a path that cannot be";
    static const char absent[] = "is a hard link to a file that was not there before";
    static const struct verdict cases[] = {
        {{'h', "a", "usr/lib/libc.so"}, NULL},
        {{'h', "a", "hard"}, NULL},
        {{'h', "a", "lib"}, NULL}, /* the symbolic link itself */
        {{'h', "a", "pipe"}, NULL},
        {{'h', "a", "a"}, cannot},
        {{'h', "hard", "hard"}, cannot},
        {{'h', "a", "/usr/lib/libc.so"}, cannot},
        {{'h', "a", "../x"}, cannot},
        {{'h', "a", "usr/lib/../lib/libc.so"}, cannot},
        {{'h', "a", "./hard"}, cannot},
        {{'h', "a", "usr//lib/libc.so"}, cannot},
        {{'h', "a", ""}, cannot},
        {{'h', "a", "later"}, absent},
        {{'h', "a", "usr/lib/libc"}, absent},
        {{'h', "a", "lib/libc.so"}, absent}, /* through a symbolic link */
        {{'h', "a", "hard/x"}, absent},
        {{'h', "a", "usr"}, "is a hard link to a folder"},
        {{'h', "a", "."}, "is a hard link to a folder"},
        {{'h', "lib/a", "hard"}, "its path goes through a symbolic link"},
        {{'h', "../a", "hard"}, "its path has '..' in it"},
        {{'h', ".", "hard"}, "is the root, but no folder"},
    };

    (void)state;
    judge(cases, ARRAY_LEN(cases), false);
    judge(cases, ARRAY_LEN(cases), true);
}

/* What is there once is there once; a layer above may replace files. */
static void test_twice(void **state)
{
    static const char twice[] = "is there twice", folder[] = "would take the place of a folder";
    static const char file[] = "is a folder, and would take the place of a file";
    static const struct {
        struct put put;
        const char *want, *want_over;
    } rows[] = {
        {{'d', "usr", NULL}, NULL, NULL},
        {{'d', "usr/lib", NULL}, NULL, NULL},
        {{'f', "usr/lib/libc.so", NULL}, twice, NULL},
        {{'l', "usr/lib/libc.so", "x"}, twice, NULL},
        {{'p', "hard", NULL}, twice, NULL},
        {{'h', "pipe", "hard"}, twice, NULL},
        {{'l', "lib", "usr/lib"}, twice, NULL},
        {{'f', "lib", NULL}, twice, NULL},
        {{'f', "usr", NULL}, twice, folder},
        {{'l', "usr/lib", "../lib"}, twice, folder},
        {{'h', "usr", "hard"}, twice, folder},
        {{'d', "lib", NULL}, twice, file},
        {{'d', "usr/lib/libc.so", NULL}, twice, file},
        {{'d', "pipe", NULL}, twice, file},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        judge(&(struct verdict){rows[i].put, rows[i].want}, 1, false);
        judge(&(struct verdict){rows[i].put, rows[i].want_over}, 1, true);
    }
}

/* What has been there is known, also once it has been replaced. */
static void test_type(void **state)
{
    static const struct {
        const char *path;
        enum guard_type want;
    } cases[] = {
        {".", GUARD_FOLDER},           {"usr", GUARD_FOLDER},
        {"usr/lib", GUARD_FOLDER},     {"lib", GUARD_SYMLINK},
        {"usr/lib/deep", GUARD_OTHER}, {"hard", GUARD_OTHER},
        {"pipe", GUARD_SYMLINK},       {"usr/lib/libc.so", GUARD_OTHER},
        {"us", GUARD_NOTHING},         {"usr/", GUARD_NOTHING},
        {"", GUARD_NOTHING},           {"lib/libc.so", GUARD_NOTHING},
    };
    struct guard guard;

    (void)state;
    plant(&guard);
    assert_int_equal(put(&guard, &(struct put){'f', "usr/lib/deep", NULL}, true), 0);
    assert_int_equal(put(&guard, &(struct put){'l', "pipe", "x"}, true), 0);
    assert_int_equal(put(&guard, &(struct put){'d', "usr", NULL}, false), 0);
    assert_int_equal(guard.count, ARRAY_LEN(tree) - 1); /* each path once; not the root */
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (guard_type(&guard, cases[i].path) != cases[i].want)
            fail_msg("<%s>: %d", cases[i].path, (int)guard_type(&guard, cases[i].path));
    guard_free(&guard);
    guard_free(&guard);
}

/* A member that is refused leaves nothing behind. */
static void test_refused(void **state)
{
    struct guard guard;
    struct caught caught;
    char text[512];

    (void)state;
    plant(&guard);
    caught_begin(&caught);
    assert_int_equal(put(&guard, &(struct put){'h', "a", "later"}, false), -1);
    assert_int_equal(put(&guard, &(struct put){'l', "lib/a", "usr"}, false), -1);
    caught_end(&caught, text, sizeof text);
    assert_int_equal(guard_type(&guard, "a"), GUARD_NOTHING);
    assert_int_equal(guard_type(&guard, "lib/a"), GUARD_NOTHING);
    assert_int_equal(put(&guard, &(struct put){'f', "a", NULL}, false), 0);
    guard_free(&guard);
}

static const struct put links[] = {
    {'l', "lib", "usr/lib"},          {'l', "bin", "/usr/bin"}, {'l', "usr/tmp", "../var/tmp"},
    {'l', "usr/far", "../../../etc"}, {'l', "root2", "/"},      {'l', "dot", "./usr/."},
    {'l', "slashes", "usr//share/"},  {'l', "one", "two"},      {'l', "two", "three/x"},
    {'l', "itself", "itself"},        {'l', "ping", "pong"},    {'l', "pong", "ping"},
    {'l', "a/b/c", "elsewhere"}, /* too deep to be remembered */
    {'l', "sbin", "usr/sbin"},        {'l', "usr/sbin", "bin"},
};

static void test_resolve(void **state)
{
    static const struct {
        const char *path, *want, *want_whole;
    } cases[] = {
        {"lib/modules/6.1", "usr/lib/modules/6.1", "usr/lib/modules/6.1"},
        {"lib", "lib", "usr/lib"},
        {"library/x", "library/x", "library/x"},
        {"li", "li", "li"},
        {"bin/sh", "usr/bin/sh", "usr/bin/sh"},
        {"bin", "bin", "usr/bin"},
        {"usr/tmp/x", "var/tmp/x", "var/tmp/x"},
        {"usr/tmp", "usr/tmp", "var/tmp"},
        {"usr/far/passwd", "etc/passwd", "etc/passwd"}, /* ".." of the root is the root */
        {"root2/etc", "etc", "etc"},
        {"root2", "root2", ""},
        {"root2/lib/x", "usr/lib/x", "usr/lib/x"},
        {"dot/x", "usr/x", "usr/x"},
        {"slashes/x", "usr/share/x", "usr/share/x"},
        {"one/y", "three/x/y", "three/x/y"},
        {"one", "one", "three/x"},
        {"itself/x", "itself/x", "itself/x"},
        {"ping/x", "ping/x", "ping/x"},
        {"a/b/c/d", "a/b/c/d", "a/b/c/d"},
        {"sbin/init", "usr/bin/init", "usr/bin/init"},
        {"sbin", "sbin", "usr/bin"},
        {"none/at/all", "none/at/all", "none/at/all"},
        {".", ".", "."},
        {"", "", ""},
        {"/lib/x", "/lib/x", "/lib/x"}, /* for guard_member to refuse */
        {"../lib/x", "../lib/x", "../lib/x"},
    };
    struct guard guard;

    (void)state;
    guard_init(&guard, UINT64_MAX);
    for (size_t i = 0; i < ARRAY_LEN(links); i++)
        assert_int_equal(put(&guard, &links[i], false), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *got = guard_resolve(&guard, cases[i].path, false);
        char *whole = guard_resolve(&guard, cases[i].path, true);

        if (strcmp(got, cases[i].want) != 0 || strcmp(whole, cases[i].want_whole) != 0)
            fail_msg("<%s>: <%s>, want <%s>; whole <%s>, want <%s>", cases[i].path, got,
                     cases[i].want, whole, cases[i].want_whole);
        free(got);
        free(whole);
    }
    guard_free(&guard);
}

/* A link that leads into itself grows, but not for ever. */
static void test_resolve_growing(void **state)
{
    struct guard guard;
    char *path;

    (void)state;
    guard_init(&guard, UINT64_MAX);
    assert_int_equal(put(&guard, &(struct put){'l', "x", "x/" N255 "/" N255}, false), 0);
    path = guard_resolve(&guard, "x/y", false);
    assert_true(strlen(path) <= 3 + 40 * 2 * 256);
    free(path);
    guard_free(&guard);
}

/* Many members: 8 bytes each, and room for as many again and half of it free. */
static void test_many(void **state)
{
    enum { MANY = 100000 };
    struct guard guard;
    char path[32];

    (void)state;
    guard_init(&guard, UINT64_MAX);
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(path, sizeof path, "usr/share/%x", i);
        assert_int_equal(put(&guard, &(struct put){i % 2 ? 'f' : 'd', path, NULL}, false), 0);
    }
    assert_int_equal(guard.count, MANY + 2); /* usr and usr/share are folders, too */
    assert_true(guard.room * sizeof *guard.slots <= 4 * sizeof *guard.slots * MANY);
    for (unsigned i = 0; i < MANY + 1000; i++) {
        enum guard_type want = i >= MANY ? GUARD_NOTHING : i % 2 ? GUARD_OTHER : GUARD_FOLDER;

        snprintf(path, sizeof path, "usr/share/%x", i);
        if (guard_type(&guard, path) != want)
            fail_msg("%s: %d", path, (int)guard_type(&guard, path));
    }
    /* symbolic links are remembered with their texts, so not all of them */
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(path, sizeof path, "link%u", i);
        assert_int_equal(put(&guard, &(struct put){'l', path, "x"}, false), 0);
    }
    assert_true(guard.links.n <= 2 * 4096);
    assert_int_equal(guard_type(&guard, "link9999"), GUARD_SYMLINK);
    guard_free(&guard);
}

static void test_too_many(void **state)
{
    struct guard guard;
    struct caught caught;
    char text[512];

    (void)state;
    guard_init(&guard, UINT64_MAX);
    guard.count = GUARD_MEMBERS_MAX;
    caught_begin(&caught);
    assert_int_equal(put(&guard, &(struct put){'f', "a", NULL}, false), -1);
    caught_end(&caught, text, sizeof text);
    assert_string_equal(text, READING "more than 4000000 files\n");
    guard_free(&guard);
}

static void test_bytes(void **state)
{
    struct guard guard;
    struct caught caught;
    char text[512];

    (void)state;
    guard_init(&guard, 3 * MIB);
    assert_int_equal(guard_bytes(&guard, 2 * MIB, "root.tar"), 0);
    assert_int_equal(guard_bytes(&guard, 0, "root.tar"), 0);
    assert_int_equal(guard_bytes(&guard, MIB, "root.tar"), 0);
    caught_begin(&caught);
    assert_int_equal(guard_bytes(&guard, 1, "root.tar"), -1);
    caught_end(&caught, text, sizeof text);
    assert_string_equal(text, READING
                        "unpacks to more than 3 MiB (--ram-limit says how much it may be)\n");
    guard_free(&guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),           cmocka_unit_test(test_ways),
        cmocka_unit_test(test_kinds),           cmocka_unit_test(test_hard_links),
        cmocka_unit_test(test_twice),           cmocka_unit_test(test_type),
        cmocka_unit_test(test_refused),         cmocka_unit_test(test_resolve),
        cmocka_unit_test(test_resolve_growing), cmocka_unit_test(test_many),
        cmocka_unit_test(test_too_many),        cmocka_unit_test(test_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
