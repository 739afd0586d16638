/*
 * tree_journal: puts staged files in place. All that is to be renamed is written into a journal
 * first, a line for each, so that whoever opens the tree next can end what a run that was cut short
 * began:
 *
 *     put N OLD PATH     the staged file N becomes PATH; OLD is the digest of what was there, or -
 *     drop OLD PATH      PATH is no longer part of the tree
 *     generation N       what is now there is generation N
 *     back N             generation N has been left
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

int tree_make_private(const struct tree *tree, const char *name)
{
    if (mkdirat(tree->private_fd, name, 0755) == 0 || errno == EEXIST)
        return 0;
    return tree_errno(tree, name, "making the folder");
}

int tree_sync(const struct tree *tree)
{
    if (tree->no_sync || syncfs(tree->fd) == 0)
        return 0;
    return msg_errno(tree->name, "writing to the disk");
}

int tree_write_text(const struct tree *tree, int dir_fd, const char *name, const struct buf *text)
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
    if (result < 0)
        tree_errno(tree, name, "writing");
    if (fd >= 0)
        close(fd);
    free(draft);
    return result;
}

int tree_put_private(struct tree *tree, const char *name, const struct buf *text)
{
    return tree_write_text(tree, tree->private_fd, name, text);
}

/* Has a file this digest? Somebody may have changed it by hand. */
static bool is_as_made(int parent, const char *name, const char *digest)
{
    int fd = openat(parent, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    uint8_t is[DIGEST_LEN];
    struct content content;
    struct stat st;
    bool same = false;

    if (fd >= 0 && fstat(fd, &st) == 0) {
        content = content_file(name, fd, (uint64_t)st.st_size);
        same = digest_content(&content, 0, is) == 0 && strcmp(digest_hex(is).text, digest) == 0;
    }
    if (fd >= 0)
        close(fd);
    return same;
}

/* Keeps what is in place under its digest, for generations that still have it. */
static int keep_old(struct tree *tree, int parent, const char *name, const char *old)
{
    char *kept = xasprintf("files/%s", old);
    int result = 0;

    if (faccessat(tree->private_fd, kept, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
        is_as_made(parent, name, old))
        result = linkat(parent, name, tree->private_fd, kept, 0);
    free(kept);
    return result;
}

static int put(struct tree *tree, const char *number, const char *old, const char *path)
{
    const char *name;
    struct stat st;
    int parent;

    if (fstatat(tree->stage_fd, number, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
        return 0; /* done by the run that was cut short */
    parent = tree_parent(tree, path, &name, true);
    if (parent < 0)
        return -1;
    if ((*old != '-' && keep_old(tree, parent, name, old) < 0) ||
        renameat(tree->stage_fd, number, parent, name) < 0)
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

static int drop(struct tree *tree, const char *old, const char *path)
{
    const char *name;
    int parent = tree_parent(tree, path, &name, false);

    if (parent < 0)
        return errno == ENOENT ? 0 : -1;
    if (keep_old(tree, parent, name, old) < 0 || (unlinkat(parent, name, 0) < 0 && errno != ENOENT))
        return tree_errno(tree, path, "removing");
    tree_remove_empty(tree, path);
    return 0;
}

/* What is in place becomes a generation: its lists are kept. */
static int mark_generation(struct tree *tree, unsigned number)
{
    static const char *const names[] = {TREE_MANIFEST_NAME, TREE_SUMS_NAME};
    struct tree_generation_name folder = tree_generation_name(number, "");
    int result = tree_make_private(tree, folder.text);

    for (size_t i = 0; i < ARRAY_LEN(names) && result == 0; i++) {
        char *link = xasprintf("%s/%s", folder.text, names[i]);

        unlinkat(tree->private_fd, link, 0);
        if (linkat(tree->fd, names[i], tree->private_fd, link, 0) < 0)
            result = tree_errno(tree, link, "keeping the list of files");
        free(link);
    }
    return result;
}

/* A generation that was left stays known until its payload is collected. */
static int leave_generation(struct tree *tree, unsigned number)
{
    struct tree_generation_name from = tree_generation_name(number, ""),
                                to = tree_generation_name(number, TREE_GONE);

    if (renameat(tree->private_fd, from.text, tree->private_fd, to.text) < 0 && errno != ENOENT)
        return tree_errno(tree, from.text, "leaving it");
    return 0;
}

/* One line of the journal. */
static int apply_line(struct tree *tree, char *line)
{
    char *save, *verb = strtok_r(line, " ", &save), *first = strtok_r(NULL, " ", &save), *second;

    if (!first)
        return msg_error("%s: ending what was begun: the journal is damaged", tree->name);
    if (strcmp(verb, "drop") == 0)
        return drop(tree, first, save);
    if (strcmp(verb, "generation") == 0)
        return mark_generation(tree, (unsigned)strtoul(first, NULL, 10));
    if (strcmp(verb, "back") == 0)
        return leave_generation(tree, (unsigned)strtoul(first, NULL, 10));
    second = strtok_r(NULL, " ", &save);
    return put(tree, first, second, save);
}

/* Does what a journal says, from its first line, and removes it. */
static int apply(struct tree *tree, char *journal)
{
    int result = tree_make_private(tree, "files");

    if (result == 0)
        result = tree_make_private(tree, "new");
    if (result == 0 && tree->stage_fd < 0) {
        tree->stage_fd = openat(tree->private_fd, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        result = tree->stage_fd < 0 ? tree_errno(tree, "new", "opening the folder") : 0;
    }
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

int tree_begin(struct tree *tree, struct buf *journal)
{
    if (tree_sync(tree) < 0 || tree_write_text(tree, tree->private_fd, JOURNAL, journal) < 0)
        return -1;
    return apply(tree, journal->data);
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
        result = apply(tree, journal.len ? journal.data : (char[]){""});
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
    bool begun = faccessat(tree->private_fd, JOURNAL, F_OK, 0) == 0;

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
