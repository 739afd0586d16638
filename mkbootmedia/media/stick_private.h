/* stick_private: a stick's manifest as jansson has it. */
#ifndef MEDIA_STICK_PRIVATE_H
#define MEDIA_STICK_PRIVATE_H

#include "media/stick.h"

#include <jansson.h>

/* A member that is a text, else "". */
const char *stick_text(const json_t *object, const char *key);
/* Is a member true? */
bool stick_flag(const json_t *object, const char *key);
/* The manifest says something impossible: -1, reported. */
int stick_refuse(const struct stick *stick, const char *what);

#endif
