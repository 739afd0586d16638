/* sign_make: keys from PEM files, and PKCS #7 SignedData over a digest, by libcrypto. */
#include "base/sign_make.h"

#include "base/msg.h"
#include "base/source.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>

#include <assert.h>
#include <stdlib.h>

#define PEM_MAX           MIB
#define SPC_INDIRECT_DATA "1.3.6.1.4.1.311.2.1.4"

/*
 * SpcIndirectDataContent up to the digest, in DER. It is the same for every file: all lengths are
 * known, and the name of the file, an SpcLink, is a text that nobody reads.
 */
static const char indirect_data[] =
    "\x30\x68"                                         /* SEQUENCE */
    "\x30\x33"                                         /*   data: SEQUENCE */
    "\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x0f" /*     type: SpcPeImageData */
    "\x30\x25"                                         /*     value: SEQUENCE */
    "\x03\x01\x00"                                     /*       flags: none */
    "\xa0\x20\xa2\x1e\x80\x1c"                         /*       file [0]: file [2]: unicode [0] */
    "\0<\0<\0<\0O\0b\0s\0o\0l\0e\0t\0e\0>\0>\0>"
    "\x30\x31"                                     /*   messageDigest: SEQUENCE */
    "\x30\x0d"                                     /*     AlgorithmIdentifier */
    "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01" /*       SHA-256 */
    "\x05\x00"                                     /*       NULL */
    "\x04\x20";                                    /*     OCTET STRING */
#define DIGEST_AT    (sizeof indirect_data - 1)
#define INDIRECT_LEN (DIGEST_AT + DIGEST_LEN)
static_assert(INDIRECT_LEN == 2 + 0x68, "the outer SEQUENCE tells its length");

/* A small file, read whole. */
static char *read_pem(const char *path, size_t *len)
{
    struct source source;
    struct content content;
    char *text = NULL;

    if (source_open(&source, path) < 0)
        return NULL;
    content = source_content(&source);
    *len = (size_t)content.len;
    if (content.len > PEM_MAX)
        msg_error("%s: reading: is too large for a PEM file", path);
    else
        text = xcalloc(*len, 1);
    if (text && content_read(&content, 0, text, *len) < 0) {
        free(text);
        text = NULL;
    }
    source_close(&source);
    return text;
}

/* libcrypto would ask at the terminal. */
static int no_pass_phrase(char *to, int size, int writing, void *encrypted)
{
    (void)to, (void)size, (void)writing;
    *(bool *)encrypted = true;
    return -1;
}

static EVP_PKEY *parse_key(const char *path, const char *text, size_t len)
{
    BIO *bio = BIO_new_mem_buf(text, (int)len);
    bool encrypted = false;
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, &encrypted) : NULL;

    BIO_free(bio);
    if (encrypted)
        msg_error("%s: reading the key: it is encrypted; decrypt it with: openssl pkey -in %s -out "
                  "FILE",
                  path, path);
    else if (!key)
        msg_error("%s: reading the key: there is no private key in PEM in it", path);
    ERR_clear_error();
    return key;
}

/* UEFI asks firmware for no other than RSA. */
static int check_key(const char *path, const EVP_PKEY *key)
{
    int bits = EVP_PKEY_get_bits(key);

    if (!EVP_PKEY_is_a(key, "RSA"))
        return msg_error("%s: reading the key: it is %s, and firmware takes only RSA", path,
                         EVP_PKEY_get0_type_name(key));
    if (bits < 2048 || bits > 4096)
        msg_warn("%s: the key has %d bits; firmware may refuse what is not 2048 to 4096", path,
                 bits);
    return 0;
}

static int read_key(struct sign_key *key, const char *path)
{
    size_t len;
    char *text = read_pem(path, &len);

    if (!text)
        return -1;
    key->key = parse_key(path, text, len);
    OPENSSL_cleanse(text, len);
    free(text);
    return key->key ? check_key(path, key->key) : -1;
}

void *sign_certificate_open(const char *path)
{
    size_t len;
    char *text = read_pem(path, &len);
    BIO *bio = text ? BIO_new_mem_buf(text, (int)len) : NULL;
    X509 *certificate;
    bool encrypted;

    if (!text)
        return NULL;
    certificate = bio ? PEM_read_bio_X509(bio, NULL, no_pass_phrase, &encrypted) : NULL;
    BIO_free(bio);
    free(text);
    ERR_clear_error();
    if (!certificate)
        msg_error("%s: reading the certificate: there is none in PEM in it", path);
    return certificate;
}

static int read_certificate(struct sign_key *key, const char *path)
{
    key->certificate = sign_certificate_open(path);
    if (!key->certificate)
        return -1;
    if (X509_cmp_current_time(X509_get0_notAfter(key->certificate)) < 0)
        msg_warn("%s: the certificate has expired; firmware does not mind, other programs may",
                 path);
    else if (X509_cmp_current_time(X509_get0_notBefore(key->certificate)) > 0)
        msg_warn("%s: the certificate is not yet valid; firmware does not mind, other programs may",
                 path);
    return 0;
}

int sign_key_open(struct sign_key *key, const char *key_path, const char *certificate_path)
{
    int result;

    *key = (struct sign_key){0};
    /* the system's openssl.cnf has no say in what a signature is */
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    result = read_key(key, key_path);
    if (result == 0)
        result = read_certificate(key, certificate_path);
    if (result == 0 && X509_check_private_key(key->certificate, key->key) != 1)
        result = msg_error("%s: signing: it is not the key of the certificate %s", key_path,
                           certificate_path);
    ERR_clear_error();
    if (result < 0)
        sign_key_free(key);
    return result;
}

void sign_key_free(struct sign_key *key)
{
    EVP_PKEY_free(key->key);
    X509_free(key->certificate);
    *key = (struct sign_key){0};
}

/* SignedData's content: a type of its own, so libcrypto keeps it as it is given. */
static bool set_content(PKCS7 *pkcs7, const uint8_t data[INDIRECT_LEN])
{
    ASN1_STRING *sequence = ASN1_STRING_type_new(V_ASN1_SEQUENCE);
    ASN1_TYPE *any = ASN1_TYPE_new();
    PKCS7 *content = PKCS7_new();

    if (!sequence || !any || !content || !ASN1_STRING_set(sequence, data, INDIRECT_LEN)) {
        ASN1_STRING_free(sequence);
        ASN1_TYPE_free(any);
        PKCS7_free(content);
        return false;
    }
    ASN1_TYPE_set(any, V_ASN1_SEQUENCE, sequence);
    content->type = OBJ_txt2obj(SPC_INDIRECT_DATA, 1);
    content->d.other = any;
    return PKCS7_set_content(pkcs7, content) == 1;
}

/* The time, as UTCTime, or GeneralizedTime where that ends. */
static bool add_time(PKCS7_SIGNER_INFO *signer, time_t when)
{
    ASN1_TIME *time = ASN1_TIME_set(NULL, when);

    if (time && PKCS7_add_signed_attribute(signer, NID_pkcs9_signingTime, ASN1_STRING_type(time),
                                           time) == 1)
        return true;
    ASN1_TIME_free(time);
    return false;
}

/* What is signed: these attributes, and among them the digest of the content without its head. */
static bool add_attributes(PKCS7_SIGNER_INFO *signer, const uint8_t data[INDIRECT_LEN], time_t when)
{
    struct digest state;
    uint8_t digest[DIGEST_LEN];

    digest_init(&state);
    digest_add(&state, data + 2, INDIRECT_LEN - 2);
    digest_final(&state, digest);
    return PKCS7_add_attrib_content_type(signer, OBJ_txt2obj(SPC_INDIRECT_DATA, 1)) == 1 &&
           add_time(signer, when) && PKCS7_add1_attrib_digest(signer, digest, sizeof digest) == 1;
}

static bool sign(PKCS7 *pkcs7, const struct sign_key *key, const uint8_t data[INDIRECT_LEN],
                 time_t when)
{
    PKCS7_SIGNER_INFO *signer;

    if (PKCS7_set_type(pkcs7, NID_pkcs7_signed) != 1 || !set_content(pkcs7, data) ||
        PKCS7_add_certificate(pkcs7, key->certificate) != 1)
        return false;
    signer = PKCS7_add_signature(pkcs7, key->certificate, key->key, EVP_sha256());
    return signer && add_attributes(signer, data, when) && PKCS7_SIGNER_INFO_sign(signer) == 1;
}

int sign_make(const struct sign_key *key, const uint8_t digest[DIGEST_LEN], time_t when,
              struct buf *der)
{
    uint8_t data[INDIRECT_LEN];
    unsigned char *bytes = NULL;
    PKCS7 *pkcs7 = PKCS7_new();
    int len = -1;

    memcpy(data, indirect_data, DIGEST_AT);
    memcpy(data + DIGEST_AT, digest, DIGEST_LEN);
    if (pkcs7 && sign(pkcs7, key, data, when))
        len = i2d_PKCS7(pkcs7, &bytes);
    PKCS7_free(pkcs7);
    if (len < 0) {
        msg_error("libcrypto: signing: %s", ERR_reason_error_string(ERR_peek_last_error()));
        ERR_clear_error();
        return -1;
    }
    buf_add(der, bytes, (size_t)len);
    OPENSSL_free(bytes);
    return 0;
}
