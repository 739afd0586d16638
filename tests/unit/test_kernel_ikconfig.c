/*
 * kernel_ikconfig: configurations within bzImages, whose payload each of Linux's compressors has
 * made; and what is none, or damaged.
 */
#include "ramroot/kernel_ikconfig.h"

#include "base/util.h"
#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define WANT "CONFIG_IKCONFIG=y\nCONFIG_RD_ZSTD=y\n"

/* vmlinux with a configuration far within, across the borders of any block; one without. */
static int setup(void **state)
{
    (void)state;
    return scratch_sh(
        "printf 'CONFIG_IKCONFIG=y\\nCONFIG_RD_ZSTD=y\\n' >config\n"
        "perl -e 'srand 1; print pack \"C*\", map { int rand 64 } 1 .. 786429' >noise\n"
        "{ cat noise; printf IKCFG_ST; gzip -n <config; printf IKCFG_ED; cat noise; } >vmlinux\n"
        "{ cat noise; printf IKCFG_ST; head -c 3000000 /dev/zero; } >endless\n"
        "{ cat noise; printf IKCFG_ST; head -c 9000000 /dev/zero | gzip -n; printf IKCFG_ED; } "
        ">bomb\n"
        "for name in vmlinux noise endless bomb; do gzip -n <$name >$name.gzip; done\n"
        "xz --check=crc32 --x86 --lzma2=dict=32MiB <vmlinux >vmlinux.xz\n"
        "xz --format=lzma <vmlinux >vmlinux.lzma; bzip2 <vmlinux >vmlinux.bzip2\n"
        "zstd -q -19 <vmlinux >vmlinux.zstd; lz4 -q -l -9 <vmlinux >vmlinux.lz4\n"
        "head -c 300000 vmlinux.gzip >cut.gzip");
}

/* A bzImage of that payload, the length of vmlinux behind it as Linux has it. */
static struct content bzimage(const char *name)
{
    struct content payload = scratch_load(name);
    size_t start = 3 * SECTOR + 0x123;
    size_t len = start + payload.len + 4 + 100;
    uint8_t *data = xcalloc(1, len);

    data[0x1f1] = 2;
    memcpy(data + 0x202, "HdrS", 4);
    put_le16(data + 0x206, 0x020f);
    put_le32(data + 0x248, 0x123);
    put_le32(data + 0x24c, (uint32_t)payload.len + 4);
    memcpy(data + start, payload.data, payload.len);
    put_le32(data + start + payload.len, 1572900);
    free((void *)payload.data);
    return content_memory(data, len);
}

static void assert_config(const char *name, const char *want)
{
    struct content content = bzimage(name);
    char *got = kernel_ikconfig(&content);

    if (want ? !got || strcmp(got, want) != 0 : got != NULL)
        fail_msg("%s: got <%s>, want <%s>", name, got ? got : "none", want ? want : "none");
    free(got);
    free((void *)content.data);
}

static void test_formats(void **state)
{
    static const char *const names[] = {"vmlinux.gzip",  "vmlinux.xz",   "vmlinux.lzma",
                                        "vmlinux.bzip2", "vmlinux.zstd", "vmlinux.lz4"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_config(names[i], WANT);
}

static void test_none(void **state)
{
    static const char *const names[] = {"noise.gzip", "endless.gzip", "bomb.gzip", "cut.gzip",
                                        "noise"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_config(names[i], NULL);
}

static void test_no_bzimage(void **state)
{
    struct content content = bzimage("vmlinux.gzip"), cut = content;
    uint8_t *data = (uint8_t *)content.data;
    static const size_t lengths[] = {0, 0x24f, 0x250, 3 * SECTOR + 0x123 + 10};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        cut.len = lengths[i];
        assert_null(kernel_ikconfig(&cut));
    }
    put_le32(data + 0x248, UINT32_MAX);
    assert_null(kernel_ikconfig(&content));
    put_le32(data + 0x248, 0x123);
    put_le16(data + 0x206, 0x0207); /* does not say where the payload is */
    assert_null(kernel_ikconfig(&content));
    put_le16(data + 0x206, 0x0208);
    data[0x202] = 'X';
    assert_null(kernel_ikconfig(&content));
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_no_bzimage),
    };

    return cmocka_run_group_tests(tests, setup, scratch_remove);
}
