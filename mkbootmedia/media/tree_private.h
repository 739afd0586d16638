/* tree, its rooms: tree.c (opening, adding), tree_commit.c (journal, generations), tree_list.c. */
#ifndef MEDIA_TREE_PRIVATE_H
#define MEDIA_TREE_PRIVATE_H

#include "media/tree.h"

#define TREE_SUMS_NAME     "SHA256SUMS"
#define TREE_MANIFEST_NAME "manifest.json"

/* Reads the lines of SHA256SUMS; 1, 0 if there is no such file, -1 and reported. */
int tree_list_read(struct tree_list *list, int dir_fd, const char *path, const char *name);
void tree_list_sort(struct tree_list *list);
/* Adds a file; the path is the list's from then on. */
struct tree_file *tree_list_add(struct tree_list *list, char *path);
const struct tree_file *tree_list_find(const struct tree_list *list, const char *path);
void tree_list_free(struct tree_list *list);

/*
 * The folder that a path of the tree is in, open, without following symbolic links; name becomes
 * the last part of the path. make: folders that are missing are made. The descriptor stays the
 * tree's. -1, and reported unless make is false and errno is ENOENT.
 */
int tree_parent(struct tree *tree, const char *path, const char **name, bool make);
/* "TREE/PATH: doing: why", returns -1. */
int tree_errno(const struct tree *tree, const char *path, const char *doing);

/* A whole small file into a folder, synced unless the tree's are not. -1, reported. */
int tree_write_text(const struct tree *tree, int dir_fd, const char *name, const struct buf *text);

/* Ends what an earlier run has begun, by its journal. -1, reported. */
int tree_recover(struct tree *tree);
/* The number of the newest generation; 0: there is none. */
unsigned tree_newest(const struct tree *tree);
/* Removes what is staged. */
void tree_unstage(struct tree *tree);

#endif
