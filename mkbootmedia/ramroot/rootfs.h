/*
 * rootfs: a root file system as a stream of members, whatever it is read from: a folder, an
 * archive, layers of a container image, a squashfs, the file systems of a disk image.
 *
 * A member is libarchive's entry with a path without "/" or "./" at its start ("usr/bin/ls"; the
 * root itself is "."), and, of a regular file, its bytes in blocks. Numbers alone say who owns it
 * (never names); ACLs are in libarchive's form or as the extended attribute of Linux (tree.h makes
 * the first of it), other extended attributes as they are. A hard link names the path of an earlier
 * member. Nothing is taken on trust: guard.h looks at every member before anything else does.
 */
#ifndef RAMROOT_ROOTFS_H
#define RAMROOT_ROOTFS_H

#include <archive_entry.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct rootfs;

/* A kind of source: one file each, one struct at its foot, one row in rootfs.c. */
struct rootfs_kind {
    const char *what; /* for people: "a folder", "an archive" */
    /* Is it of this kind, by its bytes? fd is open for reading (a folder, a regular file, or a pipe
     * of which nothing can be looked at). 1 yes, 0 no, -1 reported. Moves nothing. */
    int (*probe)(const char *path, int fd);
    /* Begins to read rootfs->path; sets rootfs->state. -1, reported. */
    int (*open)(struct rootfs *rootfs);
    /* 1: *entry is the next member (valid until the next call); 0: the end; -1, reported. */
    int (*next)(struct rootfs *rootfs, struct archive_entry **entry);
    /* 1: a run of bytes of the member that next gave, in rising order (what no run holds is zeros);
     * 0: its end; -1, reported. The bytes are valid until the next call. */
    int (*block)(struct rootfs *rootfs, const void **data, size_t *len, uint64_t *offset);
    /* Safe after an open that failed. */
    void (*close)(struct rootfs *rootfs);
};

struct rootfs {
    const struct rootfs_kind *kind;
    const char *path; /* as the user typed it; "-" is standard input */
    int fd;           /* open for reading; the kind may read it, rootfs_close closes it */
    void *state;
};

extern const struct rootfs_kind rootfs_folder, rootfs_archive, rootfs_oci, rootfs_squashfs,
    rootfs_disk;

/* Opens path, finds out what it is; -1, reported. rootfs_close is due in each case. */
int rootfs_open(struct rootfs *rootfs, const char *path);
int rootfs_next(struct rootfs *rootfs, struct archive_entry **entry);
int rootfs_block(struct rootfs *rootfs, const void **data, size_t *len, uint64_t *offset);
void rootfs_close(struct rootfs *rootfs);

/* Takes "/" and "./" off the start of a path, and "/" off its end; "." for the root. */
const char *rootfs_clean_path(char *path);

#endif
