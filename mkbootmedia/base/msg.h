/*
 * msg: what the program says to people, on standard error.
 *
 * One message is one line: "mkbootmedia: FILE: doing what: why". Control characters that came
 * with a file name are shown as \ooo, so that a name cannot forge a second line.
 *
 * The innermost function reports once and returns -1; everyone above cleans up silently:
 *
 *         return msg_errno(path, "opening");
 */
#ifndef BASE_MSG_H
#define BASE_MSG_H

#include <stdbool.h>

/* Set by the command line: quiet drops notes, verbose adds details; errors and warnings stay. */
struct msg_level {
    bool quiet, verbose;
};
extern struct msg_level msg_level;

/* Called before each message, if set: to remove a progress bar that stands on its line. */
extern void (*msg_before)(void);

/* An error; returns -1. */
int msg_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "SUBJECT: DOING: strerror(errno)"; returns -1. */
int msg_errno(const char *subject, const char *doing);
/* Something that the user should know although the work goes on. */
void msg_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void msg_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void msg_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
