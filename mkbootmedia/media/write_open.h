/*
 * write_open: may this be written? Every rule that guards disks is here, before anything is.
 */
#ifndef MEDIA_WRITE_OPEN_H
#define MEDIA_WRITE_OPEN_H

#include "media/device.h"
#include "media/write.h"

/*
 * Opens a disk, exclusively, or with allow_file a file. *device becomes what is known of it (the
 * list's; NULL for a file). -1, reported: no disk, a partition, in use, built in, another serial
 * than was asked for, too small.
 */
int write_open(struct write_target *target, const char *path, const struct request_write *asked,
               const struct device_list *list, const struct device **device);
/* Is the image of a known size too large for it, or the file itself? -1, reported. */
int write_open_fits(const struct write_target *target, const struct feed *feed);
void write_close(struct write_target *target); /* safe on {.fd = -1} */

#endif
