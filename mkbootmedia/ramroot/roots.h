/*
 * roots: the RAM roots of all entries of a request, in the form in which a payload takes them.
 */
#ifndef RAMROOT_ROOTS_H
#define RAMROOT_ROOTS_H

#include "boot/payload.h"
#include "boot/plan.h"

/*
 * Makes what the entries with a root need, for one kind of output; *roots (malloc'ed, one for each
 * entry of the request, {0} for those without a root) is for payload_open. -1, reported. roots_free
 * is due in each case.
 */
int roots_make(struct payload_root **roots, const struct request *request, enum plan_output output);
void roots_free(struct payload_root *roots, size_t count);

/* One entry's, to be brought by the loader, or fetched by the first stage. -1, reported. */
int roots_make_one(struct payload_root *root, const struct request *request,
                   const struct request_entry *entry, bool fetch);

#endif
