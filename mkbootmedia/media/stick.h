/*
 * stick: a stick that was made by us, as it is now: its manifest, its partitions, what of it stays
 * when it is updated, and where there is room for what is new.
 *
 * Nothing here writes. What stays is read from the stick itself, as sources that begin somewhere
 * in the disk: where its FAT has a file now, never where the manifest says that it was, and never
 * from a place that the update may write to. Nothing that the manifest says is believed.
 *
 * stick.c          table, ESP, manifest
 * stick_request.c  settings and entries
 * stick_kept.c     contents
 * stick_places.c   room
 */
#ifndef MEDIA_STICK_H
#define MEDIA_STICK_H

#include "base/source.h"
#include "boot/payload.h"
#include "boot/plan.h"
#include "image/volume.h"
#include "media/manifest_read.h"
#include "media/output.h"

/* A file that stays, and has to be as it was made. */
struct stick_sum {
    char *name; /* its source's */
    uint8_t digest[DIGEST_LEN];
};

struct stick {
    const char *path;
    struct source disk;
    unsigned sector_size; /* bytes */
    struct manifest_doc manifest;
    struct parttab_list table;
    const struct partition *esp, *core; /* in the table; core NULL: there is no BIOS boot one */
    struct volume volume;               /* the ESP */
    uint64_t used;                      /* bytes of the ESP up to its last cluster in use */
    uint64_t core_offset;               /* GRUB's core image that the MBR starts now; 0: none */
    struct partition kept[MEDIUM_PARTITIONS];
    size_t kept_count;
    struct stick_sum *sums;
    size_t sum_count;
};

/* What of a request was said on the command line. */
struct stick_given {
    bool spec; /* all of it is in a spec file: no entry stays */
    bool timeout;
};

/*
 * sector_size: of the disk, in bytes; 0: a file, whose table tells. A damaged table is read from
 * its copy. -1, reported: it is no stick of ours, or damaged. Free it in each case.
 */
int stick_open(struct stick *stick, const char *path, unsigned sector_size);
void stick_free(struct stick *stick); /* safe on {.disk.fd = -1} */

/* Fills in what the request does not say with what the stick has; -1, reported. */
int stick_request(const struct stick *stick, struct request *request,
                  const struct stick_given *given);
/* The kernels and initramfs files of entries that stay, one of roots for each; -1, reported. */
int stick_roots(struct stick *stick, const struct request *request, struct payload_root *roots);
/* Files that the user has put on it, then or since, but for those that are in the payload. -1,
 * reported. */
int stick_added(const struct stick *stick, struct payload *payload);
/* Places for what the plan holds, beside what is there now. */
void stick_places(const struct stick *stick, const struct plan *plan, struct medium_onto *onto);
/* Is what stays as it was made? The plan's files have their digests. -1, reported. */
int stick_check(const struct stick *stick, const struct plan *plan);

#endif
