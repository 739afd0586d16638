/* from_squashfs: images that gensquashfs and mksquashfs made, whole ones and damaged ones. */
#include "ramroot/rootfs.h"

#include "caught.h"
#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct rootfs_kind *const kind = &rootfs_squashfs;

static int open_image(struct rootfs *rootfs, const char *name)
{
    char *path = xasprintf("%s/%s", scratch_dir(), name);

    *rootfs = (struct rootfs){.kind = kind, .path = "image"};
    rootfs->fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(rootfs->fd >= 0);
    assert_int_equal(kind->probe(path, rootfs->fd), 1);
    free(path);
    return kind->open(rootfs);
}

static void close_image(struct rootfs *rootfs)
{
    kind->close(rootfs);
    close(rootfs->fd);
}

static void show_xattrs(struct buf *text, struct archive_entry *entry)
{
    const char *name;
    const void *value;
    size_t len;

    archive_entry_xattr_reset(entry);
    while (archive_entry_xattr_next(entry, &name, &value, &len) == 0) {
        buf_printf(text, " %s=", name);
        for (size_t i = 0; i < len; i++)
            buf_printf(text, "%02x", ((const uint8_t *)value)[i]);
    }
}

/* One line: mode, owner, time, size, name, and what it is besides. */
static void show(struct buf *text, struct archive_entry *entry)
{
    if (archive_entry_hardlink(entry)) {
        buf_printf(text, "%s = %s\n", archive_entry_pathname(entry), archive_entry_hardlink(entry));
        return;
    }
    buf_printf(text, "%06o %lld:%lld %lld %lld %s", (unsigned)archive_entry_mode(entry),
               (long long)archive_entry_uid(entry), (long long)archive_entry_gid(entry),
               (long long)archive_entry_mtime(entry), (long long)archive_entry_size(entry),
               archive_entry_pathname(entry));
    if (archive_entry_symlink(entry))
        buf_printf(text, " -> %s", archive_entry_symlink(entry));
    if (archive_entry_rdevmajor(entry) || archive_entry_rdevminor(entry))
        buf_printf(text, " %u,%u", (unsigned)archive_entry_rdevmajor(entry),
                   (unsigned)archive_entry_rdevminor(entry));
    show_xattrs(text, entry);
    buf_puts(text, "\n");
}

/* All of an image as text; what next or block gave last. */
static int list(const char *name, struct buf *text)
{
    struct rootfs rootfs;
    struct archive_entry *entry;
    uint64_t offset, bytes = 0;
    const void *data;
    size_t len;
    int result = open_image(&rootfs, name);

    while (result == 0 && (result = kind->next(&rootfs, &entry)) == 1) {
        uint64_t at = 0;

        show(text, entry);
        while ((result = kind->block(&rootfs, &data, &len, &offset)) == 1 && bytes < 64 * MIB) {
            assert_true(offset >= at && len);
            at = offset + len;
            assert_true(at <= (uint64_t)archive_entry_size(entry));
            bytes += len;
        }
        if (result == 1)
            result = 0;
    }
    close_image(&rootfs);
    return result;
}

static void assert_made(const char *line)
{
    if (scratch_sh(line) != 0)
        fail_msg("%s: failed", line);
}

static const char *const formats[] = {"gzip", "lzma", "xz", "lz4", "zstd"};

/* What list tells of scratch/image. */
static void assert_listed(const char *want)
{
    struct buf text = {0};

    assert_int_equal(list("image", &text), 0);
    if (strcmp(text.data, want) != 0)
        fail_msg("it has\n%s", text.data);
    buf_free(&text);
}

static void test_members(void **state)
{
    (void)state;
    assert_made("echo hello >hello; cat >list <<END\n"
                "dir /a 0700 1 2\n"
                "file /a/file 0644 0 0 hello\n"
                "nod /tty 0620 0 5 c 4 300\n"
                "nod /disk 0660 0 6 b 4095 1048575\n"
                "slink /link 0777 0 0 a/file\n"
                "pipe /pipe 0600 0 0\n"
                "sock /sock 0666 0 0\n"
                "file /su 04755 0 4294967294 hello\n"
                "END\n");
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        char *line = xasprintf("gensquashfs -q -f -c %s -F list image", formats[i]);

        assert_made(line);
        free(line);
        assert_listed("040755 0:0 0 0 .\n"
                      "040700 1:2 0 0 a\n"
                      "100644 0:0 0 6 a/file\n"
                      "060660 0:6 0 0 disk 4095,1048575\n"
                      "120777 0:0 0 0 link -> a/file\n"
                      "010600 0:0 0 0 pipe\n"
                      "140666 0:0 0 0 sock\n"
                      "104755 0:4294967294 0 6 su\n"
                      "020620 0:5 0 0 tty 4,300\n");
    }
}

/* Times, and files with several names. */
static void test_links(void **state)
{
    (void)state;
    assert_made("mkdir -p links/d; cd links; echo one >d/b; ln d/b a; ln d/b d/c; ln -s x s; "
                "touch -h -d @1234567890 d/b s d .; cd ..; "
                "mksquashfs links image -noappend -all-root -no-progress");
    assert_listed("040755 0:0 1234567890 0 .\n"
                  "100644 0:0 1234567890 4 a\n"
                  "040755 0:0 1234567890 0 d\n"
                  "d/b = a\n"
                  "d/c = a\n"
                  "120777 0:0 1234567890 0 s -> x\n");
}

/* Of a folder, of a symbolic link; the long value is there once, and the others refer to it. */
static void test_xattrs(void **state)
{
    char long_value[401], *line, *want;

    (void)state;
    snprintf(long_value, sizeof long_value, "%0400d", 7);
    assert_made("mkdir -p marked; cd marked; umask 022; for i in 1 2 3; do echo hello >f$i; done; "
                "ln -sf f1 link; chmod 755 .");
    line = xasprintf(
        "printf '# file: /\\nuser.root=0x01\\n\\n# file: link\\ntrusted.t=\"x\"\\n' >xattrs; "
        "for i in 1 2 3; do printf '\\n# file: f%%s\\nuser.long=0x%s\\n"
        "security.capability=0x0001\\nuser.n=\"%%s\"\\n' $i $i; done >>xattrs; "
        "gensquashfs -q -f --all-root -D marked -A xattrs image",
        long_value);
    assert_made(line);
    want = xasprintf("040755 0:0 0 0 . user.root=01\n"
                     "100644 0:0 0 6 f1 user.long=%s security.capability=0001 user.n=31\n"
                     "100644 0:0 0 6 f2 user.long=%s security.capability=0001 user.n=32\n"
                     "100644 0:0 0 6 f3 user.long=%s security.capability=0001 user.n=33\n"
                     "120777 0:0 0 0 link -> f1 trusted.t=78\n",
                     long_value, long_value, long_value);
    assert_listed(want);
    free(want);
    free(line);
}

/* The bytes of each file, put where they belong, are those that went in. */
static void assert_contents(const char *image, const char *folder)
{
    struct rootfs rootfs;
    struct archive_entry *entry;
    int result;

    assert_int_equal(open_image(&rootfs, image), 0);
    while ((result = kind->next(&rootfs, &entry)) == 1) {
        char *name = xasprintf("%s/%s", folder, archive_entry_pathname(entry)), *data;
        size_t size = (size_t)archive_entry_size(entry), len;
        struct content content;
        const void *run;
        uint64_t offset;

        if (archive_entry_filetype(entry) == AE_IFREG) {
            content = scratch_load(name);
            data = xcalloc(size, 1);
            while ((result = kind->block(&rootfs, &run, &len, &offset)) == 1)
                memcpy(data + offset, run, len);
            assert_int_equal(result, 0);
            if (content.len != size || memcmp(content.data, data, size) != 0)
                fail_msg("%s: %s differs", image, name);
            free((void *)(uintptr_t)content.data);
            free(data);
        }
        free(name);
    }
    assert_int_equal(result, 0);
    close_image(&rootfs);
}

static void test_contents(void **state)
{
    static const char *const options[] = {"-b 4096",        "-b 128K -always-use-fragments",
                                          "-b 1M",          "-no-fragments",
                                          "-noI -noD -noF", "-no-sparse"};

    (void)state;
    assert_made("mkdir -p files; cd files; for n in 0 1 4095 4096 4097 131072 131073 300003 "
                "1500007; do head -c $n /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 00 "
                "2>/dev/null | od -v | head -c $n >$n; done; truncate -s 1000000 hole; "
                "printf x >>hole; truncate -s 2000000 hole; truncate -s 3000 small; "
                "cp 300003 twice");
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        char *line = xasprintf("mksquashfs files image -noappend %s", options[i]);

        assert_made(line);
        free(line);
        assert_contents("image", "files");
    }
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        char *line = xasprintf("gensquashfs -q -f -c %s -D files image", formats[i]);

        assert_made(line);
        free(line);
        assert_contents("image", "files");
    }
}

/* A hole is no run. */
static void test_holes(void **state)
{
    struct rootfs rootfs;
    struct archive_entry *entry;
    const void *data;
    uint64_t offset;
    size_t len;

    (void)state;
    assert_made("mkdir -p hole; truncate -s 64M hole/hole; printf end >>hole/hole; "
                "gensquashfs -q -f -c zstd -D hole image");
    assert_int_equal(open_image(&rootfs, "image"), 0);
    assert_int_equal(kind->next(&rootfs, &entry), 1);
    assert_int_equal(kind->next(&rootfs, &entry), 1);
    assert_int_equal(kind->block(&rootfs, &data, &len, &offset), 1);
    assert_int_equal(offset, 64 * MIB);
    assert_int_equal(len, 3);
    assert_memory_equal(data, "end", 3);
    assert_int_equal(kind->block(&rootfs, &data, &len, &offset), 0);
    assert_int_equal(kind->next(&rootfs, &entry), 0);
    close_image(&rootfs);
}

static void test_probe(void **state)
{
    static const struct {
        const char *path;
        int want;
    } cases[] = {{"/dev/null", 0}, {"/proc/self/exe", 0}, {"/", 0}};
    int fd;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        fd = open(cases[i].path, O_RDONLY | O_CLOEXEC);
        assert_int_equal(kind->probe(cases[i].path, fd), cases[i].want);
        close(fd);
    }
}

/* Metadata as it is, so that its bytes can be changed. */
#define PLAIN                                                                                      \
    "rm -rf plain; mkdir -p plain/folder plain/other; echo text >plain/folder/file; "              \
    "seq 9000 >plain/seq; ln -s target plain/link; mksquashfs plain image -noappend -all-root "    \
    "-mkfs-time 0 -all-time 0 -noI -noD -noF -noX -b 4096"

static uint8_t *load_plain(size_t *len)
{
    struct content content;

    assert_made(PLAIN);
    content = scratch_load("image");
    *len = (size_t)content.len;
    return (uint8_t *)(uintptr_t)content.data;
}

static void save(const uint8_t *data, size_t len)
{
    char *path = xasprintf("%s/damaged", scratch_dir());
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    fclose(file);
    free(path);
}

/* Reads the damaged image; what it said. */
static int read_damaged(char *said, size_t size)
{
    struct caught caught;
    struct buf text = {0};
    int result;

    caught_begin(&caught);
    result = list("damaged", &text);
    caught_end(&caught, said, size);
    buf_free(&text);
    return result;
}

static void test_super(void **state)
{
    static const struct {
        size_t at, len;
        const char *bytes, *want;
    } cases[] = {
        {28, 2, "\3\0", "its version is not 4.0"},
        {20, 2, "\3\0", "it is compressed by lzo, which cannot be read"},
        {20, 2, "\7\0", "it has something that is not supported"},
        {12, 4, "\0\0\0\1", "it is damaged"},
        {26, 2, "\0\0", "it is damaged"},
        {40, 8, "\0\0\0\0\1\0\0\0", "its end is missing"},
        {64, 8, "\0\0\0\0\1\0\0\0", "it is damaged: its tables are nowhere"},
        {72, 8, "\0\0\0\0\0\0\0\1", "it is damaged: its tables are nowhere"},
        {48, 8, "\xff\xff\xff\xff\xff\xff\xff\x7f", "it is damaged"},
        {32, 8, "\0\0\0\0\1\0\0\0", "it is damaged: it refers to bytes that are not there"},
        {32, 8, "\xff\xff\0\0\0\0\0\0", "it is damaged: it refers to bytes that are not there"},
        {32, 8, "\0\0\0\0\0\0\0\0", "it is damaged: its root is no folder"},
        {80, 8, "\xf0\xff\xff\xff\xff\xff\xff\xff", "it is damaged: a fragment that is not there"},
        {16, 4, "\0\0\0\0", "it is damaged: a fragment that is not there"},
    };
    size_t len;
    uint8_t *plain = load_plain(&len), *copy = xcalloc(len, 1);
    char said[512];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *want = xasprintf("mkbootmedia: image: reading the squashfs: %s", cases[i].want);
        int result;

        memcpy(copy, plain, len);
        memcpy(copy + cases[i].at, cases[i].bytes, cases[i].len);
        save(copy, len);
        result = read_damaged(said, sizeof said);
        if (result != -1 || strncmp(said, want, strlen(want)) != 0)
            fail_msg("case %zu: %d, %s", i, result, said);
        free(want);
    }
    free(copy);
    free(plain);
}

/* An entry of a folder: where its inode is, then its type and the length of its name, less 1. */
static uint8_t *find_entry(uint8_t *plain, size_t len, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = get_le64(plain + 72); i + n < len; i++)
        if (memcmp(plain + i, name, n) == 0 && get_le16(plain + i - 2) == n - 1)
            return plain + i - 8;
    fail_msg("no %s", name);
    return NULL;
}

static void test_entries(void **state)
{
    size_t len;
    uint8_t *plain = load_plain(&len), *copy = xcalloc(len, 1), *entry;
    static const struct {
        const char *name, *becomes, *want;
    } cases[] = {
        {"link", "li/k", "it is damaged: a name that is none"},
        {"link", "li\0k", "it is damaged: a name that is none"},
        {"folder", NULL, "it is damaged: a folder that is in two places"},
        {"file", NULL, "it is damaged: a folder that is in two places"},
    };
    char said[512];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        memcpy(copy, plain, len);
        entry = find_entry(copy, len, cases[i].name);
        if (cases[i].becomes)
            memcpy(entry + 8, cases[i].becomes, 4);
        else /* the root */
            put_le16(entry, get_le16(plain + 32));
        save(copy, len);
        if (read_damaged(said, sizeof said) != -1 || !strstr(said, cases[i].want))
            fail_msg("case %zu: %s", i, said);
    }
    free(copy);
    free(plain);
}

/* Cut anywhere, each byte changed: an error in one line or a tree, but never an end of ours. */
static void test_damaged(void **state)
{
    size_t len;
    uint8_t *plain = load_plain(&len);
    char said[512];

    (void)state;
    for (size_t cut = 4; cut < get_le64(plain + 40); cut += 97) {
        save(plain, cut);
        assert_int_equal(read_damaged(said, sizeof said), -1);
        assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
    }
    for (size_t i = 4; i < get_le64(plain + 40);
         i += i < 96 || i >= get_le64(plain + 64) ? 1 : 501) {
        static const uint8_t flips[] = {0xff, 0x80, 1};

        for (size_t j = 0; j < ARRAY_LEN(flips); j++) {
            plain[i] ^= flips[j];
            save(plain, len);
            if (read_damaged(said, sizeof said) == -1)
                assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
            else
                assert_string_equal(said, "");
            plain[i] ^= flips[j];
        }
    }
    free(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probe),    cmocka_unit_test(test_members),
        cmocka_unit_test(test_links),    cmocka_unit_test(test_xattrs),
        cmocka_unit_test(test_contents), cmocka_unit_test(test_holes),
        cmocka_unit_test(test_super),    cmocka_unit_test(test_entries),
        cmocka_unit_test(test_damaged),
    };

    return cmocka_run_group_tests(tests, NULL, scratch_remove);
}
