/*
 * output: a kind of medium: one file each, one struct at its foot, one row in the array.
 *
 * check writes nothing and says what of a plan the medium cannot hold; layout turns the plan into
 * an image (and notes the place of each item). The sink writes it, whatever it is.
 */
#ifndef MEDIA_OUTPUT_H
#define MEDIA_OUTPUT_H

#include "boot/plan.h"
#include "image/parttab.h"
#include "image/region.h"

/* What a layout makes: the image, and for people what its parts are. */
struct medium {
    struct image image;
    struct partition partitions[4]; /* names and GUIDs belong to the medium */
    size_t partition_count;
    struct plan_guid guids[4], disk_guid;
};

struct output {
    const char *name; /* the command */
    enum plan_output kind;
    const char *what; /* for people: "USB stick" */
    int (*check)(const struct request *request);
    int (*layout)(struct plan *plan, struct medium *medium);
};

extern const struct output output_usb, output_iso;

/* The row of that name, or NULL. */
const struct output *output_find(const char *name);

/* Adds a partition with a GUID of the plan's; the first has GUID "partition 1". */
void medium_add_partition(struct medium *medium, const struct plan *plan, const char *name,
                          const char *type, uint64_t offset, uint64_t size);
void medium_free(struct medium *medium);

#endif
