/* content: slices and reads, of memory and of files. */
#include "base/content.h"

#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static int file_with(const char *text)
{
    int fd = memfd_create("content", MFD_CLOEXEC);

    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    return fd;
}

static void test_slices(void **state)
{
    static const struct {
        uint64_t from, len, from_2, len_2;
        const char *want;
    } cases[] = {
        {0, 10, 0, 10, "0123456789"},
        {2, 5, 0, 5, "23456"},
        {2, 5, 1, 3, "345"},
        {0, 0, 0, 0, ""},
        {10, 0, 0, 0, ""},
        {2, 5, 5, 0, ""},
        {9, 1, 0, 1, "9"},
        {0, 9, 8, 1, "8"},
    };
    int fd = file_with("0123456789");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct content contents[] = {content_memory("0123456789", 10),
                                     content_file("digits", fd, 10)};

        for (size_t k = 0; k < ARRAY_LEN(contents); k++) {
            struct content c = content_slice(contents[k], cases[i].from, cases[i].len);
            char got[11] = "";

            c = content_slice(c, cases[i].from_2, cases[i].len_2);
            if (c.len != strlen(cases[i].want) || content_read(&c, 0, got, c.len) != 0 ||
                strcmp(got, cases[i].want) != 0)
                fail_msg("case %zu, %s: \"%s\"", i, k ? "file" : "memory", got);
        }
    }
    close(fd);
}

static void test_read(void **state)
{
    int fd = file_with("0123456789");
    struct content file = content_slice(content_file("digits", fd, 10), 3, 6);
    char got[4] = "";

    (void)state;
    assert_int_equal(content_read(&file, 2, got, 3), 0);
    assert_string_equal(got, "567");
    assert_int_equal(content_read(&file, 6, got, 0), 0);
    /* what was checked may have become shorter since */
    assert_int_equal(ftruncate(fd, 7), 0);
    assert_int_equal(content_read(&file, 0, got, 3), 0);
    assert_int_equal(content_read(&file, 2, got, 3), -1);
    close(fd);
    assert_int_equal(content_read(&file, 0, got, 1), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slices),
        cmocka_unit_test(test_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
