/* sign_cms: our signatures against our check and openssl(1); every bit of one counts. */
#include "base/sign_cms.h"

#include "caught.h"
#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define TEXT "what is signed\n"

/* "ca" has signed "issued", so that this is no self-signed one. */
static const char make_files[] =
    "set -e; "
    "new() { openssl req -x509 -newkey rsa:2048 -nodes -keyout $1.key -out $1.pem -subj \"/CN=$1\" "
    "-days 9; }; "
    "new own; new other; new ca; "
    "openssl req -new -newkey rsa:2048 -nodes -keyout issued.key -subj /CN=issued -out issued.csr; "
    "openssl x509 -req -in issued.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out issued.pem; "
    "printf '" TEXT "' >text; : >empty; ";

static int set_up(void **state)
{
    (void)state;
    return scratch_sh(make_files);
}

static char *scratch_path(const char *name)
{
    return xasprintf("%s/%s", scratch_dir(), name);
}

static struct buf sign(const char *name, const char *text)
{
    char *base = scratch_path(name), *key = xasprintf("%s.key", base),
         *certificate = xasprintf("%s.pem", base);
    struct sign_key opened;
    struct buf der = {0};

    assert_int_equal(sign_key_open(&opened, key, certificate), 0);
    assert_int_equal(sign_cms(&opened, text, strlen(text), &der), 0);
    sign_key_free(&opened);
    free(base);
    free(key);
    free(certificate);
    return der;
}

/* NULL if it holds; whose it is in *signer, if that is wanted. */
static const char *check(const struct buf *der, const char *text, const char *certificate,
                         struct sign_cms_signer *signer)
{
    char *path = certificate ? scratch_path(certificate) : NULL;
    struct sign_cms_signer found;
    const char *why;

    assert_int_equal(sign_cms_check(der->data, der->len, text, strlen(text), path, &found, &why),
                     0);
    assert_true(!found.name != !why);
    if (signer)
        *signer = found;
    else
        sign_cms_signer_free(&found);
    free(path);
    return why;
}

static void test_check(void **state)
{
    static const struct {
        const char *by, *text, *certificate, *why;
    } cases[] = {
        {"own", TEXT, NULL, NULL},
        {"own", TEXT, "own.pem", NULL},
        {"issued", TEXT, NULL, NULL},
        {"issued", TEXT, "issued.pem", NULL},
        {"issued", TEXT, "ca.pem", "was made by another key"},
        {"own", TEXT, "other.pem", "was made by another key"},
        {"own", TEXT "\n", NULL, "does not hold"},
        {"own", "What is signed\n", "own.pem", "does not hold"},
        {"own", "", NULL, "does not hold"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf der = sign(cases[i].by, TEXT);
        struct sign_cms_signer signer;
        const char *why = check(&der, cases[i].text, cases[i].certificate, &signer);

        if (!why != !cases[i].why || (why && strcmp(why, cases[i].why) != 0))
            fail_msg("case %zu: %s", i, why ? why : "holds");
        if (signer.name && !strstr(signer.name, cases[i].by))
            fail_msg("case %zu: by %s", i, signer.name);
        sign_cms_signer_free(&signer);
        buf_free(&der);
    }
}

/* The digest of the certificate is that of openssl(1), and of the key before it signs. */
static void test_signer(void **state)
{
    struct buf der = sign("issued", TEXT);
    struct sign_cms_signer signer;
    struct content text;

    (void)state;
    assert_null(check(&der, TEXT, NULL, &signer));
    assert_int_equal(
        scratch_sh("openssl x509 -in issued.pem -outform der | sha256sum | tr -d ' \\n-' >sum"), 0);
    text = scratch_load("sum");
    assert_int_equal(text.len, 2 * DIGEST_LEN);
    assert_memory_equal(text.data, digest_hex(signer.certificate).text, text.len);
    free((void *)text.data);
    sign_cms_signer_free(&signer);
    buf_free(&der);
}

static void test_same(void **state)
{
    struct buf one = sign("own", TEXT), two = sign("own", TEXT), empty = sign("own", "");

    (void)state;
    assert_int_equal(one.len, two.len);
    assert_memory_equal(one.data, two.data, one.len);
    assert_int_equal(one.len, empty.len);
    buf_free(&one);
    buf_free(&two);
    buf_free(&empty);
}

static void test_openssl(void **state)
{
    struct buf der = sign("own", TEXT);
    char *path = scratch_path("sig");
    FILE *file = fopen(path, "we");

    (void)state;
    assert_non_null(file);
    fwrite(der.data, 1, der.len, file);
    fclose(file);
    assert_int_equal(scratch_sh("openssl cms -verify -inform DER -binary -in sig -content text "
                                "-CAfile own.pem -purpose any"),
                     0);
    assert_int_not_equal(scratch_sh("openssl cms -verify -inform DER -binary -in sig -content text "
                                    "-CAfile other.pem -purpose any"),
                         0);
    assert_int_not_equal(scratch_sh("openssl cms -verify -inform DER -binary -in sig -content "
                                    "empty -CAfile own.pem -purpose any"),
                         0);
    free(path);
    buf_free(&der);
}

static bool same_signer(const struct buf *der, const struct sign_cms_signer *signer)
{
    struct sign_cms_signer found;
    bool same = !check(der, TEXT, NULL, &found) &&
                memcmp(found.certificate, signer->certificate, DIGEST_LEN) == 0;

    sign_cms_signer_free(&found);
    return same;
}

/* No bit (of some in each byte) may be another, or the certificate is, which tells; nor may one be
 * cut off, or added. */
static void test_bits(void **state)
{
    static const char *const names[] = {"own", "issued"};

    (void)state;
    for (size_t n = 0; n < ARRAY_LEN(names); n++) {
        struct buf der = sign(names[n], TEXT);
        struct sign_cms_signer signer;

        assert_null(check(&der, TEXT, NULL, &signer));
        for (size_t bit = 0; bit < 8 * der.len; bit += 5) {
            der.data[bit / 8] ^= (char)(1 << bit % 8);
            if (same_signer(&der, &signer))
                fail_msg("%s: bit %zu of byte %zu of %zu", names[n], bit % 8, bit / 8, der.len);
            der.data[bit / 8] ^= (char)(1 << bit % 8);
        }
        for (size_t len = 0; len <= der.len + 1; len++) {
            struct buf cut = {.data = xcalloc(len + 1, 1), .len = len};

            memcpy(cut.data, der.data, len < der.len ? len : der.len);
            if (same_signer(&cut, &signer) != (len == der.len))
                fail_msg("%s: %zu bytes of %zu", names[n], len, der.len);
            buf_free(&cut);
        }
        sign_cms_signer_free(&signer);
        buf_free(&der);
    }
}

static void test_certificates(void **state)
{
    static const struct {
        const char *name, *said;
    } cases[] = {
        {"missing.pem", "missing.pem: "},
        {"own.key", "own.key: "},
        {"empty", "empty: "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *path = scratch_path(cases[i].name), said[1000];
        struct caught caught;
        int result;

        caught_begin(&caught);
        result = sign_cms_certificate(path);
        caught_end(&caught, said, sizeof said);
        if (result != -1 || !strstr(said, cases[i].said))
            fail_msg("%s: %d: %s", cases[i].name, result, said);
        free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),        cmocka_unit_test(test_same),
        cmocka_unit_test(test_openssl),      cmocka_unit_test(test_bits),
        cmocka_unit_test(test_certificates), cmocka_unit_test(test_signer),
    };

    return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
