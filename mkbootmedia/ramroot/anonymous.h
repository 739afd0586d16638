/* anonymous: files without a name, which are gone when the program ends, however it ends. */
#ifndef RAMROOT_ANONYMOUS_H
#define RAMROOT_ANONYMOUS_H

/* The folder for such files: $TMPDIR, or /var/tmp (a root image may be large: not in memory). */
const char *anonymous_folder(void);
/* A new one, open for reading and writing; -1, reported. */
int anonymous_file(void);

#endif
