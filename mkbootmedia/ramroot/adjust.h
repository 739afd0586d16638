/*
 * adjust: what is changed in a root file system so that it runs from RAM, each change an option.
 * Members are changed as they stream by, and what was not there is added at the end; the source
 * stays as it is.
 */
#ifndef RAMROOT_ADJUST_H
#define RAMROOT_ADJUST_H

#include "base/util.h"
#include "boot/request.h"
#include "ramroot/member.h"

#include <time.h>

struct adjust {
    const struct request_root *asked;
    const char *subject; /* the source, for messages */
    struct buf password; /* the field of etc/shadow; len 0: stays */
    struct buf keys;     /* lines of authorized_keys */
    struct buf text;     /* of the member that is being changed */
    bool given;          /* text has been handed on */
    uint64_t seen;       /* rows of the table whose file was there, as bits */
    bool systemd, labels, root_found;
    struct archive_entry *entry; /* of a file that is added */
    size_t next;                 /* of those files */
    bool key_folder;             /* root/.ssh is there */
    time_t time;                 /* that added files get: the newest member's */
};

/* Reads passwords and keys; -1, reported. */
int adjust_begin(struct adjust *adjust, const struct request_root *asked, const char *subject);
/* 1: the member, perhaps changed, is wanted; 0: it is left out; -1, reported. */
int adjust_member(struct adjust *adjust, struct member *member);
/* Once all members have been: 1: one more; 0: no more; -1, reported. */
int adjust_more(struct adjust *adjust, struct member *member);
void adjust_free(struct adjust *adjust); /* safe on {0} */

/* What will be changed, for people: "fstab: entries of disks are left out"; one text each. */
void adjust_describe(const struct request_root *asked, struct strings *lines);

#endif
