/* make: the commands that lay out a medium: usb, iso and plan. */
#ifndef CLI_MAKE_H
#define CLI_MAKE_H

#include "cli/options.h"
#include "media/output.h"

int make_run(const struct command *command, int argc, char **argv);

/* What a request lacks for an output: 0, or EXIT_USAGE with a message. */
int make_check(const struct command *command, const struct output *output,
               const struct request *request);

/* The part of it that holds where a stick has what is not said. */
int make_check_given(const struct command *command, const struct request *request);

/* Told of an output that has been written, before the plan is gone; -1, reported. */
typedef int made_fn(const struct plan *plan, const struct output *output, void *arg);

/*
 * Makes one output at request->output, or only prints its plan. made may be NULL. Returns an exit
 * status; what failed is reported.
 */
int make_output(const struct request *request, const struct output *output, bool print,
                made_fn *made, void *arg);

#endif
