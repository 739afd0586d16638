/* verify: the command that compares a medium with its manifest. */
#ifndef CLI_VERIFY_H
#define CLI_VERIFY_H

#include "cli/options.h"

int verify_command(const struct command *command, int argc, char **argv);

#endif
