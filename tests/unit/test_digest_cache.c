/* digest_cache: what is remembered, what is read again. */
#include "boot/digest_cache.h"

#include "base/util.h"
#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* printf abc | sha256sum; the same with a zero behind it */
#define ABC      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABD      "a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9"
#define ABC_ZERO "dc1114cd074914bd872cc1f9a23ec910ea2203bc79779ab2e17da25782a624fc"
#define FORGED   "00000000000000000000000000000000000000000000000000000000000000ff"

/* Files that have been left alone for longer than a digest has to wait: made, then slept on. */
static int setup(void **state)
{
    (void)state;
    return scratch_sh("printf abc >old; printf abc >old2; printf abc >touched; printf abc >larger; "
                      "printf abc >same_size; printf abc >moved; sleep 2.2");
}

static void open_file(struct source *source, const char *name)
{
    char *path = xasprintf("%s/%s", scratch_dir(), name);

    assert_int_equal(source_open(source, path), 0);
    free(path);
}

/* The digest of a scratch file by the cache. */
static char *digest_of(struct digest_cache *cache, const char *name, uint64_t pad)
{
    static char hex[2 * DIGEST_LEN + 1];
    struct source source;
    uint8_t digest[DIGEST_LEN];
    struct timespec changed;

    open_file(&source, name);
    assert_int_equal(digest_cache_get(cache, &source, pad, digest, &changed), 0);
    source_close(&source);
    strcpy(hex, digest_hex(digest).text);
    return hex;
}

static void write_cache(const char *text)
{
    char *path = xasprintf("%s/cache", scratch_dir());
    FILE *file = fopen(path, "w");

    fputs(text, file);
    fclose(file);
    free(path);
}

static void read_cache(struct digest_cache *cache)
{
    char *path = xasprintf("%s/cache", scratch_dir());

    digest_cache_read(cache, path);
    free(path);
}

/* A line of the cache for a scratch file, with the digest of no file: who gets it has read nothing.
 */
static char *forged_line(const char *name, uint64_t pad)
{
    char *path = xasprintf("%s/%s", scratch_dir(), name);
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    free(path);
    return xasprintf(FORGED " %llu %llu %llu %lld%09ld %lld%09ld\n", (unsigned long long)st.st_dev,
                     (unsigned long long)st.st_ino, (unsigned long long)st.st_size + pad,
                     (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (long long)st.st_ctim.tv_sec,
                     st.st_ctim.tv_nsec);
}

static void test_digest(void **state)
{
    struct digest_cache cache = {0};
    struct buf text = {0};

    (void)state;
    assert_string_equal(digest_of(&cache, "old", 0), ABC);
    assert_string_equal(digest_of(&cache, "old", 1), ABC_ZERO); /* the zeros are part of it */
    assert_string_equal(digest_of(&cache, "old", 0), ABC);
    assert_true(cache.changed);
    assert_int_equal(cache.count, 2);
    digest_cache_print(&text, &cache, 0);
    write_cache(text.data);
    digest_cache_free(&cache);
    assert_int_equal(cache.count, 0);

    read_cache(&cache);
    assert_int_equal(cache.count, 2);
    assert_false(cache.changed);
    assert_string_equal(digest_of(&cache, "old", 0), ABC);
    assert_string_equal(digest_of(&cache, "old", 1), ABC_ZERO);
    assert_false(cache.changed); /* both were known */
    text.len = 0;
    digest_cache_print(&text, &cache, 0); /* only what was asked for stays */
    assert_int_equal(text.len, 2 * strcspn(text.data, "\n") + 2);
    digest_cache_free(&cache);

    read_cache(&cache);
    digest_of(&cache, "old", 1);
    buf_free(&text);
    digest_cache_print(&text, &cache, 0);
    assert_memory_equal(text.data, ABC_ZERO " ", 2 * DIGEST_LEN + 1);
    assert_int_equal(text.len, strcspn(text.data, "\n") + 1);
    digest_cache_free(&cache);
    buf_free(&text);
}

static void test_known_is_not_read(void **state)
{
    struct digest_cache cache;
    char *line = forged_line("old", 0);

    (void)state;
    write_cache(line);
    read_cache(&cache);
    assert_string_equal(digest_of(&cache, "old", 0), FORGED);
    assert_string_equal(digest_of(&cache, "old", 1), ABC_ZERO); /* but this is another one */
    assert_string_equal(digest_of(&cache, "old2", 0), ABC);
    digest_cache_free(&cache);
    free(line);
}

/* A file that was changed a moment ago: a change of the next moment must show. */
static void test_fresh(void **state)
{
    struct digest_cache cache = {0};

    (void)state;
    assert_int_equal(scratch_sh("printf abc >fresh"), 0);
    assert_string_equal(digest_of(&cache, "fresh", 0), ABC);
    assert_true(cache.changed);
    assert_int_equal(cache.count, 1);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(scratch_sh("printf abd >fresh"), 0);
        assert_string_equal(digest_of(&cache, "fresh", 0), ABD);
        assert_int_equal(scratch_sh("printf abc >fresh"), 0);
        assert_string_equal(digest_of(&cache, "fresh", 0), ABC);
    }
    digest_cache_free(&cache);
}

static void test_changed_is_read(void **state)
{
    static const struct {
        const char *name, *change, *want;
    } cases[] = {
        {"touched", "touch touched", ABC},
        {"touched", "touch -d 2001-02-03 touched", ABC},
        {"larger", "printf d >>larger",
         "88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589"},
        /* mtime is put back; ctime cannot be */
        {"same_size", "touch -r same_size ref; printf abd >same_size; touch -r ref same_size", ABD},
        {"moved", "cp -p moved copy; mv copy moved", ABC},
        {"old2", "chmod 600 old2", ABC},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct digest_cache cache;
        char *line = forged_line(cases[i].name, 0), *got;

        write_cache(line);
        read_cache(&cache);
        assert_string_equal(digest_of(&cache, cases[i].name, 0), FORGED);
        assert_int_equal(scratch_sh(cases[i].change), 0);
        got = digest_of(&cache, cases[i].name, 0);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: got %s", cases[i].change, got);
        digest_cache_free(&cache);
        free(line);
    }
}

static void test_damaged(void **state)
{
    static const char *const texts[] = {
        "",
        "\n",
        "\n\n\n",
        "garbage\n",
        ABC "\n",
        ABC " 1 2 3 4\n",
        ABC " a b c d e\n",
        "abcd 1 2 3 4 5\n",
        "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD 1 2 3 4 5\n",
        "\xff\xfe\n",
    };
    struct digest_cache cache;
    struct buf text = {0};
    char *line = forged_line("old", 0);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        write_cache(texts[i]);
        read_cache(&cache);
        if (cache.count != 0 || cache.changed)
            fail_msg("<%s>: %zu rows", texts[i], cache.count);
        assert_string_equal(digest_of(&cache, "old", 0), ABC);
        digest_cache_free(&cache);
    }
    /* what is damaged does not hide what follows */
    for (size_t i = 0; i < 5000; i++)
        buf_puts(&text, "x");
    buf_printf(&text, "\n%s", line);
    write_cache(text.data);
    read_cache(&cache);
    assert_string_equal(digest_of(&cache, "old", 0), FORGED);
    digest_cache_free(&cache);
    buf_free(&text);
    free(line);
    digest_cache_read(&cache, "/nonexistent/digests");
    assert_int_equal(cache.count, 0);
    digest_cache_read(&cache, ""); /* no output: no cache */
    assert_int_equal(cache.count, 0);
    digest_cache_read(&cache, "/proc");
    assert_int_equal(cache.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest),  cmocka_unit_test(test_known_is_not_read),
        cmocka_unit_test(test_fresh),   cmocka_unit_test(test_changed_is_read),
        cmocka_unit_test(test_damaged),
    };

    return cmocka_run_group_tests(tests, setup, scratch_remove);
}
