/* spool: what is put aside comes back, with its holes and its hard links. */
#include "ramroot/spool.h"

#include "base/util.h"
#include "caught.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* A run of bytes of a member; the end is one without bytes. */
struct bytes {
    uint64_t offset;
    const char *text;
};

static int give(struct member *member, const void **data, size_t *len, uint64_t *offset)
{
    const struct bytes *at = member->arg;

    if (!at->text)
        return 0;
    *data = at->text;
    *len = strlen(at->text);
    *offset = at->offset;
    member->arg = (void *)(uintptr_t)(at + 1);
    return 1;
}

static int add(struct spool *spool, const char *path, int64_t size, const struct bytes *bytes)
{
    struct archive_entry *entry = archive_entry_new();
    struct member member = {entry, give, (void *)(uintptr_t)bytes};
    int result;

    archive_entry_set_pathname(entry, path);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_size(entry, size);
    result = spool_add(spool, &member);
    archive_entry_free(entry);
    return result;
}

static int add_text(struct spool *spool, const char *path, const char *text)
{
    return add(spool, path, (int64_t)strlen(text), (struct bytes[]){{0, text}, {0, NULL}});
}

static void add_link(struct spool *spool, const char *path, const char *target)
{
    struct archive_entry *entry = archive_entry_new();
    struct member member = {.entry = entry};

    archive_entry_set_pathname(entry, path);
    archive_entry_set_hardlink(entry, target);
    archive_entry_set_size(entry, 5); /* some archives give the target's */
    assert_int_equal(spool_add(spool, &member), 0);
    archive_entry_free(entry);
}

static void check(const struct spool *spool, const char *path, const char *want, size_t want_len)
{
    const struct spooled *spooled = spool_find(spool, path);
    char *data;
    size_t len = SIZE_MAX;

    if (!spooled)
        fail_msg("%s is not there", path);
    data = spool_read(spool, spooled, &len);
    if (!data || len != want_len || memcmp(data, want, len) != 0 || data[len])
        fail_msg("%s: %zu bytes, \"%s\"", path, len, data ? data : "");
    assert_int_equal(spooled->len, want_len);
    free(data);
}

static void test_contents(void **state)
{
    static const struct {
        const char *path;
        int64_t size;
        struct bytes bytes[4];
        const char *want;
    } cases[] = {
        {"boot/z", 5, {{0, "zzzzz"}}, "zzzzz"},
        {"boot/empty", 0, {{0, NULL}}, ""},
        {"boot/a", 6, {{0, "abc"}, {3, "def"}}, "abcdef"},
        {"boot/hole-before", 5, {{3, "xy"}}, "\0\0\0xy"},
        {"boot/hole-between", 6, {{0, "ab"}, {4, "cd"}}, "ab\0\0cd"},
        {"boot/hole-behind", 4, {{0, "ab"}}, "ab\0\0"},
        {"boot/hole", 3, {{0, NULL}}, "\0\0\0"},
    };
    struct spool spool = {.fd = -1};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(add(&spool, cases[i].path, cases[i].size, cases[i].bytes), 0);
    assert_int_equal(spool.count, ARRAY_LEN(cases));
    spool_sort(&spool);
    for (size_t i = 1; i < spool.count; i++)
        assert_true(strcmp(spool.members[i - 1].path, spool.members[i].path) < 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check(&spool, cases[i].path, cases[i].want, (size_t)cases[i].size);
    assert_null(spool_find(&spool, "boot/b"));
    assert_null(spool_find(&spool, ""));
    assert_null(spool_find(&spool, "boot/zz"));
    spool_free(&spool);
    spool_free(&spool);
}

static void test_last_wins(void **state)
{
    struct spool spool = {.fd = -1};

    (void)state;
    assert_int_equal(add_text(&spool, "b", "first"), 0);
    assert_int_equal(add_text(&spool, "a", "a"), 0);
    assert_int_equal(add_text(&spool, "b", "2nd"), 0);
    add_link(&spool, "c", "a");
    assert_int_equal(add_text(&spool, "c", "own"), 0);
    assert_int_equal(add_text(&spool, "b", "third"), 0);
    spool_sort(&spool);
    spool_sort(&spool);
    assert_int_equal(spool.count, 3);
    check(&spool, "a", "a", 1);
    check(&spool, "b", "third", 5);
    check(&spool, "c", "own", 3);
    spool_free(&spool);
}

/* Which file a name is, and what came under which name. */
static void put(struct spool *spool, const char *path, const char *want_link, const char *want)
{
    struct replay replay = {0};
    struct member member;
    const void *data;
    uint64_t offset;
    size_t len;

    assert_int_equal(replay_begin(&replay, spool, spool_find(spool, path), path, &member), 0);
    assert_string_equal(archive_entry_pathname(member.entry), path);
    if (want_link) {
        assert_null(member.block);
        assert_string_equal(archive_entry_hardlink(member.entry), want_link);
    } else {
        assert_null(archive_entry_hardlink(member.entry));
        assert_int_equal(member.block(&member, &data, &len, &offset), 1);
        assert_int_equal(len, strlen(want));
        assert_memory_equal(data, want, len);
        assert_int_equal(member.block(&member, &data, &len, &offset), 0);
    }
    replay_free(&replay);
}

static void test_links(void **state)
{
    struct spool spool = {.fd = -1};
    struct caught caught;
    char text[1024];
    size_t len;

    (void)state;
    assert_int_equal(add_text(&spool, "target", "old"), 0);
    add_link(&spool, "a-link", "target");
    add_link(&spool, "z-link", "a-link");
    add_link(&spool, "b-link", "elsewhere");
    add_link(&spool, "c-link", "b-link");
    add_link(&spool, "itself", "itself");
    add_link(&spool, "early", "later");
    assert_int_equal(add_text(&spool, "target", "newer"), 0);
    assert_int_equal(add_text(&spool, "later", "later"), 0);
    add_link(&spool, "link", "target");
    assert_string_equal(archive_entry_hardlink(spool_latest(&spool, "c-link")->entry), "elsewhere");
    assert_null(spool_latest(&spool, "elsewhere"));
    spool_sort(&spool);
    check(&spool, "target", "newer", 5);
    check(&spool, "a-link", "old", 3);
    check(&spool, "z-link", "old", 3);
    check(&spool, "link", "newer", 5);
    put(&spool, "a-link", NULL, "old");
    put(&spool, "z-link", "a-link", NULL);
    put(&spool, "target", NULL, "newer");
    put(&spool, "link", "target", NULL);
    put(&spool, "c-link", "elsewhere", NULL);
    spool_forget_place(&spool, "c-link");
    spool_forget_place(&spool, "z-link"); /* only a link: the file has another place */
    put(&spool, "z-link", "a-link", NULL);
    spool_forget_place(&spool, "a-link"); /* an overlay has something else there */
    put(&spool, "z-link", NULL, "old");
    put(&spool, "a-link", "z-link", NULL);
    spool_forget_places(&spool);
    put(&spool, "z-link", NULL, "old");
    caught_begin(&caught);
    assert_null(spool_read(&spool, spool_find(&spool, "c-link"), &len));
    assert_null(spool_read(&spool, spool_find(&spool, "itself"), &len));
    assert_null(spool_read(&spool, spool_find(&spool, "early"), &len));
    caught_end(&caught, text, sizeof text);
    assert_string_equal(text,
                        "mkbootmedia: c-link: reading: is a hard link to elsewhere, which is not "
                        "among the files of a kernel\n"
                        "mkbootmedia: itself: reading: is a hard link to itself, which is not "
                        "among the files of a kernel\n"
                        "mkbootmedia: early: reading: is a hard link to later, which is not "
                        "among the files of a kernel\n");
    spool_free(&spool);
}

/* All names of a file have one entry: an attribute of 900 kB is in memory once. */
static void test_shared(void **state)
{
    static char value[900 * 1000];
    struct archive_entry *entry = archive_entry_new();
    struct member member = {.entry = entry};
    struct spool spool = {.fd = -1};
    struct replay replay = {0};

    (void)state;
    archive_entry_set_pathname(entry, "boot/a");
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_xattr_add_entry(entry, "user.large", value, sizeof value);
    assert_int_equal(spool_add(&spool, &member), 0);
    archive_entry_free(entry);
    add_link(&spool, "boot/b", "boot/a");
    add_link(&spool, "boot/c", "boot/b");
    spool_sort(&spool);
    assert_ptr_equal(spool_find(&spool, "boot/b")->entry, spool_find(&spool, "boot/a")->entry);
    assert_ptr_equal(spool_find(&spool, "boot/c")->entry, spool_find(&spool, "boot/a")->entry);
    assert_int_equal(replay_begin(&replay, &spool, spool_find(&spool, "boot/c"), "x/c", &member),
                     0);
    assert_int_equal(archive_entry_xattr_count(member.entry), 1);
    assert_string_equal(archive_entry_pathname(member.entry), "x/c");
    replay_free(&replay);
    spool_free(&spool);
}

/* A circle that overlays can make: each name is the file that it was. */
static void test_circle(void **state)
{
    struct spool spool = {.fd = -1};

    (void)state;
    assert_int_equal(add_text(&spool, "a", "text"), 0);
    add_link(&spool, "b", "a");
    add_link(&spool, "a", "b");
    spool_sort(&spool);
    assert_int_equal(spool.count, 2);
    put(&spool, "a", NULL, "text");
    put(&spool, "b", "a", NULL);
    spool_free(&spool);
}

/* Members that lie about their size. */
static void test_lies(void **state)
{
    static const struct {
        int64_t size;
        struct bytes bytes[3];
    } cases[] = {
        {2, {{0, "abc"}}}, {4, {{0, "abc"}, {3, "de"}}}, {4, {{5, "a"}}}, {4, {{UINT64_MAX, "a"}}},
        {-1, {{0, NULL}}}, {INT64_MAX, {{0, NULL}}},
    };
    char text[512];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct spool spool = {.fd = -1};
        struct caught caught;
        int result;

        caught_begin(&caught);
        result = add(&spool, "boot/liar", cases[i].size, cases[i].bytes);
        caught_end(&caught, text, sizeof text);
        if (result != -1 || strncmp(text, "mkbootmedia: boot/liar: reading: ", 33) != 0)
            fail_msg("case %zu: %d, %s", i, result, text);
        spool_free(&spool);
    }
}

/* Large by its header only: put aside without a byte, and not read into memory. */
static void test_large(void **state)
{
    struct spool spool = {.fd = -1};
    struct caught caught;
    char text[512];
    size_t len;

    (void)state;
    assert_int_equal(add(&spool, "boot/large", INT64_C(1) << 40, (struct bytes[]){{0, NULL}}), 0);
    assert_int_equal(add_text(&spool, "boot/small", "small"), 0);
    spool_sort(&spool);
    caught_begin(&caught);
    assert_null(spool_read(&spool, spool_find(&spool, "boot/large"), &len));
    caught_end(&caught, text, sizeof text);
    assert_string_equal(text, "mkbootmedia: boot/large: reading: larger than 1024 MiB\n");
    check(&spool, "boot/small", "small", 5);
    spool_free(&spool);
}

/* Folders and symlinks are put aside with all that their entries say. */
static void test_entries(void **state)
{
    struct spool spool = {.fd = -1};
    struct archive_entry *entry = archive_entry_new();
    struct member member = {.entry = entry};
    const struct spooled *spooled;

    (void)state;
    archive_entry_set_pathname(entry, "lib/modules/1/build");
    archive_entry_set_filetype(entry, AE_IFLNK);
    archive_entry_set_symlink(entry, "/usr/src/linux");
    archive_entry_set_uid(entry, 7);
    archive_entry_xattr_add_entry(entry, "user.x", "1", 1);
    assert_int_equal(spool_add(&spool, &member), 0);
    archive_entry_free(entry);
    spool_sort(&spool);
    spooled = spool_find(&spool, "lib/modules/1/build");
    assert_non_null(spooled);
    assert_string_equal(archive_entry_symlink(spooled->entry), "/usr/src/linux");
    assert_int_equal(archive_entry_uid(spooled->entry), 7);
    assert_int_equal(archive_entry_xattr_count(spooled->entry), 1);
    spool_free(&spool);
}

/* Nowhere to put anything. */
static void test_no_folder(void **state)
{
    struct spool spool = {.fd = -1};
    struct caught caught;
    char text[512];

    (void)state;
    setenv("TMPDIR", "/dev/null/nowhere", 1);
    caught_begin(&caught);
    assert_int_equal(add_text(&spool, "a", "a"), -1);
    caught_end(&caught, text, sizeof text);
    unsetenv("TMPDIR");
    assert_non_null(strstr(text, "mkbootmedia: /dev/null/nowhere: "));
    spool_free(&spool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contents),  cmocka_unit_test(test_last_wins),
        cmocka_unit_test(test_links),     cmocka_unit_test(test_shared),
        cmocka_unit_test(test_circle),    cmocka_unit_test(test_lies),
        cmocka_unit_test(test_large),     cmocka_unit_test(test_entries),
        cmocka_unit_test(test_no_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
