/* added: --add FILE:DEST, one file or a whole folder. */
#include "boot/added.h"

#include "base/msg.h"
#include "base/util.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#define DEPTH_MAX 64 /* folders in folders: ends a loop of symbolic links */

static int add_tree(struct payload *payload, const char *path, const char *dest, int depth);

static int add_file(struct payload *payload, const char *path, const char *dest)
{
    struct source file;

    if (source_open_any(&file, path) < 0)
        return -1;
    payload_add(payload, dest, &file);
    return 0;
}

static int not_dots(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_folder(struct payload *payload, const char *path, const char *dest, int depth)
{
    struct dirent **names;
    int n = scandir(path, &names, not_dots, by_bytes), result = 0;

    if (n < 0)
        return msg_errno(path, "reading the folder");
    for (int i = 0; i < n; i++) {
        char *from = xasprintf("%s/%s", path, names[i]->d_name);
        char *to = xasprintf("%s/%s", dest, names[i]->d_name);

        if (result == 0)
            result = add_tree(payload, from, to, depth + 1);
        free(from);
        free(to);
        free(names[i]);
    }
    free(names);
    return result;
}

static int add_tree(struct payload *payload, const char *path, const char *dest, int depth)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return msg_errno(path, "opening");
    if (!S_ISDIR(st.st_mode))
        return add_file(payload, path, dest);
    if (depth == DEPTH_MAX)
        return msg_error("%s: reading the folder: deeper than %d folders", path, DEPTH_MAX);
    return add_folder(payload, path, dest, depth);
}

const char *added_dest_check(const char *dest)
{
    if (has_control(dest))
        return "holds a control character";
    for (const char *part = dest; *part;) {
        size_t len = strcspn(part, "/");

        if (len == 0 || (len <= 2 && strspn(part, ".") == len))
            return "has an empty, '.' or '..' part";
        part += len + (part[len] == '/');
    }
    return !*dest ? "is empty" : utf8_valid(dest) ? NULL : "is not valid UTF-8";
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Splits "FILE:/DEST" at the last ":/"; without one the file keeps its name, in the root. */
static void split(const char *text, char **file, char **dest)
{
    const char *at = NULL;

    for (const char *p = text; (p = strstr(p, ":/")); p++)
        at = p;
    *file = at ? xasprintf("%.*s", (int)(at - text), text) : xstrdup(text);
    while (strlen(*file) > 1 && (*file)[strlen(*file) - 1] == '/')
        (*file)[strlen(*file) - 1] = '\0';
    at = at ? at + 1 + strspn(at + 1, "/") : "";
    if (!*at || at[strlen(at) - 1] == '/')
        *dest = xasprintf("%s%s", at, base_name(*file));
    else
        *dest = xstrdup(at);
}

int added_open(struct payload *payload, const struct strings *added)
{
    int result = 0;

    for (size_t i = 0; i < added->n && result == 0; i++) {
        char *file, *dest;
        const char *why;

        split(added->v[i], &file, &dest);
        why = added_dest_check(dest);
        if (why)
            result = msg_error("%s: adding to the medium: the path '%s' %s", file, dest, why);
        else
            result = add_tree(payload, file, dest, 0);
        free(file);
        free(dest);
    }
    return result;
}
