/* handover: taking "FILE:/DEST:MODE" apart, and writing the archive. */
#include "boot/handover.h"

#include "base/msg.h"
#include "base/source.h"
#include "boot/added.h"
#include "boot/newc.h"

#include <stdlib.h>
#include <sys/stat.h>

#define FILE_MAX     (16 * MIB)
#define FOLDER_MODE  0755
#define DEFAULT_MODE 0644
#define MODE_MAX     07777

/* The mode behind the last ':', if there is one; end is where the rest of the text ends. */
static const char *split_mode(unsigned *mode, const char *text, size_t *end)
{
    const char *colon = strrchr(text, ':');
    size_t digits = colon ? strspn(colon + 1, "01234567") : 0;

    *mode = DEFAULT_MODE;
    *end = strlen(text);
    if (!colon || colon[1] == '/')
        return NULL;
    if (digits < 3 || digits > 4 || colon[1 + digits])
        return "does not end in a mode of three or four octal digits";
    *mode = (unsigned)strtoul(colon + 1, NULL, 8);
    *end = (size_t)(colon - text);
    return NULL;
}

/* A destination that ends in '/' is a folder, which takes the file under its own name. */
static char *dest_of(const char *file, const char *dest, size_t len)
{
    const char *slash = strrchr(file, '/');

    if (len && dest[len - 1] != '/')
        return xasprintf("%.*s", (int)len, dest);
    return xasprintf("%.*s%s", (int)len, dest, slash ? slash + 1 : file);
}

const char *handover_split(struct handover *handover, const char *text)
{
    const char *why, *at = NULL;
    size_t end;

    *handover = (struct handover){0};
    why = split_mode(&handover->mode, text, &end);
    if (why)
        return why;
    for (const char *p = text; (p = strstr(p, ":/")) && p < text + end; p++)
        at = p;
    if (!at || at == text)
        return "is not FILE:/DEST:MODE";
    handover->file = xasprintf("%.*s", (int)(at - text), text);
    handover->dest = dest_of(handover->file, at + 2, (size_t)(text + end - at - 2));
    if (strcmp(handover->dest, NEWC_TRAILER) == 0)
        return "has the name that ends an archive";
    return added_dest_check(handover->dest);
}

void handover_free(struct handover *handover)
{
    free(handover->file);
    free(handover->dest);
    *handover = (struct handover){0};
}

static int by_dest(const void *a, const void *b)
{
    return strcmp(((const struct handover *)a)->dest, ((const struct handover *)b)->dest);
}

/* Linux gives a folder that is there already the mode in the archive: so, that of such a folder. */
static unsigned folder_mode(const char *folder)
{
    const char *slash = strrchr(folder, '/'), *name = slash ? slash + 1 : folder;

    if (strcmp(folder, "tmp") == 0 || strcmp(folder, "var/tmp") == 0)
        return S_ISVTX | 0777;
    return strcmp(folder, "root") == 0 || strcmp(name, ".ssh") == 0 ? 0700 : FOLDER_MODE;
}

/* The folders of a path that the path before it does not have too. */
static void add_folders(struct buf *out, const char *dest, const char *before, unsigned *number,
                        time_t time)
{
    for (const char *slash = strchr(dest, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t len = (size_t)(slash - dest);
        char *folder;

        if (strncmp(dest, before, len + 1) == 0)
            continue;
        folder = xasprintf("%.*s", (int)len, dest);
        newc_member(out, folder,
                    &(struct newc){(*number)++, S_IFDIR | folder_mode(folder), time, 0, 0, 0});
        free(folder);
    }
}

static int add_file(struct buf *out, const struct handover *handover, unsigned number, time_t time)
{
    struct source source;
    struct content content;
    char *bytes;
    int result;

    if (source_open_any(&source, handover->file) < 0)
        return -1;
    content = source_content(&source);
    if (source.size > FILE_MAX) {
        result = msg_error("%s: handing over: larger than 16 MiB", handover->file);
    } else {
        bytes = xrealloc(NULL, source.size);
        result = content_read(&content, 0, bytes, source.size);
        newc_member(out, handover->dest,
                    &(struct newc){number, S_IFREG | handover->mode, time, source.size, 0, 0});
        buf_add(out, bytes, source.size);
        newc_pad(out, 4);
        free(bytes);
    }
    source_close(&source);
    return result;
}

/* Is a path there twice, or one of its folders as a file? */
static bool is_taken(const struct handover *list, size_t count, size_t i)
{
    const char *dest = list[i].dest;
    bool taken = i && strcmp(list[i - 1].dest, dest) == 0;

    for (const char *slash = strchr(dest, '/'); slash && !taken; slash = strchr(slash + 1, '/')) {
        struct handover folder = {.dest = xasprintf("%.*s", (int)(slash - dest), dest)};

        taken = bsearch(&folder, list, count, sizeof folder, by_dest);
        free(folder.dest);
    }
    return taken;
}

/* The members, sorted. */
static int add_members(struct buf *out, const struct handover *list, size_t count, time_t time)
{
    const char *before = "";
    unsigned number = 1;
    int result = 0;

    for (size_t i = 0; i < count && result == 0; i++) {
        const char *dest = list[i].dest;

        if (is_taken(list, count, i))
            return msg_error("%s: handing over: two files want the path /%s", list[i].file, dest);
        add_folders(out, dest, before, &number, time);
        result = add_file(out, &list[i], number++, time);
        before = dest;
    }
    newc_end(out);
    return result;
}

int handover_archive(struct buf *out, const struct strings *texts, time_t time)
{
    struct handover *list = xcalloc(texts->n, sizeof *list);
    int result = 0;

    for (size_t i = 0; i < texts->n; i++) {
        const char *why = handover_split(&list[i], texts->v[i]);

        if (why && result == 0)
            result = msg_error("%s: handing over: %s", texts->v[i], why);
    }
    if (result == 0) {
        qsort(list, texts->n, sizeof *list, by_dest);
        result = add_members(out, list, texts->n, time);
    }
    for (size_t i = 0; i < texts->n; i++)
        handover_free(&list[i]);
    free(list);
    return result;
}
