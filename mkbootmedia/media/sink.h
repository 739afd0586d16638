/*
 * sink: where an image goes: a regular file, or a stream.
 *
 * A file is written under a temporary name beside it (".NAME.mkbootmedia"), fsynced, renamed, and
 * its folder fsynced: at any moment the old output or the whole new one is there. What a run that
 * was killed has left is taken over by the next run for the same output. Contents go by
 * FICLONERANGE where the file system shares blocks, else copy_file_range, else through a buffer;
 * zeros are holes.
 */
#ifndef MEDIA_SINK_H
#define MEDIA_SINK_H

#include "image/region.h"

#include <sys/stat.h>

struct sink_options {
    bool no_sync; /* leave out both fsyncs, nothing else */
    /* called now and then with bytes done of all bytes to write; NULL: nobody looks */
    void (*progress)(void *arg, uint64_t done, uint64_t total);
    void *progress_arg;
};

/*
 * Can an output have this path? 0: yes (*st tells of the file that is there, st_nlink 0 if none);
 * -1, reported: a folder, a device, a folder that is missing or read-only.
 */
int sink_check(const char *path, struct stat *st);

/* Replaces path with the image, whole or not at all; -1, reported. */
int sink_file(const struct image *image, const char *path, const struct sink_options *options);

/* Writes the image to an open descriptor (a pipe), zeros included; -1, reported. */
int sink_stream(const struct image *image, int fd, const char *name,
                const struct sink_options *options);

#endif
