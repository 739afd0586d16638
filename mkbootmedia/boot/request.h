/*
 * request: what the user asked for, as typed; nothing has been opened or checked yet.
 * Strings belong to the request.
 */
#ifndef BOOT_REQUEST_H
#define BOOT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What firmware a medium is to boot on. */
enum firmware {
    FIRMWARE_BIOS = 1,
    FIRMWARE_UEFI = 2,       /* x86-64 */
    FIRMWARE_SECUREBOOT = 4, /* UEFI x86-64 with signed loaders */
    FIRMWARE_IA32 = 8,       /* 32-bit UEFI */
};

#define FIRMWARES 4

/* Their words on the command line and in JSON, and their names for people. */
struct firmware_row {
    enum firmware firmware;
    const char *word, *name;
};
extern const struct firmware_row firmwares[FIRMWARES];
const struct firmware_row *firmware_row(enum firmware firmware);

enum hybrid { HYBRID_AUTO, HYBRID_GPT, HYBRID_ISOHYBRID };

struct strings {
    char **v;
    size_t n;
};

/* One menu line. */
struct request_entry {
    char *name;  /* its id in the menu and its folder on the medium */
    char *title; /* NULL: made from the kernel's version */
    char *kernel;
    struct strings initrds;
    char *cmdline; /* NULL: none */
};

struct request {
    struct request_entry *entries;
    size_t entry_count;
    char *label;  /* NULL: the default */
    long timeout; /* seconds; 0 boots at once, -1 waits for ever */
    struct strings consoles, loader_dirs, added;
    char *templates;   /* folder of the user's, or NULL */
    unsigned firmware; /* enum firmware, ored: what must work; 0: all that the loaders allow */
    enum hybrid hybrid;
    uint64_t size; /* bytes of the stick image at least; 0: as small as it can be */
    char *output;  /* path, "-" or NULL */
    bool dry_run, json, no_sync;
};

void request_init(struct request *request);
void request_free(struct request *request);
void strings_add(struct strings *strings, const char *s);
void strings_printf(struct strings *strings, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void strings_free(struct strings *strings);

#endif
