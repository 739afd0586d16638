/*
 * spec: the spec file (mkbootmedia.conf(5)), many entries and hosts, and its inventories.
 */
#ifndef BOOT_SPEC_H
#define BOOT_SPEC_H

#include "boot/request.h"

/*
 * Reads a spec file into a request that was just initialized, then the inventories that it names.
 * Relative paths become relative to the spec file; every file that it names has to be there. -1,
 * reported as "FILE:LINE: ...".
 */
int spec_read(struct request *request, const char *path);

#endif
