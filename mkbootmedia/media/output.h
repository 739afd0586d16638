/*
 * output: a kind of medium: one file each, one struct at its foot, one row in the array.
 *
 * check writes nothing and says what of a request the medium cannot hold. place gives every file
 * its place: as soon as it has returned, a sink can copy contents. start sets other programs to
 * work, plan_finish does so for boot loaders; finish then adds all the rest of the image. A tree is
 * no image and has only check: media/net.h writes it.
 */
#ifndef MEDIA_OUTPUT_H
#define MEDIA_OUTPUT_H

#include "boot/plan.h"
#include "image/parttab.h"
#include "image/region.h"

#define MEDIUM_PARTITIONS 16
#define USB_CORE_OFFSET   MIB /* of a stick's BIOS boot partition */
#define USB_CORE_SIZE     MIB
#define USB_CORE_ROOM     (USB_CORE_SIZE / 2) /* for a core image: an update uses the other half */

/*
 * A disk that a stick's new content goes onto, beside what is there: nothing but these places is
 * written, and the partitions that stay are in the new table as they were in the old one.
 */
struct medium_onto {
    uint64_t disk_size;   /* bytes */
    uint64_t core_offset; /* for GRUB's core image; 0: there is no place for it */
    uint64_t esp_offset;
    uint64_t esp_size_min, esp_size_max;
    struct partition core; /* the BIOS boot partition as it is; size 0: none */
    unsigned esp_number;
    const struct partition *kept;
    size_t kept_count;
};

/* What a layout makes: the image, and for people what its parts are. */
struct medium {
    const struct output *output;
    uint64_t size; /* bytes of the image, known once place has returned */
    struct image image;
    const struct medium_onto *onto;                 /* usb only; NULL: a new image */
    struct partition partitions[MEDIUM_PARTITIONS]; /* names and GUIDs belong to the medium */
    size_t partition_count;
    struct plan_guid guids[4], disk_guid;
    struct item *made; /* a file that the output adds to the plan's; NULL: none */
    void *layout;      /* the output's own */
};

struct output {
    const char *name; /* the command */
    enum plan_output kind;
    const char *what; /* for people: "disk image for sticks" */
    int (*check)(const struct request *request);
    int (*place)(struct plan *plan, struct medium *medium);
    int (*start)(struct medium *medium);
    int (*finish)(struct plan *plan, struct medium *medium);
    void (*free)(struct medium *medium); /* frees layout */
};

extern const struct output output_usb, output_iso, output_net;

/* The row of that name, or NULL. */
const struct output *output_find(const char *name);
/* "usb, iso, net" */
const char *output_names(void);

/* Adds a partition with a GUID of the plan's; the first has GUID "partition 1". */
void medium_add_partition(struct medium *medium, const struct plan *plan, const char *name,
                          const char *type, uint64_t offset, uint64_t size);
/*
 * The contents, large enough to be worth it, that a sink may copy before the image is finished:
 * regions (malloc'ed, *count of them) which the finished image will have just so.
 */
struct region *medium_early(const struct plan *plan, size_t *count);
/* Safe on a medium without an output. */
void medium_free(struct medium *medium);

#endif
