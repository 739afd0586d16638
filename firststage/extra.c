/* extra: reads the file first, then works within the folder as its root. */
#include "extra.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Takes the \ooo out of a path, in place. */
static void unescape(char *path)
{
    char *to = path;

    for (const char *from = path; *from; to++) {
        unsigned byte;

        if (*from == '\\' && sscanf(from + 1, "%3o", &byte) == 1) {
            *to = (char)byte;
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

static int make_socket(char *words, struct trouble *why)
{
    unsigned mode, uid, gid;
    long long mtime;
    int at = 0;
    char *path;
    struct timespec times[2];

    if (sscanf(words, "%o %u %u %lld %n", &mode, &uid, &gid, &mtime, &at) != 4 || !at)
        return trouble(why, "a line of the extra files is damaged");
    path = words + at;
    unescape(path);
    unlink(path); /* a file whose place the socket takes */
    times[0] = times[1] = (struct timespec){.tv_sec = (time_t)mtime};
    if (mknod(path, S_IFSOCK | (mode & 07777), 0) < 0 || lchown(path, uid, gid) < 0 ||
        chmod(path, mode & 07777) < 0 || utimensat(AT_FDCWD, path, times, 0) < 0)
        return trouble_errno(why, path, "making the socket");
    return 0;
}

/* Hexadecimal digits become bytes, in place; how many there are, -1 if they are none. */
static ssize_t decode(char *hex)
{
    size_t len = strlen(hex);

    if (strcmp(hex, "-") == 0)
        return 0;
    if (len % 2)
        return -1;
    for (size_t i = 0; i < len / 2; i++) {
        unsigned byte;

        if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
            return -1;
        hex[i] = (char)byte;
    }
    return (ssize_t)(len / 2);
}

/* A file below an overlay takes no ACL before it has been copied up: its own time does that. */
static int copy_up(const char *path)
{
    struct stat st;
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}};

    if (lstat(path, &st) < 0)
        return -1;
    times[1] = st.st_mtim;
    return utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}

static int set_xattr(char *words, struct trouble *why)
{
    char *name = strtok_r(words, " ", &words), *hex = strtok_r(NULL, " ", &words);
    ssize_t len = hex ? decode(hex) : -1;

    if (len < 0 || !words || !*words)
        return trouble(why, "a line of the extra files is damaged");
    unescape(words);
    if (copy_up(words) < 0 || lsetxattr(words, name, hex, (size_t)len, 0) < 0)
        return trouble_errno(why, words, "setting an attribute");
    return 0;
}

static int take_line(char *line, struct trouble *why)
{
    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "socket ", 7) == 0)
        return make_socket(line + 7, why);
    if (strncmp(line, "xattr ", 6) == 0)
        return set_xattr(line + 6, why);
    return trouble(why, "a line of the extra files is not known");
}

int extra(const char *file, const char *folder, struct trouble *why)
{
    FILE *lines = fopen(file, "r");
    char *line = NULL;
    size_t room = 0;
    int code = 0;

    if (!lines)
        return trouble_errno(why, file, "reading");
    if (chroot(folder) < 0 || chdir("/") < 0)
        code = trouble_errno(why, folder, "entering");
    umask(0);
    while (code == 0 && getline(&line, &room, lines) > 0)
        code = take_line(line, why);
    free(line);
    fclose(lines);
    return code;
}
