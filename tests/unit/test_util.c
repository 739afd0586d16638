/* util: rounding, fields, buffers, UTF-8 and UTF-16; every case is a row. */
#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_round(void **state)
{
    static const struct {
        uint64_t n, unit, up, down, divided;
    } cases[] = {
        {0, 512, 0, 0, 0},
        {1, 512, 512, 0, 1},
        {511, 512, 512, 0, 1},
        {512, 512, 512, 512, 1},
        {513, 512, 1024, 512, 2},
        {7, 1, 7, 7, 7},
        {10, 3, 12, 9, 4},
        {GIB * 5 + 1, MIB, GIB * 5 + MIB, GIB * 5, 5121},
        {UINT64_MAX - 4095, 4096, UINT64_MAX - 4095, UINT64_MAX - 4095, (UINT64_MAX >> 12)},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (round_up(cases[i].n, cases[i].unit) != cases[i].up ||
            round_down(cases[i].n, cases[i].unit) != cases[i].down ||
            divide_up(cases[i].n, cases[i].unit) != cases[i].divided)
            fail_msg("%llu by %llu", (unsigned long long)cases[i].n,
                     (unsigned long long)cases[i].unit);
}

static void test_fields(void **state)
{
    uint8_t b[9] = {0};

    (void)state;
    put_le16(b + 1, 0x1234);
    assert_memory_equal(b, "\0\x34\x12\0", 4);
    assert_int_equal(get_le16(b + 1), 0x1234);
    put_le32(b + 1, 0x89abcdef);
    assert_memory_equal(b, "\0\xef\xcd\xab\x89\0", 6);
    assert_int_equal(get_le32(b + 1), 0x89abcdef);
    put_le64(b + 1, 0xfedcba9876543210);
    assert_memory_equal(b, "\0\x10\x32\x54\x76\x98\xba\xdc\xfe", 9);
    assert_true(get_le64(b + 1) == 0xfedcba9876543210);
    put_be16(b, 0x1234);
    assert_memory_equal(b, "\x12\x34", 2);
    put_be32(b, 0x89abcdef);
    assert_memory_equal(b, "\x89\xab\xcd\xef", 4);
}

static void test_utf8(void **state)
{
    static const struct {
        const char *text;
        bool valid;
        size_t n; /* UTF-16 units */
        uint16_t units[8];
    } cases[] = {
        {"", true, 0, {0}},
        {"a\x7f", true, 2, {'a', 0x7f}},
        {"\xc2\x80", true, 1, {0x80}},
        {"\xdf\xbf", true, 1, {0x7ff}},
        {"\xe0\xa0\x80", true, 1, {0x800}},
        {"\xef\xbf\xbf", true, 1, {0xffff}},
        {"\xed\x9f\xbf\xee\x80\x80", true, 2, {0xd7ff, 0xe000}},
        {"\xf0\x90\x80\x80", true, 2, {0xd800, 0xdc00}},
        {"\xf0\x9f\x98\x80!", true, 3, {0xd83d, 0xde00, '!'}},
        {"\xf4\x8f\xbf\xbf", true, 2, {0xdbff, 0xdfff}},
        {"\xef\xbf\xbd", true, 1, {0xfffd}}, /* the replacement itself is a character */
        {"\x80", false, 1, {0xfffd}},
        {"\xff", false, 1, {0xfffd}},
        {"\xc3", false, 1, {0xfffd}},
        {"a\xc3z", false, 3, {'a', 0xfffd, 'z'}},
        {"\xe4\xb8", false, 2, {0xfffd, 0xfffd}},
        {"\xc0\x80", false, 2, {0xfffd, 0xfffd}},             /* overlong */
        {"\xc1\xbf", false, 2, {0xfffd, 0xfffd}},             /* overlong */
        {"\xe0\x9f\xbf", false, 3, {0xfffd, 0xfffd, 0xfffd}}, /* overlong */
        {"\xf0\x8f\xbf\xbf", false, 4, {0xfffd, 0xfffd, 0xfffd, 0xfffd}},
        {"\xed\xa0\x80", false, 3, {0xfffd, 0xfffd, 0xfffd}}, /* a surrogate */
        {"\xed\xbf\xbf", false, 3, {0xfffd, 0xfffd, 0xfffd}},
        {"\xf4\x90\x80\x80", false, 4, {0xfffd, 0xfffd, 0xfffd, 0xfffd}}, /* U+110000 */
        {"\xf8\x88\x80\x80\x80", false, 5, {0xfffd, 0xfffd, 0xfffd, 0xfffd, 0xfffd}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint16_t units[8] = {0};
        char *text = xstrdup(cases[i].text); /* so that ASan sees a step too far */
        size_t n = utf16_from_utf8(text, units, ARRAY_LEN(units));

        if (utf8_valid(text) != cases[i].valid || n != cases[i].n ||
            memcmp(units, cases[i].units, sizeof units) != 0)
            fail_msg("case %zu: %zu units, the first %04x", i, n, units[0]);
        free(text);
    }
}

static void test_utf16_room(void **state)
{
    uint16_t units[3] = {0, 0, 0x5555};

    (void)state;
    assert_int_equal(utf16_from_utf8("abcd", units, 2), 4);
    assert_int_equal(units[1], 'b');
    assert_int_equal(units[2], 0x5555);
    /* half a pair fits */
    assert_int_equal(utf16_from_utf8("a\xf0\x9f\x98\x80", units, 2), 3);
    assert_int_equal(units[1], 0xd83d);
    assert_int_equal(units[2], 0x5555);
    assert_int_equal(utf16_from_utf8("abc", NULL, 0), 3);
}

static void test_buf(void **state)
{
    struct buf buf = {0};

    (void)state;
    buf_add(&buf, NULL, 0);
    assert_string_equal(buf.data, "");
    buf_puts(&buf, "one");
    buf_printf(&buf, " %d%%", 2);
    buf_add(&buf, "\0x", 2);
    assert_int_equal(buf.len, 8);
    assert_memory_equal(buf.data, "one 2%\0x", 9);
    for (int i = 0; i < 1000; i++)
        buf_puts(&buf, "0123456789");
    assert_int_equal(buf.len, 10008);
    assert_int_equal(strlen(buf.data + 7), 10001);
    buf_free(&buf);
    assert_null(buf.data);
    buf_free(&buf);
}

static void test_grow(void **state)
{
    int *v = NULL;

    (void)state;
    for (size_t n = 0; n < 1000; n++) {
        v = xgrow(v, n, sizeof *v);
        v[n] = (int)n;
    }
    for (size_t n = 0; n < 1000; n++)
        assert_int_equal(v[n], n);
    free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round), cmocka_unit_test(test_fields),
        cmocka_unit_test(test_utf8),  cmocka_unit_test(test_utf16_room),
        cmocka_unit_test(test_buf),   cmocka_unit_test(test_grow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
