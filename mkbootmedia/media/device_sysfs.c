/* device_sysfs: one value a file. */
#include "media/device_private.h"

#include "base/util.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define TEXT_MAX 4096 /* bytes, a page: sysfs has no longer values */

static char *vtext(const char *format, va_list ap)
{
    char *path = xvasprintf(format, ap), text[TEXT_MAX + 1], *begin = text;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text, TEXT_MAX);

    free(path);
    if (fd >= 0)
        close(fd);
    if (len <= 0)
        return NULL;
    text[len] = '\0';
    begin[strcspn(begin, "\n")] = '\0';
    begin += strspn(begin, " \t");
    for (char *end = begin + strlen(begin); end > begin && strchr(" \t", end[-1]);)
        *--end = '\0';
    return *begin ? xstrdup(begin) : NULL;
}

char *sysfs_text(const char *format, ...)
{
    va_list ap;
    char *text;

    va_start(ap, format);
    text = vtext(format, ap);
    va_end(ap);
    return text;
}

uint64_t sysfs_number(const char *format, ...)
{
    va_list ap;
    char *text;
    uint64_t number;

    va_start(ap, format);
    text = vtext(format, ap);
    va_end(ap);
    number = text ? strtoull(text, NULL, 10) : 0;
    free(text);
    return number;
}

dev_t sysfs_dev(const char *format, ...)
{
    unsigned high = 0, low = 0;
    va_list ap;
    char *text;
    int fields;

    va_start(ap, format);
    text = vtext(format, ap);
    va_end(ap);
    fields = text ? sscanf(text, "%u:%u", &high, &low) : 0;
    free(text);
    return fields == 2 ? makedev(high, low) : 0;
}

bool sysfs_exists(const char *format, ...)
{
    va_list ap;
    char *path;
    bool there;

    va_start(ap, format);
    path = xvasprintf(format, ap);
    va_end(ap);
    there = access(path, F_OK) == 0;
    free(path);
    return there;
}

static int no_dots(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

struct strings sysfs_names(const char *format, ...)
{
    struct strings names = {0};
    struct dirent **entries = NULL;
    va_list ap;
    char *path;
    int n;

    va_start(ap, format);
    path = xvasprintf(format, ap);
    va_end(ap);
    n = scandir(path, &entries, no_dots, versionsort);
    for (int i = 0; i < n; i++) {
        strings_add(&names, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    free(path);
    return names;
}
