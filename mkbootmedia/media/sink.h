/*
 * sink: where an image goes: a regular file, or a stream.
 *
 * A file is a draft (media/draft.h) until it is whole. Large contents of which the place is known
 * are copied by two threads from sink_begin on, while the image is still being laid out; sink_end
 * writes all the rest. Zeros are holes.
 */
#ifndef MEDIA_SINK_H
#define MEDIA_SINK_H

#include "image/region.h"
#include "media/copy.h"
#include "media/draft.h"

#include <pthread.h>

struct sink_options {
    bool no_sync; /* leave out both fsyncs, nothing else */
    /* called now and then with bytes done of all bytes to write, perhaps by another thread */
    void (*progress)(void *arg, uint64_t done, uint64_t total);
    void *progress_arg;
};

#define SINK_THREADS 2 /* more do not help: a file system lets one write to a file at a time */

struct sink {
    const char *name; /* the path as the user typed it */
    struct draft draft;
    struct region *early, *slices; /* the same bytes, whole and cut */
    size_t early_count, slice_count;
    atomic_size_t next; /* the slice that is taken next */
    pthread_t threads[SINK_THREADS];
    size_t running;
    atomic_bool early_failed;
    struct copy_meter meter;
};

/* Can an output have this path? -1, reported: a folder, a device, a folder that is missing or
 * read-only, a name too long. */
int sink_check(const char *path);

/*
 * Opens the output of size bytes and starts to copy the early regions (malloc'ed, the sink's from
 * then on), which the image will have just so. -1, reported. sink_free is due in each case.
 */
int sink_begin(struct sink *sink, const char *path, uint64_t size, struct region *early,
               size_t early_count, const struct sink_options *options);
/* Writes what is left of the finished image; -1, reported. */
int sink_end(struct sink *sink, const struct image *image);
/* Brings it to the disk; -1, reported. */
int sink_flush(struct sink *sink);
/* Does so if nobody has, and gives the file its name; -1, reported. */
int sink_publish(struct sink *sink);
/* Without a sink_publish that succeeded, nothing remains; the old output is as it was. */
void sink_free(struct sink *sink);

/* Writes the image to an open descriptor (a pipe), zeros included; -1, reported. */
int sink_stream(const struct image *image, int fd, const char *name,
                const struct sink_options *options);

#endif
