/*
 * unpack: a tar becomes a tree, with everything that Linux keeps of a file: owners, modes, times,
 * hard links, devices, holes, ACLs, extended attributes and with them capabilities. The room for
 * libarchive.
 */
#ifndef FIRSTSTAGE_UNPACK_H
#define FIRSTSTAGE_UNPACK_H

#include "flow.h"
#include "say.h"

struct unpack {
    struct flow *flow; /* the tar */
    unsigned reader;
    const char *folder;  /* becomes the calling thread's root: no name leads out of it */
    bool writing_failed; /* afterwards: the folder is the trouble, not the tar */
};

int unpack(struct unpack *unpack, struct trouble *trouble);

#endif
