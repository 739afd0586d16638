/* stick_places: made-up disks in MiB, and where an update would put its core image and its ESP. */
#include "media/stick.h"

#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* All in MiB; a partition with size 0 is not there. need is what the plan's files take. */
static const struct place_case {
    const char *name;
    unsigned disk, esp, esp_size, used, need;
    struct {
        unsigned offset, size;
    } kept[3];
    unsigned core;                   /* where the MBR's core image is, in units of 512 KiB */
    unsigned want, want_size, least; /* size 0: no room at all */
    unsigned want_core;              /* in units of 512 KiB */
} cases[] = {
    {"behind the old one", 200, 2, 40, 20, 20, {{0}}, 2, 22, 177, 40, 3},
    {"behind it, where it is full", 200, 2, 40, 40, 20, {{0}}, 2, 42, 157, 40, 3},
    {"back in front of it", 200, 60, 40, 20, 20, {{0}}, 3, 2, 58, 40, 2},
    {"in front there is too little", 200, 30, 40, 20, 20, {{0}}, 3, 50, 149, 40, 2},
    {"behind the data", 200, 2, 40, 20, 60, {{42, 16}}, 2, 58, 141, 40, 3},
    {"data right behind, tail too small", 100, 2, 40, 20, 20, {{42, 16}}, 2, 58, 41, 40, 3},
    {"between partitions of others", 300, 2, 40, 38, 20, {{50, 10}, {110, 100}}, 2, 60, 50, 40, 3},
    {"none fits: the longest", 100, 2, 50, 45, 70, {{60, 10}, {85, 10}}, 2, 70, 15, 15, 3},
    {"the free end of an ESP that fills the disk", 100, 2, 97, 30, 20, {{0}}, 2, 32, 67, 67, 3},
    {"a larger content than the old one", 300, 2, 40, 20, 100, {{130, 10}}, 2, 22, 108, 40, 3},
    {"no room", 43, 2, 40, 40, 20, {{0}}, 2, 0, 0, 0, 3},
    {"partitions that begin within a MiB",
     200,
     2,
     40,
     40,
     20,
     {{43, 30}, {73, 100}},
     2,
     173,
     26,
     26,
     3},
    {"a disk of two MiB", 2, 2, 40, 40, 20, {{0}}, 2, 0, 0, 0, 3},
    {"the MBR starts something else", 200, 2, 40, 20, 20, {{0}}, 77, 22, 177, 40, 2},
};

static void test_places(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct place_case *c = &cases[i];
        struct partition esp = {.offset = c->esp * MIB, .size = c->esp_size * MIB, .number = 2};
        struct partition core = {.offset = MIB, .size = MIB, .number = 1};
        struct stick stick = {.esp = &esp,
                              .core = &core,
                              .used = c->used * MIB,
                              .sector_size = 512,
                              .core_offset = c->core * 512 * KIB,
                              .disk.size = c->disk * MIB + 12345};
        struct item item = {.room = (c->need - 5) * MIB}; /* there is some for tables, too */
        struct plan plan = {.items = &item, .item_count = 1};
        struct medium_onto onto;

        for (size_t k = 0; k < ARRAY_LEN(c->kept) && c->kept[k].size; k++)
            stick.kept[stick.kept_count++] = (struct partition){.offset = c->kept[k].offset * MIB,
                                                                .size = c->kept[k].size * MIB};
        stick_places(&stick, &plan, &onto);
        if (onto.esp_offset != c->want * MIB || onto.esp_size_max != c->want_size * MIB ||
            onto.esp_size_min != c->least * MIB || onto.core_offset != c->want_core * 512 * KIB)
            fail_msg("%s: ESP at %g, %g to %g MiB, core image at %g", c->name,
                     (double)onto.esp_offset / MIB, (double)onto.esp_size_min / MIB,
                     (double)onto.esp_size_max / MIB, (double)onto.core_offset / MIB);
        assert_int_equal(onto.disk_size, c->disk * MIB + 12288);
        assert_int_equal(onto.esp_number, 2);
        assert_int_equal(onto.kept_count, stick.kept_count);
    }
}

/* Whatever is on a disk, what is given out is free. */
static void test_never_taken(void **state)
{
    (void)state;
    srand(1);
    for (int round = 0; round < 20000; round++) {
        struct partition esp = {.offset = (1 + (uint64_t)rand() % 400) * 512 * KIB,
                                .size = (1 + (uint64_t)rand() % 200) * SECTOR * 999};
        struct stick stick = {.esp = &esp,
                              .used = esp.size / 4 * ((uint64_t)rand() % 5),
                              .sector_size = 512,
                              .disk.size = 300 * MIB + (uint64_t)rand() % MIB};
        struct plan plan = {0};
        struct medium_onto onto;

        for (int k = rand() % 6; k; k--)
            stick.kept[stick.kept_count++] =
                (struct partition){.offset = 34 * SECTOR + (uint64_t)rand() % 600000 * SECTOR,
                                   .size = (1 + (uint64_t)rand() % 60000) * SECTOR};
        stick.kept[stick.kept_count++] =
            (struct partition){.offset = esp.offset, .size = stick.used};
        stick_places(&stick, &plan, &onto);
        for (size_t k = 0; k < stick.kept_count && onto.esp_size_max; k++)
            if (onto.esp_offset < stick.kept[k].offset + stick.kept[k].size &&
                stick.kept[k].offset < onto.esp_offset + onto.esp_size_max)
                fail_msg("round %d: partition %zu is in the way", round, k);
        assert_true(onto.esp_offset + onto.esp_size_max <= stick.disk.size - MIB);
        assert_true(!onto.esp_size_max || onto.esp_offset >= MIB);
        assert_int_equal(onto.core_offset, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_never_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
