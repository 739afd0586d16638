/*
 * payload: what will boot, opened and checked: kernels, initramfs files, arguments, and the files
 * that the user adds to the medium. From here on the host's file names no longer matter.
 */
#ifndef BOOT_PAYLOAD_H
#define BOOT_PAYLOAD_H

#include "base/source.h"
#include "boot/kernel.h"
#include "boot/request.h"

/* Memory of a RAM root, in bytes. */
struct payload_memory {
    uint64_t image, unpacked; /* the root image; the tree that it holds */
    uint64_t peak, ram;       /* the most that is in memory at a time; what a machine must have */
};

/*
 * What an entry has in place of paths of the request: what was made of its root file system, or
 * what stays as it is on a stick.
 */
struct payload_root {
    struct source kernel; /* path NULL: the entry has its own */
    struct source *initrds;
    size_t initrd_count;  /* 0: the entry has its own, if any */
    struct source image;  /* that the first stage gets for itself; path NULL: it is in initrd */
    char *image_path;     /* where it does */
    const char *mode;     /* "tmpfs", "overlay"; NULL: it does not run from RAM */
    const char *argument; /* NAME=VALUE that the kernel shall be given; NULL: none */
    char sha256[65];      /* of the root image */
    struct payload_memory memory;
    struct strings lines; /* what people want to know of it */
};
void payload_root_free(struct payload_root *root); /* safe on {0} */

struct payload_entry {
    const struct request_entry *asked;
    char *name;           /* menu id and folder on the medium: [a-z0-9-]+ */
    char *title;          /* one line of UTF-8 */
    struct strings words; /* kernel arguments, split at blanks; quotes resolved */
    struct source kernel_file;
    struct kernel kernel;
    struct source *initrds;
    size_t initrd_count;
    unsigned firmware;        /* enum firmware, ored: only there; 0: everywhere */
    struct payload_root root; /* its kernel and initrds are taken out */
};

/* A machine of its own. */
struct payload_host {
    const struct request_host *asked;
    size_t entry;         /* which of the payload's */
    struct strings words; /* added to the entry's */
    char *archive_path;   /* of its initramfs on the medium, a plan sets it; NULL: none */
};

struct payload_added {
    char *dest; /* path on the medium */
    struct source file;
};

struct payload {
    struct payload_entry *entries;
    size_t entry_count;
    struct payload_host *hosts; /* sorted by address */
    size_t host_count;
    struct payload_added *added;
    size_t added_count;
    enum kernel_arch arch; /* 64 bit only if every kernel is */
};

/*
 * Opens and checks everything that the request names; -1, reported. roots has what was made for
 * each entry, which becomes the payload's; NULL: for none.
 */
int payload_open(struct payload *payload, const struct request *request,
                 struct payload_root *roots);
/* Adds the hosts of the request, for media that serve them; -1, reported. */
int payload_open_hosts(struct payload *payload, const struct request *request);
/* One file more, which becomes the payload's, for a path on the medium. */
void payload_add(struct payload *payload, const char *dest, const struct source *file);
/* The modification time of its newest file. */
time_t payload_newest(const struct payload *payload);
void payload_close(struct payload *payload);

/*
 * Splits kernel arguments at blanks outside double quotes; quotes are dropped, as the kernel does
 * (lib/cmdline.c, next_arg). Returns NULL, or what is wrong with the text.
 */
const char *payload_split(struct strings *words, const char *text);

#endif
