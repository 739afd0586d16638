/* tree_list: SHA256SUMS in, a sorted list out; what is no such list is refused. */
#include "media/tree_private.h"

#include "base/util.h"
#include "caught.h"
#include "files.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define A "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define B "dc1114cd074914bd872cc1f9a23ec910ea2203bc79779ab2e17da25782a624fc"

static int folder(void)
{
    return open(scratch_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void write_sums(const char *text, size_t len)
{
    char *path = xasprintf("%s/SHA256SUMS", scratch_dir());
    FILE *file = fopen(path, "w");

    fwrite(text, 1, len, file);
    fclose(file);
    free(path);
}

/* "ba path; dc path; ": the list, with the start of each digest */
static char *joined(const struct tree_list *list)
{
    struct buf buf = {0};

    buf_puts(&buf, "");
    for (size_t i = 0; i < list->count; i++)
        buf_printf(&buf, "%.2s %s; ", digest_hex(list->files[i].digest).text, list->files[i].path);
    return buf.data;
}

static void test_read(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {A "  a\n", "ba a; "},
        {A "  a", "ba a; "},
        {A "  a\n" B "  b\n", "ba a; dc b; "},
        {B "  b\n" A "  a\n", "ba a; dc b; "}, /* sorted */
        {A "  a/b\n" B "  a-b\n" B "  a\n", "dc a; dc a-b; ba a/b; "},
        {A "  a b\n", "ba a b; "},
        {A "   a\n", "ba  a; "},
        {A "  a  \n", "ba a  ; "},
        {A "  \xc3\xbc\n", "ba \xc3\xbc; "},
        {A "  a\\b\n", "ba a\\b; "},
    };
    int fd = folder();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tree_list list;
        char *got;

        write_sums(cases[i].text, strlen(cases[i].text));
        if (tree_list_read(&list, fd, "SHA256SUMS", "tree") != 1)
            fail_msg("<%s>: refused", cases[i].text);
        got = joined(&list);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("<%s>: got <%s>, want <%s>", cases[i].text, got, cases[i].want);
        free(got);
        tree_list_free(&list);
    }
    close(fd);
}

static void test_damaged(void **state)
{
    static const char *const texts[] = {
        "\n",
        "garbage\n",
        A,
        A "\n",
        A " a\n",
        A "  \n",
        A " *a\n", /* nobody of ours writes that */
        A "\ta\n",
        A "  a\n\n",
        A "  a\n" B "\n",
        A "  a\ngarbage\n" B "  b\n",
        "ba78  a\n",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ag  a\n",
        "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD  a\n",
        "\\" A "  a\n",
        /* what is listed may be replaced and removed: never anything outside of the tree */
        A "  ../a\n",
        A "  /etc/passwd\n",
        A "  a/../../b\n",
        A "  a/..\n",
        A "  ..\n",
        A "  a//b\n",
        A "  ./a\n",
        A "  .mkbootmedia/journal\n",
    };
    int fd = folder();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct tree_list list;
        struct caught caught;
        char got[256];
        int result;

        write_sums(texts[i], strlen(texts[i]));
        caught_begin(&caught);
        result = tree_list_read(&list, fd, "SHA256SUMS", "tree");
        caught_end(&caught, got, sizeof got);
        if (result != -1 || strncmp(got, "mkbootmedia: tree", 17) != 0 ||
            !strstr(got, "SHA256SUMS is damaged\n"))
            fail_msg("<%s>: %d <%s>", texts[i], result, got);
        assert_int_equal(list.count, 0);
    }
    close(fd);
}

/* A NUL within: neither the end of the list nor of a line. */
static void test_nul(void **state)
{
    static const char text[] = A "  a\0b\n" B "  c\n";
    struct tree_list list;
    struct caught caught;
    char got[256];
    int fd = folder(), result;

    (void)state;
    write_sums(text, sizeof text - 1);
    caught_begin(&caught);
    result = tree_list_read(&list, fd, "SHA256SUMS", "tree");
    caught_end(&caught, got, sizeof got);
    assert_int_equal(result, -1);
    close(fd);
}

static void test_missing(void **state)
{
    struct tree_list list;
    struct caught caught;
    char got[256];
    int fd = folder(), result;

    (void)state;
    assert_int_equal(tree_list_read(&list, fd, "none", "tree"), 0);
    assert_int_equal(list.count, 0);
    assert_int_equal(scratch_sh("ln -s SHA256SUMS link; mkdir dir"), 0);
    caught_begin(&caught);
    result = tree_list_read(&list, fd, "link", "tree"); /* nothing is read through a link */
    caught_end(&caught, got, sizeof got);
    assert_int_equal(result, -1);
    assert_memory_equal(got, "mkbootmedia: tree: reading its list of files: ", 46);
    caught_begin(&caught);
    result = tree_list_read(&list, fd, "dir", "tree");
    caught_end(&caught, got, sizeof got);
    assert_int_equal(result, -1);
    assert_memory_equal(got, "mkbootmedia: tree: reading", 26);
    close(fd);
}

static void test_find(void **state)
{
    static const char *const paths[] = {"b", "a/b", "a-b", "a", "payload/1/x", "c d"};
    static const char *const others[] = {"", "aa", "a/", "a/b/c", "payload", "B", "c"};
    struct tree_list list = {0};

    (void)state;
    assert_null(tree_list_find(&list, "a"));
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        tree_list_add(&list, xstrdup(paths[i]));
    tree_list_sort(&list);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        const struct tree_file *file = tree_list_find(&list, paths[i]);

        if (!file || strcmp(file->path, paths[i]) != 0)
            fail_msg("%s: not found", paths[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (tree_list_find(&list, others[i]))
            fail_msg("%s: found", others[i]);
    tree_list_free(&list);
    assert_int_equal(list.count, 0);
    tree_list_free(&list); /* safe on an empty one */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),    cmocka_unit_test(test_damaged), cmocka_unit_test(test_nul),
        cmocka_unit_test(test_missing), cmocka_unit_test(test_find),
    };

    return cmocka_run_group_tests(tests, NULL, scratch_remove);
}
