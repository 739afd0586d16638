/* make: the commands that lay out a medium: usb, iso and plan. */
#ifndef CLI_MAKE_H
#define CLI_MAKE_H

#include "cli/options.h"

int make_run(const struct command *command, int argc, char **argv);

#endif
