/* sign_cms: by libcrypto. */
#include "base/sign_cms.h"

#include "base/msg.h"
#include "base/sign.h"

#include <openssl/cms.h>
#include <openssl/err.h>

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

/* Is it exactly what we would write of it: not a byte behind it, none encoded otherwise? */
static bool is_plain(CMS_ContentInfo *cms, const void *der, size_t len)
{
    unsigned char *bytes = NULL;
    int made = i2d_CMS_ContentInfo(cms, &bytes);
    bool same = made >= 0 && (size_t)made == len && memcmp(bytes, der, len) == 0;

    OPENSSL_free(bytes);
    return same;
}

/* The one certificate that is inside; a self-signed one has to hold, too. NULL: it does not. */
static X509 *signer_of(CMS_ContentInfo *cms)
{
    STACK_OF(X509) *all = CMS_get1_certs(cms);
    X509 *one = sk_X509_num(all) == 1 ? sk_X509_value(all, 0) : NULL;

    if (one && X509_NAME_cmp(X509_get_subject_name(one), X509_get_issuer_name(one)) == 0 &&
        X509_verify(one, X509_get0_pubkey(one)) != 1)
        one = NULL;
    if (one)
        X509_up_ref(one);
    sk_X509_pop_free(all, X509_free);
    return one;
}

static char *name_of(X509 *certificate)
{
    unsigned char *bytes = NULL;
    int len = i2d_X509(certificate, &bytes);
    char *name = len > 0 ? sign_certificate_name(bytes, (size_t)len) : NULL;

    OPENSSL_free(bytes);
    return name;
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
                   const char *certificate, char **signer, char **why)
{
    const unsigned char *at = der;
    X509 *wanted = NULL, *made_by = NULL;
    CMS_ContentInfo *cms;
    const char *fault = "is damaged";

    if (certificate) {
        wanted = sign_certificate_open(certificate);
        if (!wanted)
            return -1;
    }
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    cms = d2i_CMS_ContentInfo(NULL, &at, (long)der_len);
    if (cms && is_plain(cms, der, der_len))
        made_by = signer_of(cms);
    if (made_by)
        fault = check(cms, made_by, wanted, data, len);
    if (fault)
        *why = xstrdup(fault);
    else
        *signer = name_of(made_by);
    CMS_ContentInfo_free(cms);
    X509_free(made_by);
    X509_free(wanted);
    ERR_clear_error();
    return 0;
}
