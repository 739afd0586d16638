/* setting_root: what texts the settings of a RAM root take, and what is said of the others. */
#include "boot/setting_root.h"

#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define X10(s) s s s s s s s s s s
#define EMPTY  "is empty"

static void check_why(const char *name, const char *text, const char *why, const char *want)
{
    if (!why != !want || (why && strcmp(why, want) != 0))
        fail_msg("%s <%s>: %s, want %s", name, text ? text : "NULL", why ? why : "accepted",
                 want ? want : "accepted");
}

/* Settings that keep a text as it is, or refuse it and keep nothing. */
struct text_case {
    const char *text, *why; /* NULL: it is kept */
};

static void check_texts(const char *name, setting_root_fn *set, size_t offset,
                        const struct text_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct request_root root = {0};
        const char *why = set(&root, cases[i].text), *got = *(char **)((char *)&root + offset);

        check_why(name, cases[i].text, why, cases[i].why);
        if (why ? got != NULL : strcmp(got, cases[i].text) != 0)
            fail_msg("%s <%s>: kept %s", name, cases[i].text, got ? got : "nothing");
        /* the later one wins; one that is refused changes nothing */
        free(*(char **)((char *)&root + offset));
        *(char **)((char *)&root + offset) = xstrdup("before");
        set(&root, cases[i].text);
        assert_string_equal(*(char **)((char *)&root + offset), why ? "before" : cases[i].text);
        request_root_free(&root);
    }
}

#define CHECK_TEXTS(setting, member, cases)                                                        \
    check_texts(#setting, setting_root_##setting, offsetof(struct request_root, member), cases,    \
                ARRAY_LEN(cases))

static void test_texts(void **state)
{
    static const char version[] = "is not the version of a kernel";
    static const struct text_case paths[] = {
        {"root.tar", NULL}, {"-", NULL}, {"/", NULL}, {"", EMPTY}};
    static const struct text_case modes[] = {
        {"tmpfs", NULL},
        {"overlay", NULL},
        {"", "is neither tmpfs nor overlay"},
        {"TMPFS", "is neither tmpfs nor overlay"},
        {"tmpfs ", "is neither tmpfs nor overlay"},
        {"squashfs", "is neither tmpfs nor overlay"},
    };
    static const struct text_case versions[] = {
        {"6.1.0-44-amd64", NULL},       {"linux", NULL},     {"", EMPTY},
        {"/boot/vmlinuz-6.1", version}, {"../6.1", version},
    };
    static const struct text_case formats[] = {
        {"zstd", NULL},
        {"xz", NULL},
        {"gzip", NULL},
        {"none", NULL},
        {"", "is not zstd, xz, gzip or none"},
        {"auto", "is not zstd, xz, gzip or none"},
        {"lz4", "is not zstd, xz, gzip or none"},
        {"zstd:19", "is not zstd, xz, gzip or none"},
        {"ZSTD", "is not zstd, xz, gzip or none"},
    };

    (void)state;
    CHECK_TEXTS(path, path, paths);
    CHECK_TEXTS(busybox, busybox, paths);
    CHECK_TEXTS(mode, mode, modes);
    CHECK_TEXTS(kernel_version, kernel_version, versions);
    CHECK_TEXTS(compress, compress, formats);
}

static void test_hostname(void **state)
{
    static const char *const good[] = {"a", "node1", "node-1.lab.example",
                                       X10("a") X10("b") X10("c") X10("d") X10("e") X10("f") "ghi"};
    static const char *const bad[] = {"", "-a", "a b", "a\n", "a/b", "a_b", "a..b", "\xc3\xbc"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct request_root root = {0};

        check_why("hostname", good[i], setting_root_hostname(&root, good[i]), NULL);
        assert_string_equal(root.hostname, good[i]);
        request_root_free(&root);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct request_root root = {0};

        if (!setting_root_hostname(&root, bad[i]) || root.hostname)
            fail_msg("hostname <%s>: accepted", bad[i]);
    }
}

static void test_password(void **state)
{
    static const char words[] = "is not password:TEXT, file:PATH, hash:CRYPT or locked";
    static const char colon[] = "is empty behind the colon";
    static const char ends[] = "holds a character that ends a field of /etc/shadow";
    static const char control[] = "holds a control character";
    static const struct text_case cases[] = {
        {"locked", NULL},          {"password:secret", NULL},
        {"password: a:b ", NULL},  {"file:/etc/secret", NULL},
        {"file:-", NULL},          {"hash:$6$salt$abc./", NULL},
        {"hash:!", NULL},          {"", words},
        {"secret", words},         {"locked:", words},
        {"Locked", words},         {"lock", words},
        {"password", words},       {"PASSWORD:a", words},
        {" password:a", words},    {"random", words},
        {"disabled", words},       {"password:", colon},
        {"file:", colon},          {"hash:", colon},
        {"hash:a:b", ends},        {"hash:a\nroot2::0:0", control},
        {"password:a\n", control}, {"file:a\x1b", control},
        {"hash::", ends},
    };

    (void)state;
    CHECK_TEXTS(password, root_password, cases);
}

/* Words that become numbers: the number, or what is wrong. */
struct word_case {
    const char *text;
    int want; /* -1: refused, as why says */
    const char *why;
};

static void check_words(const char *name, setting_root_fn *set, size_t offset,
                        const struct word_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct request_root root = {0};
        const char *why = set(&root, cases[i].text);
        int got = *(int *)((char *)&root + offset);

        check_why(name, cases[i].text, why, cases[i].why);
        if (got != (cases[i].want < 0 ? 0 : cases[i].want))
            fail_msg("%s <%s>: kept %d", name, cases[i].text, got);
    }
}

#define CHECK_WORDS(name, cases)                                                                   \
    check_words(#name, setting_root_##name, offsetof(struct request_root, name), cases,            \
                ARRAY_LEN(cases))

static void test_words(void **state)
{
    static const char no_fstab[] = "is neither keep nor clear";
    static const char no_getty[] = "is neither keep nor noclear";
    static const char no_boot[] = "is neither keep nor drop";
    static const char no_modules[] = "is neither need nor none";
    static const char no_selinux[] = "is not keep, permissive or disabled";
    static const struct word_case fstab[] = {{"keep", KEEP, NULL},   {"clear", CHANGE, NULL},
                                             {"", -1, no_fstab},     {"drop", -1, no_fstab},
                                             {"Keep", -1, no_fstab}, {"keep ", -1, no_fstab}};
    static const struct word_case getty[] = {{"keep", KEEP, NULL},
                                             {"noclear", CHANGE, NULL},
                                             {"clear", -1, no_getty},
                                             {"", -1, no_getty}};
    static const struct word_case boot[] = {
        {"keep", KEEP, NULL}, {"drop", CHANGE, NULL}, {"clear", -1, no_boot}, {"", -1, no_boot}};
    static const struct word_case modules[] = {{"none", KEEP, NULL},
                                               {"need", CHANGE, NULL},
                                               {"keep", -1, no_modules},
                                               {"", -1, no_modules}};
    static const struct word_case selinux[] = {{"keep", SELINUX_KEEP, NULL},
                                               {"permissive", SELINUX_PERMISSIVE, NULL},
                                               {"disabled", SELINUX_DISABLED, NULL},
                                               {"enforcing", -1, no_selinux},
                                               {"off", -1, no_selinux},
                                               {"", -1, no_selinux}};

    (void)state;
    CHECK_WORDS(fstab, fstab);
    CHECK_WORDS(getty, getty);
    CHECK_WORDS(boot, boot);
    CHECK_WORDS(modules, modules);
    CHECK_WORDS(selinux, selinux);
}

static void test_threads(void **state)
{
    static const char wrong[] = "is not a number of threads from 1 to 256";
    static const struct word_case cases[] = {
        {"1", 1, NULL},     {"256", 256, NULL},        {"08", 8, NULL},
        {"", -1, wrong},    {"0", -1, wrong},          {"257", -1, wrong},
        {"-1", -1, wrong},  {"2x", -1, wrong},         {"x", -1, wrong},
        {"2 ", -1, wrong},  {"0x10", -1, wrong},       {"1.5", -1, wrong},
        {"all", -1, wrong}, {"4294967297", -1, wrong}, {"99999999999999999999", -1, wrong},
    };

    (void)state;
    CHECK_WORDS(threads, cases);
}

static void test_ram_limit(void **state)
{
    static const char wrong[] =
        "is not a size such as 4G (K, M, G, T are powers of 1024; at most 64T)";
    static const struct {
        const char *text;
        uint64_t want; /* 0: refused */
    } cases[] = {
        {"4G", 4 * GIB}, {"500M", 500 * MIB},
        {"1", 1},        {"64T", 64 * 1024 * GIB},
        {"65T", 0},      {"0", 0},
        {"", 0},         {"4 G", 0},
        {"-4G", 0},      {"4g", 0},
        {"4GB", 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct request_root root = {0};

        check_why("ram_limit", cases[i].text, setting_root_ram_limit(&root, cases[i].text),
                  cases[i].want ? NULL : wrong);
        if (root.ram_limit != cases[i].want)
            fail_msg("ram_limit <%s>: %llu", cases[i].text, (unsigned long long)root.ram_limit);
    }
}

static void test_fetch(void **state)
{
    static const char flag[] = "is neither true nor false";
    static const char url[] = "is not a URL such as http://10.0.0.1/root.img";
    static char longest[1000 + 1], too_long[1001 + 1];
    static const struct {
        const char *text;
        bool want;
        size_t urls;
        const char *why;
    } cases[] = {
        {NULL, true, 0, NULL},
        {"true", true, 0, NULL},
        {"yes", true, 0, NULL},
        {"false", false, 0, NULL},
        {"off", false, 0, NULL},
        {"http://10.0.0.1/root.img", true, 1, NULL},
        {"http://boot.lab:8080/a/b?c=d", true, 1, NULL},
        {longest, true, 1, NULL},
        {too_long, false, 0, url},
        {"", false, 0, flag},
        {"maybe", false, 0, flag},
        {"https://10.0.0.1/root.img", false, 0, url}, /* nobody has the certificate */
        {"http:/10.0.0.1", false, 0, flag},
        {"http://10.0.0.1/a b", false, 0, url},
        {"http://10.0.0.1/a\tb", false, 0, url},
        {"http://10.0.0.1/a\n", false, 0, url},
        {"http://10.0.0.1/\"a\"", false, 0, url},
        {"http://10.0.0.1/'a'", false, 0, url},
        {"http://10.0.0.1/a\\b", false, 0, url},
        {"http://10.0.0.1/a\x1b", false, 0, url},
    };

    (void)state;
    memset(longest, 'a', sizeof longest - 1);
    memset(too_long, 'a', sizeof too_long - 1);
    memcpy(longest, "http://", 7);
    memcpy(too_long, "http://", 7);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct request_root root = {0};

        check_why("fetch", cases[i].text, setting_root_fetch(&root, cases[i].text), cases[i].why);
        if (root.fetch != cases[i].want || root.urls.n != cases[i].urls ||
            (root.urls.n && strcmp(root.urls.v[0], cases[i].text) != 0))
            fail_msg("fetch <%s>: %d, %zu URLs", cases[i].text, root.fetch, root.urls.n);
        request_root_free(&root);
    }
}

/* Mirrors: each URL is one more. */
static void test_fetch_mirrors(void **state)
{
    struct request_root root = {0};

    (void)state;
    assert_null(setting_root_fetch(&root, "http://10.0.0.1/root.img"));
    assert_null(setting_root_fetch(&root, "http://10.0.0.2/root.img"));
    assert_int_equal(root.urls.n, 2);
    assert_string_equal(root.urls.v[0], "http://10.0.0.1/root.img");
    assert_string_equal(root.urls.v[1], "http://10.0.0.2/root.img");
    request_root_free(&root);
}

static void test_lists(void **state)
{
    static const struct {
        const char *name;
        setting_root_fn *set;
        size_t offset;
    } rows[] = {
        {"overlay", setting_root_overlay, offsetof(struct request_root, overlays)},
        {"ssh-key", setting_root_ssh_key, offsetof(struct request_root, ssh_keys)},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct request_root root = {0};
        const struct strings *list = (struct strings *)((char *)&root + rows[i].offset);

        check_why(rows[i].name, "a", rows[i].set(&root, "a"), NULL);
        check_why(rows[i].name, "b c", rows[i].set(&root, "b c"), NULL);
        check_why(rows[i].name, "a", rows[i].set(&root, "a"), NULL);
        check_why(rows[i].name, "", rows[i].set(&root, ""), EMPTY);
        if (list->n != 3 || strcmp(list->v[0], "a") != 0 || strcmp(list->v[1], "b c") != 0)
            fail_msg("%s: %zu", rows[i].name, list->n);
        check_why(rows[i].name, NULL, rows[i].set(&root, NULL), NULL);
        if (list->n)
            fail_msg("%s: %zu stay", rows[i].name, list->n);
        check_why(rows[i].name, "d", rows[i].set(&root, "d"), NULL);
        assert_int_equal(list->n, 1);
        request_root_free(&root);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),    cmocka_unit_test(test_hostname),
        cmocka_unit_test(test_password), cmocka_unit_test(test_words),
        cmocka_unit_test(test_threads),  cmocka_unit_test(test_ram_limit),
        cmocka_unit_test(test_fetch),    cmocka_unit_test(test_fetch_mirrors),
        cmocka_unit_test(test_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
