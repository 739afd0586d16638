/* pax_binary: whatever wrote the tar, names come back byte for byte, and contents as they were. */
#include "base/util.h"
#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pax_bytes.h"

#define F40    "ffffffffffffffffffffffffffffffffffffffff"
#define FOLDER "folder \xfc/" F40 F40 F40
#define FILE   FOLDER "/latin-1 \xfc " F40 F40 F40 F40
#define TARGET "target \xfc/" F40 F40 F40

/* '/' folder, 'f' file of size bytes, 's' sparse file, 'l' symbolic link, 'h' hard link, 'p' FIFO
 */
static const struct made {
    const char *name;
    char type;
    size_t size;
    const char *target;
    bool is_long; /* only in formats that can */
} tree[] = {
    {"folder \xfc", '/', 0, NULL, false},
    {"plain", 'f', 1, NULL, false},
    {"empty", 'f', 0, NULL, false},
    {"utf-8 \xc3\xbc", 'f', 511, NULL, false},
    {"latin-1 \xfc", 'f', 512, NULL, false},
    {"folder \xfc/\xff\xfe", 'f', 513, NULL, false},
    {"link \xfc", 'l', 0, "latin-1 \xfc", false},
    {"hard \xfc", 'h', 0, "latin-1 \xfc", false},
    {"pipe \xfc", 'p', 0, NULL, true},
    {FOLDER, '/', 0, NULL, true},
    {FILE, 'f', 70000, NULL, true},
    {"long link", 'l', 0, TARGET, true},
    {"long hard link", 'h', 0, FILE, true},
    {"sparse \xfc", 's', 30 * 16384 + 1, NULL, true},
    {"last \xfc", 'f', 1, NULL, false},
};

static void make_file(int at, const struct made *made)
{
    int fd = openat(at, made->name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)made->size), 0);
    for (size_t i = 0; i < made->size; i++) {
        char c = (char)('a' + i % 23);

        if (made->type == 'f' || i % 16384 < 4096)
            assert_int_equal(pwrite(fd, &c, 1, (off_t)i), 1);
    }
    close(fd);
}

static int open_tree(void)
{
    char *path = xasprintf("%s/tree", scratch_dir());
    int at = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(at >= 0);
    free(path);
    return at;
}

/* A folder "tree", and lists of what is in it, "short" and "long". */
static int make_tree(void **state)
{
    struct buf lists[2] = {{0}, {0}};
    int at;

    (void)state;
    assert_int_equal(scratch_sh("mkdir tree"), 0);
    at = open_tree();
    for (size_t i = 0; i < ARRAY_LEN(tree); i++) {
        const struct made *made = &tree[i];

        if (made->type == '/')
            assert_int_equal(mkdirat(at, made->name, 0755), 0);
        else if (made->type == 'l')
            assert_int_equal(symlinkat(made->target, at, made->name), 0);
        else if (made->type == 'h')
            assert_int_equal(linkat(at, made->target, at, made->name, 0), 0);
        else if (made->type == 'p')
            assert_int_equal(mkfifoat(at, made->name, 0644), 0);
        else
            make_file(at, made);
        for (size_t l = made->is_long; l < 2; l++)
            buf_add(&lists[l], made->name, strlen(made->name) + 1);
    }
    close(at);
    for (size_t l = 0; l < 2; l++) {
        char *path = xasprintf("%s/%s", scratch_dir(), l ? "long" : "short");
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

        assert_int_equal(write(fd, lists[l].data, lists[l].len), lists[l].len);
        close(fd);
        free(path);
        buf_free(&lists[l]);
    }
    return 0;
}

/* Is a member's content what the file of its name holds? */
static void check_content(struct archive *archive, const struct made *made, const char *label)
{
    int at = open_tree(), fd = openat(at, made->name, O_RDONLY | O_CLOEXEC), result;
    char *want = xcalloc(made->size, 1), *have = xcalloc(made->size, 1);
    const void *data;
    size_t len;
    la_int64_t offset;

    assert_int_equal(read(fd, want, made->size), made->size);
    while ((result = archive_read_data_block(archive, &data, &len, &offset)) == ARCHIVE_OK) {
        if ((size_t)offset > made->size || len > made->size - (size_t)offset)
            fail_msg("%s: %s: too long", label, made->name);
        if (len)
            memcpy(have + offset, data, len);
    }
    if (result != ARCHIVE_EOF || memcmp(have, want, made->size) != 0)
        fail_msg("%s: %s: other contents", label, made->name);
    free(want);
    free(have);
    close(fd);
    close(at);
}

static void check_tree(const struct buf *tar, bool is_long, const char *label)
{
    struct archive *archive = open_tar(tar);
    struct archive_entry *entry;

    for (size_t i = 0; i < ARRAY_LEN(tree); i++) {
        const struct made *made = &tree[i];
        const char *slash = made->type == '/' ? "/" : "";
        char *want;
        int result;

        if (made->is_long && !is_long)
            continue;
        result = archive_read_next_header(archive, &entry);
        if (result != ARCHIVE_OK)
            fail_msg("%s: %s: %d, %s", label, made->name, result, archive_error_string(archive));
        want = xasprintf("%s%s", made->name, slash);
        if (!same(archive_entry_pathname(entry), want))
            fail_msg("%s: %s, not %s", label, archive_entry_pathname(entry), want);
        free(want);
        if (!same(archive_entry_symlink(entry), made->type == 'l' ? made->target : NULL) ||
            !same(archive_entry_hardlink(entry), made->type == 'h' ? made->target : NULL))
            fail_msg("%s: %s: links elsewhere", label, made->name);
        if (made->type == 'f' || made->type == 's')
            check_content(archive, made, label);
    }
    assert_int_equal(archive_read_next_header(archive, &entry), ARCHIVE_EOF);
    archive_read_free(archive);
}

/* In whatever chunks, the same; and nothing to do the second time. */
static void check_archive(struct content tar, bool is_long, bool is_pax, const char *label)
{
    struct buf first = filtered(tar.data, (size_t)tar.len, SIZE_MAX);

    check_tree(&first, is_long, label);
    if (!memmem(first.data, first.len, RECORD, strlen(RECORD)) == is_pax)
        fail_msg("%s: records", label);
    if (!is_pax && (first.len != tar.len || memcmp(first.data, tar.data, first.len) != 0))
        fail_msg("%s: changed", label);
    for (size_t i = 0; i < ARRAY_LEN(chunks); i++) {
        struct buf again = filtered(tar.data, (size_t)tar.len, chunks[i]);
        struct buf twice = filtered(again.data, again.len, chunks[i]);

        if (again.len != first.len || memcmp(again.data, first.data, first.len) != 0)
            fail_msg("%s: in chunks of %zu: differs", label, chunks[i]);
        if (twice.len != first.len || memcmp(twice.data, first.data, first.len) != 0)
            fail_msg("%s: in chunks of %zu: differs the second time", label, chunks[i]);
        buf_free(&again);
        buf_free(&twice);
    }
    buf_free(&first);
}

static void test_gnu_tar(void **state)
{
    static const struct {
        const char *arguments;
        bool is_long, is_pax;
    } cases[] = {
        {"--format=v7", false, false},
        {"--format=oldgnu", true, false},
        {"--format=gnu", true, false},
        {"--format=gnu --sparse --hole-detection=raw", true, false},
        {"--format=gnu --sparse --hole-detection=seek -b 1", true, false},
        {"--format=gnu -V 'a volume'", true, false},
        {"--format=ustar", false, false},
        {"--format=pax", true, true},
        {"--format=pax --pax-option=globexthdr.name=g,comment=global", true, true},
        {"--format=pax --pax-option=delete=mtime,delete=atime,delete=ctime", true, true},
        {"--format=pax --pax-option='comment:=\xfc'", true, true},
        {"--format=pax --pax-option=hdrcharset:=BINARY", true, true},
        {"--format=pax --sparse --sparse-version=0.0 --hole-detection=raw", true, true},
        {"--format=pax --sparse --sparse-version=0.1 --hole-detection=raw", true, true},
        {"--format=pax --sparse --sparse-version=1.0 --hole-detection=raw", true, true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *line = xasprintf("tar %s -cf t.tar -C tree --no-recursion --null -T %s",
                               cases[i].arguments, cases[i].is_long ? "long" : "short");
        struct content tar;

        if (scratch_sh(line) != 0)
            fail_msg("%s: failed", line);
        tar = scratch_load("t.tar");
        check_archive(tar, cases[i].is_long, cases[i].is_pax, cases[i].arguments);
        free((void *)(uintptr_t)tar.data);
        free(line);
    }
}

static void write_member(struct archive *archive, int at, const struct made *made)
{
    struct archive_entry *entry = archive_entry_new();
    mode_t types[] = {['/'] = AE_IFDIR, ['l'] = AE_IFLNK, ['p'] = AE_IFIFO,
                      ['f'] = AE_IFREG, ['s'] = AE_IFREG, ['h'] = AE_IFREG};
    struct stat st;

    assert_int_equal(fstatat(at, made->name, &st, AT_SYMLINK_NOFOLLOW), 0);
    archive_entry_set_pathname(entry, made->name);
    archive_entry_set_mode(entry, types[(int)made->type] | 0644);
    if (made->type == 'l')
        archive_entry_set_symlink(entry, made->target);
    if (made->type == 'h')
        archive_entry_set_hardlink(entry, made->target);
    archive_entry_set_size(entry, (la_int64_t)made->size);
    archive_entry_set_mtime(entry, 1, 5); /* a fraction, which pax alone can hold */
    assert_true(archive_write_header(archive, entry) >= ARCHIVE_WARN);
    if (made->size) {
        int fd = openat(at, made->name, O_RDONLY | O_CLOEXEC);
        char *data = xcalloc(made->size, 1);

        assert_int_equal(read(fd, data, made->size), made->size);
        assert_int_equal(archive_write_data(archive, data, made->size), made->size);
        free(data);
        close(fd);
    }
    archive_entry_free(entry);
}

static void test_libarchive(void **state)
{
    static const struct {
        const char *name;
        int (*set)(struct archive *archive);
        bool is_long, is_pax;
    } cases[] = {
        {"libarchive v7", archive_write_set_format_v7tar, false, false},
        {"libarchive ustar", archive_write_set_format_ustar, false, false},
        {"libarchive gnutar", archive_write_set_format_gnutar, true, false},
        {"libarchive pax", archive_write_set_format_pax, true, true},
    };
    static char room[4 << 20];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct archive *archive = archive_write_new();
        size_t used = 0;
        int at = open_tree();

        cases[i].set(archive);
        assert_int_equal(archive_write_open_memory(archive, room, sizeof room, &used), ARCHIVE_OK);
        for (size_t m = 0; m < ARRAY_LEN(tree); m++)
            if (cases[i].is_long || !tree[m].is_long)
                write_member(archive, at, &tree[m]);
        archive_write_free(archive);
        check_archive(content_memory(room, used), cases[i].is_long, cases[i].is_pax, cases[i].name);
        close(at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gnu_tar),
        cmocka_unit_test(test_libarchive),
    };

    return cmocka_run_group_tests(tests, make_tree, scratch_remove);
}
