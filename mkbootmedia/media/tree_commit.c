/* tree_commit: from staged files to a new generation, and back to the one before. */
#include "media/tree_private.h"

#include "base/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void print_put(struct buf *journal, const struct tree *tree, const struct tree_file *file)
{
    const struct tree_file *old = tree_list_find(&tree->old, file->path);
    bool keep = old && file->order != TREE_PAYLOAD;

    buf_printf(journal, "put %u %s %s\n", file->staged, keep ? digest_hex(old->digest).text : "-",
               file->path);
}

/* What puts the staged files in place: payload first, the manifest last. */
static void print_journal(struct buf *journal, const struct tree *tree)
{
    for (enum tree_order order = TREE_PAYLOAD; order <= TREE_MANIFEST && !tree->draft; order++)
        for (size_t i = 0; i < tree->files.count; i++)
            if (tree->files.files[i].staged && tree->files.files[i].order == order)
                print_put(journal, tree, &tree->files.files[i]);
    for (size_t i = 0; i < tree->old.count; i++) {
        const struct tree_file *old = &tree->old.files[i];

        if (strncmp(old->path, TREE_PAYLOAD_FOLDER, strlen(TREE_PAYLOAD_FOLDER)) != 0 &&
            !tree_list_find(&tree->files, old->path))
            buf_printf(journal, "drop %s %s\n", digest_hex(old->digest).text, old->path);
    }
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
    int result;

    tree->generation = tree_next_number(tree);
    tree_list_sort(&tree->files);
    print_journal(&journal, tree);
    buf_printf(&journal, "generation %u\n", tree->generation);
    result = tree_begin(tree, &journal);
    buf_free(&journal);
    if (result == 0 && publish(tree) == 0) {
        tree_unstage(tree);
        return tree_collect(tree, keep);
    }
    return -1;
}

/* Stages a file that is kept, by its digest or, of payload, in its place. */
static int stage_kept(struct tree *tree, struct buf *journal, const struct tree_file *file,
                      const char *kept)
{
    const struct tree_file *old = tree_list_find(&tree->old, file->path);
    char number[16];

    snprintf(number, sizeof number, "%u", ++tree->staged);
    if (linkat(tree->private_fd, kept, tree->stage_fd, number, 0) < 0 && errno == ENOENT)
        return msg_error(
            "%s: going back: %s of that generation was changed by hand since, and is lost",
            tree->name, file->path);
    if (faccessat(tree->stage_fd, number, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return tree_errno(tree, kept, "going back to it");
    buf_printf(journal, "put %s %s %s\n", number, old ? digest_hex(old->digest).text : "-",
               file->path);
    return 0;
}

static int stage_generation(struct tree *tree, struct buf *journal, const struct tree_list *target)
{
    int result = 0;

    for (size_t i = 0; i < target->count && result == 0; i++) {
        const struct tree_file *file = &target->files[i];
        const struct tree_file *old = tree_list_find(&tree->old, file->path);
        char *kept;

        if (strncmp(file->path, TREE_PAYLOAD_FOLDER, strlen(TREE_PAYLOAD_FOLDER)) == 0 ||
            (old && memcmp(old->digest, file->digest, DIGEST_LEN) == 0))
            continue;
        kept = xasprintf("files/%s", digest_hex(file->digest).text);
        result = stage_kept(tree, journal, file, kept);
        free(kept);
    }
    for (size_t i = 0; i < tree->old.count && result == 0; i++) {
        const struct tree_file *old = &tree->old.files[i];

        if (strncmp(old->path, TREE_PAYLOAD_FOLDER, strlen(TREE_PAYLOAD_FOLDER)) != 0 &&
            !tree_list_find(target, old->path))
            buf_printf(journal, "drop %s %s\n", digest_hex(old->digest).text, old->path);
    }
    return result;
}

static int stage_lists(struct tree *tree, struct buf *journal, unsigned number)
{
    static const char *const names[] = {TREE_SUMS_NAME, TREE_MANIFEST_NAME};
    int result = 0;

    for (size_t i = 0; i < ARRAY_LEN(names) && result == 0; i++) {
        char *kept = xasprintf("%s/%s", tree_generation_name(number, "").text, names[i]);

        result = stage_kept(tree, journal, &(struct tree_file){.path = (char *)names[i]}, kept);
        free(kept);
    }
    return result;
}

int tree_rollback(struct tree *tree)
{
    unsigned target = tree_newest_before(tree, tree->generation);
    struct tree_list list = {0};
    struct buf journal = {0};
    int result;

    if (!target)
        return msg_error("%s: going back: there is no generation before this one", tree->name);
    result = tree_read_generation(tree, &list, target, "");
    if (tree->dry_run && result == 0)
        tree->generation = target;
    if (tree->dry_run || result < 0)
        goto out;
    result = tree_make_private(tree, "new");
    tree->stage_fd = openat(tree->private_fd, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (result == 0 && tree->stage_fd < 0)
        result = tree_errno(tree, "new", "opening the folder");
    if (result == 0)
        result = stage_generation(tree, &journal, &list);
    if (result == 0)
        result = stage_lists(tree, &journal, target);
    buf_printf(&journal, "back %u\n", tree->generation);
    if (result == 0)
        result = tree_begin(tree, &journal);
    if (result == 0)
        tree->generation = target;
out:
    tree_list_free(&list);
    buf_free(&journal);
    return result;
}
