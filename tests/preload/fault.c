/*
 * fault: a library that is loaded before the C library (LD_PRELOAD) and makes a device or file,
 * FAULT_PATH ("/dev/loop*": all that begin so), misbehave as FAULT says:
 *
 *   eio:N:COUNT    the N-th write to it and those after it fail, COUNT of them
 *   enospc:N       the N-th write and all after it find no room
 *   gone:N         from the N-th write on there is no device
 *   short:1        each write takes half of what it gets, in sectors
 *   eintr:N        each N-th write is interrupted before it writes
 *   lose:OFFSET    a write that covers this byte is acknowledged, and not done
 *   flip:OFFSET:COUNT  the first COUNT reads that cover this byte have a wrong bit in it
 *   readfail:OFFSET:COUNT  the first COUNT reads that cover this byte fail
 *   kill:N         the process is killed at the N-th write
 *   fakezero:1     zeros that it is asked to make (fallocate) are acknowledged, and not made
 *   slow:N         a write takes as long as a disk of N MB/s does, which shares nothing with others
 *   tear:N:BYTES   the N-th write takes only so many bytes, then the process is killed
 *   count:1        how many writes there were goes to FAULT_COUNT, a file, at the end
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long long writes, hits;

/* Is it the one? */
static int is_faulty(int fd)
{
    const char *path = getenv("FAULT_PATH");
    char name[64], target[PATH_MAX];
    ssize_t len;

    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    len = readlink(name, target, sizeof target - 1);
    if (!path || len <= 0)
        return 0;
    target[len] = '\0';
    len = (ssize_t)strlen(path);
    return path[len - 1] == '*' ? strncmp(path, target, (size_t)len - 1) == 0
                                : strcmp(path, target) == 0;
}

/* The numbers behind a word: "eio:3:1". */
static int fault(const char *word, long long *first, long long *second)
{
    const char *text = getenv("FAULT");
    size_t len = strlen(word);

    *second = LLONG_MAX;
    return text && strncmp(text, word, len) == 0 && text[len] == ':' &&
           sscanf(text + len, ":%lld:%lld", first, second) >= 1;
}

static int covers(off_t offset, size_t len, long long byte)
{
    return byte >= offset && byte < offset + (long long)len;
}

static int fail(int cause)
{
    errno = cause;
    return -1;
}

static void __attribute__((destructor)) tell_count(void)
{
    const char *path = getenv("FAULT_COUNT");
    long long unused, more;
    FILE *file = path && fault("count", &unused, &more) ? fopen(path, "w") : NULL;

    if (!file)
        return;
    fprintf(file, "%lld\n", writes);
    fclose(file);
}

/* 1: *result is what the write returns; 0: it is done, with *len bytes. */
static int before_write(size_t *len, off_t offset, ssize_t *result)
{
    long long n, count, number;

    pthread_mutex_lock(&lock);
    number = ++writes;
    pthread_mutex_unlock(&lock);
    *result = -1;
    if (fault("kill", &n, &count) && number == n)
        kill(getpid(), SIGKILL);
    if (fault("eio", &n, &count) && number >= n && number - n < count)
        return fail(EIO), 1;
    if (fault("enospc", &n, &count) && number >= n)
        return fail(ENOSPC), 1;
    if (fault("gone", &n, &count) && number >= n)
        return fail(ENODEV), 1;
    if (fault("eintr", &n, &count) && number % n == 0)
        return fail(EINTR), 1;
    if (fault("lose", &n, &count) && covers(offset, *len, n)) {
        *result = (ssize_t)*len;
        return 1;
    }
    if (fault("short", &n, &count) && *len > 512)
        *len = *len / 2 / 512 * 512;
    return 0;
}

/* What was read, or would have been. */
static ssize_t after_read(char *data, ssize_t got, off_t offset)
{
    long long byte, count;

    if (got > 0 && fault("flip", &byte, &count) && covers(offset, (size_t)got, byte) &&
        hits++ < count)
        data[byte - offset] ^= 4;
    if (got > 0 && fault("readfail", &byte, &count) && covers(offset, (size_t)got, byte) &&
        hits++ < count)
        return fail(EIO);
    return got;
}

/* Waits for what a disk of so many MB/s still has to do with len bytes since begun. */
static void be_slow(const struct timespec *begun, ssize_t len)
{
    long long rate, unused;
    struct timespec until = *begun;

    if (len <= 0 || !fault("slow", &rate, &unused))
        return;
    until.tv_nsec += len * 1000 / rate; /* bytes at N MB/s: N bytes a microsecond */
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

typedef ssize_t write_fn(int fd, const void *data, size_t len, off_t offset);
typedef ssize_t read_fn(int fd, void *data, size_t len, off_t offset);

ssize_t pwrite64(int fd, const void *data, size_t len, off_t offset);
ssize_t pwrite64(int fd, const void *data, size_t len, off_t offset)
{
    write_fn *next = (write_fn *)dlsym(RTLD_NEXT, "pwrite64");
    struct timespec begun;
    ssize_t result;
    long long n, bytes;

    if (!is_faulty(fd))
        return next(fd, data, len, offset);
    clock_gettime(CLOCK_MONOTONIC, &begun);
    if (before_write(&len, offset, &result))
        return result;
    if (fault("tear", &n, &bytes) && writes == n) {
        next(fd, data, (size_t)bytes, offset);
        kill(getpid(), SIGKILL);
    }
    result = next(fd, data, len, offset);
    be_slow(&begun, result);
    return result;
}

ssize_t pread64(int fd, void *data, size_t len, off_t offset);
ssize_t pread64(int fd, void *data, size_t len, off_t offset)
{
    read_fn *next = (read_fn *)dlsym(RTLD_NEXT, "pread64");
    ssize_t got = next(fd, data, len, offset);

    return is_faulty(fd) ? after_read(data, got, offset) : got;
}

typedef int allocate_fn(int fd, int mode, off_t offset, off_t len);

int fallocate64(int fd, int mode, off_t offset, off_t len);
int fallocate64(int fd, int mode, off_t offset, off_t len)
{
    allocate_fn *next = (allocate_fn *)dlsym(RTLD_NEXT, "fallocate64");
    long long n, count;

    if (is_faulty(fd) && fault("fakezero", &n, &count))
        return 0;
    return next(fd, mode, offset, len);
}
