/*
 * from_disk: which files are disk images, and what becomes of guestfish's output. A script stands
 * in for guestfish here: it notes how it was called and does what the environment says.
 */
#include "ramroot/rootfs.h"

#include "base/util.h"
#include "caught.h"
#include "files.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static int setup(void **state)
{
    char *path = xasprintf("%s/bin:%s", scratch_dir(), getenv("PATH"));

    (void)state;
    setlocale(LC_CTYPE, "C.UTF-8");
    setenv("PATH", path, 1);
    setenv("SCRATCH", scratch_dir(), 1);
    unsetenv("LIBGUESTFS_BACKEND");
    free(path);
    return scratch_sh(
        "mkdir bin tree tree/etc; echo text >tree/etc/a; ln tree/etc/a tree/b\n"
        "tar --owner=somebody:7 --group=some:8 --sort=name --format=gnu -cf good.tar -C tree .\n"
        "head -c 1536 good.tar >half.tar; head -c 2560 good.tar >endless.tar\n"
        "cat >bin/guestfish <<'END'\n"
        "#!/bin/sh\n"
        "echo \"$LIBGUESTFS_BACKEND $*\" >\"$SCRATCH/called\"\n"
        "eval \"$FAKE\"\n"
        "END\n"
        "chmod +x bin/guestfish");
}

/* ---- what is a disk image ---- */

struct patch {
    size_t at;
    const char *bytes;
    size_t len;
};

#define BYTES(text)  text, sizeof(text) - 1
#define PART(status) status "\0\0\0\x83\0\0\0\x01\0\0\0\x09\0\0\0"

static const struct {
    const char *name;
    struct patch patches[3];
    int is;
} probes[] = {
    {"zeros", {{0}}, 0},
    {"MBR", {{446, BYTES(PART("\x80"))}, {510, BYTES("\x55\xaa")}}, 1},
    {"MBR, third entry", {{478, BYTES(PART("\0"))}, {510, BYTES("\x55\xaa")}}, 1},
    {"MBR without an entry", {{510, BYTES("\x55\xaa")}}, 0},
    {"MBR with junk for an entry", {{446, BYTES(PART("\x12"))}, {510, BYTES("\x55\xaa")}}, 0},
    {"MBR in a tar",
     {{446, BYTES(PART("\x80"))}, {510, BYTES("\x55\xaa")}, {257, BYTES("ustar")}},
     0},
    {"ext4", {{1080, BYTES("\x53\xef")}}, 1},
    {"xfs", {{0, BYTES("XFSB")}}, 1},
    {"btrfs", {{65600, BYTES("_BHRfS_M")}}, 1},
    {"qcow2", {{0, BYTES("QFI\xfb\0\0\0\x03")}}, 1},
};

/* Writes the scratch folder's "disk"; 128 KiB. */
static void write_disk(const struct patch *patches, size_t count)
{
    char *path = xasprintf("%s/disk", scratch_dir());
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_int_equal(ftruncate(fd, 131072), 0);
    for (size_t i = 0; i < count; i++)
        if (patches[i].len)
            assert_int_equal(pwrite(fd, patches[i].bytes, patches[i].len, (off_t)patches[i].at),
                             patches[i].len);
    close(fd);
    free(path);
}

static int probe(const char *name)
{
    char *path = xasprintf("%s/%s", scratch_dir(), name);
    int fd = open(path, O_RDONLY | O_CLOEXEC), is = rootfs_disk.probe(path, fd);

    assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
    close(fd);
    free(path);
    return is;
}

static void test_probe(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
        write_disk(probes[i].patches, ARRAY_LEN(probes[i].patches));
        if (probe("disk") != probes[i].is) {
            print_error("%s: not %d\n", probes[i].name, probes[i].is);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
    assert_int_equal(probe("good.tar"), 0);
    assert_int_equal(probe("half.tar"), 0);
    assert_int_equal(probe("tree"), 0);
}

/* ---- what is read ---- */

static void list_member(struct rootfs *rootfs, struct archive_entry *entry, struct buf *out)
{
    const void *data;
    uint64_t offset;
    size_t len;

    if (archive_entry_uname(entry) || archive_entry_gid(entry) != 8)
        buf_puts(out, "(owner)");
    buf_printf(out, "%s%s", out->len ? " " : "", archive_entry_pathname(entry));
    if (archive_entry_hardlink(entry))
        buf_printf(out, "&%s", archive_entry_hardlink(entry));
    while (rootfs_disk.block(rootfs, &data, &len, &offset) == 1)
        buf_printf(out, "=%zu", len);
}

/* The members that were given, then what was said; malloc'ed. max: of members. */
static char *list(unsigned max)
{
    char *path = xasprintf("%s/disk", scratch_dir()), text[1024], *at;
    struct rootfs rootfs = {.path = path, .fd = open(path, O_RDONLY | O_CLOEXEC)};
    struct archive_entry *entry;
    struct buf out = {0};
    struct caught caught;
    int result;

    caught_begin(&caught);
    result = rootfs_disk.open(&rootfs);
    if (result == 0)
        while (max-- && (result = rootfs_disk.next(&rootfs, &entry)) == 1)
            list_member(&rootfs, entry, &out);
    rootfs_disk.close(&rootfs);
    caught_end(&caught, text, sizeof text);
    close(rootfs.fd);
    at = strstr(text, path);
    text[strcspn(text, "\n")] = '\0';
    buf_printf(&out, "%s", result < 0 ? at ? at + strlen(path) : text : "");
    free(path);
    return out.data;
}

static const struct {
    const char *name, *fake, *wanted;
} reads[] = {
    {"a tar", "cat \"$SCRATCH/good.tar\"", ". b=5 etc etc/a&b"},
    {"much behind the end", "cat \"$SCRATCH/good.tar\"; head -c 1000000 /dev/zero",
     ". b=5 etc etc/a&b"},
    {"a tar, then failure",
     "cat \"$SCRATCH/good.tar\"; echo '*stdin*:0: libguestfs: error: tar' >&2; exit 1",
     ". b=5 etc etc/a&b: reading the disk image: guestfish: tar"},
    {"no system",
     "printf 'guestfish: no operating system was found on this disk\\n\\nIf using\\n' >&2; exit 1",
     ": reading the disk image: guestfish: no operating system was found on this disk"},
    {"failure without a word", "exit 3",
     ": reading the disk image: guestfish: failed without a word"},
    {"a signal", "kill -9 $$", ": reading the disk image: guestfish: failed without a word"},
    {"nothing", "exit 0", ": reading the disk image: Unrecognized archive format"},
    {"no tar", "echo hello", ": reading the disk image: Unrecognized archive format"},
    {"half a file", "head -c 1100 \"$SCRATCH/half.tar\"",
     ". b=5: reading the disk image: Truncated input file (needed 507 bytes, only 71 available)"},
    {"half a tar", "cat \"$SCRATCH/half.tar\"",
     ". b=5: reading the disk image: guestfish gave a tar without an end"},
    {"no end", "cat \"$SCRATCH/endless.tar\"",
     ". b=5 etc etc/a&b: reading the disk image: guestfish gave a tar without an end"},
};

static void test_reads(void **state)
{
    static const struct patch ext4 = {1080, BYTES("\x53\xef")};
    unsigned wrong = 0;

    (void)state;
    write_disk(&ext4, 1);
    for (size_t i = 0; i < ARRAY_LEN(reads); i++) {
        char *got;

        setenv("FAKE", reads[i].fake, 1);
        got = list(100);
        if (strcmp(got, reads[i].wanted) != 0) {
            print_error("%s:\n  got    %s\n  wanted %s\n", reads[i].name, got, reads[i].wanted);
            wrong++;
        }
        free(got);
    }
    assert_int_equal(wrong, 0);
}

/* Who stops reading does not wait for all that guestfish has to say. */
static void test_left(void **state)
{
    char *got;

    (void)state;
    setenv("FAKE", "cat \"$SCRATCH/good.tar\"; exec yes", 1);
    got = list(2);
    assert_string_equal(got, ". b=5");
    free(got);
}

/* ---- how guestfish is called ---- */

static void check_call(const char *backend, const char *format)
{
    struct content called;
    char *wanted, *got;

    setenv("FAKE", "cat \"$SCRATCH/good.tar\"", 1);
    free(list(100));
    called = scratch_load("called");
    got = xasprintf("%.*s", (int)called.len, (const char *)called.data);
    wanted = xasprintf("%s --ro --format=%s -a %s/disk -i tar-out / - xattrs:true acls:true "
                       "selinux:true numericowner:true\n",
                       backend, format, scratch_dir());
    assert_string_equal(got, wanted);
    free(wanted);
    free(got);
    free((void *)called.data);
}

/* The format is always told, and the user's backend stays. */
static void test_calls(void **state)
{
    static const struct patch ext4 = {1080, BYTES("\x53\xef")};
    static const struct patch qcow2 = {0, BYTES("QFI\xfb\0\0\0\x03")};

    (void)state;
    write_disk(&ext4, 1);
    check_call("direct", "raw");
    setenv("LIBGUESTFS_BACKEND", "libvirt", 1);
    check_call("libvirt", "raw");
    unsetenv("LIBGUESTFS_BACKEND");
    write_disk(&qcow2, 1);
    check_call("direct", "qcow2");
}

/* A qcow2 image could name any file of this machine. */
static void test_qcow2(void **state)
{
    static const struct patch backed[] = {{0, BYTES("QFI\xfb\0\0\0\x02")},
                                          {8, BYTES("\0\0\0\0\0\0\x01\xc8")}};
    static const struct patch outside[] = {{0, BYTES("QFI\xfb\0\0\0\x03")}, {79, BYTES("\x04")}};
    static const struct patch old[] = {{0, BYTES("QFI\xfb\0\0\0\x02")}, {79, BYTES("\x04")}};
    static const char refused[] = ": reading the disk image: it stands on another file; qemu-img "
                                  "convert makes one that does not";
    char *got;

    (void)state;
    write_disk(backed, 2);
    got = list(100);
    assert_string_equal(got, refused);
    free(got);
    write_disk(outside, 2);
    got = list(100);
    assert_string_equal(got, refused);
    free(got);
    write_disk(old, 2); /* version 2 has nothing there */
    check_call("direct", "qcow2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probe), cmocka_unit_test(test_reads), cmocka_unit_test(test_left),
        cmocka_unit_test(test_calls), cmocka_unit_test(test_qcow2),
    };

    return cmocka_run_group_tests(tests, setup, scratch_remove);
}
