/*
 * plan: the medium as data: label, ids, time stamp, entries, items, loaders. It is complete before
 * anything is written; `mkbootmedia plan` prints it.
 *
 * The id is a SHA-256 over what the medium holds: label, menu, names, sizes, and of each file its
 * bytes (of one over 256 KiB head, tail and samples between, so that it costs the same for any
 * size). All GUIDs, volume ids and the name of the marker file come from it.
 */
#ifndef BOOT_PLAN_H
#define BOOT_PLAN_H

#include "base/digest.h"
#include "boot/digest_cache.h"
#include "boot/grub_image.h"
#include "boot/item.h"
#include "boot/loader.h"
#include "boot/payload.h"

enum plan_output { PLAN_USB, PLAN_ISO, PLAN_NET };

/* Clients of a network boot, by the architecture that their DHCP requests tell (RFC 4578, IANA). */
enum net_client {
    CLIENT_BIOS,
    CLIENT_IA32,
    CLIENT_X64,
    CLIENT_ARM64,
    CLIENT_IA32_HTTP,
    CLIENT_X64_HTTP,
    CLIENT_ARM64_HTTP,
    NET_CLIENTS
};

struct plan_entry {
    const struct payload_entry *payload;
    char *kernel_path; /* on the medium */
    struct strings initrd_paths;
    const char *image_path; /* of a root image that the first stage gets; NULL: none */
    char *uki_path;         /* its UKI on the medium; NULL: none is wanted */
    struct content uki;
};

/* A loader on the medium. */
struct plan_loader {
    const char *what; /* "shim", "GRUB", "GRUB core image" */
    const char *platform;
    const char *source;  /* host path of the file, or of the modules that it is made from */
    const char *package; /* that brings the source */
    const char *dest;    /* path on the medium; NULL: in the boot sectors */
};

#define PLAN_NET_PRIVATE ".mkbootmedia" /* the program's own folder in a tree */

/* What the configurations of a tree's servers say. */
struct plan_net {
    char *path, *server, *subnet; /* of the tree on the server; IPv4 address; network */
};

struct plan {
    const struct request *request;
    const struct payload *payload;
    enum plan_output output;
    struct loaders loaders;
    const char *label;
    time_t time;
    uint8_t id[DIGEST_LEN];
    char marker[48]; /* path on the medium of the file by which GRUB finds it */
    struct plan_entry *entries;
    size_t entry_count;
    size_t default_entry;
    struct item *items; /* sorted by path */
    size_t item_count;
    struct plan_loader *used;
    size_t used_count;

    struct grub_image images[PLATFORMS];
    struct content bios_boot, bios_cdboot, bios_core; /* GRUB's boot sectors; len 0: none */
    struct source *module_files;
    size_t module_count;
    struct buf *texts; /* that items point to */
    size_t text_count;

    struct plan_net net;
    struct digest_cache digests;
    const char *first[NET_CLIENTS]; /* of a tree: what a client gets first; NULL: nothing */
};

/*
 * Makes the plan for one output; -1, reported. Images of grub-mkimage are not yet made then: their
 * items have room, but no content.
 */
int plan_make(struct plan *plan, const struct request *request, const struct payload *payload,
              enum plan_output output);
/*
 * One file more, of len bytes, which the caller fills in later: what tells of the finished image.
 * They belong to the plan. NULL, reported: a file of that path is there already.
 */
char *plan_add_late(struct plan *plan, const char *path, size_t len);
/* Makes those images, and warns of what of the plan will not boot somewhere. -1, reported. */
int plan_finish(struct plan *plan);
void plan_free(struct plan *plan);

/* Those items that are to be seen in a volume (enum item_volume), sorted; free the array. */
struct item **plan_volume(const struct plan *plan, unsigned volume, size_t *count);

/* A GUID (RFC 9562 version 8) as text, derived from the id and what it is for. */
struct plan_guid {
    char text[37];
};
struct plan_guid plan_guid(const struct plan *plan, const char *purpose);
/* 32 bits derived likewise; never 0. */
uint32_t plan_number(const struct plan *plan, const char *purpose);

/* Where a payload file of this digest is in a tree; malloc'ed. */
char *plan_payload_path(const uint8_t digest[DIGEST_LEN], const char *name);

/* Has the versions of all packages of its loaders asked for at once. */
void plan_prefetch_versions(const struct plan *plan);

/* Is this file one that the plan reads from? */
bool plan_reads(const struct plan *plan, dev_t dev, ino_t ino);

#endif
