/* verify_tree: the files of a boot root, and those of a run that made several outputs. */
#include "media/verify_private.h"

#include "base/msg.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 64
#define ADDED_MAX 100 /* files that are named at most */

static int digest_file(struct verify_report *report, const struct verify_options *options,
                       const char *path, uint64_t size, uint8_t sum[DIGEST_LEN])
{
    struct source source;
    struct content content;
    int result;

    if (source_open_any(&source, path) < 0)
        return -1;
    content = source_content(&source);
    result = digest_content(&content, 0, sum);
    report->bytes += content.len;
    if (options->progress)
        options->progress(options->progress_arg, report->bytes, size);
    source_close(&source);
    return result;
}

/* -1, reported, only if a file that is there cannot be read. */
static int compare(struct verify_report *report, const struct verify_options *options,
                   const char *folder, const struct manifest_piece *piece, uint64_t total)
{
    char *path = xasprintf("%s/%s", folder, piece->path);
    uint8_t sum[DIGEST_LEN];
    struct stat st;
    int result = 0;

    report->files++;
    if (lstat(path, &st) < 0 && errno == ENOENT)
        verify_fault(report, piece->path, "is missing");
    else if (!S_ISREG(st.st_mode))
        verify_fault(report, piece->path, "is not a regular file");
    else if ((uint64_t)st.st_size != piece->len)
        verify_fault(report, piece->path, "has another size");
    else if ((result = digest_file(report, options, path, total, sum)) == 0 &&
             memcmp(sum, piece->digest, sizeof sum) != 0)
        verify_fault(report, piece->path, "differs");
    free(path);
    return result;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct manifest_piece *)a)->path,
                  ((const struct manifest_piece *)b)->path);
}

static bool is_named(const struct manifest_doc *doc, const char *path)
{
    struct manifest_piece key = {.path = (char *)path};

    return bsearch(&key, doc->pieces, doc->count, sizeof key, by_path) ||
           strcmp(path, "manifest.json") == 0 || strcmp(path, "SHA256SUMS") == 0 ||
           strcmp(path, ".mkbootmedia") == 0;
}

/* Files that nobody of us has made: they may be there. */
static void find_added(struct verify_report *report, const char *folder, const char *within,
                       int depth)
{
    char *path = xasprintf("%s/%s", folder, within);
    DIR *dir = opendir(path);
    const struct dirent *entry;

    while (dir && (entry = readdir(dir)) && report->remarks.n < ADDED_MAX) {
        char *name = xasprintf("%s%s%s", within, *within ? "/" : "", entry->d_name);
        struct stat st = {0};

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            is_named(&report->manifest, name) ||
            fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            st.st_mode = 0;
        if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
            find_added(report, folder, name, depth + 1);
        else if (st.st_mode)
            strings_printf(&report->remarks, "%s: was added", name);
        free(name);
    }
    if (dir)
        closedir(dir);
    free(path);
}

int verify_tree(struct verify_report *report, const char *path,
                const struct verify_options *options)
{
    struct manifest_doc *doc = &report->manifest;
    uint64_t total = 0;

    if (doc->size)
        return msg_error("%s: verifying: the manifest %s is of an image", path, doc->name);
    if (options->signature)
        return msg_error("%s: verifying: only manifests of images are signed", path);
    for (size_t i = 0; i < doc->count; i++)
        total += doc->pieces[i].len;
    if (doc->count)
        qsort(doc->pieces, doc->count, sizeof *doc->pieces, by_path);
    for (size_t i = 0; i < doc->count; i++)
        if (compare(report, options, path, &doc->pieces[i], total) < 0)
            return -1;
    find_added(report, path, "", 0);
    return 0;
}
