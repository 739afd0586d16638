/* kernel_config: what kernels can unpack, from lines of their configurations. */
#include "ramroot/kernel_config.h"

#include "base/util.h"
#include "caught.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_initramfs(void **state)
{
    static const struct {
        const char *config, *version;
        enum compress want;
    } cases[] = {
        {"CONFIG_RD_GZIP=y\nCONFIG_RD_XZ=y\nCONFIG_RD_ZSTD=y\n", "6.1.0", COMPRESS_ZSTD},
        {"CONFIG_RD_GZIP=y\nCONFIG_RD_XZ=y\n# CONFIG_RD_ZSTD is not set\n", "6.1.0", COMPRESS_XZ},
        {"CONFIG_RD_GZIP=y\n# CONFIG_RD_XZ is not set\n", "6.1.0", COMPRESS_GZIP},
        {"CONFIG_RD_GZIP=y", "6.1.0", COMPRESS_GZIP},
        {"# CONFIG_RD_GZIP is not set\nCONFIG_RD_LZ4=y\n", "6.1.0", COMPRESS_NONE},
        {"", "6.1.0", COMPRESS_NONE},
        {"CONFIG_RD_ZSTD=y\n", "4.19.0", COMPRESS_ZSTD}, /* the configuration knows better */
        {"CONFIG_RD_ZSTD=n\nCONFIG_RD_GZIP=y\n", "6.1.0", COMPRESS_GZIP},
        {"CONFIG_RD_ZSTD=m\n", "6.1.0", COMPRESS_NONE},
        {"CONFIG_RD_ZSTD=yes\n", "6.1.0", COMPRESS_NONE},
        {"#CONFIG_RD_ZSTD=y\n", "6.1.0", COMPRESS_NONE},
        {"CONFIG_RD_ZSTD_2=y\n", "6.1.0", COMPRESS_NONE},
        {"XCONFIG_RD_ZSTD=y\nCONFIG_RD_ZSTD=y\n", "6.1.0", COMPRESS_ZSTD},
        {"CONFIG_RD_ZSTD=yy\nCONFIG_RD_ZSTD=y\n", "6.1.0", COMPRESS_ZSTD},
        {"CONFIG_RD_ZSTD=yCONFIG_RD_ZSTD=y", "6.1.0", COMPRESS_NONE},
        {NULL, "6.1.0-44-amd64", COMPRESS_ZSTD},
        {NULL, "5.9.0", COMPRESS_ZSTD},
        {NULL, "5.10.0", COMPRESS_ZSTD},
        {NULL, "5.8.18", COMPRESS_GZIP},
        {NULL, "4.19.0-9", COMPRESS_GZIP},
        {NULL, "10.0", COMPRESS_ZSTD},
        {NULL, "linux", COMPRESS_GZIP},
        {NULL, "", COMPRESS_GZIP},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum compress got = kernel_config_initramfs(cases[i].config, cases[i].version);

        if (got != cases[i].want)
            fail_msg("<%s>, %s: got %s", cases[i].config ? cases[i].config : "none",
                     cases[i].version, compress_name(got));
    }
}

static void test_squashfs_best(void **state)
{
    static const struct {
        const char *config, *version;
        enum compress want;
    } cases[] = {
        {"CONFIG_SQUASHFS_ZLIB=y\nCONFIG_SQUASHFS_XZ=y\nCONFIG_SQUASHFS_ZSTD=y\n", "4.18",
         COMPRESS_ZSTD},
        {"CONFIG_SQUASHFS_ZLIB=y\nCONFIG_SQUASHFS_XZ=y\n", "6.1", COMPRESS_GZIP},
        {"CONFIG_SQUASHFS_XZ=y\n", "6.1", COMPRESS_XZ},
        {"", "6.1", COMPRESS_NONE},
        {NULL, "4.14", COMPRESS_ZSTD},
        {NULL, "6.1", COMPRESS_ZSTD},
        {NULL, "4.13.9", COMPRESS_GZIP},
        {NULL, "3.10.0-1160.el7", COMPRESS_GZIP},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(kernel_config_squashfs(cases[i].config, cases[i].version), cases[i].want);
}

static void test_squashfs(void **state)
{
    static const char all[] =
        "CONFIG_SQUASHFS_ZLIB=y\nCONFIG_SQUASHFS_XZ=y\nCONFIG_SQUASHFS_ZSTD=y\n";
    static const struct {
        const char *config;
        enum compress format;
        const char *missing; /* NULL: it can be read */
    } cases[] = {
        {all, COMPRESS_ZSTD, NULL},
        {all, COMPRESS_XZ, NULL},
        {all, COMPRESS_GZIP, NULL},
        {NULL, COMPRESS_ZSTD, NULL},
        {all, COMPRESS_NONE, NULL},
        {"", COMPRESS_NONE, "none (CONFIG_SQUASHFS_ZLIB)"},
        {"", COMPRESS_ZSTD, "zstd (CONFIG_SQUASHFS_ZSTD)"},
        {"", COMPRESS_XZ, "xz (CONFIG_SQUASHFS_XZ)"},
        {"", COMPRESS_GZIP, "gzip (CONFIG_SQUASHFS_ZLIB)"},
        {"CONFIG_SQUASHFS_ZSTD=m\n", COMPRESS_ZSTD, "zstd (CONFIG_SQUASHFS_ZSTD)"},
        {"# CONFIG_SQUASHFS_XZ is not set\n", COMPRESS_XZ, "xz (CONFIG_SQUASHFS_XZ)"},
    };
    char text[512], want[512];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct caught caught;
        int result;

        caught_begin(&caught);
        result = kernel_config_squashfs_check(cases[i].config, cases[i].format, "root.tar");
        caught_end(&caught, text, sizeof text);
        *want = '\0';
        if (cases[i].missing)
            snprintf(want, sizeof want,
                     "mkbootmedia: root.tar: packing: its kernel reads no squashfs in %s; use "
                     "another --compress\n",
                     cases[i].missing);
        if (result != (cases[i].missing ? -1 : 0) || strcmp(text, want) != 0)
            fail_msg("case %zu: %d, got <%s>, want <%s>", i, result, text, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_initramfs),
        cmocka_unit_test(test_squashfs_best),
        cmocka_unit_test(test_squashfs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
