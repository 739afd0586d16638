/* quote: what GRUB, iPXE and Linux read is what was meant. */
#include "boot/quote.h"

#include "base/util.h"
#include "boot/payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void test_quote(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", "''"},
        {"plain", "'plain'"},
        {"two words", "'two words'"},
        {"it's", "'it'\\''s'"},
        {"'", "''\\'''"},
        {"''", "''\\'''\\'''"},
        {"$root ${x} $(y) `z`", "'$root ${x} $(y) `z`'"},
        {"a\\b\\", "'a\\b\\'"},
        {"\"quoted\"", "'\"quoted\"'"},
        {"; } | & < > # {", "'; } | & < > # {'"},
        {"\xc3\xbc \xe6\x97\xa5", "'\xc3\xbc \xe6\x97\xa5'"},
        {"{{title}}", "'{{title}}'"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = {0};

        buf_puts(&out, "=");
        quote_grub(&out, cases[i].text);
        if (out.data[0] != '=' || strcmp(out.data + 1, cases[i].want) != 0)
            fail_msg("<%s>: got <%s>, want <%s>", cases[i].text, out.data + 1, cases[i].want);
        buf_free(&out);
    }
}

static void test_ipxe(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"a_b.c/d:e=f,g@h+i-j~k(l)", "a_b.c/d:e=f,g@h+i-j~k(l)"},
        {"two words", "two%20words"},
        {"a  b ", "a%20%20b%20"},
        {"#x", "%23x"},
        {"a || b && c ; d", "a%20%7C%7C%20b%20%26%26%20c%20%3B%20d"},
        {"100%", "100%25"},
        {"%20", "%2520"},
        {"%s%n", "%25s%25n"},
        {"$a ${", "%24a%20%24%7B"},
        {"\\", "%5C"},
        {"\"'`", "%22%27%60"},
        {"{{title}}", "%7B%7Btitle%7D%7D"},
        {"<>[]!?*^", "%3C%3E%5B%5D%21%3F%2A%5E"},
        {"\t\n\x7f", "%09%0A%7F"},
        {"\xc3\xbc \xe6\x97\xa5", "%C3%BC%20%E6%97%A5"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = {0};

        buf_puts(&out, "=");
        quote_ipxe(&out, cases[i].text);
        if (out.data[0] != '=' || strcmp(out.data + 1, cases[i].want) != 0)
            fail_msg("<%s>: got <%s>, want <%s>", cases[i].text, out.data + 1, cases[i].want);
        buf_free(&out);
    }
}

/* Each byte there is: nothing is left that iPXE splits at or looks for, and %-decoding gives it
 * back. */
static void test_ipxe_bytes(void **state)
{
    (void)state;
    for (unsigned c = 1; c < 256; c++) {
        struct buf out = {0};
        const char text[] = {(char)c, '\0'};
        unsigned got;
        char end;

        quote_ipxe(&out, text);
        if (out.len == 1 ? out.data[0] != (char)c
                         : sscanf(out.data, "%%%2X%c", &got, &end) != 1 || got != c)
            fail_msg("0x%02x: got <%s>", c, out.data);
        if (strpbrk(out.data, " \t\n\v\f\r#${}|&;\\"))
            fail_msg("0x%02x: stays <%s>", c, out.data);
        buf_free(&out);
    }
}

static void test_ipxe_check(void **state)
{
    static const struct {
        const char *text;
        bool refused;
    } cases[] = {
        {"", false},      {"$", false},           {"{", false},     {"$ {", false},
        {"$$", false},    {"{$}", false},         {"${", true},     {"${a}", true},
        {"a $${b", true}, {"x${", true},          {"${a:b}", true}, {"%24%7B", false},
        {"{{a}}", false}, {"\xc3\xbc${x}", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if ((quote_ipxe_check(cases[i].text) != NULL) != cases[i].refused)
            fail_msg("<%s>", cases[i].text);
}

static void test_kernel_word(void **state)
{
    static const struct {
        const char *word, *want;
    } cases[] = {
        {"quiet", "quiet"},
        {"a=b", "a=b"},
        {"a=", "a="},
        {"=", "="},
        {"--", "--"},
        {"", "\"\""},
        {" ", "\" \""},
        {"a=b c", "a=\"b c\""},
        {"a= ", "a=\" \""},
        {"a=b=c d", "a=\"b=c d\""},
        {"a b", "\"a b\""},
        {"a b=c", "\"a b=c\""},
        {"a b=c d", "\"a b=c d\""},
        {"=b c", "=\"b c\""},
        {"it's $x \\", "\"it's $x \\\""},
        {"a=\xc3\xbc \xc3\xbc", "a=\"\xc3\xbc \xc3\xbc\""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = {0};
        struct strings words = {0};

        quote_kernel_word(&out, cases[i].word);
        if (strcmp(out.data, cases[i].want) != 0)
            fail_msg("<%s>: got <%s>, want <%s>", cases[i].word, out.data, cases[i].want);
        /* and back: as one word among others */
        buf_puts(&out, " end");
        if (payload_split(&words, out.data) || words.n != 2 ||
            strcmp(words.v[0], cases[i].word) != 0)
            fail_msg("<%s>: <%s> is not split into it", cases[i].word, out.data);
        strings_free(&words);
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quote),       cmocka_unit_test(test_ipxe),
        cmocka_unit_test(test_ipxe_bytes),  cmocka_unit_test(test_ipxe_check),
        cmocka_unit_test(test_kernel_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
