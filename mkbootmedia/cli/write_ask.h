/* write_ask: the question before what is on a disk is lost. */
#ifndef CLI_WRITE_ASK_H
#define CLI_WRITE_ASK_H

#include "media/device.h"

/* Is text the size of a disk ("16", "16.0 GB") or the last four characters of its serial? */
bool write_ask_matches(const struct device *device, const char *text);
/* Asks on the terminal; -1, reported: it was not confirmed, or nobody is there. */
int write_ask(const struct device *device, const char *path);

#endif
