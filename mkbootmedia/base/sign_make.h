/*
 * sign_make: makes the signatures that sign.h reads: Authenticode with SHA-256 and RSA.
 *
 * Not by sbsign, which writes the time of its run into the signature. Here the caller gives the
 * time, and RSA as PKCS #1 1.5 has no random part: the same input gives the same bytes.
 */
#ifndef BASE_SIGN_MAKE_H
#define BASE_SIGN_MAKE_H

#include "base/digest.h"
#include "base/util.h"

#include <time.h>

/* A private key and the certificate that vouches for it; {0} is none. */
struct sign_key {
    void *key, *certificate;
};

/*
 * Reads two PEM files (or one file twice, if it holds both). -1, reported: not readable, not PEM,
 * encrypted (nobody is asked for a pass phrase), not RSA, or the two do not belong together. A
 * certificate out of its time is a warning: firmware does not look at it.
 */
int sign_key_open(struct sign_key *key, const char *key_path, const char *certificate_path);
/* The certificate of a PEM file, for X509_free; NULL, reported. */
void *sign_certificate_open(const char *path);
void sign_key_free(struct sign_key *key);

/*
 * Appends the signature over a file with this Authenticode digest to der: PKCS #7 SignedData with
 * the certificate inside; when is its signingTime. -1, reported.
 */
int sign_make(const struct sign_key *key, const uint8_t digest[DIGEST_LEN], time_t when,
              struct buf *der);

#endif
