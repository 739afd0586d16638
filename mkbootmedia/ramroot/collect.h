/*
 * collect: what a tree holds besides what runs: kernels and their modules, which are put aside
 * until it is known which of them is wanted; and what will be started, which is looked at on its
 * way.
 */
#ifndef RAMROOT_COLLECT_H
#define RAMROOT_COLLECT_H

#include "ramroot/member.h"
#include "ramroot/spool.h"

#include <stdbool.h>

struct collect {
    struct spool spool;   /* members of /boot and of folders of modules */
    unsigned machine;     /* ELF e_machine of what is started first; 0: not seen */
    char *machine_path;   /* whose that is */
    struct member inner;  /* the member whose first bytes are looked at */
    struct replay replay; /* of a name of what is aside */
};

/* 1: the member goes into the image (a hard link to what is aside as that file); 0: it has been put
 * aside; -1, reported. */
int collect_member(struct collect *collect, struct member *member);

/* A kernel of the tree. */
struct collect_kernel {
    const struct spooled *file;
    char *version; /* as its name tells */
};

/*
 * The kernel of that version, or the newest (version NULL); the spool is sorted then. subject names
 * the tree. -1, reported: there is none, and which there are.
 */
int collect_kernel(struct collect *collect, const char *version, const char *subject,
                   struct collect_kernel *kernel);
/* The folder of the modules of a version, malloc'ed; NULL: there is none. */
char *collect_modules(const struct collect *collect, const char *version);
/* The text of the configuration of a kernel, malloc'ed; NULL: it is not there. */
char *collect_config(const struct collect *collect, const char *version);
void collect_free(struct collect *collect); /* safe on {.spool.fd = -1} */

#endif
