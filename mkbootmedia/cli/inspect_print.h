/* inspect_print: what inspect found on an image, for people and as JSON. */
#ifndef CLI_INSPECT_PRINT_H
#define CLI_INSPECT_PRINT_H

#include "media/inspect.h"

/* On stdout. Control characters that came with a foreign image are shown as \ooo. */
void inspect_print(const struct inspect_report *report);
/* One JSON document on stdout; -1, reported. */
int inspect_print_json(const struct inspect_report *report);

#endif
