/* plan_print: a plan and its layout, for people and as JSON. */
#ifndef CLI_PLAN_PRINT_H
#define CLI_PLAN_PRINT_H

#include "media/output.h"

void plan_print(const struct plan *plan, const struct medium *medium, const struct output *output);
/* One JSON document on stdout; -1, reported. */
int plan_print_json(const struct plan *plan, const struct medium *medium,
                    const struct output *output);

#endif
