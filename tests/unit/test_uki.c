/* uki: what is written, read back by pe; stubs made here byte by byte, systemd's, and bad ones. */
#include "boot/pe.h"
#include "boot/uki.h"

#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <cmocka.h>

#define STUB     "/usr/lib/systemd/boot/efi/linuxx64.efi.stub"
#define LFANEW   0x40
#define OPTIONAL (LFANEW + 24)
#define ROWS     (OPTIONAL + 240)
#define STUB_LEN 2000
#define SOME     9000 /* bytes for the tests' contents: more than two pages */

/*
 * A stub of 2000 bytes: headers 1024, .text at 1024 (512), .sdmagic at 1536 (100: its end is not
 * aligned), then what a linker leaves behind.
 */
static void make_stub(uint8_t file[STUB_LEN])
{
    uint8_t *row = file + ROWS;

    memset(file, 0, STUB_LEN);
    memset(file + 1024, 's', STUB_LEN - 1024);
    memcpy(file, "MZ", 2);
    put_le32(file + 0x3c, LFANEW);
    memcpy(file + LFANEW, "PE\0\0", 4);
    put_le16(file + LFANEW + 4, PE_X64);
    put_le16(file + LFANEW + 6, 2);
    put_le32(file + LFANEW + 8, 1234567890);
    put_le32(file + LFANEW + 12, 1636); /* symbols */
    put_le32(file + LFANEW + 16, 5);
    put_le16(file + LFANEW + 20, 240);
    put_le16(file + OPTIONAL, 0x20b);
    put_le32(file + OPTIONAL + 8, 612);
    put_le32(file + OPTIONAL + 32, 4096);
    put_le32(file + OPTIONAL + 36, 512);
    put_le32(file + OPTIONAL + 56, 0x3000);
    put_le32(file + OPTIONAL + 60, 1024);
    put_le32(file + OPTIONAL + 64, 0xabcdef);
    put_le16(file + OPTIONAL + 68, PE_EFI_APPLICATION);
    put_le32(file + OPTIONAL + 108, 16);
    put_le32(file + OPTIONAL + 144, 1536); /* certificates: none yet */
    memcpy(row, ".text", 5);
    put_le32(row + 8, 500);
    put_le32(row + 12, 0x1000);
    put_le32(row + 16, 512);
    put_le32(row + 20, 1024);
    row += 40;
    memcpy(row, ".sdmagic", 8);
    put_le32(row + 8, 100);
    put_le32(row + 12, 0x2000);
    put_le32(row + 16, 100);
    put_le32(row + 20, 1536);
}

/* A kernel, as far as its headers tell. */
static void make_kernel(uint8_t *file, size_t len)
{
    uint8_t stub[STUB_LEN];

    make_stub(stub);
    memset(file, 'k', len);
    put_le16(stub + LFANEW + 6, 0); /* without sections nothing is cut off */
    memcpy(file, stub, ROWS);
}

static int memory_file(void)
{
    int fd = memfd_create("uki", MFD_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

/* What was written into fd, which is closed. */
static struct content load_fd(int fd)
{
    char path[64];
    struct content content;

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    content = file_load(path);
    close(fd);
    return content;
}

/* Runs uki_write and gives what it said. */
static int write_quietly(const struct uki *uki, int fd, char *said, size_t size)
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO), result;

    fflush(stderr);
    dup2(fileno(file), STDERR_FILENO);
    result = uki_write(uki, fd);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    said[fread(said, 1, size - 1, file)] = '\0';
    fclose(file);
    return result;
}

static void expect_section(const char *name, const struct pe *pe, const char *section,
                           const void *data, size_t len)
{
    struct content content;

    if (pe_section(pe, section, &content) != (data != NULL))
        fail_msg("%s: %s: %s", name, section, data ? "is missing" : "is there");
    if (data && (content.len != len || memcmp(content.data, data, len) != 0))
        fail_msg("%s: %s: %zu bytes differ from %zu", name, section, (size_t)content.len, len);
}

/* Each section behind the one before it, in the file and in memory, and all within the image. */
static void expect_layout(const char *name, const struct pe *pe)
{
    const uint8_t *optional = (const uint8_t *)pe->content.data + pe->checksum - 64;
    uint64_t file_end = pe->headers_len, end = pe->headers_len, data_len = 0;
    bool added = false;

    for (size_t i = 0; i < pe->count; i++) {
        const struct pe_section *section = &pe->sections[i];

        if (section->offset != file_end || section->address < end || section->offset % 512 ||
            (added && section->address % 4096))
            fail_msg("%s: %s: is at a wrong place", name, section->name);
        file_end = section->offset + section->len;
        end = section->address + section->virtual_len;
        added |= strcmp(section->name, ".sdmagic") == 0;
        if (strcmp(section->name, ".text") != 0)
            data_len += section->len;
    }
    if (file_end != pe->content.len || pe->truncated)
        fail_msg("%s: the file does not end with its sections", name);
    if (get_le32(optional + 56) < end || get_le32(optional + 56) % get_le32(optional + 32) ||
        get_le32(optional + 8) < data_len || get_le32(optional + 64) != 0)
        fail_msg("%s: a sum in the headers is wrong", name);
}

struct initrd_sizes {
    const char *name;
    size_t sizes[4], count, want; /* want: bytes of .initrd */
};

static void check_sizes(const struct initrd_sizes *c, const struct content *stub, size_t kernel_len)
{
    static uint8_t kernel[SOME], data[SOME];
    struct content initrds[4], file, again;
    struct buf joined = {0};
    struct uki uki = {c->name, *stub,          content_memory(kernel, kernel_len),
                      initrds, c->count,       "ID=lab",
                      "6.1",   "console=ttyS0"};
    int fds[2] = {memory_file(), memory_file()};
    uint8_t digest[DIGEST_LEN];
    struct pe pe;

    make_kernel(kernel, kernel_len);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + i / 256 + 1);
    for (size_t i = 0; i < c->count; i++) {
        initrds[i] = content_memory(data + i, c->sizes[i]);
        buf_add(&joined, data + i, c->sizes[i]);
        buf_add(&joined, "\0\0\0", -c->sizes[i] % 4);
    }
    assert_int_equal(joined.len, c->want);
    assert_int_equal(uki_write(&uki, fds[0]), 0);
    assert_int_equal(uki_write(&uki, fds[1]), 0);
    file = load_fd(fds[0]);
    again = load_fd(fds[1]);
    if (file.len != again.len || memcmp(file.data, again.data, file.len) != 0)
        fail_msg("%s: the second file differs from the first", c->name);
    assert_int_equal(pe_open(&pe, &file), 1);
    expect_layout(c->name, &pe);
    expect_section(c->name, &pe, ".osrel", "ID=lab", 6);
    expect_section(c->name, &pe, ".uname", "6.1", 3);
    expect_section(c->name, &pe, ".cmdline", "console=ttyS0", 13);
    expect_section(c->name, &pe, ".linux", kernel, kernel_len);
    expect_section(c->name, &pe, ".initrd", c->count ? joined.data : NULL, joined.len);
    assert_int_equal(pe_digest(&pe, digest), 1);
    pe_free(&pe);
    buf_free(&joined);
    free((void *)file.data);
    free((void *)again.data);
}

static void test_sizes(void **state)
{
    static const struct initrd_sizes cases[] = {
        {"no initramfs", {0}, 0, 0},
        {"1 byte", {1}, 1, 4},
        {"511 bytes", {511}, 1, 512},
        {"512 bytes", {512}, 1, 512},
        {"4095 bytes", {4095}, 1, 4096},
        {"4097 bytes", {4097}, 1, 4100},
        {"two", {4095, 511}, 2, 4096 + 512},
        {"four", {1, 4097, 2, 511}, 4, 4 + 4100 + 4 + 512},
        {"an empty one between", {5, 0, 3}, 3, 8 + 0 + 4},
    };
    static const size_t kernels[] = {511, 512, 513, 4095, 4096, 4097, SOME};
    uint8_t made[STUB_LEN];
    struct content stubs[] = {content_memory(made, sizeof made), file_load(STUB)};

    (void)state;
    make_stub(made);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (size_t k = 0; k < ARRAY_LEN(kernels); k++)
            for (size_t s = 0; s < ARRAY_LEN(stubs); s++)
                check_sizes(&cases[i], &stubs[s], kernels[k]);
    free((void *)stubs[1].data);
}

static void test_texts(void **state)
{
    static const struct {
        const char *name, *osrel, *uname, *cmdline, *want;
    } cases[] = {
        {"all", "ID=debian\n", "6.1.0", "quiet", "quiet"},
        {"no os-release", NULL, "6.1.0", "quiet", "quiet"},
        {"no version", "ID=debian\n", NULL, "quiet", "quiet"},
        {"no arguments", "ID=debian\n", "6.1.0", "", " "},
        {"arguments from outside", "ID=debian\n", "6.1.0", NULL, NULL},
        {"UTF-8", "ID=debian\n", "6.1.0", "name=\"Zo\xc3\xab\"", "name=\"Zo\xc3\xab\""},
    };
    uint8_t stub[STUB_LEN], kernel[600];

    (void)state;
    make_stub(stub);
    make_kernel(kernel, sizeof kernel);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct uki uki = {.name = cases[i].name,
                          .stub = content_memory(stub, sizeof stub),
                          .kernel = content_memory(kernel, sizeof kernel),
                          .osrel = cases[i].osrel,
                          .uname = cases[i].uname,
                          .cmdline = cases[i].cmdline};
        int fd = memory_file();
        struct content file;
        struct pe pe;

        assert_int_equal(uki_write(&uki, fd), 0);
        file = load_fd(fd);
        assert_int_equal(pe_open(&pe, &file), 1);
        expect_layout(uki.name, &pe);
        expect_section(uki.name, &pe, ".osrel", uki.osrel, uki.osrel ? strlen(uki.osrel) : 0);
        expect_section(uki.name, &pe, ".uname", uki.uname, uki.uname ? strlen(uki.uname) : 0);
        expect_section(uki.name, &pe, ".cmdline", cases[i].want,
                       cases[i].want ? strlen(cases[i].want) : 0);
        pe_free(&pe);
        free((void *)file.data);
    }
}

/* The stub itself is the same program as before: its sections, its time, its entry. */
static void test_stub_kept(void **state)
{
    struct content stub = file_load(STUB), file;
    uint8_t kernel[600];
    struct uki uki = {
        .name = "kept.efi", .stub = stub, .kernel = content_memory(kernel, sizeof kernel)};
    const uint8_t *before = stub.data, *after;
    int fd = memory_file();
    struct pe old, new;

    (void)state;
    make_kernel(kernel, sizeof kernel);
    assert_int_equal(uki_write(&uki, fd), 0);
    file = load_fd(fd);
    after = file.data;
    assert_int_equal(pe_open(&old, &stub), 1);
    assert_int_equal(pe_open(&new, &file), 1);
    assert_int_equal(new.count, old.count + 1);
    assert_int_equal(new.headers_len, old.headers_len);
    for (size_t i = 0; i < old.count; i++) {
        assert_memory_equal(&new.sections[i], &old.sections[i], sizeof old.sections[i]);
        assert_memory_equal(after + old.sections[i].offset, before + old.sections[i].offset,
                            old.sections[i].len);
    }
    assert_memory_equal(after + old.checksum - 80, before + old.checksum - 80, 4); /* time */
    assert_memory_equal(after + old.checksum - 48, before + old.checksum - 48, 4); /* entry */
    assert_int_equal(get_le32(after + old.checksum - 76), 0);                      /* symbols */
    pe_free(&old);
    pe_free(&new);
    free((void *)stub.data);
    free((void *)file.data);
}

/* Some changed bytes of the stub above: why is it refused? */
static void test_bad_stubs(void **state)
{
    static const struct {
        const char *name;
        size_t at;
        const char *bytes;
        size_t count, len;
        const char *why; /* NULL: it is taken */
    } cases[] = {
        {"as it is", 0, "M", 1, STUB_LEN, NULL},
        {"without what follows the sections", 0, "M", 1, 1636, NULL},
        {"no PE", 0, "N", 1, STUB_LEN, "stub: adding a kernel: it is no PE file"},
        {"empty", 0, "M", 1, 0, "it is no PE file"},
        {"other machine", LFANEW + 5, "\xaa", 1, STUB_LEN, "it is no EFI program for x86-64"},
        {"PE32", OPTIONAL + 1, "\x01", 1, STUB_LEN, "it is no EFI program for x86-64"},
        {"a driver", OPTIONAL + 68, "\x0b", 1, STUB_LEN, "it is no EFI program for x86-64"},
        {"cut in a section", 0, "M", 1, 1600, "it is truncated"},
        {"cut in the headers", 0, "M", 1, 400, "it is truncated"},
        {"signed", OPTIONAL + 148, "\x10", 1, STUB_LEN, "it is signed"},
        {"with a kernel", ROWS + 40, ".linux\0", 8, STUB_LEN, "it has a kernel already"},
        {"headers of no length", OPTIONAL + 61, "\0", 1, STUB_LEN, "its SizeOfHeaders cannot"},
        {"headers beyond the end", OPTIONAL + 61, "\x08", 1, STUB_LEN, "its SizeOfHeaders cannot"},
        {"headers too long", OPTIONAL + 62, "\x02", 1, STUB_LEN, "its SizeOfHeaders cannot"},
        {"alignment 3", OPTIONAL + 32, "\x03", 1, STUB_LEN, "not aligned to a power of two"},
        {"alignment 0", OPTIONAL + 37, "\0", 1, STUB_LEN, "not aligned to a power of two"},
        {"alignment 2 GiB", OPTIONAL + 36, "\0\0\0\x80", 4, STUB_LEN, "must be smaller than 4 GiB"},
        {"section in the headers", ROWS + 21, "\x03", 1, STUB_LEN, "a section overlaps"},
        {"no room", OPTIONAL + 61, "\x02", 1, STUB_LEN, "has no room for five more"},
        {"something in the room", ROWS + 279, "x", 1, STUB_LEN, "has no room for five more"},
        {"something behind the room", ROWS + 280, "x", 1, STUB_LEN, NULL},
        {"image of almost 4 GiB", OPTIONAL + 56, "\0\xf0\xff\xff", 4, STUB_LEN,
         "must be smaller than 4 GiB"},
    };
    uint8_t stub[STUB_LEN], kernel[600];

    (void)state;
    make_kernel(kernel, sizeof kernel);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct uki uki = {.name = "bad.efi", .kernel = content_memory(kernel, sizeof kernel)};
        int fd = memory_file(), result;
        char said[500];

        make_stub(stub);
        memcpy(stub + cases[i].at, cases[i].bytes, cases[i].count);
        uki.stub = content_memory(stub, cases[i].len);
        result = write_quietly(&uki, fd, said, sizeof said);
        if ((result == 0) != !cases[i].why || (result == 0) != !*said)
            fail_msg("%s: returned %d and said: %s", cases[i].name, result, said);
        if (cases[i].why && !strstr(said, cases[i].why))
            fail_msg("%s: said: %s", cases[i].name, said);
        if (result < 0 && lseek(fd, 0, SEEK_END) != 0)
            fail_msg("%s: something was written", cases[i].name);
        close(fd);
    }
}

static void test_bad_kernels(void **state)
{
    static const struct {
        const char *name;
        size_t at, len;
        uint8_t value;
        const char *why;
    } cases[] = {
        {"no EFI stub", 0, 600, 'X', "kernel: making a unified kernel image: it has no EFI stub"},
        {"for another machine", LFANEW + 5, 600, 0xaa, "it has no EFI stub for x86-64"},
        {"a driver", OPTIONAL + 68, 600, 11, "it has no EFI stub for x86-64"},
        {"one byte", 0, 1, 'M', "it has no EFI stub for x86-64"},
    };
    uint8_t stub[STUB_LEN], kernel[600];

    (void)state;
    make_stub(stub);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct uki uki = {.name = "bad.efi",
                          .stub = content_memory(stub, sizeof stub),
                          .kernel = content_memory(kernel, cases[i].len)};
        int fd = memory_file();
        char said[500];

        make_kernel(kernel, sizeof kernel);
        kernel[cases[i].at] = cases[i].value;
        if (write_quietly(&uki, fd, said, sizeof said) == 0 || !strstr(said, cases[i].why))
            fail_msg("%s: said: %s", cases[i].name, said);
        close(fd);
    }
}

/* Sparse files: nothing of them is read. */
static void test_too_large(void **state)
{
    static const uint64_t sizes[] = {4 * GIB - 4096, 4 * GIB - 1, 4 * GIB, 40 * GIB};
    uint8_t stub[STUB_LEN], kernel[600];
    int initrd = memory_file();

    (void)state;
    make_stub(stub);
    make_kernel(kernel, sizeof kernel);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct content content = content_file("large.img", initrd, sizes[i]);
        struct uki uki = {.name = "large.efi",
                          .stub = content_memory(stub, sizeof stub),
                          .kernel = content_memory(kernel, sizeof kernel),
                          .initrds = &content,
                          .initrd_count = 1};
        int fd = memory_file();
        char said[500];

        assert_int_equal(ftruncate(initrd, (off_t)sizes[i]), 0);
        assert_int_equal(write_quietly(&uki, fd, said, sizeof said), -1);
        if (!strstr(said, "large.efi: making a unified kernel image: it would have ") ||
            !strstr(said, " an EFI program must be smaller than 4 GiB\n"))
            fail_msg("%llu: said: %s", (unsigned long long)sizes[i], said);
        assert_int_equal(lseek(fd, 0, SEEK_END), 0);
        close(fd);
    }
    close(initrd);
}

/* A source that has become shorter, and an output that cannot be written: one line each. */
static void test_failing_files(void **state)
{
    uint8_t stub[STUB_LEN], kernel[600];
    int initrd = memory_file(), fd = memory_file(), full = open("/dev/full", O_RDWR | O_CLOEXEC);
    struct content content = content_file("short.img", initrd, 100);
    struct uki uki = {.name = "out.efi",
                      .stub = content_memory(stub, sizeof stub),
                      .kernel = content_memory(kernel, sizeof kernel),
                      .initrds = &content,
                      .initrd_count = 1};
    char said[500];

    (void)state;
    make_stub(stub);
    make_kernel(kernel, sizeof kernel);
    assert_int_equal(ftruncate(initrd, 99), 0);
    assert_int_equal(write_quietly(&uki, fd, said, sizeof said), -1);
    assert_string_equal(said, "mkbootmedia: short.img: reading: the file has become shorter\n");
    assert_int_equal(write_quietly(&uki, full, said, sizeof said), -1);
    assert_non_null(strstr(said, "mkbootmedia: out.efi: writing: "));
    close(full);
    close(fd);
    close(initrd);
}

/* Bytes at random places of the headers: nothing may crash, and what is written is a PE file. */
static void test_hostile(void **state)
{
    uint8_t stub[STUB_LEN], kernel[600];
    struct uki uki = {.name = "hostile.efi",
                      .stub = content_memory(stub, sizeof stub),
                      .kernel = content_memory(kernel, sizeof kernel),
                      .cmdline = "quiet"};
    unsigned seed = 1;

    (void)state;
    make_kernel(kernel, sizeof kernel);
    for (int i = 0; i < 3000; i++) {
        int fd = memory_file();
        char said[500];

        make_stub(stub);
        for (int k = 0; k < 3; k++)
            stub[(size_t)rand_r(&seed) % 420] = (uint8_t)rand_r(&seed);
        if (write_quietly(&uki, fd, said, sizeof said) == 0 &&
            lseek(fd, 0, SEEK_END) < 16 * (off_t)MIB) {
            struct content file = load_fd(fd), section;
            struct pe pe;

            assert_int_equal(pe_open(&pe, &file), 1);
            assert_true(pe_section(&pe, ".linux", &section));
            assert_memory_equal(section.data, kernel, sizeof kernel);
            pe_free(&pe);
            free((void *)file.data);
        } else {
            close(fd);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),         cmocka_unit_test(test_texts),
        cmocka_unit_test(test_stub_kept),     cmocka_unit_test(test_bad_stubs),
        cmocka_unit_test(test_bad_kernels),   cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_failing_files), cmocka_unit_test(test_hostile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
