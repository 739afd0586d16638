/* text: how numbers and foreign texts are shown to people. */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdint.h>
#include <stdio.h>

/* "123 B", "4.5 MiB" */
struct size_text {
    char text[32];
};
struct size_text size_text(uint64_t bytes);
/* As it stands on a disk: "16.0 GB". */
struct size_text disk_text(uint64_t bytes);

/*
 * fprintf whose arguments may come from a foreign image or device: nothing reaches the terminal but
 * text, and lines begin and end only where the format does.
 */
void text_put(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
