/*
 * say: what rootload tells people. Lines and progress go to the consoles that it was given, or to
 * standard output; why it failed goes to standard error, as the last thing and as one line, which
 * /init shows.
 *
 * Control characters, which may come with names of files or from servers, are shown as \ooo.
 */
#ifndef FIRSTSTAGE_SAY_H
#define FIRSTSTAGE_SAY_H

#include <stdint.h>

#define TROUBLE_LEN 1024

/* Why a stage of the work failed; "": it did not. The first text stays. */
struct trouble {
    char text[TROUBLE_LEN];
};

/* Both set the text and return -1; _errno appends strerror(errno): "SUBJECT: DOING: why". */
int trouble(struct trouble *trouble, const char *format, ...) __attribute__((format(printf, 2, 3)));
int trouble_errno(struct trouble *trouble, const char *subject, const char *doing);

/* Adds a console, such as /dev/ttyS0; one that cannot be opened is left out. */
void say_console(const char *path);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "DOING: 12 of 34 MiB": on terminals a line that is rewritten, elsewhere a line each 10 %. */
void say_progress(const char *doing, uint64_t done, uint64_t size);
/* The trouble, on standard error. */
void say_trouble(const struct trouble *trouble);

#endif
