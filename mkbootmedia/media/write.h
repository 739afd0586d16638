/*
 * write: one feed onto one or many disks, each read back and compared.
 *
 *     reader --> checker --> a thread a disk: wipe both ends, write, flush, read back,
 *                            then the head (1 MiB), its first 4 KiB last of all
 *
 * through a ring of pieces. The checker compares with the map's checksums and makes those that are
 * read back for.
 *
 * So a disk that was not written whole, whoever stopped it, has nothing that firmware would start.
 * One disk that fails does not stop the others.
 */
#ifndef MEDIA_WRITE_H
#define MEDIA_WRITE_H

#include "boot/request.h"
#include "media/feed.h"

#include <stdatomic.h>

#define WRITE_HEAD MIB       /* bytes that are kept back */
#define WRITE_MIN  (4 * MIB) /* bytes that a disk has at least */

enum write_phase { WRITE_WRITING, WRITE_VERIFYING, WRITE_DONE, WRITE_FAILED };

/* A disk that is open, and how far it is. */
struct write_target {
    const char *path; /* as the user typed it */
    int fd;           /* for reading and writing, O_DIRECT where there is such a thing */
    uint64_t size;    /* bytes */
    unsigned sector_size;
    bool is_file; /* a regular file that acts as a disk */

    _Atomic enum write_phase phase;
    _Atomic uint64_t done; /* bytes of the feed's total, in this phase */
    bool touched;          /* something of it was overwritten */
    char *why;             /* it failed, in words; NULL: it did not */
    uint64_t written;      /* bytes that went to it */
    double seconds;

    /* the engine's */
    struct write_job *job;
    uint64_t taken;     /* pieces */
    uint64_t unflushed; /* bytes */
    bool gone;          /* takes no more */
    bool zero_fails;
    uint8_t *buffer;
};

struct write_job {
    struct feed *feed;
    struct write_target *targets;
    size_t count;
    enum verify verify;
    /* called ten times a second, by the thread that called write_run; NULL: nobody looks */
    void (*progress)(void *arg, const struct write_job *job);
    void *progress_arg;
    atomic_bool stop; /* set by a signal, say: all disks end as failed */

    struct write_ring *ring;
};

/*
 * Writes; returns when all disks are done or have failed. -1: one has, or the feed has (reported);
 * what a disk has failed of is in its why, for the caller to report.
 */
int write_run(struct write_job *job);

#endif
