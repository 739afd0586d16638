/* sign and chain: against Debian's shim and what it starts, own keys, and sbverify's verdict. */
#include "base/sign.h"
#include "boot/chain.h"
#include "boot/pe.h"

#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define SHIM "/usr/lib/shim/shimx64.efi.signed"
#define MM   "/usr/lib/shim/mmx64.efi"
#define GRUB "/usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed"

/*
 * Keys: own (self-signed), ca -> leaf, expired (self-signed, ended in 2020). Files: mm signed with
 * each; for the leaf once with the CA's certificate inside.
 */
static const char make_files[] =
    "set -e; "
    "new() { openssl req -x509 -newkey rsa:2048 -nodes -keyout $1.key -out $1.pem -subj \"/CN=$2\" "
    "-days $3; }; "
    "new own 'Own key' 9; new ca 'Test CA' 9; new other 'Other CA' 9; "
    "openssl req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj '/CN=Test signer'; "
    "openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out leaf.pem -days "
    "-1; "
    "for k in own ca other leaf; do openssl x509 -in $k.pem -outform der -out $k.der; done; "
    "sbsign --key own.key --cert own.pem --output own.efi " MM "; "
    "sbsign --key leaf.key --cert leaf.pem --output leaf.efi " MM "; "
    "sbsign --key other.key --cert other.pem --output both.efi leaf.efi; "
    "openssl x509 -inform der -in vendor.der -out vendor.pem; ";

static int write_file(const char *name, const void *data, size_t len)
{
    char *path = xasprintf("%s/%s", scratch_dir(), name);
    FILE *file = fopen(path, "w");
    bool done = file && fwrite(data, 1, len, file) == len;

    free(path);
    return file && fclose(file) == 0 && done ? 0 : -1;
}

static int set_up(void **state)
{
    struct content shim = file_load(SHIM);
    struct chain chain;
    int result = chain_open(&chain, &shim) == 1
                     ? write_file("vendor.der", chain.trusted[0].der, chain.trusted[0].len)
                     : -1;

    (void)state;
    chain_free(&chain);
    free((void *)shim.data);
    return result < 0 || scratch_sh(make_files) != 0 ? -1 : 0;
}

/* The verdict on the signatures of a file when one certificate is trusted. */
static enum sign_verdict verdict_on(const struct content *file, const struct content *der)
{
    struct sign_certificate trusted = {der->data, der->len};
    enum sign_verdict verdict = SIGN_UNREADABLE;
    uint8_t digest[DIGEST_LEN];
    struct content signature;
    uint64_t at = 0;
    struct pe pe;

    assert_int_equal(pe_open(&pe, file), 1);
    assert_int_equal(pe_digest(&pe, digest), 1);
    while (pe_signature(&pe, &at, &signature) == 1 && verdict != SIGN_ACCEPTED)
        verdict = sign_check(signature.data, signature.len, digest, &trusted, 1);
    pe_free(&pe);
    return verdict;
}

/*
 * Each row is also put to `sbverify --cert`, but shim: sbverify 0.9.4 accepts a signature that
 * brings its own CA's certificate, whatever --cert names.
 */
static void test_verdicts(void **state)
{
    static const struct {
        const char *file, *trusted;
        enum sign_verdict verdict;
    } cases[] = {
        {"own.efi", "own", SIGN_ACCEPTED},       {"own.efi", "ca", SIGN_UNTRUSTED},
        {"leaf.efi", "ca", SIGN_ACCEPTED},       {"leaf.efi", "leaf", SIGN_ACCEPTED},
        {"leaf.efi", "other", SIGN_UNTRUSTED},   {"both.efi", "other", SIGN_ACCEPTED},
        {"both.efi", "ca", SIGN_ACCEPTED},       {"both.efi", "own", SIGN_UNTRUSTED},
        {GRUB, "vendor", SIGN_ACCEPTED},         {GRUB, "own", SIGN_UNTRUSTED},
        {MM ".signed", "vendor", SIGN_ACCEPTED}, {SHIM, "vendor", SIGN_UNTRUSTED},
        {MM, "vendor", SIGN_UNREADABLE},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool absolute = cases[i].file[0] == '/';
        struct content file = absolute ? file_load(cases[i].file) : scratch_load(cases[i].file);
        char *name = xasprintf("%s.der", cases[i].trusted);
        struct content der = scratch_load(name);
        char *line = xasprintf("sbverify --cert %s.pem %s", cases[i].trusted, cases[i].file);
        enum sign_verdict verdict = verdict_on(&file, &der);

        if (verdict != cases[i].verdict)
            fail_msg("%s by %s: verdict %d", cases[i].file, cases[i].trusted, verdict);
        if (strcmp(cases[i].file, SHIM) != 0 &&
            (scratch_sh(line) == 0) != (verdict == SIGN_ACCEPTED))
            fail_msg("%s: sbverify disagrees", line);
        free(line);
        free(name);
        free((void *)der.data);
        free((void *)file.data);
    }
}

static void test_names(void **state)
{
    static const struct {
        const char *file, *names;
    } cases[] = {
        {"both.efi", "Test signer < Test CA; Other CA < Other CA; "},
        {GRUB, "Debian Secure Boot Signer 2022 - grub2 < Debian Secure Boot CA; "},
        {MM, ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool absolute = cases[i].file[0] == '/';
        struct content file = absolute ? file_load(cases[i].file) : scratch_load(cases[i].file);
        struct sign_signers signers = {0};
        struct content signature;
        struct buf names = {0};
        uint64_t at = 0;
        struct pe pe;

        assert_int_equal(pe_open(&pe, &file), 1);
        while (pe_signature(&pe, &at, &signature) == 1)
            assert_int_equal(sign_list(signature.data, signature.len, &signers), 0);
        buf_puts(&names, "");
        for (size_t k = 0; k < signers.count; k++)
            buf_printf(&names, "%s < %s; ", signers.list[k].subject, signers.list[k].issuer);
        assert_string_equal(names.data, cases[i].names);
        buf_free(&names);
        sign_signers_free(&signers);
        pe_free(&pe);
        free((void *)file.data);
    }
}

/* Every byte of a signature changed once: it must never be accepted but where it is not protected.
 */
static void test_changed_signature(void **state)
{
    struct content file = scratch_load("own.efi"), der = scratch_load("own.der"), signature;
    struct sign_certificate trusted = {der.data, der.len};
    uint8_t digest[DIGEST_LEN], *bytes;
    size_t accepted = 0;
    uint64_t at = 0;
    struct pe pe;

    (void)state;
    assert_int_equal(pe_open(&pe, &file), 1);
    assert_int_equal(pe_digest(&pe, digest), 1);
    assert_int_equal(pe_signature(&pe, &at, &signature), 1);
    bytes = (uint8_t *)signature.data;
    for (size_t i = 0; i < signature.len; i++) {
        struct sign_signers signers = {0};

        bytes[i] ^= 0x55;
        accepted += sign_check(bytes, signature.len, digest, &trusted, 1) == SIGN_ACCEPTED;
        sign_list(bytes, signature.len, &signers);
        sign_signers_free(&signers);
        bytes[i] ^= 0x55;
    }
    /* versions, the list of digest algorithms and the padding behind it are not signed */
    assert_in_range(accepted, 0, 40);
    assert_int_equal(sign_check(bytes, signature.len, digest, &trusted, 1), SIGN_ACCEPTED);
    assert_int_equal(sign_check(bytes, 100, digest, &trusted, 1), SIGN_UNREADABLE);
    assert_int_equal(sign_check(bytes, 0, digest, &trusted, 1), SIGN_UNREADABLE);
    assert_int_equal(sign_check(bytes, signature.len, digest, NULL, 0), SIGN_UNTRUSTED);
    pe_free(&pe);
    free((void *)der.data);
    free((void *)file.data);
}

/* What Debian's shim says of an image; flip > 0 changes a byte there, cut > 0 cuts it there. */
static void test_chain(void **state)
{
    static const struct {
        const char *file;
        size_t flip, cut;
        int accepted;
        const char *why;
    } cases[] = {
        {GRUB, 0, 0, 1, ""},
        {MM ".signed", 0, 0, 1, ""},
        {GRUB, 2000000, 0, 0, "changed after it was signed"},
        {GRUB, 0, 2000000, 0, "damaged"},
        {MM, 0, 0, 0, "not signed"},
        {SHIM, 0, 0, 0, "shim trusts Debian Secure Boot CA"},
        {"own.efi", 0, 0, 0, "signed by Own key (issued by Own key), but shim trusts Debian Sec"},
        {"own.pem", 0, 0, 0, "no PE file"},
    };
    struct content shim = file_load(SHIM);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool absolute = cases[i].file[0] == '/';
        struct content file = absolute ? file_load(cases[i].file) : scratch_load(cases[i].file);
        char why[CHAIN_WHY_LEN];
        int accepted;

        ((uint8_t *)file.data)[cases[i].flip] ^= cases[i].flip ? 1 : 0;
        file.len = cases[i].cut ? cases[i].cut : file.len;
        accepted = chain_accepts(&shim, &file, why);
        if (accepted != cases[i].accepted || !strstr(why, cases[i].why) || (accepted && *why))
            fail_msg("%s (row %zu): %d, %s", cases[i].file, i, accepted, why);
        free((void *)file.data);
    }
    free((void *)shim.data);
}

static size_t put_list(uint8_t *p, const uint8_t guid[16], const void *data, size_t len)
{
    memcpy(p, guid, 16);
    put_le32(p + 16, (uint32_t)(28 + 16 + len));
    put_le32(p + 20, 0);
    put_le32(p + 24, (uint32_t)(16 + len));
    memset(p + 28, 0x77, 16);
    memcpy(p + 44, data, len);
    return 44 + len;
}

/* Our own vendor table in Debian's shim: signature lists that trust and deny by key and by digest.
 */
static void test_vendor_lists(void **state)
{
    static const uint8_t x509[16] = {0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a,
                                     0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72};
    static const uint8_t sha256[16] = {0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40,
                                       0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28};
    struct content shim = file_load(SHIM), section, image = scratch_load("leaf.efi");
    struct content other = scratch_load("own.efi");
    struct content ca = scratch_load("ca.der"), leaf = scratch_load("leaf.der");
    uint8_t digest[DIGEST_LEN], *table;
    char why[CHAIN_WHY_LEN];
    size_t good, bad;
    struct pe pe;

    (void)state;
    assert_int_equal(pe_open(&pe, &image), 1);
    assert_int_equal(pe_digest(&pe, digest), 1);
    pe_free(&pe);
    assert_int_equal(pe_open(&pe, &shim), 1);
    assert_true(pe_section(&pe, ".vendor_cert", &section));
    table = (uint8_t *)section.data;

    good = put_list(table + 16, x509, ca.data, ca.len);
    put_le32(table, (uint32_t)good);
    put_le32(table + 4, 0);
    put_le32(table + 8, 16);
    assert_int_equal(chain_accepts(&shim, &image, why), 1);
    assert_int_equal(chain_accepts(&shim, &other, why), 0);

    bad = put_list(table + 16 + good, x509, leaf.data, leaf.len);
    put_le32(table + 4, (uint32_t)bad);
    put_le32(table + 12, (uint32_t)(16 + good));
    assert_int_equal(chain_accepts(&shim, &image, why), 0);
    assert_non_null(strstr(why, "a key that shim revokes"));

    put_le32(table + 4, (uint32_t)put_list(table + 16 + good, sha256, digest, DIGEST_LEN));
    assert_int_equal(chain_accepts(&shim, &image, why), 0);
    assert_non_null(strstr(why, "list of revoked images"));

    put_le32(table, (uint32_t)put_list(table + 16, sha256, digest, DIGEST_LEN));
    put_le32(table + 4, 0);
    assert_int_equal(chain_accepts(&shim, &image, why), 1);

    put_le32(table + 8, 0xfffffff0); /* beyond the section */
    assert_int_equal(chain_accepts(&shim, &image, why), 0);
    assert_non_null(strstr(why, "no shim with vendor certificates"));
    pe_free(&pe);
    free((void *)shim.data);
    free((void *)image.data);
    free((void *)other.data);
    free((void *)ca.data);
    free((void *)leaf.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),          cmocka_unit_test(test_names),
        cmocka_unit_test(test_changed_signature), cmocka_unit_test(test_chain),
        cmocka_unit_test(test_vendor_lists),
    };

    return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
