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

#endif
