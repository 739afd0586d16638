/*
 * tree_commit: from staged files to a new generation, and back to the one before.
 *
 * Before the journal is written all is done that wants room: folders for new files, second names
 * for old files that are to be kept, a folder with the new generation's lists. (A folder that has
 * to grow for thousands of new names may still find none; the next run with room then ends it.)
 */
#include "media/tree_private.h"

#include "base/msg.h"
#include "boot/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const lists[] = {TREE_SUMS_NAME, TREE_MANIFEST_NAME};

static bool is_payload(const struct tree_file *file)
{
    return strncmp(file->path, TREE_PAYLOAD_FOLDER, strlen(TREE_PAYLOAD_FOLDER)) == 0;
}

/* Has a file this digest? Somebody may have changed it by hand. */
static bool is_as_made(int parent, const char *name, const char *digest)
{
    uint8_t is[DIGEST_LEN];

    return tree_digest_at(parent, name, is) && strcmp(digest_hex(is).text, digest) == 0;
}

/* Keeps what is in place under its digest, for generations that still have it. */
static int keep_old(struct tree *tree, const struct tree_file *old)
{
    struct digest_text digest = digest_hex(old->digest);
    char *kept = xasprintf("files/%s", digest.text);
    const char *name;
    struct stat st;
    int parent = tree_parent(tree, old->path, &name, false), result = 0;

    if (parent < 0)
        result = errno == ENOENT ? 0 : -1;
    else if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode)) {
        errno = ELOOP;
        result = tree_errno(tree, old->path, "replacing");
    } else if (faccessat(tree->private_fd, kept, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
               is_as_made(parent, name, digest.text) &&
               linkat(parent, name, tree->private_fd, kept, 0) < 0)
        result = tree_errno(tree, old->path, "keeping it for an older generation");
    free(kept);
    return result;
}

/* What is in place and will not be, for a new file takes its place or none does. */
static int keep_olds(struct tree *tree)
{
    int result = tree_make_private(tree, "files");

    for (size_t i = 0; i < tree->old.count && result == 0; i++) {
        const struct tree_file *old = &tree->old.files[i];
        const struct tree_file *new = tree_list_find(&tree->files, old->path);

        if (!is_payload(old) && (!new || new->staged))
            result = keep_old(tree, old);
    }
    return result;
}

static int make_folders(struct tree *tree, const struct tree_list *files)
{
    const char *name;
    struct stat top, st;

    if (fstat(tree->private_fd, &top) < 0)
        return tree_errno(tree, PLAN_NET_PRIVATE, "looking at it");
    for (size_t i = 0; i < files->count; i++) {
        int parent = files->files[i].staged ? tree_parent(tree, files->files[i].path, &name, true)
                                            : tree->fd;

        if (parent < 0)
            return -1;
        if (files->files[i].staged && (fstat(parent, &st) < 0 || st.st_dev != top.st_dev))
            return msg_error("%s/%s: writing: its folder is on another file system than the tree",
                             tree->name, files->files[i].path);
    }
    return 0;
}

/* A list as a file of its own: whoever edits the one that is served leaves the kept one alone. */
static int copy_list(struct tree *tree, int from, const char *name, int to, const char *copy_name)
{
    struct copy copy = {.name = tree->name, .meter = &tree->meter};
    struct region region = {.what = "list of files"};
    struct stat st;
    int fd = openat(from, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), result = -1;

    unlinkat(to, copy_name, 0);
    copy.fd = openat(to, copy_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 || copy.fd < 0 || fstat(fd, &st) < 0) {
        tree_errno(tree, copy_name, "keeping the list of files");
    } else {
        region.len = (uint64_t)st.st_size;
        region.content = content_file(tree->name, fd, region.len);
        result = region.len ? copy_to_file(&copy, &region) : 0;
    }
    copy_free(&copy);
    if (copy.fd >= 0)
        close(copy.fd);
    if (fd >= 0)
        close(fd);
    return result;
}

/* The lists of the new generation, still staged (of a draft, in place). */
static int keep_lists(struct tree *tree)
{
    struct tree_generation_name folder = tree_generation_name(tree->generation, TREE_NEW);
    int result = tree_make_private(tree, folder.text);

    for (size_t i = 0; i < ARRAY_LEN(lists) && result == 0; i++) {
        const struct tree_file *file = tree_list_find(&tree->files, lists[i]);
        char *kept = xasprintf("%s/%s", folder.text, lists[i]);
        char *number = xasprintf("%u", file->staged);

        result = copy_list(tree, tree->draft ? tree->fd : tree->stage_fd,
                           tree->draft ? lists[i] : number, tree->private_fd, kept);
        free(kept);
        free(number);
    }
    return result;
}

/* What was made for nothing. */
static void undo(struct tree *tree)
{
    tree_remove_generation(tree, tree->generation, TREE_NEW);
    for (size_t i = 0; i < tree->files.count; i++)
        if (tree->files.files[i].staged && !tree->draft)
            tree_remove_empty(tree, tree->files.files[i].path);
}

static void print_drops(struct buf *journal, const struct tree *tree,
                        const struct tree_list *target)
{
    for (size_t i = 0; i < tree->old.count; i++)
        if (!is_payload(&tree->old.files[i]) && !tree_list_find(target, tree->old.files[i].path))
            buf_printf(journal, "drop %s\n", tree->old.files[i].path);
}

/* What puts the staged files in place: payload first, the manifest last. */
static void print_journal(struct buf *journal, const struct tree *tree)
{
    for (enum tree_order order = TREE_PAYLOAD; order <= TREE_MANIFEST && !tree->draft; order++)
        for (size_t i = 0; i < tree->files.count; i++)
            if (tree->files.files[i].staged && tree->files.files[i].order == order)
                buf_printf(journal, "put %u %s\n", tree->files.files[i].staged,
                           tree->files.files[i].path);
    print_drops(journal, tree, &tree->files);
    buf_printf(journal, "generation %u\n", tree->generation);
}

/* A draft becomes the tree. An empty folder may have appeared meanwhile: it is replaced. */
static int publish(struct tree *tree)
{
    if (!tree->draft)
        return 0;
    if (rename(tree->draft, tree->name) < 0)
        return msg_errno(tree->name, "renaming the finished folder");
    free(tree->draft);
    tree->draft = NULL;
    return tree_sync(tree);
}

int tree_commit(struct tree *tree, unsigned keep)
{
    struct buf journal = {0};
    unsigned before = tree->generation;
    int result;

    tree->generation = tree_next_number(tree);
    tree_list_sort(&tree->files);
    print_journal(&journal, tree);
    if (make_folders(tree, &tree->files) < 0 || keep_olds(tree) < 0 || keep_lists(tree) < 0) {
        undo(tree);
        tree->generation = before;
        buf_free(&journal);
        return -1;
    }
    result = tree_begin(tree, &journal);
    buf_free(&journal);
    if (result < 0 && !tree_has_begun(tree)) {
        undo(tree);
        tree->generation = before;
    }
    if (result < 0 || publish(tree) < 0)
        return -1;
    tree_unstage(tree);
    return tree_collect(tree, keep);
}

/* Stages what is kept of an older generation, unless somebody has changed it. */
static int stage_kept(struct tree *tree, struct tree_file *file)
{
    struct digest_text digest = digest_hex(file->digest);
    char *kept = xasprintf("files/%s", digest.text), number[16];
    int result = 0;

    file->staged = ++tree->staged;
    snprintf(number, sizeof number, "%u", file->staged);
    if (!is_as_made(tree->private_fd, kept, digest.text))
        result = msg_error("%s: going back: %s of that generation was changed by hand, and is lost",
                           tree->name, file->path);
    else if (linkat(tree->private_fd, kept, tree->stage_fd, number, 0) < 0)
        result = tree_errno(tree, file->path, "going back to it");
    free(kept);
    return result;
}

static int stage_list(struct tree *tree, struct tree_file *file, unsigned generation)
{
    char *kept = xasprintf("%s/%s", tree_generation_name(generation, "").text, file->path);
    char number[16];
    int result;

    file->staged = ++tree->staged;
    snprintf(number, sizeof number, "%u", file->staged);
    result = copy_list(tree, tree->private_fd, kept, tree->stage_fd, number);
    free(kept);
    return result;
}

/* Payload is never kept elsewhere: what a generation names has to be in its place. */
static int check_payload(struct tree *tree, const struct tree_file *file)
{
    const char *name;
    struct stat st;
    int parent = tree_parent(tree, file->path, &name, false);

    if (parent < 0 && errno != ENOENT)
        return -1;
    if (parent >= 0 && fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
        return 0;
    return msg_error("%s: going back: %s of that generation is no longer there", tree->name,
                     file->path);
}

/* Stages what of a generation is not in place, and its lists, which no list names. */
static int stage_generation(struct tree *tree, struct tree_list *target, unsigned number)
{
    int result = 0;

    for (size_t i = 0; i < target->count && result == 0; i++) {
        struct tree_file *file = &target->files[i];
        const struct tree_file *old = tree_list_find(&tree->old, file->path);

        if (is_payload(file))
            result = check_payload(tree, file);
        else if (!old || memcmp(old->digest, file->digest, DIGEST_LEN) != 0)
            result = stage_kept(tree, file);
    }
    for (size_t i = 0; i < ARRAY_LEN(lists) && result == 0; i++)
        result = stage_list(tree, tree_list_add(target, xstrdup(lists[i])), number);
    return result;
}

static void print_way_back(struct buf *journal, const struct tree *tree, struct tree_list *target)
{
    for (enum tree_order order = TREE_PAYLOAD; order <= TREE_MANIFEST; order++)
        for (size_t i = 0; i < target->count; i++)
            if (target->files[i].staged && tree_order_of(target->files[i].path) == order)
                buf_printf(journal, "put %u %s\n", target->files[i].staged, target->files[i].path);
    tree_list_sort(target);
    print_drops(journal, tree, target);
    buf_printf(journal, "back %u\n", tree->generation);
}

static int go_back(struct tree *tree, struct tree_list *target, unsigned number)
{
    struct buf journal = {0};
    int result = tree_open_stage(tree);

    if (result == 0)
        result = stage_generation(tree, target, number);
    if (result == 0)
        result = make_folders(tree, target);
    if (result == 0) {
        print_way_back(&journal, tree, target);
        result = tree_begin(tree, &journal);
    }
    buf_free(&journal);
    return result;
}

int tree_rollback(struct tree *tree)
{
    unsigned number = tree_newest_before(tree, tree->generation);
    struct tree_list target = {0};
    int result;

    if (tree->went_back)
        return 0;
    if (!number)
        return msg_error("%s: going back: there is no generation before this one", tree->name);
    result = tree_read_generation(tree, &target, number, "");
    if (result == 0 && !tree->dry_run)
        result = go_back(tree, &target, number);
    if (result == 0)
        tree->generation = number;
    tree_list_free(&target);
    return result;
}
