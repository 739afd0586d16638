/* program: will Linux start it? */
#ifndef FIRSTSTAGE_PROGRAM_H
#define FIRSTSTAGE_PROGRAM_H

#include "say.h"

/*
 * Looks at a program in the folder, of which links lead where they will once that is the root: is
 * it a file that may be run, and is what it names to be run by (an ELF file's loader, a script's
 * interpreter) there, too? -1 and *why: no. The process is in the folder afterwards.
 */
int program_check(const char *folder, const char *program, struct trouble *why);

/* Runs a program that a key can interrupt, whatever this process ignores. Returns only with *why.
 */
int program_run(char *const *argv, struct trouble *why);

#endif
