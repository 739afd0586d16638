/*
 * spool: members that are put aside while a tree streams by, until it is known whether they are
 * wanted: kernels and their modules. Contents lie in one anonymous file, entries in memory.
 *
 * A hard link to a member that is aside is that file under another name, as it was when the link
 * came: a later member may take the path of either. Only a link that leads out stays one.
 */
#ifndef RAMROOT_SPOOL_H
#define RAMROOT_SPOOL_H

#include "ramroot/member.h"

#include <stdbool.h>

struct spooled {
    char *path;
    struct archive_entry *entry; /* a clone without a path, which all names of a file share */
    uint64_t offset, len;        /* bytes of its contents in the spool's file */
    size_t number;               /* which of those that came, from 0 */
    size_t file; /* the number of the name that brought it: the same for all names */
};

/* What all names of a file share. */
struct spool_file {
    struct archive_entry *entry; /* NULL: no file, but a name of another */
    char *place;                 /* under which path it is in the image; NULL: it is not */
};

struct spool {
    int fd; /* -1: nothing has been put aside */
    uint64_t end;
    struct spooled *members; /* in the order in which they came; sorted by path after spool_sort */
    size_t count;
    void *latest;             /* tsearch(3): of each path the member that came last */
    struct spool_file *files; /* by their numbers */
    size_t file_count;
    void *placed; /* tsearch(3): of each place the file that has it */
};

/* Puts a member aside. -1, reported. */
int spool_add(struct spool *spool, struct member *member);
/* The member of that path that came last; NULL: none. For a spool that is not sorted yet. */
const struct spooled *spool_latest(const struct spool *spool, const char *path);
/* Sorts by path; of one path the last that came is kept. */
void spool_sort(struct spool *spool);
/* The member of that path, or NULL; the spool is sorted. */
const struct spooled *spool_find(const struct spool *spool, const char *path);
/* All its bytes, malloc'ed, a NUL behind them. NULL, reported. */
char *spool_read(const struct spool *spool, const struct spooled *spooled, size_t *len);

/* A member that brings what was put aside. */
struct replay {
    struct archive_entry *entry;
    char *data; /* contents, malloc'ed */
    size_t len;
    bool given;
};

/*
 * Makes *member what was put aside, under this path: the file, or a hard link to the name under
 * which it came back before. replay keeps entry and contents until the next call; -1, reported.
 */
int replay_begin(struct replay *replay, struct spool *spool, const struct spooled *spooled,
                 const char *path, struct member *member);
void replay_free(struct replay *replay); /* safe on {0} */
/* Something else has taken a path of the image: the file that came back there must come again. */
void spool_forget_place(struct spool *spool, const char *path);
/* Forgets under which names files came back: something else may take their paths from here on. */
void spool_forget_places(struct spool *spool);

void spool_free(struct spool *spool); /* safe on {.fd = -1} */

#endif
