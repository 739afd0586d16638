/* chain: shim's vendor certificates, and whether they accept an image. */
#include "boot/chain.h"

#include "base/util.h"
#include "boot/pe.h"

#include <stdio.h>
#include <stdlib.h>

#define TABLE_MAX     (4 * MIB)
#define SIGNATURE_MAX MIB
#define LIST_HEAD     28 /* EFI_SIGNATURE_LIST: type, list, header and signature size */
#define OWNER_LEN     16 /* EFI_SIGNATURE_DATA: a GUID before the data */
#define DER_SEQUENCE  0x30

/* EFI_CERT_X509_GUID and EFI_CERT_SHA256_GUID as they lie in memory. */
static const uint8_t guid_x509[16] = {0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a,
                                      0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72};
static const uint8_t guid_sha256[16] = {0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40,
                                        0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28};

/* Where the entries of a signature list go: the trusted or the denied half of a chain. */
struct half {
    struct sign_certificate **certificates;
    size_t *certificate_count;
    uint8_t (**digests)[DIGEST_LEN];
    size_t *digest_count;
};

static void add_certificate(struct half *half, const void *der, size_t len)
{
    *half->certificates =
        xgrow(*half->certificates, *half->certificate_count, sizeof **half->certificates);
    (*half->certificates)[(*half->certificate_count)++] = (struct sign_certificate){der, len};
}

static void add_digest(struct half *half, const uint8_t *digest)
{
    *half->digests = xgrow(*half->digests, *half->digest_count, sizeof **half->digests);
    memcpy((*half->digests)[(*half->digest_count)++], digest, DIGEST_LEN);
}

/* EFI_SIGNATURE_LISTs, one after the other. */
static void read_lists(struct half *half, const uint8_t *p, size_t len)
{
    while (len >= LIST_HEAD) {
        size_t list = get_le32(p + 16), head = get_le32(p + 20), size = get_le32(p + 24);

        if (list < LIST_HEAD || list > len || head > list - LIST_HEAD || size <= OWNER_LEN)
            return;
        for (size_t at = LIST_HEAD + head; list - at >= size; at += size) {
            const uint8_t *data = p + at + OWNER_LEN;

            if (memcmp(p, guid_x509, sizeof guid_x509) == 0)
                add_certificate(half, data, size - OWNER_LEN);
            else if (memcmp(p, guid_sha256, sizeof guid_sha256) == 0 &&
                     size == OWNER_LEN + DIGEST_LEN)
                add_digest(half, data);
        }
        p += list;
        len -= list;
    }
}

static void read_part(struct half *half, const uint8_t *table, size_t len, size_t offset,
                      size_t size)
{
    if (offset > len || size > len - offset || !size)
        return;
    if (table[offset] == DER_SEQUENCE)
        add_certificate(half, table + offset, size);
    else
        read_lists(half, table + offset, size);
}

int chain_open(struct chain *chain, const struct content *shim)
{
    struct half trusted = {&chain->trusted, &chain->trusted_count, &chain->good,
                           &chain->good_count};
    struct half denied = {&chain->denied, &chain->denied_count, &chain->bad, &chain->bad_count};
    struct content section;
    struct pe pe;
    int result;

    *chain = (struct chain){0};
    result = pe_open(&pe, shim);
    if (result == 1 &&
        (!pe_section(&pe, ".vendor_cert", &section) || section.len < 16 || section.len > TABLE_MAX))
        result = 0;
    pe_free(&pe);
    if (result != 1)
        return result;
    chain->table = xcalloc(section.len, 1);
    if (content_read(&section, 0, chain->table, section.len) < 0)
        return -1;
    read_part(&trusted, (uint8_t *)chain->table, section.len, get_le32(chain->table + 8),
              get_le32(chain->table));
    read_part(&denied, (uint8_t *)chain->table, section.len, get_le32(chain->table + 12),
              get_le32(chain->table + 4));
    return chain->trusted_count || chain->good_count;
}

void chain_free(struct chain *chain)
{
    free(chain->table);
    free(chain->trusted);
    free(chain->denied);
    free(chain->good);
    free(chain->bad);
    *chain = (struct chain){0};
}

char *chain_names(const struct chain *chain)
{
    struct buf names = {0};

    for (size_t i = 0; i < chain->trusted_count; i++) {
        char *name = sign_certificate_name(chain->trusted[i].der, chain->trusted[i].len);

        if (name)
            buf_printf(&names, "%s%s", names.len ? ", " : "", name);
        free(name);
    }
    if (!names.len)
        buf_puts(&names, "nobody");
    return names.data;
}

static bool listed(const uint8_t (*list)[DIGEST_LEN], size_t count, const uint8_t *digest)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(list[i], digest, DIGEST_LEN) == 0)
            return true;
    return false;
}

/* The n-th signature as bytes in memory; NULL if it is absurdly large. */
static char *signature_read(const struct content *signature)
{
    char *der;

    if (signature->len > SIGNATURE_MAX)
        return NULL;
    der = xcalloc(signature->len, 1);
    if (content_read(signature, 0, der, signature->len) == 0)
        return der;
    free(der);
    return NULL;
}

static void explain_untrusted(const struct chain *chain, const void *der, size_t len,
                              char why[CHAIN_WHY_LEN])
{
    struct sign_signers signers = {0};
    char *names = chain_names(chain);

    sign_list(der, len, &signers);
    snprintf(why, CHAIN_WHY_LEN, "is signed by %s (issued by %s), but shim trusts %s",
             signers.count ? signers.list[0].subject : "an unknown key",
             signers.count ? signers.list[0].issuer : "?", names);
    sign_signers_free(&signers);
    free(names);
}

/* One signature: 1 accepted, 0 not (why says so); denied certificates win. */
static int check_signature(const struct chain *chain, const struct content *signature,
                           const uint8_t digest[DIGEST_LEN], char why[CHAIN_WHY_LEN])
{
    char *der = signature_read(signature);
    enum sign_verdict verdict = SIGN_UNREADABLE;

    if (der && chain->denied_count &&
        sign_check(der, signature->len, digest, chain->denied, chain->denied_count) ==
            SIGN_ACCEPTED) {
        snprintf(why, CHAIN_WHY_LEN, "is signed by a key that shim revokes");
        free(der);
        return 0;
    }
    if (der)
        verdict = sign_check(der, signature->len, digest, chain->trusted, chain->trusted_count);
    if (verdict == SIGN_UNREADABLE)
        snprintf(why, CHAIN_WHY_LEN, "has a signature that cannot be read");
    else if (verdict == SIGN_OTHER_FILE)
        snprintf(why, CHAIN_WHY_LEN,
                 "was changed after it was signed: its signature does not match");
    else if (verdict == SIGN_BROKEN)
        snprintf(why, CHAIN_WHY_LEN, "has a forged signature: it is not by the key it names");
    else if (verdict == SIGN_UNTRUSTED)
        explain_untrusted(chain, der, signature->len, why);
    free(der);
    return verdict == SIGN_ACCEPTED;
}

static int check_pe(const struct chain *chain, const struct pe *pe, char why[CHAIN_WHY_LEN])
{
    uint8_t digest[DIGEST_LEN];
    struct content signature;
    uint64_t at = 0;
    int result = pe_digest(pe, digest);

    if (result < 0)
        return -1;
    if (result == 0) {
        snprintf(why, CHAIN_WHY_LEN, "is damaged: it is shorter than its headers say");
        return 0;
    }
    if (listed(chain->bad, chain->bad_count, digest)) {
        snprintf(why, CHAIN_WHY_LEN, "is on shim's list of revoked images");
        return 0;
    }
    if (listed(chain->good, chain->good_count, digest))
        return 1;
    snprintf(why, CHAIN_WHY_LEN, "is not signed");
    while ((result = pe_signature(pe, &at, &signature)) == 1)
        if (check_signature(chain, &signature, digest, why) == 1)
            return 1;
    return result;
}

int chain_check(const struct chain *chain, const struct content *image, char why[CHAIN_WHY_LEN])
{
    struct pe pe;
    int result = pe_open(&pe, image);

    why[0] = '\0';
    if (result == 0)
        snprintf(why, CHAIN_WHY_LEN, "is no PE file, so it has no signature");
    if (result == 1)
        result = check_pe(chain, &pe, why);
    pe_free(&pe);
    if (result == 1)
        why[0] = '\0';
    return result;
}

int chain_accepts(const struct content *shim, const struct content *image, char why[CHAIN_WHY_LEN])
{
    struct chain chain;
    int result = chain_open(&chain, shim);

    why[0] = '\0';
    if (result == 0)
        snprintf(why, CHAIN_WHY_LEN,
                 "cannot be checked: the first loader is no shim with vendor "
                 "certificates");
    if (result == 1)
        result = chain_check(&chain, image, why);
    chain_free(&chain);
    return result;
}
