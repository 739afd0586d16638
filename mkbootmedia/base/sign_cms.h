/*
 * sign_cms: a signature that stands beside what it is for: CMS SignedData, detached (RFC 5652),
 * with SHA-256 and the signer's certificate, in DER. `openssl cms -verify -inform DER -binary -in
 * SIGNATURE -content FILE -CAfile CERTIFICATE -purpose any` accepts it.
 *
 * There are no signed attributes, so no time either: the same input gives the same bytes.
 */
#ifndef BASE_SIGN_CMS_H
#define BASE_SIGN_CMS_H

#include "base/sign_make.h"

/* Appends the signature over data to der; its length is the same for any data. -1, reported. */
int sign_cms(const struct sign_key *key, const void *data, size_t len, struct buf *der);

/* Who has signed; {0} is nobody. */
struct sign_cms_signer {
    char *name;                      /* malloc'ed; NULL: none */
    uint8_t certificate[DIGEST_LEN]; /* SHA-256 of it, in DER */
};

/*
 * Does the signature over data hold, and is it byte for byte as sign_cms makes it with the
 * certificate inside? That this is as it was made, its digest tells. certificate is the path of a
 * PEM file whose key has to have signed; NULL: any. *why says why not; NULL: it holds, and *signer,
 * which is to be freed, is who it was. -1, reported: the certificate cannot be read.
 */
int sign_cms_check(const void *der, size_t der_len, const void *data, size_t len,
                   const char *certificate, struct sign_cms_signer *signer, const char **why);
/* Who a key is. */
void sign_cms_describe(struct sign_cms_signer *signer, const struct sign_key *key);
void sign_cms_signer_free(struct sign_cms_signer *signer); /* safe on {0} */
/* Can the certificate be read, which sign_cms_check will want? -1, reported. */
int sign_cms_certificate(const char *path);

#endif
