/* files: host files and throw-away folders for the tests that look into foreign files. */
#ifndef TESTS_FILES_H
#define TESTS_FILES_H

#include "base/content.h"
#include "base/util.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A host file read whole; its memory is the caller's. Ends the test program if it is missing. */
static inline struct content file_load(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    char *data;

    if (fd < 0 || fstat(fd, &st) < 0) {
        fprintf(stderr, "%s: needed by this test: missing (make deps)\n", path);
        exit(1);
    }
    data = xcalloc((size_t)st.st_size, 1);
    if (read(fd, data, (size_t)st.st_size) != st.st_size) {
        perror(path);
        exit(1);
    }
    close(fd);
    return content_memory(data, (size_t)st.st_size);
}

/* A folder for one test program, removed by `sh` at its end. */
static inline const char *scratch_dir(void)
{
    static char dir[] = "/tmp/mkbootmedia-unit-XXXXXX";
    static bool made;

    if (!made && !mkdtemp(dir)) {
        perror(dir);
        exit(1);
    }
    made = true;
    return dir;
}

/* Runs a shell line inside the folder; its exit status. */
static inline int scratch_sh(const char *line)
{
    char *whole = xasprintf("cd %s && { %s\n} >/dev/null 2>&1", scratch_dir(), line);
    int status = system(whole);

    free(whole);
    return status;
}

static inline struct content scratch_load(const char *name)
{
    char *path = xasprintf("%s/%s", scratch_dir(), name);
    struct content content = file_load(path);

    free(path);
    return content;
}

static inline int scratch_remove(void **state)
{
    char *line = xasprintf("rm -rf %s", scratch_dir());
    int status = system(line);

    (void)state;
    free(line);
    return status;
}

#endif
