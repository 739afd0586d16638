/* pe: PE files made here byte by byte, Debian's signed loaders, and files that lie. */
#include "boot/pe.h"

#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define SHIM   "/usr/lib/shim/shimx64.efi.signed"
#define GRUB   "/usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed"
#define LFANEW 0x40

/* A PE32+ file of 2048 bytes: headers 512, .text at 512 (512), .sbat at 1024 (512), 8 bytes of
 * certs. */
static void make_pe(uint8_t file[2048])
{
    uint8_t *pe = file + LFANEW, *row = pe + 24 + 240;

    for (size_t i = 0; i < 2048; i++)
        file[i] = i < 512 ? 0 : (uint8_t)i;
    memcpy(file, "MZ", 2);
    put_le32(file + 0x3c, LFANEW);
    memcpy(pe, "PE\0\0", 4);
    put_le16(pe + 4, PE_X64);
    put_le16(pe + 6, 2);
    put_le16(pe + 20, 240);
    put_le16(pe + 24, 0x20b);
    put_le32(pe + 24 + 60, 512);
    put_le16(pe + 24 + 68, PE_EFI_APPLICATION);
    put_le32(pe + 24 + 108, 16);
    put_le32(pe + 24 + 144, 1536);
    put_le32(pe + 24 + 148, 512);
    memcpy(row, ".text", 5);
    put_le32(row + 8, 512);
    put_le32(row + 16, 512);
    put_le32(row + 20, 512);
    row += 40;
    memcpy(row, ".sbat", 5);
    put_le32(row + 8, 60);
    put_le32(row + 16, 512);
    put_le32(row + 20, 1024);
    memset(file + 1024, 0, 60);
    strcpy((char *)file + 1024, "sbat,1,SBAT Version\nshim,4,UEFI shim,shim\r\nbad\n,7\n");
    put_le32(file + 1536, 16);
    put_le16(file + 1542, 2);
    put_le32(file + 1552, 4000); /* longer than the table: the end */
    put_le16(file + 1558, 2);
}

static void test_reads_headers(void **state)
{
    uint8_t file[2048];
    struct content content = content_memory(file, sizeof file), section, signature;
    uint64_t at = 0;
    struct pe pe;

    (void)state;
    make_pe(file);
    assert_int_equal(pe_open(&pe, &content), 1);
    assert_int_equal(pe.machine, PE_X64);
    assert_string_equal(pe_machine_name(pe.machine), "x86-64");
    assert_int_equal(pe.subsystem, PE_EFI_APPLICATION);
    assert_false(pe.truncated);
    assert_int_equal(pe.count, 2);
    assert_true(pe_section(&pe, ".sbat", &section));
    assert_int_equal(section.len, 60);
    assert_ptr_equal(section.data, file + 1024);
    assert_false(pe_section(&pe, ".linux", &section));
    assert_int_equal(pe_signature(&pe, &at, &signature), 1);
    assert_int_equal(signature.len, 8);
    assert_int_equal(pe_signature(&pe, &at, &signature), 0);
    pe_free(&pe);
}

static void test_reads_sbat(void **state)
{
    uint8_t file[2048];
    struct content content = content_memory(file, sizeof file);
    struct pe_sbat *rows;
    size_t count;
    struct pe pe;

    (void)state;
    make_pe(file);
    assert_int_equal(pe_open(&pe, &content), 1);
    assert_int_equal(pe_sbat_read(&pe, &rows, &count), 0);
    assert_int_equal(count, 2);
    assert_string_equal(rows[0].component, "sbat");
    assert_int_equal(rows[0].generation, 1);
    assert_string_equal(rows[1].component, "shim");
    assert_int_equal(rows[1].generation, 4);
    pe_sbat_free(rows, count);
    pe_free(&pe);
}

/* One changed byte of the file above: what becomes of it? */
static void test_changed_bytes(void **state)
{
    static const struct {
        const char *name;
        size_t at;
        uint8_t value;
        size_t len;
        int open;
        bool truncated;
        int digest;
    } cases[] = {
        {"as it is", 0, 'M', 2048, 1, false, 1},
        {"no MZ", 0, 'N', 2048, 0, false, 0},
        {"no PE", LFANEW, 'N', 2048, 0, false, 0},
        {"header beyond the end", 0x3e, 1, 2048, 0, false, 0},
        {"other magic", LFANEW + 25, 5, 2048, 0, false, 0},
        {"section beyond the end", LFANEW + 24 + 240 + 17, 9, 2048, 1, true, 0},
        {"sections overlap", LFANEW + 24 + 240 + 40 + 21, 2, 2048, 1, false, 1},
        {"sections longer than the file", LFANEW + 24 + 240 + 17, 6, 2048, 1, false, 0},
        {"headers shorter than themselves", LFANEW + 24 + 61, 0, 2048, 1, false, 0},
        {"certificates beyond the end", LFANEW + 24 + 149, 3, 2048, 1, true, 0},
        {"no certificate directory", LFANEW + 24 + 108, 4, 2048, 1, false, 1},
        {"cut in the certificates", 0, 'M', 2000, 1, true, 0},
        {"cut in a section", 0, 'M', 1100, 1, true, 0},
        {"cut in the section table", 0, 'M', LFANEW + 24 + 250, 1, true, 0},
        {"cut in the optional header", 0, 'M', LFANEW + 24 + 100, 1, true, 0},
        {"cut after the file header", 0, 'M', LFANEW + 24, 1, true, 0},
        {"cut in the file header", 0, 'M', LFANEW + 23, 0, false, 0},
        {"63 bytes", 0, 'M', 63, 0, false, 0},
        {"nothing", 0, 'M', 0, 0, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t file[2048], digest[DIGEST_LEN];
        struct content content;
        struct pe pe;
        int opened;

        make_pe(file);
        file[cases[i].at] = cases[i].value;
        content = content_memory(file, cases[i].len);
        opened = pe_open(&pe, &content);
        if (opened != cases[i].open || (opened && pe.truncated != cases[i].truncated) ||
            (opened && pe_digest(&pe, digest) != cases[i].digest))
            fail_msg("%s: open %d, truncated %d", cases[i].name, opened, pe.truncated);
        pe_free(&pe);
    }
}

/* Only the checksum, the directory entry and the certificates may change without changing it. */
static void test_digest_covers(void **state)
{
    static const struct {
        size_t from, to;
    } free_ranges[] = {
        {LFANEW + 24 + 64, LFANEW + 24 + 68}, /* CheckSum */
        {1536, 2048},                         /* certificates */
    };
    uint8_t file[2048], before[DIGEST_LEN], after[DIGEST_LEN];
    struct content content = content_memory(file, sizeof file);
    struct pe pe;

    (void)state;
    make_pe(file);
    assert_int_equal(pe_open(&pe, &content), 1);
    assert_int_equal(pe_digest(&pe, before), 1);
    for (size_t i = 0; i < sizeof file; i++) {
        bool is_free = i >= LFANEW + 24 + 144 && i < LFANEW + 24 + 152;

        for (size_t k = 0; k < ARRAY_LEN(free_ranges); k++)
            is_free |= i >= free_ranges[k].from && i < free_ranges[k].to;
        file[i] ^= 0xff;
        assert_int_equal(pe_digest(&pe, after), 1);
        if ((memcmp(before, after, DIGEST_LEN) == 0) != is_free)
            fail_msg("byte %zu: %s", i, is_free ? "is digested" : "is not digested");
        file[i] ^= 0xff;
    }
    pe_free(&pe);
}

/* sbsign computes the same digest: it is what the signatures on Debian's files hold. */
static void test_debian(void **state)
{
    static const char *const paths[] = {SHIM, GRUB};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct content content = file_load(paths[i]), signature;
        uint8_t digest[DIGEST_LEN];
        uint64_t at = 0;
        struct pe pe;
        int count = 0;

        assert_int_equal(pe_open(&pe, &content), 1);
        assert_false(pe.truncated);
        assert_int_equal(pe_digest(&pe, digest), 1);
        while (pe_signature(&pe, &at, &signature) == 1) {
            assert_non_null(memmem(signature.data, signature.len, digest, DIGEST_LEN));
            count++;
        }
        assert_true(count > 0);
        pe_free(&pe);
        free((void *)content.data);
    }
}

/* Bytes at random places of headers and table: nothing may crash, and all must end. */
static void test_hostile(void **state)
{
    struct content content = file_load(GRUB);
    uint8_t *data = (uint8_t *)content.data, saved[4096];
    unsigned seed = 1;

    (void)state;
    memcpy(saved, data, sizeof saved);
    for (int i = 0; i < 3000; i++) {
        uint64_t at = 0;
        struct content out;
        struct pe_sbat *rows;
        size_t count;
        struct pe pe;

        for (int k = 0; k < 4; k++)
            data[(size_t)rand_r(&seed) % 700] = (uint8_t)rand_r(&seed);
        if (pe_open(&pe, &content) == 1) {
            while (pe_signature(&pe, &at, &out) == 1)
                ;
            pe_sbat_read(&pe, &rows, &count);
            pe_sbat_free(rows, count);
            pe_section(&pe, ".vendor_cert", &out);
        }
        pe_free(&pe);
        memcpy(data, saved, sizeof saved);
    }
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_headers), cmocka_unit_test(test_reads_sbat),
        cmocka_unit_test(test_changed_bytes), cmocka_unit_test(test_digest_covers),
        cmocka_unit_test(test_debian),        cmocka_unit_test(test_hostile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
