/*
 * device: the disks of this machine: what they are, which of them may be written, and why others
 * may not.
 *
 * All of it comes from sysfs, /proc and /dev; no udev daemon is asked. Tests make up a root folder
 * that has its own.
 */
#ifndef MEDIA_DEVICE_H
#define MEDIA_DEVICE_H

#include "base/strings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* May it be written? The worst that is known of it counts. */
enum device_state {
    DEVICE_FREE,  /* removable, USB or an SD card, and nobody uses it */
    DEVICE_FIXED, /* nobody uses it, but it is built in: only if the user says so */
    DEVICE_BARRED /* in use, read-only, without a medium, no disk at all: never */
};

struct device {
    char *name;                    /* the kernel's: "sdb" */
    char *path;                    /* "/dev/sdb" */
    char *by_id;                   /* "/dev/disk/by-id/usb-..."; NULL: none */
    char *vendor, *model, *serial; /* NULL: unknown */
    const char *bus;               /* "usb", "mmc", "nvme", ...; "": unknown */
    char *contents;                /* "GPT: vfat LAB, ext4"; "": nothing; NULL: unreadable */
    uint64_t size;                 /* bytes */
    unsigned sector_size;          /* bytes, logical */
    bool removable, read_only;
    dev_t dev;
    enum device_state state;
    char *why; /* it is not free, in words: "partition 1 is mounted at /boot"; NULL: it is */
};

struct device_list {
    struct device *devices; /* sorted by name, numbers by their value: sdb, sdaa, nvme0n1 */
    size_t count;
};

/* All whole disks of the machine whose root folder this is ("" for the real one); -1, reported. */
int device_list(struct device_list *list, const char *root);
/* Those of this machine that the paths lead to: others are neither read nor woken. -1, reported. */
int device_list_of(struct device_list *list, char *const *paths, size_t count);
/* The one whose number this is, or NULL. */
const struct device *device_find(const struct device_list *list, dev_t dev);
/* The whole disk of a partition's number: its name, malloc'ed; NULL if it is no partition. */
char *device_disk_of(const char *root, dev_t dev);
void device_list_free(struct device_list *list);

#endif
