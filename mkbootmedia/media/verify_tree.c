/*
 * verify_tree: the files of a boot root; and the outputs of a run that made several, of which a
 * boot root is compared with its own manifest, too.
 */
#include "media/tree_private.h"
#include "media/verify_private.h"

#include "base/msg.h"
#include "boot/plan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 64
#define ADDED_MAX 100 /* files that are named at most */
#define FOLDER    (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* A folder that is compared with its manifest. */
struct walk {
    struct verify_report *report;
    const struct verify_options *options;
    const struct manifest_doc *doc;
    int fd;
    const char *path;      /* of the folder, for messages */
    const char *within;    /* "", or of which output it is, with '/': before names in the report */
    uint64_t *total;       /* bytes that are to be read, as far as it is known */
    struct tree_list kept; /* files of older generations, which stay where they are */
};

static void fault(const struct walk *walk, const char *path, const char *why)
{
    char *name = xasprintf("%s%s", walk->within, path);

    verify_fault(walk->report, name, why);
    free(name);
}

/*
 * Opens the folder that a path is in, and no symbolic link on the way: what it leads to is not of
 * the tree. *name becomes the path's last part. -1: errno says why.
 */
static int open_folder(const struct walk *walk, const char *path, const char **name)
{
    int fd = openat(walk->fd, ".", FOLDER);

    for (const char *slash; fd >= 0 && (slash = strchr(path, '/')); path = slash + 1) {
        char *part = xasprintf("%.*s", (int)(slash - path), path);
        int next = openat(fd, part, FOLDER | O_NOFOLLOW), failed = errno;

        free(part);
        close(fd);
        errno = failed;
        fd = next;
    }
    *name = path;
    return fd;
}

static const char *why_not_open(void)
{
    return errno == ENOENT                      ? "is missing"
           : errno == ELOOP || errno == ENOTDIR ? "is not in a folder of the tree"
                                                : NULL;
}

/* 1: it is a regular file, and open; 0: it is none, which is told; -1, reported. */
static int open_file(const struct walk *walk, const char *path, struct source *source)
{
    char *full = xasprintf("%s/%s", walk->path, path);
    const char *name, *why = NULL;
    int folder = open_folder(walk, path, &name), fd = -1, result = -1;
    struct stat st;

    if (folder < 0 || fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        why = why_not_open();
    else if (!S_ISREG(st.st_mode))
        why = "is not a regular file";
    else
        fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (why) {
        fault(walk, path, why);
        result = 0;
    } else if (fd < 0) {
        msg_errno(full, "opening");
    } else {
        result = source_take(source, full, fd, 0, (uint64_t)st.st_size) < 0 ? -1 : 1;
    }
    if (folder >= 0)
        close(folder);
    free(full);
    return result;
}

static void progress(const struct walk *walk, uint64_t len)
{
    walk->report->bytes += len;
    if (walk->options->progress)
        walk->options->progress(walk->options->progress_arg, walk->report->bytes, *walk->total);
}

/* -1, reported, only if a file that is there cannot be read. */
static int compare(const struct walk *walk, const char *path, const struct manifest_piece *piece,
                   const struct source *source)
{
    struct content content = source_content(source);
    uint8_t sum[DIGEST_LEN];
    int result = 0;

    walk->report->files++;
    if (content.len != piece->len) {
        fault(walk, path, "has another size");
        return 0;
    }
    result = digest_content(&content, 0, sum);
    if (result == 0 && memcmp(sum, piece->digest, sizeof sum) != 0)
        fault(walk, path, "differs");
    progress(walk, content.len);
    return result;
}

static int compare_file(const struct walk *walk, const struct manifest_piece *piece)
{
    struct source source;
    int result = open_file(walk, piece->path, &source);

    if (result != 1)
        return result;
    result = compare(walk, piece->path, piece, &source);
    source_close(&source);
    return result;
}

/* Adds the files of one generation. */
static int read_generation(struct walk *walk, int fd, const char *name)
{
    char *path = xasprintf("%s/" TREE_SUMS_NAME, name);
    struct tree_list list;
    int result = tree_list_read(&list, fd, path, walk->path);

    for (size_t i = 0; result == 1 && i < list.count; i++)
        tree_list_add(&walk->kept, xstrdup(list.files[i].path));
    if (result == 1)
        tree_list_free(&list);
    free(path);
    return result < 0 ? -1 : 0;
}

static int read_kept(struct walk *walk)
{
    const char *name;
    int fd = open_folder(walk, PLAN_NET_PRIVATE "/generations/", &name), result = 0;
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (!dir && fd >= 0)
        close(fd);
    while (dir && result == 0 && (entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            result = read_generation(walk, dirfd(dir), entry->d_name);
    if (dir)
        closedir(dir);
    tree_list_sort(&walk->kept);
    return result;
}

static bool is_ours(const struct walk *walk, const char *path)
{
    return strcmp(path, TREE_MANIFEST_NAME) == 0 || strcmp(path, ".mkbootmedia") == 0 ||
           manifest_piece(walk->doc, path) || tree_list_find(&walk->kept, path);
}

/* Files that nobody of us has made: they may be there. */
static void find_added(const struct walk *walk, int fd, const char *within, int depth)
{
    struct strings *remarks = &walk->report->remarks;
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (!dir && fd >= 0)
        close(fd);
    while (dir && (entry = readdir(dir)) && remarks->n < ADDED_MAX) {
        char *name = xasprintf("%s%s%s", within, *within ? "/" : "", entry->d_name);
        struct stat st = {0};

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            is_ours(walk, name) || fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            st.st_mode = 0;
        if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
            find_added(walk, openat(dirfd(dir), entry->d_name, FOLDER | O_NOFOLLOW), name,
                       depth + 1);
        else if (st.st_mode)
            strings_printf(remarks, "%s%s: was added", walk->within, name);
        free(name);
    }
    if (dir)
        closedir(dir);
}

static int compare_all(struct walk *walk);

/* A boot root of several outputs, whose manifest is open. */
static int compare_root(const struct walk *walk, const struct manifest_piece *piece,
                        const char *path, const struct source *source)
{
    struct content content = source_content(source);
    struct manifest_doc doc;
    struct walk root = *walk;
    char *folder = xasprintf("%s/%s", walk->path, piece->path),
         *within = xasprintf("%s%s/", walk->within, piece->path);
    const char *why;
    int result = manifest_load(&doc, source->path, &content, &why);

    if (result == 0) {
        fault(walk, path, why);
    } else if (result == 1 && (doc.size || strcmp(doc.medium, "net") != 0)) {
        fault(walk, path, "is not of a boot root");
        result = 0;
    } else if (result == 1) {
        root.doc = &doc;
        root.path = folder;
        root.within = within;
        result = compare_all(&root);
    }
    manifest_doc_free(&doc);
    free(folder);
    free(within);
    return result;
}

/* The digest of its manifest, and then all that this names. */
static int compare_output(const struct walk *walk, const struct manifest_piece *piece)
{
    char *path = xasprintf("%s/manifest.json", piece->path);
    struct source source;
    int result = open_file(walk, path, &source);

    if (result == 1) {
        result = compare(walk, path, piece, &source);
        if (result == 0)
            result = compare_root(walk, piece, path, &source);
        source_close(&source);
    }
    free(path);
    return result;
}

static int compare_all(struct walk *walk)
{
    const struct manifest_doc *doc = walk->doc;
    int result = 0;

    walk->fd = open(walk->path, FOLDER);
    if (walk->fd < 0)
        return msg_errno(walk->path, "opening the folder");
    for (size_t i = 0; i < doc->path_count; i++)
        *walk->total += doc->by_path[i]->len;
    for (size_t i = 0; i < doc->path_count && result == 0; i++)
        result = doc->by_path[i]->kind == MANIFEST_TREE ? compare_output(walk, doc->by_path[i])
                                                        : compare_file(walk, doc->by_path[i]);
    if (result == 0)
        result = read_kept(walk);
    if (result == 0)
        find_added(walk, openat(walk->fd, ".", FOLDER), "", 0);
    tree_list_free(&walk->kept);
    close(walk->fd);
    return result;
}

int verify_tree(struct verify_report *report, const char *path,
                const struct verify_options *options)
{
    uint64_t total = 0;
    struct walk walk = {.report = report,
                        .options = options,
                        .doc = &report->manifest,
                        .path = path,
                        .within = "",
                        .total = &total};

    if (report->manifest.size)
        return msg_error("%s: verifying: the manifest %s is of an image", path,
                         report->manifest.name);
    if (options->signature)
        return msg_error("%s: verifying: only manifests of images are signed", path);
    return compare_all(&walk);
}
