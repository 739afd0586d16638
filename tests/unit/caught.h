/* caught: what a function says on standard error, for the tests of messages. */
#ifndef TESTS_CAUGHT_H
#define TESTS_CAUGHT_H

#include <stdio.h>
#include <unistd.h>

struct caught {
    FILE *file;
    int saved;
};

static inline void caught_begin(struct caught *caught)
{
    caught->file = tmpfile();
    caught->saved = dup(STDERR_FILENO);
    fflush(stderr);
    dup2(fileno(caught->file), STDERR_FILENO);
}

static inline void caught_end(struct caught *caught, char *text, size_t size)
{
    size_t n;

    fflush(stderr);
    dup2(caught->saved, STDERR_FILENO);
    close(caught->saved);
    rewind(caught->file);
    n = fread(text, 1, size - 1, caught->file);
    text[n] = '\0';
    fclose(caught->file);
}

#endif
