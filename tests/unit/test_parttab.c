/* parttab: what stands in sector 0 for each style, and which sectors become regions. */
#include "base/util.h"
#include "image/parttab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SIZE (40 * MIB)

static const struct partition partitions[] = {
    {"BIOS boot", GPT_TYPE_BIOSBOOT, "11111111-2222-3333-4444-555555555551", 34 * SECTOR,
     1000 * SECTOR, 1, NULL, false},
    {"ESP \xc3\xbc", GPT_TYPE_ESP, "11111111-2222-3333-4444-555555555552", 2049 * SECTOR,
     73728 * SECTOR, 2, NULL, false},
};

static struct parttab table_of(enum mbr_style style, const uint8_t *boot_code)
{
    return (struct parttab){"01234567-89ab-cdef-0123-456789ABCDEF",
                            0xfeedf00d,
                            style,
                            boot_code,
                            partitions,
                            ARRAY_LEN(partitions)};
}

static void make(struct image *image, enum mbr_style style, const uint8_t *boot_code, uint64_t size)
{
    struct parttab table = table_of(style, boot_code);

    assert_int_equal(parttab_write(&table, size, image), 0);
    assert_int_equal(image_finish(image, size), 0);
}

static void same_bytes(const char *name, const uint8_t *got, const char *want, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (got[i] != (uint8_t)want[i])
            fail_msg("%s: byte %zu is 0x%02x, want 0x%02x", name, i, got[i], (uint8_t)want[i]);
}

/* From byte 440 on: disk signature, two zeros, four entries, 55 aa. */
static void test_mbr(void **state)
{
    static const struct {
        const char *name;
        enum mbr_style style;
        char tail[72 + 1];
    } cases[] = {
        {"protective", MBR_PROTECTIVE,
         "\x0d\xf0\xed\xfe\0\0"
         "\0\0\x02\0\xee\xff\xff\xff\x01\0\0\0\xff\x3f\x01\0"
         "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
         "\0\0\0\0\x55\xaa"},
        {"force active", MBR_FORCE_ACTIVE,
         "\x0d\xf0\xed\xfe\0\0"
         "\0\0\x02\0\xee\xff\xff\xff\x01\0\0\0\xff\x3f\x01\0"
         "\x80\0\x01\0\0\0\x01\0\0\0\0\0\x01\0\0\0"
         "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x55\xaa"},
        {"isohybrid", MBR_ISOHYBRID,
         "\x0d\xf0\xed\xfe\0\0"
         "\x80\0\x01\0\0\x3f\x20\x27\0\0\0\0\0\x40\x01\0"
         "\0\0\x02\x01\xef\0\x01\x25\x01\x08\0\0\0\x20\x01\0"
         "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x55\xaa"},
    };
    uint8_t boot_code[MBR_CODE_LEN], sector[SECTOR];

    (void)state;
    for (size_t i = 0; i < sizeof boot_code; i++)
        boot_code[i] = (uint8_t)(i + 1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct image image = {0};

        make(&image, cases[i].style, boot_code, SIZE);
        assert_int_equal(image_read(&image, 0, sector, sizeof sector), 0);
        assert_memory_equal(sector, boot_code, MBR_CODE_LEN);
        same_bytes(cases[i].name, sector + MBR_CODE_LEN, cases[i].tail, 72);
        image_free(&image);
    }
}

/* Sectors beyond 1024 cylinders have the last address there is. */
static void test_far(void **state)
{
    struct image image = {0};
    uint8_t sector[SECTOR];

    (void)state;
    make(&image, MBR_ISOHYBRID, NULL, 5 * GIB);
    assert_int_equal(image_read(&image, 0, sector, sizeof sector), 0);
    same_bytes("no boot code", sector, "\0\0\0\0", 4);
    same_bytes("isohybrid", sector + 446, "\x80\0\x01\0\0\x3f\xe0\xff\0\0\0\0\0\0\xa0\0", 16);
    image_free(&image);
}

/* Header and entries as in UEFI 2.10, tables 5.5 and 5.6. */
static void test_gpt(void **state)
{
    struct image image = {0};
    uint8_t sector[SECTOR];

    (void)state;
    make(&image, MBR_PROTECTIVE, NULL, SIZE);
    assert_int_equal(image_read(&image, SECTOR, sector, sizeof sector), 0);
    same_bytes("header", sector, "EFI PART\0\0\1\0\x5c\0\0\0", 16);
    assert_int_equal(get_le64(sector + 24), 1);
    assert_int_equal(get_le64(sector + 32), SIZE / SECTOR - 1);
    assert_int_equal(get_le64(sector + 40), 34);
    assert_int_equal(get_le64(sector + 48), SIZE / SECTOR - 34);
    same_bytes("disk GUID", sector + 56,
               "\x67\x45\x23\x01\xab\x89\xef\xcd\x01\x23\x45\x67\x89"
               "\xab\xcd\xef",
               16);
    assert_int_equal(image_read(&image, 2 * SECTOR, sector, sizeof sector), 0);
    same_bytes("BIOS boot type", sector, "Hah!IdontNeedEFI", 16);
    assert_int_equal(get_le64(sector + 32), 34);
    assert_int_equal(get_le64(sector + 40), 1033);
    same_bytes("BIOS boot name", sector + 56, "B\0I\0O\0S\0 \0b\0o\0o\0t\0\0\0", 20);
    same_bytes("ESP type", sector + 128,
               "\x28\x73\x2a\xc1\x1f\xf8\xd2\x11\xba\x4b\0\xa0\xc9\x3e"
               "\xc9\x3b",
               16);
    same_bytes("ESP GUID", sector + 144,
               "\x11\x11\x11\x11\x22\x22\x33\x33\x44\x44\x55\x55\x55\x55"
               "\x55\x52",
               16);
    assert_int_equal(get_le64(sector + 160), 2049);
    assert_int_equal(get_le64(sector + 168), 2049 + 73728 - 1);
    same_bytes("ESP name", sector + 184, "E\0S\0P\0 \0\xfc\0\0\0", 12);
    assert_int_equal(image_read(&image, SIZE - SECTOR, sector, sizeof sector), 0);
    same_bytes("backup", sector, "EFI PART", 8);
    assert_int_equal(get_le64(sector + 24), SIZE / SECTOR - 1);
    image_free(&image);
}

/* Offset and length of what is not zeros. */
static void test_regions(void **state)
{
    static const struct {
        const char *what;
        uint64_t offset, len;
    } want[] = {
        {"MBR", 0, 512},
        {"GPT", 512, 1024},
        {"GPT backup", 64 * GIB - 33 * SECTOR, 512},
        {"GPT backup", 64 * GIB - SECTOR, 512},
    };
    struct image image = {0};
    size_t n = 0;

    (void)state;
    make(&image, MBR_PROTECTIVE, NULL, 64 * GIB);
    for (size_t i = 0; i < image.count; i++) {
        if (image.regions[i].zero)
            continue;
        assert_true(n < ARRAY_LEN(want));
        assert_string_equal(image.regions[i].what, want[n].what);
        assert_true(image.regions[i].offset == want[n].offset);
        assert_true(image.regions[i].len == want[n].len);
        n++;
    }
    assert_int_equal(n, ARRAY_LEN(want));
    image_free(&image);
}

/* As it was made; by its copy, when a byte of it is another; not at all without that. */
static void test_read(void **state)
{
    struct image image = {0};
    uint8_t *disk = xcalloc(SIZE, 1);
    struct content content = {.path = "disk", .fd = -1, .data = disk, .len = SIZE};

    (void)state;
    make(&image, MBR_PROTECTIVE, NULL, SIZE);
    assert_int_equal(image_read(&image, 0, disk, SIZE), 0);
    for (int damage = 0; damage < 3; damage++) {
        struct parttab_list list;

        if (damage)
            disk[damage == 1 ? 2 * SECTOR + 60 : SIZE - 33 * SECTOR + 60] ^= 1; /* in a GUID */
        assert_int_equal(parttab_read_disk(&list, &content, SECTOR), damage < 2);
        assert_int_equal(list.count, damage < 2 ? ARRAY_LEN(partitions) : 0);
        for (size_t i = 0; i < list.count; i++) {
            assert_string_equal(list.partitions[i].name, partitions[i].name);
            assert_string_equal(list.partitions[i].guid, partitions[i].guid);
            assert_int_equal(list.partitions[i].offset, partitions[i].offset);
            assert_int_equal(list.partitions[i].size, partitions[i].size);
            assert_int_equal(list.partitions[i].number, i + 1);
        }
        parttab_list_free(&list);
    }
    image_free(&image);
    free(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mbr),     cmocka_unit_test(test_far),  cmocka_unit_test(test_gpt),
        cmocka_unit_test(test_regions), cmocka_unit_test(test_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
