/*
 * tree, its rooms: tree.c (opening, adding), tree_list.c, tree_journal.c, tree_generations.c,
 * tree_commit.c (to a new generation and back).
 */
#ifndef MEDIA_TREE_PRIVATE_H
#define MEDIA_TREE_PRIVATE_H

#include "media/tree.h"

#define TREE_SUMS_NAME      "SHA256SUMS"
#define TREE_MANIFEST_NAME  "manifest.json"
#define TREE_PAYLOAD_FOLDER "payload/"
#define TREE_GONE           ".gone" /* behind the name of a generation that was left */
#define TREE_NEW            ".new"  /* and of one that is not there yet */

/* Reads the lines of SHA256SUMS; 1, 0 if there is no such file, -1 and reported. */
int tree_list_read(struct tree_list *list, int dir_fd, const char *path, const char *name);
/* Sorts by path; each path is there once afterwards. */
void tree_list_sort(struct tree_list *list);
/* Adds a file; the path is the list's from then on. */
struct tree_file *tree_list_add(struct tree_list *list, char *path);
const struct tree_file *tree_list_find(const struct tree_list *list, const char *path);
void tree_list_free(struct tree_list *list);

/* The digest of a file; false if it is none, or cannot be read. */
bool tree_digest_at(int dir_fd, const char *name, uint8_t digest[DIGEST_LEN]);

/*
 * The folder that a path of the tree is in, open, without following symbolic links; name becomes
 * the last part of the path. make: folders that are missing are made. The descriptor stays the
 * tree's. -1, and reported unless make is false and errno is ENOENT.
 */
int tree_parent(struct tree *tree, const char *path, const char **name, bool make);
/* "TREE/PATH: doing: why", returns -1. */
int tree_errno(const struct tree *tree, const char *path, const char *doing);

/* The folder that tree_parent has open may no longer be the one of its path. */
void tree_forget_parent(struct tree *tree);

/* The files of a generation; suffix: ".gone" of one that was left, else "". -1, reported. */
int tree_read_generation(struct tree *tree, struct tree_list *list, unsigned number,
                         const char *suffix);
/* Where a generation's lists are, within the private folder. */
struct tree_generation_name {
    char text[40];
};
struct tree_generation_name tree_generation_name(unsigned number, const char *suffix);
/* The newest generation that was not left and is older than before; 0: there is none. */
unsigned tree_newest_before(const struct tree *tree, unsigned before);
/* The number of the next generation: no earlier one had it, left or not. */
unsigned tree_next_number(const struct tree *tree);

/* A folder of the program's own. -1, reported. */
int tree_make_private(const struct tree *tree, const char *name);
/* The folder of what is staged, made if it has to be. -1, reported. */
int tree_open_stage(struct tree *tree);
/* Removes a generation's lists. */
void tree_remove_generation(const struct tree *tree, unsigned number, const char *suffix);
/* Removes the folders of a path that are empty now, the innermost first. */
void tree_remove_empty(struct tree *tree, const char *path);
/* The file system has everything when it returns. -1, reported. */
int tree_sync(const struct tree *tree);
/* Writes the journal and does what it says: from here there is a way forward only. -1, reported. */
int tree_begin(struct tree *tree, struct buf *journal);
/* Is there a journal, so that the next run goes on? */
bool tree_has_begun(const struct tree *tree);
/* Ends what an earlier run has begun, by its journal. -1, reported. */
int tree_recover(struct tree *tree);
/* The number of the newest generation; 0: there is none. */
unsigned tree_newest(const struct tree *tree);
/* Removes what is staged. */
void tree_unstage(struct tree *tree);

#endif
