/* try: the command that boots what was made. */
#ifndef CLI_TRY_H
#define CLI_TRY_H

#include "cli/options.h"

int try_command(const struct command *command, int argc, char **argv);

#endif
