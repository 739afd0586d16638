/* device_print: a disk, so that one recognizes it. */
#ifndef CLI_DEVICE_PRINT_H
#define CLI_DEVICE_PRINT_H

#include "media/device.h"

#include <stdio.h>

/* Two or three lines. */
void device_print(FILE *out, const struct device *device);

#endif
