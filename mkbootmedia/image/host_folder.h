/*
 * host_folder: a folder of this system read like a file system of an image, as a TFTP or HTTP
 * server hands it out: names are found in their case, links are followed, ".." is not.
 *
 * Only regular files are opened. An entry's start is the number of its path: paths gathers them.
 */
#ifndef IMAGE_HOST_FOLDER_H
#define IMAGE_HOST_FOLDER_H

#include "base/strings.h"
#include "image/folder.h"

#include <sys/types.h>

struct host_folder {
    int fd;               /* the caller's */
    const char *name;     /* for messages; the caller's */
    struct strings paths; /* of entries that were handed out, within the folder */
};

/* What cannot be opened is taken for empty. */
void host_folder_list(struct host_folder *host, const struct entry *folder, struct folder *out);
/* 1 and *entry, whose name is malloc'ed; 0: there is neither a file nor a folder. */
int host_folder_find(struct host_folder *host, const char *path, struct entry *entry);
/* Which folder it is, under whatever name; NULL: the root. false: it is gone. */
bool host_folder_identity(const struct host_folder *host, const struct entry *folder, dev_t *dev,
                          ino_t *ino);
/* 1 and an open descriptor; 0: it cannot be opened. */
int host_folder_open(const struct host_folder *host, const struct entry *entry, int *fd);

#endif
