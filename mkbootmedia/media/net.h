/*
 * net: a boot root, a directory that TFTP and HTTP serve: payload, loaders, menus, a script for
 * each host, and configurations of servers; written so that clients may boot from it meanwhile
 * (media/tree.h).
 */
#ifndef MEDIA_NET_H
#define MEDIA_NET_H

#include "boot/plan.h"
#include "media/tree.h"

/* What a run has done, or would do. */
struct net_summary {
    size_t files, written, dropped;
    uint64_t bytes;      /* of all files */
    unsigned generation; /* the current one afterwards */
};

/* What of a request a tree cannot be; -1, reported. */
int net_check(const struct request *request);

/*
 * Finishes a plan and brings an open tree to what it says; a dry run only looks. -1, reported: the
 * old generation is then as it was, or the new one is completed by the next run.
 */
int net_write(struct tree *tree, struct plan *plan, struct net_summary *summary);
/* Goes back to the generation before. -1, reported. */
int net_rollback(const char *path, const struct tree_options *options, struct net_summary *summary);

#endif
