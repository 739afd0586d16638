/* sign: PKCS #7 and X.509 by libcrypto, for signatures over PE files. */
#include "base/sign.h"

#include "base/util.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <limits.h>
#include <stdlib.h>

#define SPC_INDIRECT_DATA "1.3.6.1.4.1.311.2.1.4"

static X509 *certificate_parse(const void *der, size_t len)
{
    const unsigned char *p = der;
    X509 *certificate = len > LONG_MAX ? NULL : d2i_X509(NULL, &p, (long)len);

    ERR_clear_error();
    return certificate;
}

/* The certificate table of a PE pads entries to 8 bytes, so bytes after the SignedData are fine. */
static PKCS7 *signature_parse(const void *der, size_t len)
{
    const unsigned char *p = der;
    PKCS7 *pkcs7 = len > LONG_MAX ? NULL : d2i_PKCS7(NULL, &p, (long)len);

    ERR_clear_error();
    if (pkcs7 && (!PKCS7_type_is_signed(pkcs7) || !pkcs7->d.sign || !pkcs7->d.sign->contents)) {
        PKCS7_free(pkcs7);
        return NULL;
    }
    return pkcs7;
}

static char *whole_name(const X509_NAME *name)
{
    char *line = X509_NAME_oneline(name, NULL, 0);
    char *copy = xstrdup(line ? line : "?");

    OPENSSL_free(line);
    return copy;
}

static char *common_name(X509_NAME *name)
{
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    unsigned char *utf8 = NULL;
    char *copy;

    if (at < 0 ||
        ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at))) < 0)
        return whole_name(name);
    copy = xstrdup((const char *)utf8);
    OPENSSL_free(utf8);
    return copy;
}

static void signers_add(struct sign_signers *signers, X509 *certificate)
{
    signers->list = xgrow(signers->list, signers->count, sizeof *signers->list);
    signers->list[signers->count++] = (struct sign_signer){
        common_name(X509_get_subject_name(certificate)),
        common_name(X509_get_issuer_name(certificate)),
    };
}

int sign_list(const void *der, size_t len, struct sign_signers *signers)
{
    PKCS7 *pkcs7 = signature_parse(der, len);
    STACK_OF(X509) * certificates;

    if (!pkcs7)
        return -1;
    certificates = PKCS7_get0_signers(pkcs7, NULL, 0);
    for (int i = 0; i < sk_X509_num(certificates); i++)
        signers_add(signers, sk_X509_value(certificates, i));
    sk_X509_free(certificates);
    PKCS7_free(pkcs7);
    ERR_clear_error();
    return 0;
}

void sign_signers_free(struct sign_signers *signers)
{
    for (size_t i = 0; i < signers->count; i++) {
        free(signers->list[i].subject);
        free(signers->list[i].issuer);
    }
    free(signers->list);
    *signers = (struct sign_signers){0};
}

char *sign_certificate_name(const void *der, size_t len)
{
    X509 *certificate = certificate_parse(der, len);
    char *name = certificate ? common_name(X509_get_subject_name(certificate)) : NULL;

    X509_free(certificate);
    return name;
}

/* The bytes inside the SEQUENCE that SpcIndirectDataContent is; NULL if it is something else. */
static const unsigned char *indirect_data(const PKCS7 *pkcs7, long *len)
{
    const PKCS7 *content = pkcs7->d.sign->contents;
    const unsigned char *p;
    char oid[64];
    int tag, class;

    if (OBJ_obj2txt(oid, sizeof oid, content->type, 1) <= 0 || strcmp(oid, SPC_INDIRECT_DATA) != 0)
        return NULL;
    if (!content->d.other || content->d.other->type != V_ASN1_SEQUENCE)
        return NULL;
    p = ASN1_STRING_get0_data(content->d.other->value.sequence);
    if (ASN1_get_object(&p, len, &tag, &class,
                        ASN1_STRING_length(content->d.other->value.sequence)) != V_ASN1_CONSTRUCTED)
        return NULL;
    return p;
}

/*
 * SpcIndirectDataContent ::= SEQUENCE { data SEQUENCE {..}, messageDigest DigestInfo }: skips the
 * first and looks into the second. Returns whether it is SHA-256; *same tells if it is ours.
 */
static bool digest_compare(const unsigned char *p, long len, const uint8_t digest[DIGEST_LEN],
                           bool *same)
{
    const unsigned char *begin = p;
    const X509_ALGOR *algorithm;
    const ASN1_OCTET_STRING *octets;
    X509_SIG *info;
    long data_len;
    int tag, class, nid;

    if (ASN1_get_object(&p, &data_len, &tag, &class, len) != V_ASN1_CONSTRUCTED)
        return false;
    p += data_len;
    info = d2i_X509_SIG(NULL, &p, len - (long)(p - begin));
    if (!info)
        return false;
    X509_SIG_get0(info, &algorithm, &octets);
    nid = OBJ_obj2nid(algorithm->algorithm);
    *same = ASN1_STRING_length(octets) == DIGEST_LEN &&
            memcmp(ASN1_STRING_get0_data(octets), digest, DIGEST_LEN) == 0;
    X509_SIG_free(info);
    return nid == NID_sha256;
}

/*
 * Is the signature over the indirect data made by the keys of the certificates that it names? The
 * filter BIO that does nothing is there because PKCS7_verify wraps a bare memory BIO, and forgets
 * the wrapper when a signature is malformed.
 */
static bool signature_holds(PKCS7 *pkcs7, const unsigned char *data, long len)
{
    BIO *memory = BIO_new_mem_buf(data, (int)len), *filter = BIO_new(BIO_f_null());
    bool holds = false;

    if (memory && filter) {
        BIO_push(filter, memory);
        holds = PKCS7_verify(pkcs7, NULL, NULL, filter, NULL, PKCS7_NOVERIFY | PKCS7_BINARY) == 1;
        BIO_pop(filter);
    }
    BIO_free(filter);
    BIO_free(memory);
    return holds;
}

static X509_STORE *store_new(const struct sign_certificate *trusted, size_t count)
{
    X509_STORE *store = X509_STORE_new();

    for (size_t i = 0; store && i < count; i++) {
        X509 *certificate = certificate_parse(trusted[i].der, trusted[i].len);

        if (certificate)
            X509_STORE_add_cert(store, certificate);
        X509_free(certificate);
    }
    return store;
}

static bool chain_leads(X509_STORE *store, X509 *signer, STACK_OF(X509) * others)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    bool leads = false;

    if (ctx && X509_STORE_CTX_init(ctx, store, signer, others) == 1) {
        X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME |
                                          X509_V_FLAG_IGNORE_CRITICAL);
        X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_ANY);
        leads = X509_verify_cert(ctx) == 1;
    }
    X509_STORE_CTX_free(ctx);
    return leads;
}

/* Every signer must lead to a trusted certificate. */
static bool signers_lead(PKCS7 *pkcs7, const struct sign_certificate *trusted, size_t count)
{
    STACK_OF(X509) *signers = PKCS7_get0_signers(pkcs7, NULL, 0);
    X509_STORE *store = store_new(trusted, count);
    bool lead = store && sk_X509_num(signers) > 0;

    for (int i = 0; lead && i < sk_X509_num(signers); i++)
        lead = chain_leads(store, sk_X509_value(signers, i), pkcs7->d.sign->cert);
    X509_STORE_free(store);
    sk_X509_free(signers);
    return lead;
}

enum sign_verdict sign_check(const void *der, size_t len, const uint8_t digest[DIGEST_LEN],
                             const struct sign_certificate *trusted, size_t count)
{
    enum sign_verdict verdict = SIGN_ACCEPTED;
    PKCS7 *pkcs7 = signature_parse(der, len);
    long data_len = 0;
    const unsigned char *data = pkcs7 ? indirect_data(pkcs7, &data_len) : NULL;
    bool same = false;

    if (!data || data_len > INT_MAX || !digest_compare(data, data_len, digest, &same))
        verdict = SIGN_UNREADABLE;
    else if (!same)
        verdict = SIGN_OTHER_FILE;
    else if (!signature_holds(pkcs7, data, data_len))
        verdict = SIGN_BROKEN;
    else if (!signers_lead(pkcs7, trusted, count))
        verdict = SIGN_UNTRUSTED;
    PKCS7_free(pkcs7);
    ERR_clear_error();
    return verdict;
}
