/*
 * chain: would a shim start this image under Secure Boot?
 *
 * A shim carries its vendor's certificates, and digests or certificates that it denies, in a
 * section .vendor_cert (shim's cert.S): two sizes and two offsets, then the authorized part, a DER
 * certificate or EFI signature lists (UEFI 2.10 section 32.4.1), and the denied part, EFI signature
 * lists. A firmware's own db and dbx, keys enrolled with MokManager and the SBAT level belong to a
 * machine: not looked at.
 */
#ifndef BOOT_CHAIN_H
#define BOOT_CHAIN_H

#include "base/content.h"
#include "base/sign.h"

#define CHAIN_WHY_LEN 512

/* What a shim trusts and what it denies. */
struct chain {
    char *table; /* the section; certificates point into it */
    struct sign_certificate *trusted, *denied;
    size_t trusted_count, denied_count;
    uint8_t (*good)[DIGEST_LEN], (*bad)[DIGEST_LEN]; /* by the image's digest */
    size_t good_count, bad_count;
};

/* 1: it has vendor certificates; 0: it is no shim, or one without; -1, reported. chain_free in each
 * case. */
int chain_open(struct chain *chain, const struct content *shim);
void chain_free(struct chain *chain);

/* The names of the trusted certificates, "A, B", malloc'ed; "nobody" if there is none. */
char *chain_names(const struct chain *chain);

/*
 * 1: the image is accepted; 0: it is not, and why says so in words that follow the image's name
 * ("is not signed"); -1, reported: something cannot be read. When accepted, why is empty.
 */
int chain_check(const struct chain *chain, const struct content *image, char why[CHAIN_WHY_LEN]);

/* chain_open and chain_check in one. */
int chain_accepts(const struct content *shim, const struct content *image, char why[CHAIN_WHY_LEN]);

#endif
