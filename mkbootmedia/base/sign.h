/*
 * sign: who signed something, and does the signature hold. The one room for OpenSSL's X.509 and
 * PKCS #7.
 *
 * What is read here is an Authenticode signature (Microsoft, "Windows Authenticode Portable
 * Executable Signature Format"): a PKCS #7 SignedData whose content, SpcIndirectDataContent, holds
 * the SHA-256 digest of the file. Nothing is reported: a signature that does not hold is a fact
 * about a medium, not a failure of the program.
 */
#ifndef BASE_SIGN_H
#define BASE_SIGN_H

#include "base/digest.h"

/* Names are common names; a certificate without one is named by its whole subject. */
struct sign_signer {
    char *subject, *issuer;
};

struct sign_signers {
    struct sign_signer *list;
    size_t count;
};

/* Adds the signers of one signature to the list; -1 if it is no PKCS #7 SignedData. */
int sign_list(const void *der, size_t len, struct sign_signers *signers);
void sign_signers_free(struct sign_signers *signers);

/* The name of a DER certificate, malloc'ed; NULL if it is none. */
char *sign_certificate_name(const void *der, size_t len);

struct sign_certificate {
    const void *der; /* X.509, DER; those that cannot be read trust nobody */
    size_t len;
};

enum sign_verdict {
    SIGN_ACCEPTED,
    SIGN_UNREADABLE, /* no Authenticode signature, or one without SHA-256 */
    SIGN_OTHER_FILE, /* made for a file with another digest */
    SIGN_BROKEN,     /* not made by the key that it names */
    SIGN_UNTRUSTED,  /* leads to none of the trusted certificates */
};

/*
 * Does the signature belong to a file with this digest, and does it lead to one of the trusted
 * certificates (any of them ends the chain, self-signed or not)? Certificates inside the signature
 * help to build the chain. As firmware, shim and `sbverify --cert` do it, neither dates nor key
 * usage are looked at.
 */
enum sign_verdict sign_check(const void *der, size_t len, const uint8_t digest[DIGEST_LEN],
                             const struct sign_certificate *trusted, size_t count);

#endif
