/* sign_cms: by libcrypto. */
#include "base/sign_cms.h"

#include "base/msg.h"
#include "base/sign.h"

#include <openssl/cms.h>
#include <openssl/err.h>

#include <stdlib.h>

#define FLAGS (CMS_BINARY | CMS_DETACHED | CMS_NOATTR | CMS_NOSMIMECAP)

int sign_cms(const struct sign_key *key, const void *data, size_t len, struct buf *der)
{
    BIO *bio = BIO_new_mem_buf(data, (int)len);
    CMS_ContentInfo *cms = bio ? CMS_sign(key->certificate, key->key, NULL, bio, FLAGS) : NULL;
    unsigned char *bytes = NULL;
    int made = cms ? i2d_CMS_ContentInfo(cms, &bytes) : -1;

    CMS_ContentInfo_free(cms);
    BIO_free(bio);
    if (made < 0) {
        msg_error("libcrypto: signing: %s", ERR_reason_error_string(ERR_peek_last_error()));
        ERR_clear_error();
        return -1;
    }
    buf_add(der, bytes, (size_t)made);
    OPENSSL_free(bytes);
    return 0;
}

/* The value of its only signature; NULL: there are none, or several. */
static ASN1_OCTET_STRING *value_of(CMS_ContentInfo *cms)
{
    STACK_OF(CMS_SignerInfo) *all = CMS_get0_SignerInfos(cms);

    return sk_CMS_SignerInfo_num(all) == 1
               ? CMS_SignerInfo_get0_signature(sk_CMS_SignerInfo_value(all, 0))
               : NULL;
}

/*
 * Is it, byte for byte, what sign_cms would make with this certificate, and this value, which is
 * all that the key gives? Making it as far as that takes only the public key.
 */
static bool is_plain(CMS_ContentInfo *cms, X509 *signer, const void *der, size_t len)
{
    CMS_ContentInfo *again =
        CMS_sign(signer, X509_get0_pubkey(signer), NULL, NULL, FLAGS | CMS_PARTIAL);
    ASN1_OCTET_STRING *value = value_of(cms), *empty = again ? value_of(again) : NULL;
    unsigned char *bytes = NULL;
    int made = value && empty && ASN1_STRING_copy(empty, value) == 1
                   ? i2d_CMS_ContentInfo(again, &bytes)
                   : -1;
    bool same = made >= 0 && (size_t)made == len && memcmp(bytes, der, len) == 0;

    OPENSSL_free(bytes);
    CMS_ContentInfo_free(again);
    return same;
}

/* The one certificate that is inside, or NULL. */
static X509 *signer_of(CMS_ContentInfo *cms)
{
    STACK_OF(X509) *all = CMS_get1_certs(cms);
    X509 *one = sk_X509_num(all) == 1 ? sk_X509_value(all, 0) : NULL;

    if (one)
        X509_up_ref(one);
    sk_X509_pop_free(all, X509_free);
    return one;
}

/* The certificate as text, and its digest. */
static void describe(struct sign_cms_signer *signer, X509 *certificate)
{
    unsigned char *bytes = NULL;
    int len = i2d_X509(certificate, &bytes);
    struct content content = content_memory(bytes, len > 0 ? (size_t)len : 0);

    *signer = (struct sign_cms_signer){0};
    if (len > 0) {
        signer->name = sign_certificate_name(bytes, (size_t)len);
        digest_content(&content, 0, signer->certificate);
    }
    OPENSSL_free(bytes);
}

static const char *check(CMS_ContentInfo *cms, X509 *signer, X509 *wanted, const void *data,
                         size_t len)
{
    BIO *bio = BIO_new_mem_buf(data, (int)len);
    int held = bio ? CMS_verify(cms, NULL, NULL, bio, NULL,
                                CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY | CMS_NOVERIFY)
                   : 0;

    BIO_free(bio);
    if (held != 1)
        return "does not hold";
    return wanted && X509_cmp(wanted, signer) != 0 ? "was made by another key" : NULL;
}

int sign_cms_check(const void *der, size_t der_len, const void *data, size_t len,
                   const char *certificate, struct sign_cms_signer *signer, const char **why)
{
    const unsigned char *at = der;
    X509 *wanted = NULL, *made_by = NULL;
    CMS_ContentInfo *cms;

    *signer = (struct sign_cms_signer){0};
    *why = "is damaged";
    if (certificate) {
        wanted = sign_certificate_open(certificate);
        if (!wanted)
            return -1;
    }
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    cms = d2i_CMS_ContentInfo(NULL, &at, (long)der_len);
    if (cms)
        made_by = signer_of(cms);
    if (made_by && is_plain(cms, made_by, der, der_len))
        *why = check(cms, made_by, wanted, data, len);
    if (!*why)
        describe(signer, made_by);
    CMS_ContentInfo_free(cms);
    X509_free(made_by);
    X509_free(wanted);
    ERR_clear_error();
    return 0;
}

void sign_cms_describe(struct sign_cms_signer *signer, const struct sign_key *key)
{
    describe(signer, key->certificate);
}

void sign_cms_signer_free(struct sign_cms_signer *signer)
{
    free(signer->name);
    *signer = (struct sign_cms_signer){0};
}

int sign_cms_certificate(const char *path)
{
    X509 *certificate = sign_certificate_open(path);

    X509_free(certificate);
    return certificate ? 0 : -1;
}
