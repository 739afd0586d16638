/*
 * tree: all members of a root file system: of the source, and of what is laid over it.
 *
 * What an overlay brings takes the place of a file of that path; a folder that is there stays as it
 * is; a path through a symbolic link of the tree ends where that leads (lib/modules in a tree whose
 * lib is usr/lib). Files of an overlay that is a folder belong to root, whoever keeps it.
 */
#ifndef RAMROOT_TREE_H
#define RAMROOT_TREE_H

#include "ramroot/guard.h"
#include "ramroot/member.h"
#include "ramroot/rootfs.h"

struct tree_source {
    const char *path;               /* of the source */
    const struct strings *overlays; /* folders or archives */
    uint64_t bytes_max;             /* of all contents */
};

struct tree_stream {
    const struct tree_source *source;
    struct rootfs rootfs;
    struct guard guard;
    size_t next_overlay; /* 0: the source is being read */
    uint64_t metadata;   /* bytes of attributes, ACLs, targets so far */
    bool warned;         /* of what is left out */
};

/* Begins with the source; -1, reported. tree_stream_close is due in each case. */
int tree_stream_open(struct tree_stream *tree, const struct tree_source *source);
/* 1: the next member; 0: there are no more; -1, reported. */
int tree_stream_next(struct tree_stream *tree, struct member *member);
void tree_stream_close(struct tree_stream *tree);

#endif
