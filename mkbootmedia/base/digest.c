/* digest: SHA-256 by libcrypto, which uses the processor's instructions for it. */
#include "base/digest.h"

#include "base/msg.h"
#include "base/util.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <stdio.h>
#include <stdlib.h>

#define CHUNK (128 * KIB)

/* libcrypto's digest calls fail only for want of memory, or of SHA-256 in a crippled build. */
static void must(bool done)
{
    if (!done) {
        msg_error("libcrypto: computing SHA-256: failed");
        exit(1);
    }
}

void digest_init(struct digest *digest)
{
    /* the system's openssl.cnf has no say in a digest, and reading it takes its time */
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    digest->state = EVP_MD_CTX_new();
    must(digest->state && EVP_DigestInit_ex(digest->state, EVP_sha256(), NULL) == 1);
}

void digest_add(struct digest *digest, const void *data, size_t len)
{
    must(EVP_DigestUpdate(digest->state, data, len) == 1);
}

int digest_add_content(struct digest *digest, const struct content *content, uint64_t offset,
                       uint64_t len)
{
    char *chunk;
    int result = 0;

    if (content->fd < 0) {
        struct content slice = content_slice(*content, offset, len);

        digest_add(digest, slice.data, (size_t)len);
        return 0;
    }
    chunk = xrealloc(NULL, CHUNK);
    while (len && result == 0) {
        size_t n = len < CHUNK ? (size_t)len : CHUNK;

        result = content_read(content, offset, chunk, n);
        if (result == 0)
            digest_add(digest, chunk, n);
        offset += n;
        len -= n;
    }
    free(chunk);
    return result;
}

void digest_final(struct digest *digest, uint8_t out[DIGEST_LEN])
{
    if (digest->state && out)
        must(EVP_DigestFinal_ex(digest->state, out, NULL) == 1);
    EVP_MD_CTX_free(digest->state);
    digest->state = NULL;
}

int digest_content(const struct content *content, uint64_t zeros, uint8_t out[DIGEST_LEN])
{
    struct digest digest;
    int result;

    digest_init(&digest);
    result = digest_add_content(&digest, content, 0, content->len);
    for (; zeros; zeros--)
        digest_add(&digest, "", 1);
    digest_final(&digest, out);
    return result;
}

struct digest_text digest_hex(const uint8_t digest[DIGEST_LEN])
{
    struct digest_text hex;

    for (size_t i = 0; i < DIGEST_LEN; i++)
        snprintf(hex.text + 2 * i, 3, "%02x", digest[i]);
    return hex;
}

bool digest_from_hex(uint8_t digest[DIGEST_LEN], const char *text)
{
    if (strlen(text) != 2 * DIGEST_LEN || strspn(text, "0123456789abcdefABCDEF") != strlen(text))
        return false;
    for (size_t i = 0; i < DIGEST_LEN; i++)
        sscanf(text + 2 * i, "%2hhx", &digest[i]);
    return true;
}
