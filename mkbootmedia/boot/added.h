/*
 * added: the files that the user puts on the medium besides what boots (--add FILE:DEST).
 */
#ifndef BOOT_ADDED_H
#define BOOT_ADDED_H

#include "boot/payload.h"

/*
 * Opens each FILE of "FILE:DEST" and appends it to payload->added; a folder brings all that is in
 * it. DEST is a path on the medium ("docs/", "/docs/readme.txt"); one that ends in '/' is a folder
 * that takes FILE under its own name. Without ":/DEST" the file goes to the medium's root.
 */
int added_open(struct payload *payload, const struct strings *added);

/* What is wrong with a path on the medium; NULL if nothing. */
const char *added_dest_check(const char *dest);

#endif
