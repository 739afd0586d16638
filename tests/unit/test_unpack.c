/* unpack: streams as other programs pack them, whole, cut short and damaged. */
#include "media/unpack.h"

#include "caught.h"
#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PLAIN_LEN (3 * MIB + 17)

static uint8_t plain[PLAIN_LEN], got[PLAIN_LEN + 1];

/* Opens a file of the scratch folder. */
static struct unpack *begin(const char *name, int *fd)
{
    char *path = xasprintf("%s/%s", scratch_dir(), name);

    *fd = open(path, O_RDONLY | O_CLOEXEC);
    free(path);
    assert_true(*fd >= 0);
    return unpack_open(*fd, name);
}

static void test_whole(void **state)
{
    static const struct {
        const char *name, *make;
        uint64_t size;
    } cases[] = {
        {"plain", "true", PLAIN_LEN},
        {"a.gz", "gzip -c plain >a.gz", UINT64_MAX},
        {"two.gz",
         "{ head -c 1000000 plain | gzip -c; tail -c +1000001 plain | gzip -1c; } >two.gz",
         UINT64_MAX},
        {"a.xz", "xz -0 -c plain >a.xz", PLAIN_LEN},
        {"two.xz", "{ head -c 1000000 plain | xz -0; tail -c +1000001 plain | xz -0; } >two.xz",
         PLAIN_LEN},
        {"a.zst", "zstd -q plain -o a.zst", PLAIN_LEN},
        {"two.zst",
         "{ head -c 1000000 plain >one; zstd -qc one; tail -c +1000001 plain >one; zstd -qc one; } "
         ">two.zst",
         PLAIN_LEN},
        {"stream.zst", "zstd -qc <plain >stream.zst", UINT64_MAX},
        {"a.bz2", "bzip2 -1c plain >a.bz2", UINT64_MAX},
        {"a.lz4", "lz4 -qc plain >a.lz4", UINT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct unpack *unpack;
        int fd;

        assert_int_equal(scratch_sh(cases[i].make), 0);
        unpack = begin(cases[i].name, &fd);
        if (!unpack || unpack_size(unpack) != cases[i].size ||
            unpack_read(unpack, got, 100) != 100 ||
            unpack_read(unpack, got + 100, sizeof got - 100) != PLAIN_LEN - 100 ||
            unpack_read(unpack, got, 1) != 0 || memcmp(got, plain, PLAIN_LEN) != 0)
            fail_msg("%s: not what was packed", cases[i].name);
        unpack_close(unpack);
        close(fd);
    }
}

static void test_bad(void **state)
{
    static const struct {
        const char *make, *why;
    } cases[] = {
        {"head -c -9 a.gz >bad", "unpacking: it is cut short"},
        {"head -c 500000 a.gz >bad", "unpacking: it is cut short"},
        {"{ cat a.gz; echo garbage; } >bad", "unpacking: incorrect header check"},
        {"{ head -c -8 a.gz; printf 'abcdefgh'; } >bad", "unpacking: incorrect data check"},
        {"head -c -1 a.xz >bad", "reading: it is cut short or damaged"},
        {"head -c 500000 a.xz >bad", "reading: it is cut short or damaged"},
        {"{ cat a.xz; echo garbage; } >bad", "reading: it is cut short or damaged"},
        {"head -c -1 a.zst >bad", "reading: it is cut short or damaged"},
        {"head -c 500000 a.zst >bad", "reading: it is cut short or damaged"},
        {"head -c 5 a.zst >bad", "reading: it is cut short or damaged"},
        {"head -c 500000 a.bz2 >bad", "unpacking: "},
        {"cp a.xz bad; printf 'XXXX' | dd of=bad bs=1 seek=900000 conv=notrunc", "unpacking: "},
        {"cp a.zst bad; printf 'XXXX' | dd of=bad bs=1 seek=900000 conv=notrunc", "unpacking: "},
    };
    char text[1024];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct caught caught;
        struct unpack *unpack;
        int64_t result = -1;
        int fd;

        assert_int_equal(scratch_sh(cases[i].make), 0);
        caught_begin(&caught);
        unpack = begin("bad", &fd);
        if (unpack)
            result = unpack_read(unpack, got, sizeof got);
        unpack_close(unpack);
        caught_end(&caught, text, sizeof text);
        close(fd);
        if (result != -1 || strncmp(text, "mkbootmedia: bad: ", 18) != 0 ||
            strncmp(text + 18, cases[i].why, strlen(cases[i].why)) != 0)
            fail_msg("%s: %d, %s, not %s", cases[i].make, (int)result, text, cases[i].why);
    }
}

static int start(void **state)
{
    char *path = xasprintf("%s/plain", scratch_dir());
    FILE *file = fopen(path, "we");
    uint32_t random = 1;

    (void)state;
    for (size_t i = 0; i < sizeof plain; i++) {
        random = random * 1664525 + 1013904223;
        plain[i] = (uint8_t)(random >> 24 & (i % 2 ? 0xff : 0x0f));
    }
    free(path);
    if (!file || fwrite(plain, 1, sizeof plain, file) != sizeof plain)
        return -1;
    return fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_bad),
    };

    return cmocka_run_group_tests(tests, start, scratch_remove);
}
