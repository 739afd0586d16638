/* update: the command that gives a stick new content, beside what it has. */
#ifndef CLI_UPDATE_H
#define CLI_UPDATE_H

#include "cli/options.h"

int update_command(const struct command *command, int argc, char **argv);

#endif
