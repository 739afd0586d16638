/*
 * tree: files put into a directory that is being served, so that every client sees whole files of
 * one generation.
 *
 * A generation is a set of files, SHA256SUMS their list. Files are first staged, all of them; then
 * one rename each puts them in place, in the order of enum tree_order: what is named before what
 * names it. (A new tree is a draft under another name, and gets its own by one rename.) A run that
 * ends in between is completed by the next one, by a journal. Files under payload/ have paths that
 * name their bytes: they are never replaced, and stay as long as a kept generation names them. What
 * a generation replaces or drops is kept for going back to it.
 *
 *     DIR/.mkbootmedia/generations/000007/SHA256SUMS, manifest.json   the last is the current one
 *     DIR/.mkbootmedia/files/SHA256                                   what only older ones have
 *     DIR/.mkbootmedia/new/N, journal                                 only while something is
 * written DIR/.mkbootmedia/digests                                        boot/digest_cache.h
 *
 * Nothing is ever written through a symbolic link within the tree, and no file is replaced or
 * removed that no generation names.
 */
#ifndef MEDIA_TREE_H
#define MEDIA_TREE_H

#include "base/content.h"
#include "base/digest.h"
#include "base/util.h"
#include "boot/item.h"
#include "media/copy.h"

#include <sys/types.h>

enum tree_order {
    TREE_PAYLOAD,
    TREE_LOADER,
    TREE_HOST,
    TREE_SNIPPET,
    TREE_SCRIPT,
    TREE_SUMS,
    TREE_MANIFEST
};

/* When a file of this path is put in place. */
enum tree_order tree_order_of(const char *path);

struct tree_file {
    char *path; /* within the tree */
    uint8_t digest[DIGEST_LEN];
    uint64_t size;         /* bytes; not known of what SHA256SUMS lists */
    enum tree_order order; /* of what was added */
    unsigned staged;       /* number of its staged file; 0: it is in place already */
};

/* Sorted by path. */
struct tree_list {
    struct tree_file *files;
    size_t count;
};

struct tree {
    char *name;  /* as the user typed it, without a '/' at its end */
    char *draft; /* the folder that will get the tree's name; NULL: it is there already */
    int fd, private_fd, stage_fd, parent_fd;
    char *parent; /* the path of parent_fd within the tree */
    bool no_sync, dry_run, locked;
    bool went_back;      /* tree_open has ended a way back that was cut short */
    mode_t umask;        /* of the process, before */
    unsigned generation; /* the current one; 0: none */
    struct tree_list old, files;
    unsigned staged; /* how many files */
    char number[16]; /* the name of the last of them */
    struct copy_meter meter;
};

struct tree_options {
    bool no_sync, dry_run;
    void (*progress)(void *arg, uint64_t done, uint64_t total);
    void *progress_arg;
};

/*
 * Opens and locks the directory; one that is missing is made, but under another name until it is
 * complete. A run that was cut short is completed. -1, reported: it holds files and no manifest of
 * ours, or another run is writing it. tree_free is due in each case.
 */
int tree_open(struct tree *tree, const char *path, const struct tree_options *options);

/* So many bytes more are to come, for the progress. */
void tree_expect(struct tree *tree, uint64_t bytes);
/*
 * Adds a file to the new generation, content and zeros: stages it, unless it is in place. A digest
 * that is not known is computed; one that is known has to be still that of the file. -1, reported:
 * also when a file that is not ours is in the way, or a symbolic link.
 */
int tree_add(struct tree *tree, const struct item *item, enum tree_order order);
/* Appends the lines of SHA256SUMS for what was added so far. */
void tree_print_sums(struct tree *tree, struct buf *out);
/* Has nothing been staged, and is nothing to be removed? */
bool tree_unchanged(struct tree *tree);
/* How many files of the old generation the new one has not. */
size_t tree_dropped(const struct tree *tree);
/* Removes all generations but keep, and what only they have; nothing if there are no more. */
int tree_collect(struct tree *tree, unsigned keep);
/* Puts what was staged in place and collects all but keep generations. -1, reported. */
int tree_commit(struct tree *tree, unsigned keep);
/* Keeps a file of the program's own (".mkbootmedia/NAME"), which saves time but is not needed. */
void tree_put_private(struct tree *tree, const char *name, const struct buf *text);

/*
 * Puts the generation before the current one in its place; nothing, if tree_open has just done so.
 * -1, reported.
 */
int tree_rollback(struct tree *tree);

/* Without a commit nothing of what was added remains. Safe on {0}. */
void tree_free(struct tree *tree);

#endif
