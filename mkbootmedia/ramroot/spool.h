/*
 * spool: members that are put aside while a tree streams by, until it is known whether they are
 * wanted: kernels and their modules. Contents lie in one anonymous file, entries in memory.
 */
#ifndef RAMROOT_SPOOL_H
#define RAMROOT_SPOOL_H

#include "ramroot/member.h"

#include <stdbool.h>

struct spooled {
    struct archive_entry *entry; /* a clone; hard links name their target's path */
    uint64_t offset, len;        /* bytes of its contents in the spool's file */
    size_t number;               /* which of those that came, from 0 */
};

struct spool {
    int fd; /* -1: nothing has been put aside */
    uint64_t end;
    struct spooled *members; /* in the order in which they came; sorted by path after spool_sort */
    size_t count;
};

/* Puts a member aside. -1, reported. */
int spool_add(struct spool *spool, struct member *member);
/* Sorts by path; of one path the last that came is kept. */
void spool_sort(struct spool *spool);
/* The member of that path, or NULL; the spool is sorted. Hard links are not followed. */
const struct spooled *spool_find(const struct spool *spool, const char *path);
/* All its bytes, malloc'ed, a NUL behind them; a hard link's are its target's (of a spool that is
 * sorted). NULL, reported. */
char *spool_read(const struct spool *spool, const struct spooled *spooled, size_t *len);
/* Of a spool that is not sorted yet: the member with the contents that a hard link to path has;
 * NULL: it is not in there. */
const struct spooled *spool_target(const struct spool *spool, const char *path);

/* The contents of a member that was put aside, as a member's block gives them. */
struct replay {
    char *data; /* malloc'ed */
    size_t len;
    bool given;
};

/* Reads them, and makes member give them; -1, reported. */
int replay_begin(struct replay *replay, const struct spool *spool, const struct spooled *spooled,
                 struct member *member);
void replay_free(struct replay *replay); /* safe on {0} */

void spool_free(struct spool *spool); /* safe on {.fd = -1} */

#endif
