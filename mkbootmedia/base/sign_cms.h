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

/*
 * Does the signature over data hold? *signer becomes the signer's name, malloc'ed. certificate is
 * the path of a PEM file whose key has to have made it; NULL: any. *why, malloc'ed, says why not;
 * NULL: it holds. -1, reported: the certificate cannot be read.
 */
int sign_cms_check(const void *der, size_t der_len, const void *data, size_t len,
                   const char *certificate, char **signer, char **why);

#endif
