/* write: the command that writes disks. */
#ifndef CLI_WRITE_H
#define CLI_WRITE_H

#include "cli/options.h"
#include "image/region.h"

/* What usb and iso have laid out goes to the disks of the request; name is for messages. An exit
 * status is not: 0, or -1, reported. */
int write_medium(const struct request *request, const struct image *image, const char *name);

int write_command(const struct command *command, int argc, char **argv);

#endif
