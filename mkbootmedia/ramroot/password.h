/* password: what stands in etc/shadow for a password. The room for libcrypt. */
#ifndef RAMROOT_PASSWORD_H
#define RAMROOT_PASSWORD_H

#include "base/util.h"

/*
 * From virt-builder's words: password:TEXT, file:PATH (its first line), hash:CRYPT, locked. The
 * same password gives the same field, so that the same request gives the same image. -1, reported.
 */
int password_field(struct buf *field, const char *text);

#endif
