/*
 * modules: which kernel modules the first stage needs, found in the tree with all that they depend
 * on.
 *
 * Names of modules use '_' for '-'. What the first stage may want is listed in firststage/modules,
 * by purpose.
 */
#ifndef RAMROOT_MODULES_H
#define RAMROOT_MODULES_H

#include "base/strings.h"
#include "base/util.h"
#include "ramroot/spool.h"

/* Purposes, ored; each is a section of firststage/modules. */
enum module_purpose {
    MODULES_OVERLAY = 1, /* squashfs, loop, overlay: each must be there, or built in */
    MODULES_NETWORK = 2, /* network cards: what of them is there */
    MODULES_MEDIUM = 4,  /* disks, CDs, USB, file systems of media: what of them is there */
    MODULES_SHELL = 8,   /* keyboards: what of them is there */
};

struct module {
    char *name; /* "virtio_net" */
    char *path; /* under the modules' folder, uncompressed name: "kernel/drivers/net/x.ko" */
    char *data; /* the ELF file, uncompressed */
    size_t len; /* bytes */
    struct strings needs, aliases; /* names of modules; patterns such as pci:v00001AF4d* */
};

struct modules {
    struct module *list; /* sorted by name */
    size_t count;
};

/*
 * Finds the modules for these purposes in a spool that is sorted. folder is the path of the
 * kernel's modules in the tree ("usr/lib/modules/6.1.0-56-amd64"). Dependencies come from the
 * modules themselves (depends= and softdep=), so no depmod need have run; modules.builtin says what
 * the kernel has in it. subject names the tree for messages. -1, reported: a module that must be
 * there is neither there nor built in; one that is there cannot be read.
 */
int modules_find(struct modules *modules, const struct spool *spool, const char *folder,
                 unsigned purposes, const char *subject);
/* The texts modules.dep and modules.alias, as modprobe of BusyBox reads them. */
void modules_dep(const struct modules *modules, struct buf *out);
void modules_alias(const struct modules *modules, struct buf *out);
void modules_free(struct modules *modules);

#endif
