/* eltorito: boot catalogs and patched images, byte by byte. */
#include "base/util.h"
#include "image/eltorito.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* "MKBOOTMEDIA", and the rest of its 24 bytes and more */
#define WHO 'M', 'K', 'B', 'O', 'O', 'T', 'M', 'E', 'D', 'I', 'A'

struct catalog_case {
    const char *name;
    struct eltorito_entry entries[4];
    size_t n;
    uint8_t bytes[7][32]; /* what the catalog begins with; zeros follow */
};

static const struct catalog_case catalogs[] = {
    {
        .name = "BIOS alone",
        .entries = {{ELTORITO_BIOS, 40 * 2048, 30000}},
        .n = 1,
        .bytes =
            {
                {1, 0, 0, 0, WHO, [28] = 0xfa, 0xd7, 0x55, 0xaa},
                {0x88, 0, 0, 0, 0, 0, 4, 0, 40, 0, 0, 0},
            },
    },
    {
        .name = "BIOS and EFI",
        .entries = {{ELTORITO_BIOS, 0x123456 * UINT64_C(2048), 1}, {ELTORITO_EFI, 2048, 8 << 20}},
        .n = 2,
        .bytes =
            {
                {1, 0, 0, 0, WHO, [28] = 0xfa, 0xd7, 0x55, 0xaa},
                {0x88, 0, 0, 0, 0, 0, 4, 0, 0x56, 0x34, 0x12, 0},
                {0x91, 0xef, 1, 0},
                {0x88, 0, 0, 0, 0, 0, 0, 0x40, 1, 0, 0, 0},
            },
    },
    {
        .name = "EFI alone, the largest size that 16 bits hold",
        .entries = {{ELTORITO_EFI, 2048, 65535 * 512}},
        .n = 1,
        .bytes =
            {
                {1, 0xef, 0, 0, WHO, [28] = 0xfa, 0xe8, 0x55, 0xaa},
                {0x88, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 0, 0, 0},
            },
    },
    {
        .name = "EFI alone, larger: up to the end of the medium",
        .entries = {{ELTORITO_EFI, 2048, 65535 * 512 + 1}},
        .n = 1,
        .bytes =
            {
                {1, 0xef, 0, 0, WHO, [28] = 0xfa, 0xe8, 0x55, 0xaa},
                {0x88, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0},
            },
    },
    {
        .name = "two sections, one of two entries",
        .entries = {{ELTORITO_BIOS, 0, 0},
                    {ELTORITO_EFI, 2 * 2048, 1024},
                    {ELTORITO_EFI, 3 * 2048, 1025},
                    {ELTORITO_BIOS, 4 * 2048, 0}},
        .n = 4,
        .bytes =
            {
                {1, 0, 0, 0, WHO, [28] = 0xfa, 0xd7, 0x55, 0xaa},
                {0x88, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0},
                {0x90, 0xef, 2, 0},
                {0x88, 0, 0, 0, 0, 0, 2, 0, 2, 0, 0, 0},
                {0x88, 0, 0, 0, 0, 0, 3, 0, 3, 0, 0, 0},
                {0x91, 0, 1, 0},
                {0x88, 0, 0, 0, 0, 0, 4, 0, 4, 0, 0, 0},
            },
    },
};

static void test_catalog(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(catalogs); i++) {
        const struct catalog_case *c = &catalogs[i];
        uint8_t block[2048], expected[2048] = {0};
        uint16_t sum = 0;

        memset(block, 0xcc, sizeof block);
        memcpy(expected, c->bytes, sizeof c->bytes);
        eltorito_catalog(block, c->entries, c->n);
        if (memcmp(block, expected, sizeof block) != 0)
            print_error("case: %s\n", c->name);
        assert_memory_equal(block, expected, sizeof block);
        for (size_t k = 0; k < 32; k += 2)
            sum = (uint16_t)(sum + get_le16(block + k));
        assert_int_equal(sum, 0);
    }
}

static void test_largest_catalog(void **state)
{
    struct eltorito_entry entries[ELTORITO_ENTRIES_MAX];
    uint8_t block[2048];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(entries); i++)
        entries[i] = (struct eltorito_entry){i % 2 ? ELTORITO_EFI : ELTORITO_BIOS, 2048 * i, 512};
    eltorito_catalog(block, entries, ARRAY_LEN(entries));
    assert_int_equal(block[32 * 60], 0x91);
    assert_int_equal(get_le32(block + 32 * 61 + 8), 30);
}

struct patch_case {
    const char *name;
    size_t len;
    uint64_t place;
    uint32_t words_at[3]; /* where the image holds a 1, among zeros; 0: nowhere */
    uint32_t sum;         /* in the boot info table */
};

static const struct patch_case patches[] = {
    {"zeros", 4096, 2048 * 40, {0}, 40 * 4 + 5},
    {"before byte 64: not summed", 4096, 2048 * 40, {8, 60}, 40 * 4 + 5},
    {"byte 64 and the last word", 4096, 2048 * 40, {64, 4092}, 40 * 4 + 5 + 2},
    {"the second byte of a word", 4096, 2048 * 40, {65}, 40 * 4 + 5 + 0x100},
    {"the first byte of half a word at the end", 4097, 2048 * 40, {4096}, 40 * 4 + 5 + 1},
    {"sectors beyond 32 bits", 4096, UINT64_C(2048) << 30, {0}, 5 + 1},
    {"as short as can be", 2556, 0, {0}, 5},
};

static void test_patch(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(patches); i++) {
        const struct patch_case *p = &patches[i];
        uint8_t image[4100] = {0}, expected[4100] = {0};

        for (size_t k = 0; k < 3; k++)
            if (p->words_at[k])
                image[p->words_at[k]] = expected[p->words_at[k]] = 1;
        memset(expected + 8, 0, 56);
        put_le32(expected + 8, 16);
        put_le32(expected + 12, (uint32_t)(p->place / 2048));
        put_le32(expected + 16, (uint32_t)p->len);
        put_le32(expected + 20, p->sum);
        put_le64(expected + 2548, p->place / 512 + 5);
        assert_int_equal(eltorito_patch(image, p->len, p->place), 0);
        if (memcmp(image, expected, sizeof image) != 0)
            print_error("case: %s\n", p->name);
        assert_memory_equal(image, expected, sizeof image);
    }
}

static void test_patch_too_short(void **state)
{
    uint8_t image[2555] = {0}, before[2555] = {0};

    (void)state;
    assert_int_equal(eltorito_patch(image, sizeof image, 2048), -1);
    assert_memory_equal(image, before, sizeof image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catalog),
        cmocka_unit_test(test_largest_catalog),
        cmocka_unit_test(test_patch),
        cmocka_unit_test(test_patch_too_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
