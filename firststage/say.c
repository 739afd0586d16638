/*
 * say: lines, progress and the reason of a failure.
 */
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CONSOLES 16
#define MIB      (1024 * 1024)

static struct {
    int fd[CONSOLES];
    bool terminal[CONSOLES];
    unsigned count;
    bool open_line;      /* a progress line waits to be rewritten */
    uint64_t tenths;     /* of the work, said elsewhere than on terminals */
    double shown, begin; /* seconds */
} to;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Shows control characters as \ooo. */
static void escape(char *out, size_t size, const char *text)
{
    size_t len = 0;

    for (; *text && len + 5 < size; text++)
        if ((unsigned char)*text < ' ' || *text == 127)
            len += (size_t)snprintf(out + len, size - len, "\\%03o", (unsigned char)*text);
        else
            out[len++] = *text;
    out[len] = '\0';
}

int trouble(struct trouble *trouble, const char *format, ...)
{
    char text[TROUBLE_LEN];
    va_list args;

    if (trouble->text[0])
        return -1;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    escape(trouble->text, sizeof trouble->text, text);
    return -1;
}

int trouble_errno(struct trouble *why, const char *subject, const char *doing)
{
    return trouble(why, "%s: %s: %s", subject, doing, strerror(errno));
}

static void add(int fd)
{
    to.terminal[to.count] = isatty(fd);
    to.fd[to.count++] = fd;
}

void say_console(const char *path)
{
    int fd = to.count < CONSOLES ? open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC) : -1;

    if (fd >= 0)
        add(fd);
}

/* A console that takes nothing is no reason to stop. */
static void put(unsigned console, const char *text)
{
    ssize_t ignored = write(to.fd[console], text, strlen(text));

    (void)ignored;
}

static void end_line(void)
{
    for (unsigned i = 0; to.open_line && i < to.count; i++)
        if (to.terminal[i])
            put(i, "\r\n");
    to.open_line = false;
}

void say(const char *format, ...)
{
    char text[TROUBLE_LEN], line[TROUBLE_LEN + 32], safe[TROUBLE_LEN];
    va_list args;

    if (!to.count)
        add(STDOUT_FILENO);
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    escape(safe, sizeof safe, text);
    snprintf(line, sizeof line, "mkbootmedia: %s\n", safe);
    end_line();
    for (unsigned i = 0; i < to.count; i++)
        put(i, line);
}

void say_progress(const char *doing, uint64_t done, uint64_t size)
{
    uint64_t tenths = size ? done * 10 / size : 10;
    bool last = done == size, step = tenths > to.tenths;
    double t = now();
    char line[160];

    if (!to.count)
        add(STDOUT_FILENO);
    if (!to.begin)
        to.begin = t;
    if (!last && !step && t - to.shown < 0.5)
        return;
    snprintf(line, sizeof line, "mkbootmedia: %s: %llu of %llu MiB, %.1f s", doing,
             (unsigned long long)(done + (last ? MIB - 1 : 0)) / MIB,
             (unsigned long long)(size + MIB - 1) / MIB, t - to.begin);
    for (unsigned i = 0; i < to.count; i++) {
        if (to.terminal[i] ? !last && t - to.shown < 0.5 : !step)
            continue;
        put(i, to.terminal[i] ? "\r" : "");
        put(i, line);
        put(i, to.terminal[i] ? last ? "\033[K\r\n" : "\033[K" : "\n");
    }
    to.open_line = !last && (to.open_line || t - to.shown >= 0.5);
    to.tenths = tenths;
    if (t - to.shown >= 0.5)
        to.shown = t;
}

void say_trouble(const struct trouble *trouble)
{
    end_line();
    fprintf(stderr, "%s\n", trouble->text);
}
