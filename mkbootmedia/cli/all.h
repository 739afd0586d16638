/* all: the command that makes every output that a spec file names. */
#ifndef CLI_ALL_H
#define CLI_ALL_H

#include "cli/options.h"

int all_run(const struct command *command, int argc, char **argv);

#endif
