/* parttab_fit: an image's table on disks of other sizes, looked at by sfdisk. */
#include "image/parttab.h"

#include "base/util.h"
#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define IMAGE (16 * MIB)
#define HEAD  MIB

/* The first MiB of an image with two partitions, made by our own writer; style of its MBR. */
static void make_head(uint8_t *head, enum mbr_style style)
{
    static const struct partition partitions[] = {
        {"one", GPT_TYPE_BIOSBOOT, "11111111-2222-4333-8444-555555555555", MIB, MIB, 1, NULL,
         false},
        {"two", GPT_TYPE_ESP, "11111111-2222-4333-8444-666666666666", 2 * MIB, 13 * MIB, 2, NULL,
         false},
    };
    static const uint8_t code[MBR_CODE_LEN] = {0xeb, 0x63};
    struct parttab table = {.disk_guid = "11111111-2222-4333-8444-777777777777",
                            .disk_signature = 0x12345678,
                            .style = style,
                            .boot_code = code,
                            .partitions = partitions,
                            .count = 2};
    struct image image = {0};

    assert_int_equal(parttab_write(&table, IMAGE, &image), 0);
    assert_int_equal(image_finish(&image, IMAGE), 0);
    assert_int_equal(image_read(&image, 0, head, HEAD), 0);
    image_free(&image);
}

/* Head and tail as a disk for sfdisk. */
static void save(const uint8_t *head, const struct parttab_fit *fit)
{
    char *path = xasprintf("%s/disk", scratch_dir());
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)fit->disk_size), 0);
    assert_int_equal(pwrite(fd, head, HEAD, 0), HEAD);
    if (fit->tail)
        assert_int_equal(pwrite(fd, fit->tail, fit->tail_len, (off_t)fit->tail_offset),
                         fit->tail_len);
    close(fd);
    free(path);
}

static void test_larger(void **state)
{
    static const uint64_t sizes[] = {IMAGE + 512, IMAGE + 17 * 1024, 100 * MIB, 3 * GIB * 1024};
    static const enum mbr_style styles[] = {MBR_PROTECTIVE, MBR_FORCE_ACTIVE};
    static uint8_t head[HEAD], before[HEAD];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes) * ARRAY_LEN(styles); i++) {
        struct parttab_fit fit = {
            .image_size = IMAGE, .disk_size = sizes[i / 2], .sector_size = 512};
        enum mbr_style style = styles[i % 2];

        make_head(head, style);
        memcpy(before, head, HEAD);
        assert_int_equal(parttab_fit(&fit, "disk", head, HEAD), 0);
        assert_non_null(fit.tail);
        assert_int_equal(fit.tail_offset + fit.tail_len, fit.disk_size);
        /* boot code, signature and the active entry stay */
        assert_memory_equal(head, before, 446);
        assert_memory_equal(head + 446 + 16, before + 446 + 16, 16);
        assert_memory_equal(head + 1024, before + 1024, HEAD - 1024);
        save(head, &fit);
        if (scratch_sh("sfdisk -V disk | grep -q 'No errors'") != 0 ||
            scratch_sh("sfdisk -d disk | grep -qi 'label-id: "
                       "11111111-2222-4333-8444-777777777777'") != 0)
            fail_msg("case %zu: sfdisk finds errors", i);
        free(fit.tail);
    }
}

static void test_same(void **state)
{
    static uint8_t head[HEAD], before[HEAD];
    struct parttab_fit fit = {.image_size = IMAGE, .disk_size = IMAGE, .sector_size = 512};

    (void)state;
    make_head(head, MBR_PROTECTIVE);
    memcpy(before, head, HEAD);
    assert_int_equal(parttab_fit(&fit, "disk", head, HEAD), 0);
    assert_null(fit.tail);
    assert_memory_equal(head, before, HEAD);
    /* no table, and a damaged one, on any disk */
    fit.disk_size = 64 * MIB;
    memset(head, 0, 1024);
    assert_int_equal(parttab_fit(&fit, "disk", head, HEAD), 0);
    assert_null(fit.tail);
    memcpy(head, before, HEAD);
    head[SECTOR + 20] ^= 1;
    memcpy(before, head, HEAD);
    assert_int_equal(parttab_fit(&fit, "disk", head, HEAD), 0);
    assert_null(fit.tail);
    assert_memory_equal(head, before, HEAD);
}

static void test_large_sectors(void **state)
{
    static uint8_t head[HEAD];
    struct parttab_fit fit = {.image_size = IMAGE, .disk_size = 64 * MIB, .sector_size = 4096};

    (void)state;
    make_head(head, MBR_PROTECTIVE);
    assert_int_equal(parttab_fit(&fit, "disk", head, HEAD), 0);
    assert_non_null(fit.tail);
    assert_int_equal(fit.tail_offset + fit.tail_len, fit.disk_size);
    assert_memory_equal(head + 4096, "EFI PART", 8);
    assert_int_equal(get_le64(head + 4096 + 32), 64 * MIB / 4096 - 1); /* where the copy is */
    assert_int_equal(get_le64(head + 2 * 4096 + 32), 256);             /* the first partition */
    assert_int_equal(get_le64(head + 2 * 4096 + 40), 511);
    assert_int_equal(get_le32(head + 446 + 12), 64 * MIB / 4096 - 1);
    assert_memory_equal(fit.tail + fit.tail_len - 4096, "EFI PART", 8);
    free(fit.tail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_larger),
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_large_sectors),
    };

    return cmocka_run_group_tests(tests, NULL, scratch_remove);
}
