/*
 * digest: SHA-256 (FIPS 180-4) of bytes as they come. The room, with sign, for libcrypto.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/content.h"

#include <stdbool.h>

#define DIGEST_LEN 32 /* bytes */

struct digest {
    void *state; /* NULL: not begun, or done */
};

void digest_init(struct digest *digest);
void digest_add(struct digest *digest, const void *data, size_t len);
/* len bytes at offset of a content, read through a small buffer; -1, reported, if that fails. */
int digest_add_content(struct digest *digest, const struct content *content, uint64_t offset,
                       uint64_t len);
/* The digest of a whole content and some zeros behind it; -1, reported. */
int digest_content(const struct content *content, uint64_t zeros, uint8_t out[DIGEST_LEN]);
/* Ends it; out may be NULL to give it up. Harmless on what was never begun ({0}). */
void digest_final(struct digest *digest, uint8_t out[DIGEST_LEN]);

/* As 64 small hexadecimal digits. */
struct digest_text {
    char text[2 * DIGEST_LEN + 1];
};
struct digest_text digest_hex(const uint8_t digest[DIGEST_LEN]);
/* And back, capitals too; false: the text is something else. */
bool digest_from_hex(uint8_t digest[DIGEST_LEN], const char *text);

#endif
