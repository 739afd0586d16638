/* text: how numbers are shown to people. */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdint.h>

/* "123 B", "4.5 MiB" */
struct size_text {
    char text[32];
};
struct size_text size_text(uint64_t bytes);

#endif
