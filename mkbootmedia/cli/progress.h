/*
 * progress: how far the writing is, on standard error: a bar on a terminal for what takes over a
 * second, JSON lines with --json, nothing else.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct progress {
    enum { PROGRESS_NONE, PROGRESS_BAR, PROGRESS_JSON } style;
    const char *name; /* of the output */
    struct timespec begun, shown;
    bool visible;
};

void progress_init(struct progress *progress, const char *name, bool json);
/* A sink's progress callback; arg is a struct progress. */
void progress_show(void *arg, uint64_t done, uint64_t total);
/* Removes the bar. */
void progress_end(struct progress *progress);

#endif
