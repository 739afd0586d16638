/*
 * stage: the first stage, a small initramfs: what it has to know of the root image
 * (etc/mkbootmedia.conf), not compressed; BusyBox, rootload, templates/init and the modules that it
 * needs, compressed.
 */
#ifndef RAMROOT_STAGE_H
#define RAMROOT_STAGE_H

#include "base/strings.h"
#include "ramroot/compress.h"
#include "ramroot/modules.h"

#include <time.h>

struct stage {
    const char *busybox;   /* path of a static BusyBox */
    const char *templates; /* folder of the user's, or NULL */
    const char *version;   /* of the kernel, as uname -r says it */
    const struct modules *modules;
    unsigned purposes; /* enum module_purpose: which modules are loaded first */
    const char *conf;  /* the text of etc/mkbootmedia.conf */
    const char *extra; /* of etc/mkbootmedia.extra: what the image could not hold; "": nothing */
    time_t time;
    enum compress compress;
};

/* Where the host keeps a BusyBox without shared libraries; NULL, reported: nowhere. */
const char *stage_find_busybox(const char *asked);
/* Appends both archives to fd at its file offset, a multiple of 4; *unpacked becomes their size
 * without compression. name is the file's, for messages. -1, reported. */
int stage_write(const struct stage *stage, int fd, const char *name, uint64_t *unpacked);

#endif
