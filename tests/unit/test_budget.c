/* budget: what memory a RAM root takes, in MiB where the case does not say otherwise. */
#include "ramroot/budget.h"

#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_file(void **state)
{
    static const struct {
        uint64_t size, want; /* bytes */
    } cases[] = {
        {0, 1024},
        {1, 5120},
        {511, 5120},
        {4095, 5120},
        {4096, 5120},
        {4097, 9216},
        {8192, 9216},
        {8193, 13312},
        {MIB, MIB + 1024},
        {GIB + 1, GIB + 5120},
        {1024 * GIB, 1024 * GIB + 1024},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (budget_file(cases[i].size) != cases[i].want)
            fail_msg("%llu bytes: %llu", (unsigned long long)cases[i].size,
                     (unsigned long long)budget_file(cases[i].size));
}

static void test_compute(void **state)
{
    static const struct {
        const char *name;
        uint64_t image, stage, unpacked;
        bool by_loader, tmpfs;
        uint64_t peak, ram;
    } cases[] = {
        {"tmpfs: unpacking is most", 100, 10, 400, true, true, 434, 464},
        {"tmpfs: a stage larger than its image", 100, 200, 400, true, true, 632, 900},
        {"tmpfs: as much when it runs", 10, 40, 400, true, true, 464, 464},
        {"tmpfs: more when it runs", 10, 39, 400, true, true, 463, 464},
        {"tmpfs: a large stage", 10, 100, 400, true, true, 524, 524},
        {"tmpfs: rootfs is half of the memory", 290, 10, 400, true, true, 632, 900},
        {"tmpfs, fetched: the image is nowhere whole", 900, 10, 400, false, true, 434, 464},
        {"tmpfs, fetched: a large stage", 900, 50, 400, false, true, 474, 474},
        {"overlay", 100, 10, 0, true, false, 252, 252},
        {"overlay: what is unpacked is of no matter", 100, 10, 9999, true, false, 252, 252},
        {"overlay, small: running is most", 20, 10, 0, true, false, 92, 92},
        {"overlay, fetched", 100, 10, 0, false, false, 134, 164},
        {"overlay, fetched: a large stage", 100, 60, 0, false, false, 184, 184},
        {"nothing", 0, 0, 0, true, true, 32, 64},
        {"more than 32 bits hold", 10000, 10, 40000, true, true, 40034, 40064},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct budget budget = {.image = cases[i].image * MIB,
                                .stage = cases[i].stage * MIB,
                                .unpacked = cases[i].unpacked * MIB,
                                .by_loader = cases[i].by_loader,
                                .tmpfs = cases[i].tmpfs};

        budget_compute(&budget);
        if (budget.peak != cases[i].peak * MIB || budget.ram != cases[i].ram * MIB)
            fail_msg("%s: peak %.2f MiB, ram %.2f MiB", cases[i].name, (double)budget.peak / MIB,
                     (double)budget.ram / MIB);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_compute),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
