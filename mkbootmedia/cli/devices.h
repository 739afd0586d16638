/* devices: the command that lists disks. */
#ifndef CLI_DEVICES_H
#define CLI_DEVICES_H

#include "cli/options.h"

int devices_run(const struct command *command, int argc, char **argv);

#endif
