/* write_progress: how far each disk is: a line each on a terminal, JSON lines with --json. */
#ifndef CLI_WRITE_PROGRESS_H
#define CLI_WRITE_PROGRESS_H

#include "media/write.h"

#include <time.h>

struct write_progress {
    bool json, terminal;
    size_t lines; /* that are on the terminal now */
    struct timespec begun, shown;
    double *since; /* by disk: seconds after the beginning at which its phase began */
    enum write_phase *phases;
};

void write_progress_init(struct write_progress *progress, size_t count, bool json);
/* A job's progress callback; arg is a struct write_progress. */
void write_progress_show(void *arg, const struct write_job *job);
/* Takes the lines away. */
void write_progress_end(struct write_progress *progress);

#endif
