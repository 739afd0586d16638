/* digest: known sums (FIPS 180-4), and sums as text. */
#include "base/digest.h"

#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <strings.h>

#include <cmocka.h>

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void test_content(void **state)
{
    static const struct {
        const char *text;
        uint64_t zeros;
        const char *hex;
    } cases[] = {
        {"", 0, EMPTY},
        {"abc", 0, ABC},
        {"", 1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct content content = content_memory(cases[i].text, strlen(cases[i].text));
        uint8_t sum[DIGEST_LEN];

        assert_int_equal(digest_content(&content, cases[i].zeros, sum), 0);
        assert_string_equal(digest_hex(sum).text, cases[i].hex);
    }
}

static void test_from_hex(void **state)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {EMPTY, true},
        {"BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", true},
        {"", false},
        {"ba", false},
        {EMPTY "0", false},
        {EMPTY " ", false},
        {" " ABC, false},
        {"0xb0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", false},
        {"-3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", false},
        {"g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", false},
        {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t sum[DIGEST_LEN];
        bool good = digest_from_hex(sum, cases[i].text);

        if (good != cases[i].good || (good && strcasecmp(digest_hex(sum).text, cases[i].text) != 0))
            fail_msg("'%s'", cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content),
        cmocka_unit_test(test_from_hex),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
