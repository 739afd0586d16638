/*
 * extra: what the format of the root image could not hold, from a file of lines: sockets, ACLs.
 *
 *   socket MODE UID GID MTIME PATH         mode in octal; numbers in decimal
 *   xattr NAME HEX PATH                    value as hexadecimal digits; - is an empty one
 *
 * In a path, \ooo is a byte.
 */
#ifndef FIRSTSTAGE_EXTRA_H
#define FIRSTSTAGE_EXTRA_H

#include "say.h"

/* Adds what the file's lines say to the tree in folder. 0, or -1 with the trouble. */
int extra(const char *file, const char *folder, struct trouble *why);

#endif
