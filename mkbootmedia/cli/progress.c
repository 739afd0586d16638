/* progress: a bar for people, lines for programs. */
#include "cli/progress.h"

#include "base/msg.h"
#include "base/util.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define BAR_WIDTH 32
#define QUIET_FOR 1.0 /* seconds: shorter work shows no bar */
#define INTERVAL  0.1 /* seconds between two updates */

/* The bar that is on the terminal, for messages that come in between; NULL: none. */
static struct progress *on_screen;

static void clear_bar(void)
{
    if (on_screen && on_screen->visible)
        fputs("\r\033[K", stderr);
}

void progress_init(struct progress *progress, const char *name, bool json)
{
    *progress = (struct progress){.name = name};
    if (json)
        progress->style = PROGRESS_JSON;
    else if (!msg_level.quiet && isatty(STDERR_FILENO))
        progress->style = PROGRESS_BAR;
    clock_gettime(CLOCK_MONOTONIC, &progress->begun);
    progress->shown = progress->begun;
    if (progress->style != PROGRESS_BAR)
        return;
    on_screen = progress;
    msg_before = clear_bar;
}

static void show_bar(const struct progress *progress, uint64_t done, uint64_t total, double seconds)
{
    char bar[BAR_WIDTH + 1] = {0};
    double rate = (double)done / seconds;

    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', total ? (size_t)(done * BAR_WIDTH / total) : BAR_WIDTH);
    fprintf(stderr, "\r%s [%s] %3.0f%%  %.0f MiB/s  %.0f s left\033[K", progress->name, bar,
            total ? 100.0 * (double)done / (double)total : 100.0, rate / MIB,
            rate > 0 ? (double)(total - done) / rate : 0);
}

void progress_show(void *arg, uint64_t done, uint64_t total)
{
    struct progress *progress = arg;
    double seconds = seconds_since(&progress->begun);

    if (done > total) /* work that was not foreseen */
        done = total;
    if (progress->style == PROGRESS_NONE ||
        (seconds_since(&progress->shown) < INTERVAL && done < total))
        return;
    if (progress->style == PROGRESS_BAR && seconds < QUIET_FOR)
        return;
    clock_gettime(CLOCK_MONOTONIC, &progress->shown);
    if (progress->style == PROGRESS_BAR)
        show_bar(progress, done, total, seconds);
    else
        fprintf(stderr, "{\"progress\": {\"done\": %" PRIu64 ", \"total\": %" PRIu64 "}}\n", done,
                total);
    progress->visible = true;
}

void progress_end(struct progress *progress)
{
    if (progress->style != PROGRESS_BAR)
        return;
    clear_bar();
    msg_before = NULL;
}
