/*
 * ramroot: from a root file system to what boots it from RAM: a kernel, an initramfs, and perhaps a
 * root image that the first stage gets for itself.
 *
 *   rootfs + overlays -> guard -> collect (kernels, modules) -> adjust -> root image
 *                                    `-> modules, configuration -> first stage
 *
 * All files that come of it are anonymous: nothing is left behind, however a run ends.
 */
#ifndef RAMROOT_RAMROOT_H
#define RAMROOT_RAMROOT_H

#include "base/source.h"
#include "boot/request.h"
#include "ramroot/budget.h"
#include "ramroot/compress.h"

/* How the root image comes into memory. */
enum delivery {
    DELIVERY_LOADER, /* the boot loader brings it with the first stage */
    DELIVERY_MEDIUM, /* the first stage reads it from the stick or CD */
    DELIVERY_HTTP,   /* the first stage fetches it */
};

struct ramroot_job {
    const struct request_root *asked;
    const char *kernel;    /* path of a kernel; NULL: the tree's */
    const char *name;      /* of the entry: its folder on a medium */
    const char *cmdline;   /* kernel arguments, for init=; NULL: none */
    const char *templates; /* folder of the user's, or NULL */
    enum delivery delivery;
    bool medium_if_large; /* DELIVERY_LOADER becomes DELIVERY_MEDIUM above RAMROOT_LOADER_MAX */
    const char *url;      /* DELIVERY_HTTP: where the tree is served; NULL: asked->urls only */
    uint64_t loader_max;  /* bytes that each loader of the plan can load */
};

struct ramroot {
    enum delivery delivery;
    struct source kernel; /* path NULL: the job's own */
    struct source initrd; /* first stage, with the root image behind it unless that is separate */
    struct source image;  /* path NULL: it is in initrd */
    char *image_path;     /* where the first stage looks for it, on the medium or in the tree */
    const char *mode;
    enum compress compress;
    char *version;      /* of the kernel, as uname -r says it */
    char sha256[65];    /* of the root image */
    uint64_t image_len; /* bytes */
    size_t files, modules;
    struct budget budget;
};

/* Makes it; -1, reported. ramroot_free is due in each case. */
int ramroot_make(struct ramroot *ramroot, const struct ramroot_job *job);
void ramroot_free(struct ramroot *ramroot); /* safe on {0} */

/*
 * A kernel argument that it wants, or NULL. The rootfs of Linux is a tmpfs that takes half of the
 * RAM at most, unless it is told otherwise (init/do_mounts.c); an overlay's image stays in there.
 * Mode tmpfs cannot do with a ramfs: that gives nothing back of a file that is being read.
 */
const char *ramroot_argument(const struct ramroot *ramroot);

/* What is wrong with a word for --mode or --compress; NULL: nothing. */
const char *ramroot_mode_check(const char *mode);

#endif
