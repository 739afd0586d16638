/* grub_bios: which bytes are patched, and no other. */
#include "image/grub_bios.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define FILLER 0xaa

/* These bytes stand at offset, the rest is as it was. */
static void only_these(const char *name, const uint8_t *got, size_t len, size_t offset,
                       const void *bytes, size_t n, size_t offset_2, const void *bytes_2,
                       size_t n_2)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t want = FILLER;

        if (i >= offset && i < offset + n)
            want = ((const uint8_t *)bytes)[i - offset];
        if (i >= offset_2 && i < offset_2 + n_2)
            want = ((const uint8_t *)bytes_2)[i - offset_2];
        if (got[i] != want)
            fail_msg("%s: byte 0x%zx is 0x%02x, want 0x%02x", name, i, got[i], want);
    }
}

static void test_boot(void **state)
{
    uint8_t boot[512];

    (void)state;
    memset(boot, FILLER, sizeof boot);
    grub_bios_patch_boot(boot, MIB);
    only_these("core at 1 MiB", boot, sizeof boot, 0x5c, "\0\x08\0\0\0\0\0", 8, 0x66, "\x90\x90",
               2);
    memset(boot, FILLER, sizeof boot);
    grub_bios_patch_boot(boot, UINT64_C(0x123456789a00));
    only_these("core far away", boot, sizeof boot, 0x5c, "\x4d\x3c\x2b\x1a\x09\0\0", 8, 0x66,
               "\x90\x90", 2);
}

static void test_hybrid(void **state)
{
    uint8_t boot[512];

    (void)state;
    memset(boot, FILLER, sizeof boot);
    grub_bios_patch_hybrid(boot, 56 * 2048); /* block 56: sector 224, and 4 of cdboot.img */
    only_these("image in block 56", boot, sizeof boot, 0x1b0, "\xe4\0\0\0\0\0\0", 8, 0, "", 0);
}

static void test_core(void **state)
{
    static const struct {
        size_t len;
        uint64_t offset;
        const char *start, *sectors;
    } cases[] = {
        {513, MIB, "\x01\x08\0\0\0\0\0", "\x01"},
        {1024, MIB, "\x01\x08\0\0\0\0\0", "\x01"},
        {1025, 0, "\x01\0\0\0\0\0\0", "\x02"},
        {30000, UINT64_C(1) << 41, "\x01\0\0\0\x01\0\0", "\x3a"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t core[30000];

        memset(core, FILLER, sizeof core);
        grub_bios_patch_core(core, cases[i].len, cases[i].offset);
        only_these("core", core, cases[i].len, 0x1f4, cases[i].start, 8, 0x1fc, cases[i].sectors,
                   2);
        assert_null(grub_bios_check_core(core, cases[i].len));
    }
}

/* What was patched is read back; what GRUB has not made says nothing. */
static void test_core_offset(void **state)
{
    static const uint64_t offsets[] = {0, 512, MIB, MIB + 512 * KIB, UINT64_C(0x123456789a00)};
    uint8_t boot[512] = {0};

    (void)state;
    memcpy(boot + 0x180, "GRUB ", 6);
    for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
        grub_bios_patch_boot(boot, offsets[i]);
        assert_int_equal(grub_bios_core_offset(boot), offsets[i]);
    }
    put_le64(boot + 0x5c, UINT64_MAX);
    assert_int_equal(grub_bios_core_offset(boot), 0);
    put_le64(boot + 0x5c, 2048);
    boot[0x181] = 'r';
    assert_int_equal(grub_bios_core_offset(boot), 0);
    memset(boot, FILLER, sizeof boot);
    assert_int_equal(grub_bios_core_offset(boot), 0);
}

static void test_check(void **state)
{
    static uint8_t core[(UINT16_MAX + 3) * 512];

    (void)state;
    assert_non_null(grub_bios_check_core(core, 0));
    assert_non_null(grub_bios_check_core(core, 512));
    assert_non_null(grub_bios_check_core(core, 513)); /* the block list says 0 sectors */
    put_le16(core + 0x1fc, 1);
    assert_null(grub_bios_check_core(core, 513));
    assert_null(grub_bios_check_core(core, 1024));
    assert_non_null(grub_bios_check_core(core, 1025));
    put_le16(core + 0x1fc, UINT16_MAX);
    assert_null(grub_bios_check_core(core, (UINT16_MAX + 1) * 512));
    assert_non_null(grub_bios_check_core(core, (UINT16_MAX + 1) * 512 + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_boot),  cmocka_unit_test(test_hybrid),
        cmocka_unit_test(test_core),  cmocka_unit_test(test_core_offset),
        cmocka_unit_test(test_check),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
