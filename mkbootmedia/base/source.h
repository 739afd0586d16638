/*
 * source: a file of the user's, opened once and kept open, so that what was checked is what is
 * written. Only a regular file that is not empty is a source.
 */
#ifndef BASE_SOURCE_H
#define BASE_SOURCE_H

#include "base/content.h"

#include <sys/types.h>
#include <time.h>

struct source {
    char *path; /* as the user typed it */
    int fd;
    uint64_t start, size; /* bytes: where in the file it begins, how long it is */
    time_t mtime;
    dev_t dev; /* with ino: which file it is, under whatever name */
    ino_t ino;
};

/* Opens path; -1, reported: missing, not readable, a directory or device, empty. */
int source_open(struct source *source, const char *path);
/* As source_open, but an empty file is welcome. */
int source_open_any(struct source *source, const char *path);
/* As source_open, but a block device is welcome, too. */
int source_open_disk(struct source *source, const char *path);
/* A file that the program has made and keeps open: size bytes at start of fd, which becomes the
 * source's. name is for messages. -1, reported. */
int source_take(struct source *source, const char *name, int fd, uint64_t start, uint64_t size);
void source_close(struct source *source);
struct content source_content(const struct source *source);

/* Raises the limit of open files to what the system allows: every source stays open. */
void source_raise_limit(void);

#endif
