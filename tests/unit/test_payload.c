/* payload: kernel arguments into words, as lib/cmdline.c of Linux splits them; consoles. */
#include "boot/payload.h"
#include "boot/setting.h"

#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* The words in brackets: "[a][b c]". */
static char *joined(const struct strings *words)
{
    struct buf buf = {0};

    buf_puts(&buf, "");
    for (size_t i = 0; i < words->n; i++)
        buf_printf(&buf, "[%s]", words->v[i]);
    return buf.data;
}

static void test_split(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {" ", ""},
        {"quiet", "[quiet]"},
        {"quiet splash", "[quiet][splash]"},
        {"  quiet   splash  ", "[quiet][splash]"},
        {"a=\"b c\" d", "[a=b c][d]"},
        {"\"a=b c\" d", "[a=b c][d]"},
        {"a\" \"b", "[a b]"},
        {"\"\"", "[]"},
        {"a \"\" b", "[a][][b]"},
        {"a=\"\"", "[a=]"},
        {"\"a\"\"b\"", "[ab]"},
        {"it's $HOME `x` \\n", "[it's][$HOME][`x`][\\n]"},
        {"init=/bin/sh -- -c 'x'", "[init=/bin/sh][--][-c]['x']"},
        {"\xc3\xbc=\xe6\x97\xa5", "[\xc3\xbc=\xe6\x97\xa5]"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct strings words = {0};
        const char *why = payload_split(&words, cases[i].text);
        char *got = joined(&words);

        if (why || strcmp(got, cases[i].want) != 0)
            fail_msg("<%s>: got %s, want %s (%s)", cases[i].text, got, cases[i].want,
                     why ? why : "no complaint");
        free(got);
        strings_free(&words);
    }
}

static void test_split_refuses(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"a\nb", "holds a control character"},
        {"\t", "holds a control character"},
        {"a\x7f", "holds a control character"},
        {"\"a\nb\"", "holds a control character"},
        {"a \xff", "is not valid UTF-8"},
        {"\xc0\xaf", "is not valid UTF-8"},
        {"\"", "has a double quote without its partner"},
        {"a \"b c", "has a double quote without its partner"},
        {"a\"b\"\"", "has a double quote without its partner"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct strings words = {0};
        const char *why = payload_split(&words, cases[i].text);

        if (!why || strcmp(why, cases[i].want) != 0)
            fail_msg("<%s>: %s", cases[i].text, why ? why : "accepted");
        strings_free(&words);
    }
}

/* The least that passes for a kernel: a header of protocol 2.06, one sector of setup, no more. */
static int kernel_file(void)
{
    uint8_t head[1024] = {0};
    int fd = memfd_create("kernel", MFD_CLOEXEC);

    head[0x1f1] = 1;
    put_le16(head + 0x1fe, 0xaa55);
    memcpy(head + 0x202, "HdrS", 4);
    put_le16(head + 0x206, 0x0206);
    put_le32(head + 0x238, 60); /* bytes of arguments */
    assert_int_equal(write(fd, head, sizeof head), sizeof head);
    return fd;
}

/* payload_open with these consoles (separated by blanks) and arguments; the words, NULL if refused.
 */
static char *words_of(const char *consoles, const char *cmdline)
{
    struct request request;
    struct payload payload;
    int fd = kernel_file();
    char *list = xstrdup(consoles), *save, *got = NULL;
    const char *why = NULL;

    request_init(&request);
    request_add_entry(&request, "linux");
    request.entries[0].kernel = xasprintf("/proc/self/fd/%d", fd);
    request.entries[0].cmdline = cmdline ? xstrdup(cmdline) : NULL;
    for (char *word = strtok_r(list, " ", &save); word && !why; word = strtok_r(NULL, " ", &save))
        why = setting_console(&request, word);
    if (payload_open(&payload, &request, NULL) == 0 && !why)
        got = joined(&payload.entries[0].words);
    payload_close(&payload);
    request_free(&request);
    free(list);
    close(fd);
    return got;
}

static void test_consoles(void **state)
{
    static const struct {
        const char *consoles, *cmdline, *want; /* NULL: refused */
    } cases[] = {
        {"", NULL, ""},
        {"tty0", NULL, "[console=tty0]"},
        {"tty0 ttyS0,115200", "quiet", "[console=tty0][console=ttyS0,115200][quiet]"},
        {"ttyS1,115200n8", NULL, "[console=ttyS1,115200n8]"},
        {"ttyS1,9600n8r", NULL, "[console=ttyS1,9600n8r]"},
        {"ttyS1,9600e7", NULL, "[console=ttyS1,9600e7]"},
        {"hvc0 ttyAMA0", "console=tty1", "[console=hvc0][console=ttyAMA0][console=tty1]"},
        {",115200", NULL, NULL},
        {"ttyS0,", NULL, NULL},
        {"ttyS0,n8", NULL, NULL},
        {"ttyS0,fast", NULL, NULL},
        {"ttyS0,9600x", NULL, NULL},
        {"ttyS0,9600,8", NULL, NULL},
        {"/dev/ttyS0", NULL, NULL},
        {"tty0;x", NULL, NULL},
        {"tty0'", NULL, NULL},
        {"$x", NULL, NULL},
        /* the kernel takes 60 bytes, of which each word needs three more than it has */
        {"", "1234567890123456789012345678901234567890123456789012345 7", NULL},
        {"", "1234567890123456789012345678901234567890123456789012345",
         "[1234567890123456789012345678901234567890123456789012345]"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *got = words_of(cases[i].consoles, cases[i].cmdline);

        if ((got == NULL) != (cases[i].want == NULL) || (got && strcmp(got, cases[i].want) != 0))
            fail_msg("<%s> <%s>: got %s", cases[i].consoles,
                     cases[i].cmdline ? cases[i].cmdline : "", got ? got : "a refusal");
        free(got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_split_refuses),
        cmocka_unit_test(test_consoles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
