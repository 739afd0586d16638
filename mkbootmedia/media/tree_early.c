/*
 * tree_early: payload is copied by a thread of its own while its digest, which is its name, is
 * still being computed. What has a name already in the tree is thrown away with all that was
 * staged.
 */
#include "media/tree_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct early_name {
    char text[32];
};

static struct early_name early_name(size_t i)
{
    struct early_name name;

    snprintf(name.text, sizeof name.text, "early-%zu", i);
    return name;
}

static int copy_one(struct tree *tree, size_t i)
{
    const struct content *content = &tree->early.files[i].content;
    struct copy copy = {.name = tree->name, .meter = &tree->meter};
    struct region region = {0, content->len, "payload", false, *content};
    int result;

    copy.fd =
        openat(tree->stage_fd, early_name(i).text, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (copy.fd < 0)
        return tree_errno(tree, "payload", "writing");
    result = copy_to_file(&copy, &region);
    copy_free(&copy);
    close(copy.fd);
    return result;
}

static void *copy_all(void *arg)
{
    struct tree *tree = arg;

    for (size_t i = 0; i < tree->early.count && !tree->early.failed; i++)
        tree->early.failed = copy_one(tree, i) < 0;
    return NULL;
}

int tree_copy_early(struct tree *tree, const struct tree_early_file *files, size_t count)
{
    if (tree->dry_run || !count)
        return 0;
    if (tree_open_stage(tree) < 0)
        return -1;
    tree->early.files = xcalloc(count, sizeof *files);
    memcpy(tree->early.files, files, count * sizeof *files);
    tree->early.count = count;
    tree->early.running = pthread_create(&tree->early.thread, NULL, copy_all, tree) == 0;
    if (!tree->early.running) /* no thread to be had: it is copied with the rest */
        tree->early.count = 0;
    return 0;
}

static void join(struct tree *tree)
{
    if (tree->early.running)
        pthread_join(tree->early.thread, NULL);
    tree->early.running = false;
}

/* Is this the file, and are its bytes those of the digest? */
static bool is_same(const struct tree_early_file *file, const struct item *item)
{
    return item->hashed && file->content.fd == item->content.fd &&
           file->changed.tv_sec == item->changed.tv_sec &&
           file->changed.tv_nsec == item->changed.tv_nsec;
}

int tree_take_early(struct tree *tree, const struct item *item, int parent, const char *name)
{
    size_t i = 0;

    while (i < tree->early.count && !is_same(&tree->early.files[i], item))
        i++;
    if (i == tree->early.count)
        return 0;
    join(tree);
    if (tree->early.failed)
        return -1;
    if (renameat(tree->stage_fd, early_name(i).text, parent, name) == 0)
        return 1;
    return errno == ENOENT ? 0 : tree_errno(tree, name, "naming it");
}

void tree_free_early(struct tree *tree)
{
    if (tree->early.running)
        tree->meter.stop = true;
    join(tree);
    free(tree->early.files);
    tree->early.files = NULL;
    tree->early.count = 0;
}
