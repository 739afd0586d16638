/* modules_private: what the files of modules share. */
#ifndef RAMROOT_MODULES_PRIVATE_H
#define RAMROOT_MODULES_PRIVATE_H

#include "ramroot/modules.h"

/* The list of firststage/modules. */
struct module_wish {
    const char *pattern; /* of a path if there is a '/' in it, else of a name */
    size_t section;      /* counts from 1 */
    unsigned purposes;
    bool minus;
};

struct module_wishes {
    char *text;
    struct module_wish *list;
    size_t count;
};

/* Reads the list; text is changed, and freed by module_wishes_free. */
void module_wishes_read(struct module_wishes *wishes, char *text);
/* Is the module of that name (with '_') and path wanted for one of these purposes? */
bool module_wished(const struct module_wishes *wishes, unsigned purposes, const char *name,
                   const char *path);
void module_wishes_free(struct module_wishes *wishes);

/* '-' becomes '_', but not in brackets, where it means a range. */
void module_normalise(char *name);

/*
 * Takes data, the bytes of a module's file, perhaps compressed, and sets the module's data, needs
 * (depends=) and aliases; soft gets what softdep= wants before it. At most max bytes. path names
 * the file for messages. -1, reported.
 */
int module_read(struct module *module, struct strings *soft, char *data, size_t len, size_t max,
                const char *path);

#endif
