/*
 * draft: the life of an output file: made under a temporary name beside it (".NAME.mkbootmedia"),
 * fsynced, renamed, and its folder fsynced: at any moment the old output or the whole new one is
 * there. A signal that ends the program removes the draft; what a run that was killed outright has
 * left is replaced by the next run for the same output.
 */
#ifndef MEDIA_DRAFT_H
#define MEDIA_DRAFT_H

#include <stdbool.h>

struct draft {
    char *path;    /* the output, symbolic links resolved */
    char *folder;  /* that it is in */
    char *name;    /* the temporary name */
    int fd;        /* open and locked; -1: none */
    int folder_fd; /* to sync the folder; -1: nothing is synced */
    bool flushed;
};

/* The temporary name of an output, malloc'ed. */
char *draft_name(const char *path);
/* Opens a new draft for path; -1, reported, also if another run is writing it. */
int draft_open(struct draft *draft, const char *path, bool no_sync);
/* Brings the whole draft to the disk; -1, reported. */
int draft_flush(struct draft *draft);
/* Does so if nobody has, and puts it under the output's name; -1, reported. */
int draft_publish(struct draft *draft);
/* Removes the draft unless it was published; safe on {.fd = -1, .folder_fd = -1}. */
void draft_close(struct draft *draft);

#endif
