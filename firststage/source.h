/*
 * source: where the image comes from: a file, or HTTP servers.
 */
#ifndef FIRSTSTAGE_SOURCE_H
#define FIRSTSTAGE_SOURCE_H

#include "http.h"
#include "say.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct source {
    const char *path; /* of the file; NULL: HTTP */
    bool consume;     /* the file's memory is given back as it is read: the file is lost */
    struct http http; /* urls, tries */
    uint64_t size;    /* bytes that it must have */
    uint64_t offset;  /* bytes read so far */
    int fd;
};

/* Opens; a file of another size is refused. */
int source_open(struct source *source, struct trouble *trouble);
/* The next bytes, at least one; 0 after size bytes; -1. Lost connections are made again. */
ssize_t source_read(struct source *source, void *buf, size_t len, struct trouble *trouble);
void source_close(struct source *source);

#endif
