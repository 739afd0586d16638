/* sink: early contents by threads of their own, the rest, then publish; and streams. */
#include "media/sink.h"

#include "base/msg.h"
#include "base/util.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLICE_LEN  (8 * MIB)
#define SLICES_MAX 4096

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

int sink_check(const char *path)
{
    struct stat st;

    if (stat(path, &st) == 0) {
        if (S_ISBLK(st.st_mode))
            return msg_error("%s: writing: is a block device; make an image and write that to it",
                             path);
        if (S_ISDIR(st.st_mode))
            return msg_error("%s: writing: is a directory, not a file", path);
        if (!S_ISREG(st.st_mode))
            return msg_error("%s: writing: is not a regular file; -o - writes to a pipe", path);
    } else if (errno != ENOENT) {
        return msg_errno(path, "writing");
    } else if (!*path || path[strlen(path) - 1] == '/') {
        return msg_error("%s: writing: is not the name of a file", path);
    }
    return check_folder(path);
}

/* Runs beside the rest of the program: takes one slice after the other until there are no more. */
static void *copy_slices(void *arg)
{
    struct sink *sink = arg;
    struct copy copy = {.fd = sink->draft.fd, .name = sink->name, .meter = &sink->meter};
    size_t i;

    while (!sink->meter.stop && (i = sink->next++) < sink->slice_count)
        if (copy_to_file(&copy, &sink->slices[i]) < 0) {
            sink->meter.stop = true;
            sink->early_failed = true;
        }
    copy_free(&copy);
    return NULL;
}

/* Cuts the early regions into slices, which threads can share. */
static void cut(struct sink *sink)
{
    uint64_t total = sink->meter.total, slice = round_up(total / SLICES_MAX + 1, SLICE_LEN);

    sink->slices = xcalloc(total / slice + sink->early_count + 1, sizeof *sink->slices);
    for (size_t i = 0; i < sink->early_count; i++)
        for (uint64_t at = 0; at < sink->early[i].len; at += slice) {
            struct region *part = &sink->slices[sink->slice_count++];

            *part = sink->early[i];
            part->offset += at;
            part->len = part->len - at < slice ? part->len - at : slice;
            part->content = content_slice(part->content, at, part->len);
        }
}

static void start(struct sink *sink)
{
    for (size_t i = 0; i < SINK_THREADS && i < sink->slice_count; i++)
        if (pthread_create(&sink->threads[i], NULL, copy_slices, sink) == 0)
            sink->running++;
        else
            break;
    if (!sink->running) /* no thread to be had: it is copied with the rest */
        sink->early_count = 0;
}

int sink_begin(struct sink *sink, const char *path, uint64_t size, struct region *early,
               size_t early_count, const struct sink_options *options)
{
    *sink = (struct sink){.name = path,
                          .draft = {.fd = -1, .folder_fd = -1},
                          .early = early,
                          .early_count = early_count,
                          .meter = {.shown = PTHREAD_MUTEX_INITIALIZER,
                                    .progress = options->progress,
                                    .progress_arg = options->progress_arg}};
    for (size_t i = 0; i < early_count; i++)
        sink->meter.total += early[i].len;
    if (draft_open(&sink->draft, path, options->no_sync) < 0)
        return -1;
    if (ftruncate(sink->draft.fd, (off_t)size) < 0)
        return msg_errno(path, "writing");
    cut(sink);
    start(sink);
    return 0;
}

static void join(struct sink *sink)
{
    while (sink->running)
        pthread_join(sink->threads[--sink->running], NULL);
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
    struct copy copy = {.fd = sink->draft.fd, .name = sink->name, .meter = &sink->meter};
    int result = 0;

    for (size_t i = 0; i < image->count; i++)
        if (!image->regions[i].zero && !is_early(sink, &image->regions[i]))
            sink->meter.total += image->regions[i].len;
    for (size_t i = 0; i < image->count && result == 0; i++)
        if (!is_early(sink, &image->regions[i]))
            result = copy_to_file(&copy, &image->regions[i]);
    copy_free(&copy);
    if (result < 0)
        sink->meter.stop = true;
    join(sink);
    return result < 0 || sink->early_failed ? -1 : 0;
}

int sink_flush(struct sink *sink)
{
    return draft_flush(&sink->draft);
}

int sink_publish(struct sink *sink)
{
    return draft_publish(&sink->draft);
}

void sink_free(struct sink *sink)
{
    sink->meter.stop = true;
    join(sink);
    draft_close(&sink->draft);
    free(sink->early);
    free(sink->slices);
    sink->early = sink->slices = NULL;
}

int sink_stream(const struct image *image, int fd, const char *name,
                const struct sink_options *options)
{
    struct copy_meter meter = {.total = image->size,
                               .shown = PTHREAD_MUTEX_INITIALIZER,
                               .progress = options->progress,
                               .progress_arg = options->progress_arg};
    struct copy copy = {.fd = fd, .name = name, .meter = &meter};
    int result = 0;

    signal(SIGPIPE, SIG_IGN); /* a reader that goes away is an error of writing, with a message */
    for (size_t i = 0; i < image->count && result == 0; i++)
        result = copy_to_stream(&copy, &image->regions[i]);
    copy_free(&copy);
    return result;
}
