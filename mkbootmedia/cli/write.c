/* write: from the command line to disks that were read back. */
#include "cli/write.h"

#include "base/msg.h"
#include "base/util.h"
#include "cli/json.h"
#include "cli/text.h"
#include "cli/write_ask.h"
#include "cli/write_progress.h"
#include "media/write_open.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* All that one run holds. */
struct work {
    const struct request *request;
    const char *image; /* path, or "-" */
    struct device_list list;
    struct bmap map;
    char *map_path; /* NULL: there is none */
    struct feed feed;
    struct write_job job;
    const struct device **devices; /* by target; NULL: a file */
};

/* What a signal stops. */
static struct write_job *running;

static void on_signal(int number)
{
    (void)number;
    if (running)
        running->stop = true;
}

static void catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal};

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        sigaction(numbers[i], &action, NULL);
}

/* "lab.img.gz" has its map in "lab.img.gz.bmap" or "lab.img.bmap", as bmaptool looks for them. */
static char *find_map(const char *image)
{
    char *path = xasprintf("%s.bmap", image), *dot;

    if (access(path, F_OK) == 0)
        return path;
    free(path);
    path = xstrdup(image);
    dot = strrchr(path, '.');
    if (dot && !strchr(dot, '/')) {
        char *shorter = xasprintf("%.*s.bmap", (int)(dot - path), path);

        if (access(shorter, F_OK) == 0) {
            free(path);
            return shorter;
        }
        free(shorter);
    }
    free(path);
    return NULL;
}

static int open_image(struct work *work)
{
    const char *asked = work->request->write.bmap;

    if (asked)
        work->map_path = xstrdup(asked);
    else if (strcmp(work->image, "-") != 0)
        work->map_path = find_map(work->image);
    if (work->map_path && bmap_read(&work->map, work->map_path) < 0)
        return -1;
    return feed_open(&work->feed, work->image, work->map_path ? &work->map : NULL, work->map_path);
}

/* Under whatever names. */
static int check_twice(char *const *paths, size_t i)
{
    struct stat now, then;

    for (size_t k = 0; k < i; k++)
        if (stat(paths[i], &now) == 0 && stat(paths[k], &then) == 0 &&
            (S_ISBLK(now.st_mode) ? S_ISBLK(then.st_mode) && now.st_rdev == then.st_rdev
                                  : now.st_dev == then.st_dev && now.st_ino == then.st_ino))
            return msg_error("%s: writing: is the same disk as %s", paths[i], paths[k]);
    return 0;
}

/* All of them, or none: nothing is written yet. */
static int open_targets(struct work *work, char *const *paths, size_t count)
{
    const struct request_write *asked = &work->request->write;
    struct write_job *job = &work->job;

    job->targets = xcalloc(count, sizeof *job->targets);
    work->devices = xcalloc(count, sizeof *work->devices);
    for (size_t i = 0; i < count; i++) {
        if (check_twice(paths, i) < 0)
            return -1;
        job->count++;
        if (write_open(&job->targets[i], paths[i], asked, &work->list, &work->devices[i]) < 0 ||
            write_open_fits(&job->targets[i], &work->feed) < 0)
            return -1;
    }
    return 0;
}

static int ask(const struct work *work)
{
    for (size_t i = 0; i < work->job.count; i++)
        if (work->devices[i] && write_ask(work->devices[i], work->job.targets[i].path) < 0)
            return -1;
    return 0;
}

static const char *end_of(const struct write_target *target)
{
    return !target->touched ? "; nothing was written to it"
                            : "; what was on it is lost, and it does not boot";
}

static void tell(const struct work *work)
{
    static const char *const verified[] = {" and read back", " and read back", ", not read back"};

    for (size_t i = 0; i < work->job.count; i++) {
        const struct write_target *target = &work->job.targets[i];

        if (target->phase == WRITE_DONE && work->request->json)
            continue;
        if (target->phase == WRITE_DONE)
            msg_note("%s: %.1f MiB written%s in %.1f s", target->path,
                     (double)target->written / MIB, verified[work->job.verify], target->seconds);
        else
            msg_error("%s: %s%s", target->path, target->why, end_of(target));
    }
}

static json_t *target_json(const struct work *work, size_t i)
{
    static const char *const verified[] = {"mapped", "full", "none"};
    const struct write_target *target = &work->job.targets[i];
    const struct device *device = work->devices[i];
    bool done = target->phase == WRITE_DONE;

    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:o, s:o, s:f, s:s}", "path",
                     json_text(target->path), "by_id", json_text(device ? device->by_id : NULL),
                     "model", json_text(device ? device->model : NULL), "serial",
                     json_text(device ? device->serial : NULL), "size", json_number(target->size),
                     "ok", done, "touched", target->touched, "error", json_text(target->why),
                     "written", json_number(target->written), "seconds", target->seconds,
                     "verified", done ? verified[work->job.verify] : "none");
}

static int tell_json(const struct work *work)
{
    json_t *array = json_array();
    bool known = work->feed.size != FEED_UNKNOWN;

    for (size_t i = 0; i < work->job.count; i++)
        json_array_append_new(array, target_json(work, i));
    return json_print(json_pack("{s:o, s:o, s:o, s:b, s:o}", "image", json_text(work->feed.name),
                                "size", known ? json_number(work->feed.size) : json_null(), "bmap",
                                json_text(work->map_path), "dry_run", work->request->dry_run,
                                "devices", array));
}

static int dry_run(const struct work *work)
{
    for (size_t i = 0; i < work->job.count && !work->request->json; i++)
        if (work->feed.total == FEED_UNKNOWN)
            msg_note("%s: %s would be written to it", work->job.targets[i].path, work->feed.name);
        else
            msg_note("%s: %.1f MiB of %s would be written to it", work->job.targets[i].path,
                     (double)work->feed.total / MIB, work->feed.name);
    return work->request->json ? tell_json(work) : 0;
}

static int run(struct work *work)
{
    struct write_progress progress;
    int result;

    write_progress_init(&progress, work->job.count, work->request->json);
    work->job.feed = &work->feed;
    work->job.verify = work->request->write.verify;
    work->job.progress = write_progress_show;
    work->job.progress_arg = &progress;
    running = &work->job;
    catch_signals();
    result = write_run(&work->job);
    running = NULL;
    write_progress_end(&progress);
    tell(work);
    if (work->request->json && tell_json(work) < 0)
        result = -1;
    return result;
}

/* The feed is open. */
static int write_feed(struct work *work, char *const *paths, size_t count)
{
    if (device_list_of(&work->list, paths, count) < 0 || open_targets(work, paths, count) < 0)
        return -1;
    if (work->request->dry_run)
        return dry_run(work);
    if (!work->request->write.yes && ask(work) < 0)
        return -1;
    return run(work);
}

static void work_free(struct work *work)
{
    for (size_t i = 0; i < work->job.count; i++)
        write_close(&work->job.targets[i]);
    free(work->job.targets);
    free(work->devices);
    feed_close(&work->feed);
    bmap_free(&work->map);
    free(work->map_path);
    device_list_free(&work->list);
}

int write_medium(const struct request *request, const struct image *image, const char *name)
{
    struct work work = {.request = request, .image = name};
    int result;

    feed_open_image(&work.feed, image, name);
    result = write_feed(&work, request->write.devices.v, request->write.devices.n);
    work_free(&work);
    return result;
}

int write_command(const struct command *command, int argc, char **argv)
{
    struct options options;
    int result = options_parse(&options, command, argc, argv);

    if (result == 0 && options.help) {
        options_help(command, stdout);
    } else if (result == 0 && options.operand_count < 2) {
        result = usage_error(command, options.operand_count ? "which disk? one is wanted at least"
                                                            : "which image, and which disk?");
    } else if (result == 0) {
        struct work work = {
            .request = &options.request, .image = options.operands[0], .feed = {.file.fd = -1}};

        result = open_image(&work);
        if (result == 0)
            result = write_feed(&work, options.operands + 1, (size_t)options.operand_count - 1);
        work_free(&work);
        result = result < 0 ? EXIT_FAILURE : 0;
    }
    options_free(&options);
    return result;
}
