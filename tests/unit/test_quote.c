/* quote: what GRUB, iPXE and Linux read is what was meant. */
#include "boot/quote.h"

#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_quote)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
