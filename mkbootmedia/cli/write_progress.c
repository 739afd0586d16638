/* write_progress: twice a second at most for programs, ten times for people. */
#include "cli/write_progress.h"

#include "base/msg.h"
#include "base/util.h"
#include "cli/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BAR_WIDTH  24
#define QUIET_FOR  1.0 /* seconds: shorter work shows nothing on a terminal */
#define JSON_EVERY 0.5

static const char *const phases[] = {"write", "verify", "done", "failed"};

void write_progress_init(struct write_progress *progress, size_t count, bool json)
{
    *progress = (struct write_progress){
        .json = json,
        .terminal = !json && !msg_level.quiet && isatty(STDERR_FILENO),
        .since = xcalloc(count, sizeof *progress->since),
        .phases = xcalloc(count, sizeof *progress->phases),
    };
    clock_gettime(CLOCK_MONOTONIC, &progress->begun);
    progress->shown = progress->begun;
}

/* What is to be said of one disk. */
struct line {
    const char *path, *phase;
    uint64_t done, total; /* total FEED_UNKNOWN: a stream that does not say */
    double rate;          /* bytes a second */
};

static struct line line_of(struct write_progress *progress, const struct write_job *job, size_t i)
{
    const struct write_target *target = &job->targets[i];
    enum write_phase phase = target->phase;
    struct line line = {.path = target->path,
                        .phase = phases[phase],
                        .done = target->done,
                        .total = job->feed->total};
    double now = seconds_since(&progress->begun);

    if (phase != progress->phases[i]) {
        progress->phases[i] = phase;
        progress->since[i] = now;
    }
    if (phase == WRITE_DONE || (line.total != FEED_UNKNOWN && line.done > line.total))
        line.done = line.total;
    if (now > progress->since[i])
        line.rate = (double)line.done / (now - progress->since[i]);
    return line;
}

static double left(const struct line *line)
{
    return line->total == FEED_UNKNOWN || line->rate <= 0
               ? -1
               : (double)(line->total - line->done) / line->rate;
}

static void show_bar(const struct line *line)
{
    char bar[BAR_WIDTH + 1] = {0};
    bool known = line->total != FEED_UNKNOWN && line->total;

    memset(bar, '.', BAR_WIDTH);
    if (known)
        memset(bar, '#', (size_t)(line->done * BAR_WIDTH / line->total));
    fprintf(stderr, "%s %-6s [%s] ", line->path, line->phase, bar);
    if (known)
        fprintf(stderr, "%3.0f%%", 100.0 * (double)line->done / (double)line->total);
    else
        fprintf(stderr, "%.0f MiB", (double)line->done / MIB);
    fprintf(stderr, "  %.1f MiB/s", line->rate / MIB);
    if (left(line) >= 0)
        fprintf(stderr, "  %.0f s left", left(line));
    fprintf(stderr, "\033[K\n");
}

static void show_json(const struct line *line)
{
    json_t *left_now = left(line) < 0 ? json_null() : json_integer((json_int_t)left(line));
    json_t *total = line->total == FEED_UNKNOWN ? json_null() : json_number(line->total);
    json_t *object =
        json_pack("{s:{s:o, s:s, s:o, s:o, s:I, s:o}}", "progress", "device", json_text(line->path),
                  "phase", line->phase, "done", json_number(line->done), "total", total, "rate",
                  (json_int_t)line->rate, "seconds_left", left_now);

    json_dumpf(object, stderr, JSON_COMPACT);
    fputc('\n', stderr);
    json_decref(object);
}

static void clear(struct write_progress *progress)
{
    if (progress->lines)
        fprintf(stderr, "\033[%zuA\r\033[J", progress->lines);
    progress->lines = 0;
}

void write_progress_show(void *arg, const struct write_job *job)
{
    struct write_progress *progress = arg;

    if (progress->json && seconds_since(&progress->shown) < JSON_EVERY)
        return;
    if (!progress->json && (!progress->terminal || seconds_since(&progress->begun) < QUIET_FOR))
        return;
    clock_gettime(CLOCK_MONOTONIC, &progress->shown);
    clear(progress);
    for (size_t i = 0; i < job->count; i++) {
        struct line line = line_of(progress, job, i);

        if (progress->json) {
            show_json(&line);
        } else {
            show_bar(&line);
            progress->lines++;
        }
    }
}

void write_progress_end(struct write_progress *progress)
{
    clear(progress);
    free(progress->since);
    free(progress->phases);
    progress->since = NULL;
    progress->phases = NULL;
}
