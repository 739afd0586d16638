/* sign_make and pe_sign: signatures against sign_check and sbverify; keys and files that are bad.
 */
#include "base/sign.h"
#include "base/sign_make.h"
#include "boot/pe.h"

#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define SHIM "/usr/lib/shim/shimx64.efi.signed"
#define MM   "/usr/lib/shim/mmx64.efi"
#define GRUB "/usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed"
#define STUB "/usr/lib/systemd/boot/efi/linuxx64.efi.stub"
#define TIME 1700000000 /* 2023-11-14 22:13:20 UTC */

static const char make_files[] =
    "set -e; "
    "new() { openssl req -x509 -newkey $2 -nodes -keyout $1.key -out $1.pem -subj \"/CN=$1\" "
    "-days 9; openssl x509 -in $1.pem -outform der -out $1.der; }; "
    "new own rsa:2048; new other rsa:3072; new small rsa:1024; new ed ed25519; "
    "new ec 'ec -pkeyopt ec_paramgen_curve:P-256'; new pss rsa-pss; "
    "openssl req -new -key own.key -subj /CN=own -out own.csr; "
    "openssl x509 -req -in own.csr -signkey own.key -days -1 -out expired.pem; "
    "openssl pkey -in own.key -aes256 -passout pass:x -out pkcs8.key; "
    "openssl rsa -in own.key -aes256 -passout pass:x -traditional -out encrypted.key; "
    "openssl rsa -in own.key -traditional -out traditional.key; "
    "cat own.key own.pem >both.pem; cat own.pem own.key >turned.pem; "
    "openssl pkey -in own.key -outform der -out der.key; "
    "openssl pkey -in own.key -pubout -out public.key; "
    "sed '5d' own.key >damaged.key; : >empty; truncate -s 2M large; mkdir folder; "
    "cp " MM " mm.efi; cp " GRUB " grub.efi; cp " STUB " stub.efi; cp " SHIM " shim.efi; "
    "sbsign --key other.key --cert other.pem --output sbsign.efi mm.efi; ";

static int set_up(void **state)
{
    (void)state;
    return scratch_sh(make_files);
}

static char *scratch_path(const char *name)
{
    return xasprintf("%s/%s", scratch_dir(), name);
}

static struct sign_key open_key(const char *key, const char *certificate)
{
    char *key_path = scratch_path(key), *certificate_path = scratch_path(certificate);
    struct sign_key opened;

    assert_int_equal(sign_key_open(&opened, key_path, certificate_path), 0);
    free(key_path);
    free(certificate_path);
    return opened;
}

static int sign_file(const char *name, const struct sign_key *key, time_t when)
{
    char *path = scratch_path(name);
    int fd = open(path, O_RDWR | O_CLOEXEC), result;

    assert_true(fd >= 0);
    result = pe_sign(fd, name, key, when);
    close(fd);
    free(path);
    return result;
}

/* What is said by `call`, without the program's name; its result in *result. */
#define SAID(said, result, call)                                                                   \
    do {                                                                                           \
        FILE *file = tmpfile();                                                                    \
        int saved = dup(STDERR_FILENO);                                                            \
        fflush(stderr);                                                                            \
        dup2(fileno(file), STDERR_FILENO);                                                         \
        *(result) = (call);                                                                        \
        fflush(stderr);                                                                            \
        dup2(saved, STDERR_FILENO);                                                                \
        close(saved);                                                                              \
        rewind(file);                                                                              \
        (said)[fread(said, 1, sizeof(said) - 1, file)] = '\0';                                     \
        fclose(file);                                                                              \
    } while (0)

/* How many of a file's signatures are accepted by a certificate; how many there are in *count. */
static int accepted_by(const char *name, const char *der_name, int *count)
{
    struct content file = scratch_load(name), der = scratch_load(der_name), signature;
    struct sign_certificate trusted = {der.data, der.len};
    uint8_t digest[DIGEST_LEN];
    uint64_t at = 0;
    int accepted = 0;
    struct pe pe;

    *count = 0;
    assert_int_equal(pe_open(&pe, &file), 1);
    assert_int_equal(pe_digest(&pe, digest), 1);
    while (pe_signature(&pe, &at, &signature) == 1) {
        ++*count;
        accepted += sign_check(signature.data, signature.len, digest, &trusted, 1) == SIGN_ACCEPTED;
    }
    assert_int_equal(file.len % 8, 0);
    assert_int_equal(pe.certs_offset + pe.certs_len, file.len);
    assert_int_equal(get_le32((const char *)file.data + pe.checksum), 0);
    pe_free(&pe);
    free((void *)file.data);
    free((void *)der.data);
    return accepted;
}

/* Each file signed: it is accepted here and by sbverify, and so are the signatures before ours. */
static void test_files(void **state)
{
    static const struct {
        const char *file;
        int before;
    } cases[] = {
        {"mm.efi", 0}, {"stub.efi", 0}, {"grub.efi", 1}, {"sbsign.efi", 1}, {"shim.efi", 2},
    };
    struct sign_key key = open_key("own.key", "own.pem");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *copy = xasprintf("cp %s signed.efi && cp %s again.efi", cases[i].file, cases[i].file);
        int count;

        assert_int_equal(scratch_sh(copy), 0);
        assert_int_equal(sign_file("signed.efi", &key, TIME), 0);
        assert_int_equal(sign_file("again.efi", &key, TIME), 0);
        if (accepted_by("signed.efi", "own.der", &count) != 1 || count != cases[i].before + 1)
            fail_msg("%s: has %d signatures, and ours is not accepted once", cases[i].file, count);
        if (scratch_sh("sbverify --cert own.pem signed.efi") != 0)
            fail_msg("%s: sbverify disagrees", cases[i].file);
        if (scratch_sh("cmp signed.efi again.efi") != 0)
            fail_msg("%s: the second run differs", cases[i].file);
        free(copy);
    }
    sign_key_free(&key);
}

/* Ours behind sbsign's, sbsign's behind ours, ours twice: all stay true. */
static void test_several(void **state)
{
    struct sign_key key = open_key("own.key", "own.pem");
    int count;

    (void)state;
    assert_int_equal(scratch_sh("cp sbsign.efi signed.efi"), 0);
    assert_int_equal(sign_file("signed.efi", &key, TIME), 0);
    assert_int_equal(accepted_by("signed.efi", "other.der", &count), 1);
    assert_int_equal(scratch_sh("sbverify --cert other.pem signed.efi"), 0);
    assert_int_equal(sign_file("signed.efi", &key, TIME), 0);
    assert_int_equal(accepted_by("signed.efi", "own.der", &count), 2);
    assert_int_equal(count, 3);
    assert_int_equal(scratch_sh("cp stub.efi signed.efi"), 0);
    assert_int_equal(sign_file("signed.efi", &key, TIME), 0);
    assert_int_equal(
        scratch_sh("sbsign --key other.key --cert other.pem --output three.efi signed.efi && "
                   "sbverify --cert own.pem three.efi && sbverify --cert other.pem three.efi"),
        0);
    sign_key_free(&key);
}

/* The caller's time is in the signature, and nothing else differs but what RSA makes of it. */
static void test_times(void **state)
{
    static const struct {
        time_t when;
        const char *want; /* UTCTime until 2049, then GeneralizedTime */
    } cases[] = {
        {0, "\x17\x0d"
            "700101000000Z"},
        {TIME, "\x17\x0d"
               "231114221320Z"},
        {2524607999, "\x17\x0d"
                     "491231235959Z"},
        {2524608000, "\x18\x0f"
                     "20500101000000Z"},
        {-1, "\x17\x0d"
             "691231235959Z"},
    };
    struct sign_key key = open_key("own.key", "own.pem");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t digest[DIGEST_LEN] = {1, 2, 3};
        struct sign_signers signers = {0};
        struct buf der = {0};

        assert_int_equal(sign_make(&key, digest, cases[i].when, &der), 0);
        if (!memmem(der.data, der.len, cases[i].want, strlen(cases[i].want)))
            fail_msg("%s: is not in the signature", cases[i].want + 2);
        assert_int_equal(sign_list(der.data, der.len, &signers), 0);
        assert_int_equal(signers.count, 1);
        assert_string_equal(signers.list[0].subject, "own");
        sign_signers_free(&signers);
        buf_free(&der);
    }
    sign_key_free(&key);
}

static void test_keys(void **state)
{
    static const struct {
        const char *key, *certificate;
        int result;
        const char *said; /* behind the folder; "": nothing */
    } cases[] = {
        {"own.key", "own.pem", 0, ""},
        {"traditional.key", "own.pem", 0, ""},
        {"both.pem", "both.pem", 0, ""},
        {"turned.pem", "turned.pem", 0, ""},
        {"own.key", "expired.pem", 0, "expired.pem: the certificate has expired; firmware"},
        {"small.key", "small.pem", 0, "small.key: the key has 1024 bits; firmware may refuse"},
        {"none", "own.pem", -1, "none: opening: No such file or directory\n"},
        {"own.key", "none", -1, "none: opening: No such file or directory\n"},
        {"folder", "own.pem", -1, "folder: opening: is a directory"},
        {"empty", "own.pem", -1, "empty: opening: is empty"},
        {"large", "own.pem", -1, "large: reading: is too large for a PEM file"},
        {"der.key", "own.pem", -1, "der.key: reading the key: there is no private key in PEM"},
        {"own.pem", "own.pem", -1, "own.pem: reading the key: there is no private key in PEM"},
        {"public.key", "own.pem", -1, "public.key: reading the key: there is no private key"},
        {"damaged.key", "own.pem", -1, "damaged.key: reading the key: there is no private key"},
        {"pkcs8.key", "own.pem", -1, "pkcs8.key: reading the key: it is encrypted; decrypt it"},
        {"encrypted.key", "own.pem", -1, "encrypted.key: reading the key: it is encrypted;"},
        {"ec.key", "ec.pem", -1, "ec.key: reading the key: it is EC, and firmware takes only RSA"},
        {"ed.key", "ed.pem", -1, "ed.key: reading the key: it is ED25519, and firmware takes"},
        {"pss.key", "pss.pem", -1, "pss.key: reading the key: it is RSA-PSS, and firmware takes"},
        {"own.key", "own.der", -1, "own.der: reading the certificate: there is none in PEM"},
        {"own.key", "own.key", -1, "own.key: reading the certificate: there is none in PEM"},
        {"own.key", "other.pem", -1, "own.key: signing: it is not the key of the certificate"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *key_path = scratch_path(cases[i].key), said[1000], *at;
        char *certificate_path = scratch_path(cases[i].certificate);
        struct sign_key key;
        int result;

        SAID(said, &result, sign_key_open(&key, key_path, certificate_path));
        at = strstr(said, cases[i].said);
        if (result != cases[i].result || !*cases[i].said != !*said || !at)
            fail_msg("%s and %s: %d: %s", cases[i].key, cases[i].certificate, result, said);
        if (*said && strchr(said, '\n') != said + strlen(said) - 1)
            fail_msg("%s: not one line: %s", cases[i].key, said);
        assert_true(result == 0 || (!key.key && !key.certificate));
        sign_key_free(&key);
        free(key_path);
        free(certificate_path);
    }
}

/* The shell line makes bad.efi. */
static void test_bad_files(void **state)
{
    static const struct {
        const char *make, *said;
    } cases[] = {
        {"cp own.key bad.efi", "bad.efi: signing: it is no PE file"},
        {": >bad.efi", "bad.efi: signing: it is no PE file"},
        {"head -c 50000 stub.efi >bad.efi", "bad.efi: signing: it is truncated"},
        {"head -c 300 stub.efi >bad.efi", "bad.efi: signing: it is truncated"},
        {"head -c -8 sbsign.efi >bad.efi", "bad.efi: signing: it is truncated"},
        {"cp sbsign.efi bad.efi; echo more >>bad.efi", "it has signatures, but not at its end"},
        {"cp sbsign.efi bad.efi; echo 1234567 >>bad.efi", "it has signatures, but not at its end"},
        /* NumberOfRvaAndSizes */
        {"cp stub.efi bad.efi; printf '\\4' | dd of=bad.efi bs=1 seek=260 conv=notrunc",
         "its headers have no place for a signature"},
        /* SizeOfRawData of .text: as if it were most of the file */
        {"head -c 70656 stub.efi >bad.efi; "
         "printf '\\0\\016\\1' | dd of=bad.efi bs=1 seek=408 conv=notrunc",
         "its sections overlap"},
        {"cp stub.efi bad.efi; truncate -s 4294967295 bad.efi", "it is too large: an EFI program"},
    };
    struct sign_key key = open_key("own.key", "own.pem");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char said[1000];
        int result;

        assert_int_equal(scratch_sh(cases[i].make), 0);
        SAID(said, &result, sign_file("bad.efi", &key, TIME));
        if (result != -1 || !strstr(said, cases[i].said))
            fail_msg("%s: %d: %s", cases[i].make, result, said);
    }
    sign_key_free(&key);
}

static void test_read_only(void **state)
{
    struct sign_key key = open_key("own.key", "own.pem");
    char *path = scratch_path("mm.efi"), said[1000];
    int fd = open(path, O_RDONLY | O_CLOEXEC), result;

    (void)state;
    SAID(said, &result, pe_sign(fd, "mm.efi", &key, TIME));
    assert_int_equal(result, -1);
    assert_non_null(strstr(said, "mkbootmedia: mm.efi: writing: "));
    close(fd);
    free(path);
    sign_key_free(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),     cmocka_unit_test(test_several),
        cmocka_unit_test(test_times),     cmocka_unit_test(test_keys),
        cmocka_unit_test(test_bad_files), cmocka_unit_test(test_read_only),
    };

    return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
