/*
 * inventory: hosts from a CSV file (RFC 4180), for laboratories with more hosts than a spec file is
 * pleasant for. The first line names the columns, in any order: mac, hostname, entry, cmdline.
 */
#ifndef BOOT_INVENTORY_H
#define BOOT_INVENTORY_H

#include "boot/request.h"

/* Appends the hosts of a file; -1, reported as "FILE:LINE: ...". */
int inventory_read(struct request *request, const char *path);

#endif
