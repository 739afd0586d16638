/* host_folder: openat and fstatat, with the rules of servers. */
#include "image/host_folder.h"

#include "base/util.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* "/a//b/./c" becomes "a/b/c", malloc'ed; NULL if a part is "..". */
static char *clean_path(const char *path)
{
    struct buf clean = {0};

    buf_puts(&clean, "");
    for (path += strspn(path, "/"); *path; path += strspn(path, "/")) {
        size_t len = strcspn(path, "/");

        if (len == 2 && strncmp(path, "..", 2) == 0) {
            buf_free(&clean);
            return NULL;
        }
        if (len > 1 || *path != '.') {
            if (clean.len)
                buf_puts(&clean, "/");
            buf_add(&clean, path, len);
        }
        path += len;
    }
    return clean.data;
}

/* What is at a clean path; takes it over. */
static bool look(struct host_folder *host, char *path, struct entry *entry)
{
    const char *slash = strrchr(path, '/');
    struct stat st;

    if (fstatat(host->fd, *path ? path : ".", &st, 0) < 0 ||
        (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) {
        free(path);
        return false;
    }
    *entry = (struct entry){.name = xstrdup(slash ? slash + 1 : path),
                            .folder = S_ISDIR(st.st_mode),
                            .start = host->paths.n,
                            .len = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0};
    strings_add(&host->paths, path);
    free(path);
    return true;
}

int host_folder_find(struct host_folder *host, const char *path, struct entry *entry)
{
    char *clean = clean_path(path);

    *entry = (struct entry){0};
    return clean && *clean ? look(host, clean, entry) : (free(clean), 0);
}

void host_folder_list(struct host_folder *host, const struct entry *folder, struct folder *out)
{
    char *path = xstrdup(folder ? host->paths.v[folder->start] : "");
    int fd = openat(host->fd, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *one;
    struct entry entry;

    while (dir && out->count < FOLDER_MAX && (one = readdir(dir))) {
        if (strcmp(one->d_name, ".") == 0 || strcmp(one->d_name, "..") == 0)
            continue;
        if (look(host, xasprintf("%s%s%s", path, *path ? "/" : "", one->d_name), &entry))
            folder_add(out, entry);
    }
    if (dir)
        closedir(dir);
    else if (fd >= 0)
        close(fd);
    free(path);
}

bool host_folder_identity(const struct host_folder *host, const struct entry *folder, dev_t *dev,
                          ino_t *ino)
{
    struct stat st;

    if (fstatat(host->fd, folder ? host->paths.v[folder->start] : ".", &st, 0) < 0)
        return false;
    *dev = st.st_dev;
    *ino = st.st_ino;
    return true;
}

/* O_NONBLOCK: a pipe that took the file's place must not hold us up. */
int host_folder_open(const struct host_folder *host, const struct entry *entry, int *fd)
{
    struct stat st;

    *fd =
        openat(host->fd, host->paths.v[entry->start], O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (*fd >= 0 &&
        (fstat(*fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size < entry->len)) {
        close(*fd);
        *fd = -1;
    }
    return *fd >= 0;
}
