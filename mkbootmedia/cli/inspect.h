/* inspect: the command that looks at an image that is there. */
#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H

#include "cli/options.h"

int inspect_run(const struct command *command, int argc, char **argv);

#endif
