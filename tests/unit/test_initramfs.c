/* initramfs: which beginnings are an archive that Linux unpacks. */
#include "boot/initramfs.h"

#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define BYTES(text) text, sizeof text - 1

static void test_formats(void **state)
{
    static const struct {
        const char *name, *data;
        size_t len;
        const char *want; /* NULL: none */
    } cases[] = {
        {"newc", BYTES("070701 and more"), "cpio"},
        {"newc with sums", BYTES("070702 and more"), "cpio"},
        {"old cpio", BYTES("070707 and more"), NULL},
        {"gzip", BYTES("\x1f\x8b\x08"), "gzip"},
        {"gzip, old", BYTES("\x1f\x9e\x08"), "gzip"},
        {"xz",
         BYTES("\xfd"
               "7zXZ\0\0"),
         "xz"},
        {"zstd", BYTES("\x28\xb5\x2f\xfd\0"), "zstd"},
        {"bzip2", BYTES("BZh9"), "bzip2"},
        {"lz4", BYTES("\x02\x21\x4c\x18"), "lz4"},
        {"lz4, the frame that Linux does not read", BYTES("\x04\x22\x4d\x18"), NULL},
        {"lzo", BYTES("\x89LZO\0\r\n\x1a\n"), "lzo"},
        {"lzma", BYTES("\x5d\0\0\0\x04"), "lzma"},
        {"magic and nothing else", BYTES("\x1f\x8b"), "gzip"},
        {"half a magic", BYTES("\x1f"), NULL},
        {"most of a magic", BYTES("07070"), NULL},
        {"text", BYTES("#!/bin/sh\n"), NULL},
        {"squashfs", BYTES("hsqs\1\2\3\4"), NULL},
        {"ELF",
         BYTES("\x7f"
               "ELF\2\1\1"),
         NULL},
        {"zeros in front, in fours",
         BYTES("\0\0\0\0\0\0\0\0"
               "070701"),
         "cpio"},
        {"zeros in front, not in fours",
         BYTES("\0\0\0\0\0\0"
               "070701"),
         NULL},
        {"zeros only", BYTES("\0\0\0\0\0\0\0\0"), NULL},
        {"empty", BYTES(""), NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct content content = content_memory(cases[i].data, cases[i].len);
        const char *got = "unset";

        if (initramfs_read(&got, &content) != 0 || (got == NULL) != (cases[i].want == NULL) ||
            (got && strcmp(got, cases[i].want) != 0))
            fail_msg("%s: got %s", cases[i].name, got ? got : "none");
    }
}

/* The zeros in front of an archive may be many: up to the 4096 bytes that are looked at. */
static void test_padding(void **state)
{
    static char data[5000];
    const char *got;

    (void)state;
    for (size_t at = 0; at <= 4090; at += 1022) {
        struct content content = content_memory(data, sizeof data);

        memset(data, 0, sizeof data);
        memcpy(data + at, "070701", 6);
        assert_int_equal(initramfs_read(&got, &content), 0);
        if ((got != NULL) != (at % 4 == 0))
            fail_msg("an archive at %zu: %s", at, got ? got : "none");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_padding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
