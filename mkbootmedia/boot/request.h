/*
 * request: what the user asked for, as typed or as the spec file says; nothing has been opened or
 * checked yet but the form of a text. Strings belong to the request.
 */
#ifndef BOOT_REQUEST_H
#define BOOT_REQUEST_H

#include "base/strings.h"

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

/* The file system of a stick's data partition. */
enum data_fs { DATA_EXT4, DATA_EXFAT };

#define DATA_SIZE_MIN (UINT64_C(16) << 20) /* bytes: less is no good for ext4 with a journal */

/* What DHCP hands to PXE clients: iPXE, GRUB from grub-mkimage, or shim and a signed GRUB. */
enum pxe { PXE_IPXE, PXE_GRUB, PXE_SHIM };

/* Where a setting stands in a spec file or an inventory; file NULL: on the command line. */
struct place {
    const char *file; /* belongs to the request */
    unsigned line;    /* from 1 */
};

enum keep { KEEP_DEFAULT, KEEP, CHANGE };
enum selinux { SELINUX_KEEP, SELINUX_PERMISSIVE, SELINUX_DISABLED };

/* How a root file system becomes one that runs from RAM. */
struct request_root {
    char *path;           /* folder, archive, image; "-" is standard input; NULL: none */
    char *mode;           /* "tmpfs" or "overlay"; NULL: tmpfs */
    bool fetch;           /* the first stage gets the root image, not the loader */
    char *kernel_version; /* NULL: the newest in the tree */
    char *busybox;        /* NULL: the host's */
    char *compress;       /* NULL: the best that the kernel can unpack */
    unsigned threads;     /* 0: one a processor */
    uint64_t ram_limit;   /* bytes; 0: none */
    struct strings overlays, ssh_keys, urls;
    enum keep fstab, getty, boot; /* by default they are changed, /boot is left out */
    enum keep modules;            /* KEEP: as they are, even none */
    enum selinux selinux;
    char *hostname, *root_password; /* NULL: as they are */
};

/* One menu line. */
struct request_entry {
    struct place place;
    char *name;  /* its id in the menu and its folder on the medium: [a-z0-9-]+ */
    char *title; /* NULL: made from the kernel's version */
    char *kernel;
    struct request_root root;
    struct strings initrds;
    char *cmdline;     /* NULL: none */
    unsigned firmware; /* enum firmware, ored: only there; 0: everywhere */
};

/* One machine, known by the address of the network card that it boots from. */
struct request_host {
    struct place place;
    char mac[18];         /* "52-54-00-12-34-56": small digits, as in file names */
    char *entry;          /* NULL: the default one */
    char *hostname;       /* NULL: none */
    char *cmdline;        /* added to the entry's; NULL: nothing */
    struct strings files; /* "FILE:/DEST:MODE" */
};

/* How what was made is tried. */
struct request_try {
    char *firmware, *plug, *screenshot; /* NULL: bios, by what it is, none */
    unsigned long memory, after;        /* MiB, seconds */
    bool no_kvm;
};

enum verify {
    VERIFY_MAPPED, /* what was written */
    VERIFY_FULL,   /* and zeros that the disk has made */
    VERIFY_NONE
};

/* How a medium is compared with its manifest. */
struct request_verify {
    char *manifest, *signature; /* paths of a manifest, of a certificate; NULL: not given */
};

/* How disks are written. */
struct request_write {
    struct strings devices; /* that what is made goes to at once */
    struct strings serials; /* of the disks that may be written; none: any */
    bool yes;               /* nobody is asked */
    bool allow_fixed, allow_file;
    enum verify verify;
    char *bmap; /* the map of the image; NULL: the one beside it, if there is one */
    bool make_bmap, make_manifest; /* write one beside what is made */
};

struct request {
    struct request_entry *entries;
    size_t entry_count;
    struct request_host *hosts;
    size_t host_count;
    struct strings spec_files; /* that places point to: the spec, then inventories */
    char *default_entry;       /* name; NULL: the first */
    char *label;               /* NULL: the default */
    char *marker;              /* path of the file that GRUB searches for; NULL: by the plan's id */
    long timeout;              /* seconds; 0 boots at once, -1 waits for ever */
    struct strings consoles, loader_dirs, added;
    struct strings outputs; /* for `all`: names of outputs */
    char *templates;        /* folder of the user's, or NULL */
    unsigned firmware;      /* enum firmware, ored: what must work; 0: all that the loaders allow */
    enum hybrid hybrid;
    uint64_t size;      /* bytes of the stick image at least; 0: as small as it can be */
    uint64_t data_size; /* bytes of the stick's data partition; 0: it has none */
    enum data_fs data_fs;

    char *url; /* where the tree is served, without a '/' at its end */
    char *server, *subnet, *interface, *server_path; /* for the snippets; NULL: not given */
    enum pxe pxe;
    bool pxe_given;
    unsigned keep; /* generations of a tree, the current one among them */
    bool rollback;

    bool uki, uki_boot; /* make UKIs; and let UEFI start the default entry's */
    char *sign_key, *sign_cert;

    struct request_write write;
    struct request_try try;
    struct request_verify verify;
    char *output;                /* path, "-" or NULL */
    char *kernel_out, *root_out; /* of ramroot: where the parts go; NULL: nowhere */
    bool dry_run, json, no_sync;
};

/*
 * What a message calls a setting: "lab.conf:7: cmdline" where it came from a spec file, else its
 * option, "--cmdline"; malloc'ed.
 */
char *place_name(const struct place *place, const char *key);

void request_init(struct request *request);
void request_free(struct request *request);
void request_root_free(struct request_root *root);
/* Is anything said of how a root runs from RAM, besides which one? */
bool request_root_adjusted(const struct request_root *root);

/* A new entry with this name, at the end; the pointer is valid until the next one. */
struct request_entry *request_add_entry(struct request *request, const char *name);
void request_entry_free(struct request_entry *entry);
struct request_host *request_add_host(struct request *request);
/* The entry of that name, or NULL. */
struct request_entry *request_find_entry(const struct request *request, const char *name);
/* The default entry: the one that --kernel and its like speak of. */
struct request_entry *request_default_entry(const struct request *request);

#endif
