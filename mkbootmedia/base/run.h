/*
 * run: other programs, always as an argv array, never through a shell.
 *
 * A program is looked up in PATH, then in /usr/sbin and /sbin (where mkfs.fat is, and where the
 * PATH of an ordinary user does not look). It runs with LC_ALL=C and TZ=UTC, standard input and
 * output on /dev/null; what it says on standard error is kept and, if it fails, its last line
 * becomes the reason. Files travel as memfds that the child inherits: see run_path.
 */
#ifndef BASE_RUN_H
#define BASE_RUN_H

#include "base/util.h"

#include <sys/types.h>

struct run {
    pid_t pid;        /* 0: nothing runs */
    const char *name; /* argv[0] */
    int err_fd;       /* memfd that takes its standard error */
};

/* Starts argv[0]; -1, reported, when it is not installed (the message names its package). */
int run_start(struct run *run, const char *const argv[]);
/* As run_start; env ("NAME=VALUE", NULL ends it) goes before this process's environment. */
int run_start_env(struct run *run, const char *const argv[], const char *const env[]);
/* Waits for it; -1, reported with its last words, unless it exited with 0. */
int run_wait(struct run *run);
/* As run_start; its standard output comes out of the descriptor that is returned. */
int run_pipe(struct run *run, const char *const argv[]);
/* As run_wait, but whoever calls it reports: what the program said is added to words. */
int run_reap(struct run *run, struct buf *words);
/* Runs a program and keeps its standard output; -1 without a word if it cannot or fails. */
int run_output(const char *const argv[], struct buf *out);

/* An anonymous file that children inherit; -1, reported. */
int run_memfd(const char *name);
/* The name under which this process and a child reach an open descriptor. */
struct run_path {
    char name[32];
};
struct run_path run_path(int fd);

#endif
