/*
 * tree_journal: puts staged files in place. All that is to be renamed is written into a journal
 * first, a line for each, so that whoever opens the tree next can end what a run that was cut short
 * began:
 *
 *     put N PATH         the staged file N becomes PATH
 *     drop PATH          PATH is no longer part of the tree
 *     generation N       what is now there is generation N, of which the lists are in N.new
 *     back N             generation N has been left
 *
 * All that could want room on the disk has been done before: the journal only renames and removes.
 */
#include "media/tree_private.h"

#include "base/msg.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOURNAL      "journal"
#define PRIVATE_FILE 0644

int tree_sync(const struct tree *tree)
{
    if (tree->no_sync || syncfs(tree->fd) == 0)
        return 0;
    return msg_errno(tree->name, "writing to the disk");
}

/* A whole small file into a folder, synced unless the tree's are not; -1 and errno. */
static int write_text(const struct tree *tree, int dir_fd, const char *name, const struct buf *text)
{
    char *draft = xasprintf(".%s", name);
    int fd =
        openat(dir_fd, draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, PRIVATE_FILE);
    int result = fd < 0 ? -1 : 0;

    for (size_t done = 0; result == 0 && done < text->len;) {
        ssize_t n = write(fd, text->data + done, text->len - done);

        if (n < 0 && errno != EINTR)
            result = -1;
        done += n > 0 ? (size_t)n : 0;
    }
    if (result == 0 && !tree->no_sync)
        result = fsync(fd);
    if (result == 0)
        result = renameat(dir_fd, draft, dir_fd, name);
    if (result < 0 && fd >= 0) {
        int error = errno;

        unlinkat(dir_fd, draft, 0);
        errno = error;
    }
    if (fd >= 0)
        close(fd);
    free(draft);
    return result;
}

void tree_put_private(struct tree *tree, const char *name, const struct buf *text)
{
    if (write_text(tree, tree->private_fd, name, text) < 0)
        msg_detail("%s: keeping %s: %s", tree->name, name, strerror(errno));
}

static int put(struct tree *tree, const char *number, const char *path)
{
    const char *name;
    struct stat st;
    int parent;

    if (fstatat(tree->stage_fd, number, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
        return 0; /* done by the run that was cut short */
    parent = tree_parent(tree, path, &name, true);
    if (parent < 0)
        return -1;
    if (renameat(tree->stage_fd, number, parent, name) < 0)
        return tree_errno(tree, path, "putting it in place");
    return 0;
}

void tree_remove_empty(struct tree *tree, const char *path)
{
    char *folder = xstrdup(path), *slash;

    while ((slash = strrchr(folder, '/'))) {
        *slash = '\0';
        if (unlinkat(tree->fd, folder, AT_REMOVEDIR) < 0)
            break;
        tree_forget_parent(tree);
    }
    free(folder);
}

static int drop(struct tree *tree, const char *path)
{
    const char *name;
    int parent = tree_parent(tree, path, &name, false);

    if (parent < 0)
        return errno == ENOENT ? 0 : -1;
    if (unlinkat(parent, name, 0) < 0 && errno != ENOENT)
        return tree_errno(tree, path, "removing");
    tree_remove_empty(tree, path);
    return 0;
}

/* Gives a generation another suffix, unless that was done before. */
static int mark_generation(struct tree *tree, const char *number, const char *before,
                           const char *after)
{
    unsigned n = (unsigned)strtoul(number, NULL, 10);
    struct tree_generation_name from = tree_generation_name(n, before),
                                to = tree_generation_name(n, after);

    if (renameat(tree->private_fd, from.text, tree->private_fd, to.text) < 0 && errno != ENOENT)
        return tree_errno(tree, from.text, "renaming it");
    return 0;
}

/* One line of the journal. */
static int apply_line(struct tree *tree, char *line)
{
    char *save = NULL, *verb = strtok_r(line, " ", &save);

    if (strcmp(verb, "drop") == 0)
        return drop(tree, save);
    if (strcmp(verb, "put") == 0) {
        char *number = strtok_r(NULL, " ", &save);

        return put(tree, number, save);
    }
    if (strcmp(verb, "generation") == 0)
        return mark_generation(tree, save, TREE_NEW, "");
    return mark_generation(tree, save, "", TREE_GONE);
}

/* Does what a journal says, from its first line, and removes it. */
static int apply(struct tree *tree, char *journal)
{
    int result = tree_open_stage(tree);

    for (char *line = journal, *end; result == 0 && *line; line = end) {
        end = line + strcspn(line, "\n");
        if (*end)
            *end++ = '\0';
        result = apply_line(tree, line);
    }
    if (result == 0)
        result = tree_sync(tree);
    if (result == 0 && unlinkat(tree->private_fd, JOURNAL, 0) < 0)
        result = tree_errno(tree, JOURNAL, "removing");
    return result;
}

/* Is it one of ours, with all its lines? Who may write into a tree may have put another there. */
static int check(const struct tree *tree, const struct buf *journal)
{
    static const char *const verbs[] = {"put ", "drop ", "generation ", "back "};
    bool valid = journal->len && journal->data[journal->len - 1] == '\n';

    for (const char *line = journal->data; valid && *line; line += strcspn(line, "\n") + 1) {
        size_t i = 0, len = strcspn(line, "\n");

        while (i < ARRAY_LEN(verbs) && strncmp(line, verbs[i], strlen(verbs[i])) != 0)
            i++;
        valid = i < ARRAY_LEN(verbs) && len > strlen(verbs[i]) &&
                (i > 0 || memchr(line + strlen("put "), ' ', len - strlen("put ")));
    }
    return valid ? 0 : msg_error("%s: ending what was begun: the journal is damaged", tree->name);
}

int tree_begin(struct tree *tree, struct buf *journal)
{
    if (tree_sync(tree) < 0)
        return -1;
    if (write_text(tree, tree->private_fd, JOURNAL, journal) < 0)
        return tree_errno(tree, JOURNAL, "writing");
    return apply(tree, journal->data);
}

bool tree_has_begun(const struct tree *tree)
{
    return faccessat(tree->private_fd, JOURNAL, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int tree_recover(struct tree *tree)
{
    int fd = openat(tree->private_fd, JOURNAL, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), result = 0;
    struct buf journal = {0};
    char block[64 * 1024];
    ssize_t n = 0;

    if (fd < 0 && errno != ENOENT)
        return tree_errno(tree, JOURNAL, "reading");
    while (fd >= 0 && (n = read(fd, block, sizeof block)) > 0)
        buf_add(&journal, block, (size_t)n);
    if (n < 0)
        result = tree_errno(tree, JOURNAL, "reading");
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && result == 0) {
        msg_note("%s: ending what an earlier run has begun", tree->name);
        result = check(tree, &journal);
        tree->went_back = result == 0 && strstr(journal.data, "\nback ");
        if (result == 0)
            result = apply(tree, journal.data);
    }
    tree_unstage(tree);
    buf_free(&journal);
    return result;
}

void tree_unstage(struct tree *tree)
{
    int copy = openat(tree->private_fd, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *entry;
    bool begun = tree_has_begun(tree);

    while (dir && !begun && (entry = readdir(dir)))
        if (*entry->d_name != '.')
            unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
    if (!begun)
        unlinkat(tree->private_fd, "new", AT_REMOVEDIR);
    if (tree->stage_fd >= 0)
        close(tree->stage_fd);
    tree->stage_fd = -1;
}
