/*
 * pe: what a PE/COFF file says about itself: EFI programs, and Linux kernels with an EFI stub.
 *
 * Layout: Microsoft "PE Format"; signatures: "Windows Authenticode Portable Executable Signature
 * Format"; SBAT: shim's SBAT.md. Offsets and sizes come from the file and may lie: ranges that pass
 * its end make it truncated, and are cut or left out.
 */
#ifndef BOOT_PE_H
#define BOOT_PE_H

#include "base/content.h"
#include "base/digest.h"
#include "base/sign_make.h"

#include <stdbool.h>

enum pe_machine {
    PE_I386 = 0x14c,
    PE_X64 = 0x8664,
    PE_ARM = 0x1c2,
    PE_AARCH64 = 0xaa64,
    PE_RISCV64 = 0x5064,
    PE_LOONGARCH64 = 0x6264,
};

#define PE_EFI_APPLICATION 10 /* subsystem */

struct pe_section {
    char name[32];        /* long names (GNU: "/4") are looked up in the string table */
    uint64_t offset, len; /* in the file, as the header says: may pass its end */
    uint64_t address;     /* in memory, from the image's base */
    uint64_t virtual_len; /* in memory: without the padding */
};

struct pe {
    struct content content;
    uint16_t machine, subsystem;
    bool truncated; /* something that the headers name lies beyond the end of the file */
    struct pe_section *sections;
    size_t count;
    uint64_t headers_len; /* SizeOfHeaders */
    uint64_t checksum;    /* where CheckSum is */
    uint64_t directory;   /* where the directory entry of the certificate table is; 0: none */
    uint64_t certs_offset, certs_len; /* the certificate table; len 0: not signed */
};

/* 1: it is a PE file; 0: it is not; -1, reported: it cannot be read. pe_free in each case. */
int pe_open(struct pe *pe, const struct content *content);
void pe_free(struct pe *pe);

/* "x86-64", "i386", ..; "unknown" for others. */
const char *pe_machine_name(uint16_t machine);

/* The bytes of a section; false if there is none of that name, or not inside the file. */
bool pe_section(const struct pe *pe, const char *name, struct content *out);

/*
 * The PKCS #7 signatures, one after the other: *at is 0 at first and then for us. 1: *out is one;
 * 0: no more; -1, reported.
 */
int pe_signature(const struct pe *pe, uint64_t *at, struct content *out);

/*
 * The Authenticode SHA-256 digest. 1: done; 0: the file is truncated or its sections overlap, so it
 * has none; -1, reported.
 */
int pe_digest(const struct pe *pe, uint8_t out[DIGEST_LEN]);

/*
 * Signs a whole PE file, open for reading and writing, called name: appends the signature to its
 * certificate table, or begins one at its end. Signatures that are there already stay, and stay
 * true. -1, reported; the file may then be longer than it was.
 */
int pe_sign(int fd, const char *name, const struct sign_key *key, time_t when);

/* SBAT: the generation of each component, which a revocation level is compared with. */
struct pe_sbat {
    char *component;
    unsigned generation;
};
/* The rows of .sbat, malloc'ed, each component too; *count 0 without. -1, reported. */
int pe_sbat_read(const struct pe *pe, struct pe_sbat **rows, size_t *count);
void pe_sbat_free(struct pe_sbat *rows, size_t count);

#endif
