/* ramroot: the command that makes an initramfs of a root file system. */
#ifndef CLI_RAMROOT_H
#define CLI_RAMROOT_H

#include "cli/options.h"

int ramroot_run(const struct command *command, int argc, char **argv);

#endif
