/* device_private: what the parts of device share. */
#ifndef MEDIA_DEVICE_PRIVATE_H
#define MEDIA_DEVICE_PRIVATE_H

#include "media/device.h"

#include <libmount.h>

/* What uses disks: mounts and swap. */
struct device_uses {
    const char *root;
    struct libmnt_table *mounts, *swaps;
};

/* A line of a file in sysfs, without the blanks around it, malloc'ed; NULL: none, or empty. */
char *sysfs_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A number in a file; 0: none. */
uint64_t sysfs_number(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool sysfs_exists(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The number of a block device ("8:16"); 0: none. */
dev_t sysfs_dev(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Names of folder, sorted, those of "." and ".." left out; empty if it cannot be read. */
struct strings sysfs_names(const char *format, ...) __attribute__((format(printf, 1, 2)));

int device_uses_read(struct device_uses *uses, const char *root);
void device_uses_free(struct device_uses *uses);
/* Who uses a disk, in words, malloc'ed; NULL: nobody. */
char *device_use(const struct device_uses *uses, const struct device *device);

/* What libblkid finds on it. Sets contents, and member to a type such as "LVM2_member". */
void device_probe(struct device *device, const char *root, char **member);

#endif
