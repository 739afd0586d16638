/* run: start a program with an argv array, keep its complaints, wait for it. */
#include "base/run.h"

#include "base/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* The programs that we run, and where they come from. */
static const struct {
    const char *name, *packages;
} programs[] = {
    {"grub-mkimage", "grub-common (Debian), grub2-tools (Fedora), grub (Arch), grub2 (openSUSE)"},
    {"mkfs.fat", "dosfstools"},
    {"mke2fs", "e2fsprogs"},
    {"mkfs.exfat", "exfatprogs"},
    {"guestfish", "guestfish"},
};

static const char *package_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(programs); i++)
        if (strcmp(programs[i].name, name) == 0)
            return programs[i].packages;
    return name;
}

/* Fedora and openSUSE call GRUB's tools grub2-*. */
static const char *other_name(const char *name)
{
    return strcmp(name, "grub-mkimage") == 0 ? "grub2-mkimage" : NULL;
}

static char *find_in(const char *dirs, const char *name)
{
    while (dirs && *dirs) {
        size_t len = strcspn(dirs, ":");
        char *path = xasprintf("%.*s/%s", (int)len, dirs, name);

        if (len && access(path, X_OK) == 0)
            return path;
        free(path);
        dirs += len + (dirs[len] == ':');
    }
    return NULL;
}

static char *find_program(const char *name)
{
    char *path = find_in(getenv("PATH"), name);

    if (!path)
        path = find_in("/usr/sbin:/sbin:/usr/bin", name);
    if (!path && other_name(name))
        path = find_program(other_name(name));
    return path;
}

/* Variables that change what a tool writes, by how they begin. */
static bool changes_output(const char *variable)
{
    static const char *const starts[] = {"LC_", "LANG", "TZ=", "MKE2FS_", "E2FSPROGS_"};

    for (size_t i = 0; i < ARRAY_LEN(starts); i++)
        if (strncmp(variable, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

/* The environment of a child: what it is given first, which it finds first, then ours. */
static const char **child_environment(const char *const given[])
{
    const char **env = NULL;
    size_t n = 0;

    for (; given && *given; given++) {
        env = xgrow(env, n, sizeof *env);
        env[n++] = *given;
    }
    for (char **e = environ; *e; e++) {
        if (changes_output(*e))
            continue;
        env = xgrow(env, n, sizeof *env);
        env[n++] = *e;
    }
    env = xrealloc(env, (n + 3) * sizeof *env);
    env[n++] = "LC_ALL=C";
    env[n++] = "TZ=UTC";
    env[n] = NULL;
    return env;
}

static int spawn(struct run *run, const char *path, const char *const argv[],
                 const char *const given[], int out_fd)
{
    posix_spawn_file_actions_t actions;
    const char **env = child_environment(given);
    int failed;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (out_fd < 0)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    else
        posix_spawn_file_actions_adddup2(&actions, out_fd, 1);
    posix_spawn_file_actions_adddup2(&actions, run->err_fd, 2);
    failed = posix_spawn(&run->pid, path, &actions, NULL, (char *const *)argv, (char *const *)env);
    posix_spawn_file_actions_destroy(&actions);
    free(env);
    errno = failed;
    return failed ? -1 : 0;
}

/* With --verbose: what runs. */
static void tell(const char *const argv[])
{
    struct buf line = {0};

    if (!msg_level.verbose)
        return;
    for (size_t i = 0; argv[i]; i++)
        buf_printf(&line, "%s%s", i ? " " : "", argv[i]);
    msg_detail("running %s", line.data);
    buf_free(&line);
}

static int start(struct run *run, const char *const argv[], const char *const env[], int out_fd)
{
    char *path = find_program(argv[0]);
    int result;

    tell(argv);
    *run = (struct run){.name = argv[0], .err_fd = -1};
    if (!path)
        return msg_error("%s: not found; install %s", argv[0], package_of(argv[0]));
    run->err_fd = memfd_create("stderr", MFD_CLOEXEC);
    result = run->err_fd < 0 ? -1 : spawn(run, path, argv, env, out_fd);
    if (result < 0)
        msg_errno(path, "starting");
    if (result < 0 && run->err_fd >= 0)
        close(run->err_fd);
    if (result < 0)
        run->pid = 0;
    free(path);
    return result;
}

int run_start(struct run *run, const char *const argv[])
{
    return start(run, argv, NULL, -1);
}

int run_start_env(struct run *run, const char *const argv[], const char *const env[])
{
    return start(run, argv, env, -1);
}

int run_pipe(struct run *run, const char *const argv[])
{
    int ends[2], result;

    *run = (struct run){.name = argv[0], .err_fd = -1};
    if (pipe2(ends, O_CLOEXEC) < 0)
        return msg_errno(argv[0], "making a pipe");
    result = start(run, argv, NULL, ends[1]);
    close(ends[1]);
    if (result < 0)
        close(ends[0]);
    return result < 0 ? -1 : ends[0];
}

/* The last line that a program wrote on standard error; "" if none. */
static const char *last_words(int fd, char *text, size_t size)
{
    off_t end = lseek(fd, 0, SEEK_END);
    off_t start = end >= (off_t)size ? end - (off_t)size + 1 : 0;
    ssize_t n = pread(fd, text, size - 1, start);
    char *line;

    while (n > 0 && text[n - 1] == '\n')
        n--;
    text[n > 0 ? n : 0] = '\0';
    line = strrchr(text, '\n');
    return line ? line + 1 : text;
}

/* Waits for a child; its status as waitpid gives it. */
static int status_of(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}

/* Says why a program failed: in its own last words, or how it ended. */
static void report(const struct run *run, int status)
{
    char text[512];
    const char *words = last_words(run->err_fd, text, sizeof text);

    if (*words)
        msg_error("%s: failed: %s", run->name, words);
    else if (WIFSIGNALED(status))
        msg_error("%s: failed: ended by signal %d", run->name, WTERMSIG(status));
    else
        msg_error("%s: failed: exit status %d", run->name, WEXITSTATUS(status));
}

int run_wait(struct run *run)
{
    int status;

    if (!run->pid)
        return 0;
    status = status_of(run->pid);
    run->pid = 0;
    if (status != 0)
        report(run, status);
    close(run->err_fd);
    return status == 0 ? 0 : -1;
}

int run_reap(struct run *run, struct buf *words)
{
    char block[512];
    int status;
    ssize_t n;

    if (!run->pid)
        return 0;
    status = status_of(run->pid);
    run->pid = 0;
    for (off_t at = 0; (n = pread(run->err_fd, block, sizeof block, at)) > 0; at += n)
        buf_add(words, block, (size_t)n);
    close(run->err_fd);
    return status == 0 ? 0 : -1;
}

int run_output(const char *const argv[], struct buf *out)
{
    struct run run = {.name = argv[0]};
    char *path = find_program(argv[0]);
    char block[4096];
    int fd = memfd_create("stdout", MFD_CLOEXEC), status = -1;
    ssize_t n;

    run.err_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (path && fd >= 0 && run.err_fd >= 0 && spawn(&run, path, argv, NULL, fd) == 0)
        status = status_of(run.pid);
    for (off_t at = 0; status == 0 && (n = pread(fd, block, sizeof block, at)) > 0; at += n)
        buf_add(out, block, (size_t)n);
    if (fd >= 0)
        close(fd);
    if (run.err_fd >= 0)
        close(run.err_fd);
    free(path);
    return status == 0 ? 0 : -1;
}

int run_memfd(const char *name)
{
    int fd = memfd_create(name, 0);

    return fd < 0 ? msg_errno(name, "making a memory file") : fd;
}

struct run_path run_path(int fd)
{
    struct run_path path;

    snprintf(path.name, sizeof path.name, "/proc/self/fd/%d", fd);
    return path;
}
