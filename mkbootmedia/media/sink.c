/* sink: early contents by a thread of their own, the rest, then publish; and streams. */
#include "media/sink.h"

#include "base/msg.h"
#include "base/util.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* May a file be made in the folder of path? */
static int check_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? xasprintf("%.*s", (int)(slash - path) + 1, path) : xstrdup(".");
    int result = access(folder, W_OK | X_OK);

    if (result < 0)
        msg_errno(path, "writing into its folder");
    free(folder);
    return result;
}

int sink_check(const char *path, struct stat *st)
{
    *st = (struct stat){0};
    if (stat(path, st) == 0) {
        if (S_ISBLK(st->st_mode))
            return msg_error("%s: writing: is a block device; make an image and write that to it",
                             path);
        if (S_ISDIR(st->st_mode))
            return msg_error("%s: writing: is a directory, not a file", path);
        if (!S_ISREG(st->st_mode))
            return msg_error("%s: writing: is not a regular file; -o - writes to a pipe", path);
    } else if (errno != ENOENT) {
        return msg_errno(path, "writing");
    } else if (!*path || path[strlen(path) - 1] == '/') {
        return msg_error("%s: writing: is not the name of a file", path);
    }
    return check_folder(path);
}

/* Runs beside the rest of the program: copies the early regions until told to stop. */
static void *copy_early(void *arg)
{
    struct sink *sink = arg;

    for (size_t i = 0; i < sink->early_count && sink->early_result == 0; i++)
        sink->early_result = copy_to_file(&sink->early_copy, &sink->early[i]);
    return NULL;
}

int sink_begin(struct sink *sink, const char *path, uint64_t size, struct region *early,
               size_t early_count, const struct sink_options *options)
{
    *sink = (struct sink){.name = path,
                          .draft = {.fd = -1, .folder_fd = -1},
                          .early = early,
                          .early_count = early_count};
    if (draft_open(&sink->draft, path, options->no_sync) < 0)
        return -1;
    if (ftruncate(sink->draft.fd, (off_t)size) < 0)
        return msg_errno(path, "writing");
    sink->early_copy = (struct copy){.fd = sink->draft.fd,
                                     .name = path,
                                     .stop = &sink->stop,
                                     .progress = options->progress,
                                     .progress_arg = options->progress_arg};
    for (size_t i = 0; i < early_count; i++)
        sink->early_copy.total += early[i].len;
    sink->running = pthread_create(&sink->thread, NULL, copy_early, sink) == 0;
    if (!sink->running) /* no thread to be had: it is copied with the rest */
        sink->early_count = 0;
    return 0;
}

static int join(struct sink *sink)
{
    if (sink->running)
        pthread_join(sink->thread, NULL);
    sink->running = false;
    return sink->early_result;
}

static bool is_early(const struct sink *sink, const struct region *region)
{
    for (size_t i = 0; i < sink->early_count; i++)
        if (sink->early[i].offset == region->offset && sink->early[i].len == region->len)
            return true;
    return false;
}

int sink_end(struct sink *sink, const struct image *image)
{
    struct copy copy = {.fd = sink->draft.fd, .name = sink->name, .stop = &sink->stop};
    int result = 0;

    for (size_t i = 0; i < image->count && result == 0; i++)
        if (!is_early(sink, &image->regions[i]))
            result = copy_to_file(&copy, &image->regions[i]);
    copy_free(&copy);
    sink->stop = result < 0;
    if (join(sink) < 0 || result < 0)
        return -1;
    return draft_publish(&sink->draft);
}

void sink_free(struct sink *sink)
{
    sink->stop = true;
    join(sink);
    copy_free(&sink->early_copy);
    draft_close(&sink->draft);
    free(sink->early);
    sink->early = NULL;
}

int sink_stream(const struct image *image, int fd, const char *name,
                const struct sink_options *options)
{
    struct copy copy = {.fd = fd,
                        .name = name,
                        .total = image->size,
                        .progress = options->progress,
                        .progress_arg = options->progress_arg};
    int result = 0;

    signal(SIGPIPE, SIG_IGN); /* a reader that goes away is an error of writing, with a message */
    for (size_t i = 0; i < image->count && result == 0; i++)
        result = copy_to_stream(&copy, &image->regions[i]);
    copy_free(&copy);
    return result;
}
