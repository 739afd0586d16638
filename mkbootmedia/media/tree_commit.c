/*
 * tree_commit: from staged files to a new generation, and back. All that is to be renamed is
 * written into a journal first, a line for each, so that whoever opens the tree next can end it:
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
#define GONE         ".gone"
#define GENERATION   "generations/%06u"
#define PAYLOAD      "payload/"
#define NAME_LEN     40
#define PRIVATE_FILE 0644

struct generation_name {
    char text[NAME_LEN];
};

static struct generation_name generation_name(unsigned number, const char *suffix)
{
    struct generation_name name;

    snprintf(name.text, sizeof name.text, GENERATION "%s", number, suffix);
    return name;
}

static int make_private(const struct tree *tree, const char *name)
{
    if (mkdirat(tree->private_fd, name, 0755) == 0 || errno == EEXIST)
        return 0;
    return tree_errno(tree, name, "making the folder");
}

/* The file system has everything, in this order, when it returns. */
static int sync_all(const struct tree *tree)
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

/* Keeps what is in place under its digest, for generations that still have it. */
static int keep_old(struct tree *tree, int parent, const char *name, const char *old)
{
    char *kept = xasprintf("files/%s", old);
    int result = linkat(parent, name, tree->private_fd, kept, 0);

    if (result < 0 && (errno == EEXIST || errno == ENOENT))
        result = 0;
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

static int drop(struct tree *tree, const char *old, const char *path)
{
    const char *name;
    int parent = tree_parent(tree, path, &name, false);

    if (parent < 0)
        return errno == ENOENT ? 0 : -1;
    if (keep_old(tree, parent, name, old) < 0 || (unlinkat(parent, name, 0) < 0 && errno != ENOENT))
        return tree_errno(tree, path, "removing");
    return 0;
}

/* What is in place becomes a generation: its lists are kept. */
static int mark_generation(struct tree *tree, unsigned number)
{
    static const char *const names[] = {TREE_MANIFEST_NAME, TREE_SUMS_NAME};
    struct generation_name folder = generation_name(number, "");
    int result = make_private(tree, folder.text);

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
    struct generation_name from = generation_name(number, ""), to = generation_name(number, GONE);

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
    int result = make_private(tree, "files");

    if (result == 0)
        result = make_private(tree, "new");
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
        result = sync_all(tree);
    if (result == 0 && unlinkat(tree->private_fd, JOURNAL, 0) < 0)
        result = tree_errno(tree, JOURNAL, "removing");
    return result;
}

/* Once the journal is written, there is a way forward only. */
static int begin_and_apply(struct tree *tree, struct buf *journal)
{
    if (sync_all(tree) < 0 || tree_write_text(tree, tree->private_fd, JOURNAL, journal) < 0)
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

/* Generations of a tree, sorted; those that were left are negative. */
struct numbers {
    int *v;
    size_t n;
};

static int by_number(const void *a, const void *b)
{
    int x = abs(*(const int *)a), y = abs(*(const int *)b);

    return (x > y) - (x < y);
}

static void read_numbers(const struct tree *tree, struct numbers *numbers)
{
    int copy = openat(tree->private_fd, "generations", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *entry;

    *numbers = (struct numbers){0};
    while (dir && (entry = readdir(dir))) {
        char *end;
        long number = strtol(entry->d_name, &end, 10);

        if (number <= 0 || number > INT32_MAX || (*end && strcmp(end, GONE) != 0))
            continue;
        numbers->v = xgrow(numbers->v, numbers->n, sizeof *numbers->v);
        numbers->v[numbers->n++] = (int)(*end ? -number : number);
    }
    if (dir)
        closedir(dir);
    if (numbers->n)
        qsort(numbers->v, numbers->n, sizeof *numbers->v, by_number);
}

/* The newest one that was not left and is older than before; 0: there is none. */
static unsigned newest_before(const struct tree *tree, unsigned before)
{
    struct numbers numbers;
    unsigned newest = 0;

    read_numbers(tree, &numbers);
    for (size_t i = 0; i < numbers.n; i++)
        if (numbers.v[i] > 0 && (unsigned)numbers.v[i] < before)
            newest = (unsigned)numbers.v[i];
    free(numbers.v);
    return newest;
}

unsigned tree_newest(const struct tree *tree)
{
    return tree->private_fd < 0 ? 0 : newest_before(tree, UINT32_MAX);
}

/* The number of the next generation: no earlier one had it, left or not. */
static unsigned next_number(const struct tree *tree)
{
    struct numbers numbers;
    int last = 0;

    read_numbers(tree, &numbers);
    if (numbers.n)
        last = abs(numbers.v[numbers.n - 1]);
    free(numbers.v);
    return (unsigned)last + 1;
}

static int read_generation(struct tree *tree, struct tree_list *list, unsigned number,
                           const char *suffix)
{
    char *path = xasprintf("%s/" TREE_SUMS_NAME, generation_name(number, suffix).text);
    int result = tree_list_read(list, tree->private_fd, path, tree->name);

    free(path);
    return result < 0 ? -1 : 0;
}

/* Is a path, or anything with this digest, in one of the lists? */
static bool in_lists(const struct tree_list *lists, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++)
        if (tree_list_find(&lists[i], path))
            return true;
    return false;
}

/* Removes the payload of a list that no kept one names, and the folders that this leaves empty. */
static void collect_payload(struct tree *tree, const struct tree_list *gone,
                            const struct tree_list *kept, size_t kept_count)
{
    for (size_t i = 0; i < gone->count; i++) {
        const char *path = gone->files[i].path, *name;
        char *folder;
        int parent;

        if (strncmp(path, PAYLOAD, strlen(PAYLOAD)) != 0 || in_lists(kept, kept_count, path))
            continue;
        parent = tree_parent(tree, path, &name, false);
        if (parent < 0 || unlinkat(parent, name, 0) < 0)
            continue;
        folder = xasprintf("%.*s", (int)(strrchr(path, '/') - path), path);
        unlinkat(tree->fd, folder, AT_REMOVEDIR);
        free(folder);
    }
}

static int by_digest(const void *a, const void *b)
{
    return memcmp(a, b, DIGEST_LEN);
}

static bool has_digest(const uint8_t (*sorted)[DIGEST_LEN], size_t count, const char *hex)
{
    uint8_t digest[DIGEST_LEN];

    if (strlen(hex) != 2 * DIGEST_LEN)
        return false;
    for (size_t i = 0; i < DIGEST_LEN; i++)
        if (sscanf(hex + 2 * i, "%2hhx", &digest[i]) != 1)
            return false;
    return bsearch(digest, sorted, count, DIGEST_LEN, by_digest);
}

/* Removes kept old files of which no kept generation has the digest. */
static void collect_files(struct tree *tree, const struct tree_list *kept, size_t kept_count)
{
    int copy = openat(tree->private_fd, "files", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *entry;
    uint8_t(*digests)[DIGEST_LEN] = NULL;
    size_t count = 0;

    for (size_t i = 0; i < kept_count; i++)
        for (size_t k = 0; k < kept[i].count; k++) {
            digests = xgrow(digests, count, sizeof *digests);
            memcpy(digests[count++], kept[i].files[k].digest, DIGEST_LEN);
        }
    if (count)
        qsort(digests, count, sizeof *digests, by_digest);
    while (dir && (entry = readdir(dir)))
        if (*entry->d_name != '.' &&
            !has_digest((const uint8_t(*)[DIGEST_LEN])digests, count, entry->d_name))
            unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
    free(digests);
}

static void remove_generation(const struct tree *tree, unsigned number, const char *suffix)
{
    static const char *const names[] = {TREE_SUMS_NAME, TREE_MANIFEST_NAME};
    struct generation_name folder = generation_name(number, suffix);

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *path = xasprintf("%s/%s", folder.text, names[i]);

        unlinkat(tree->private_fd, path, 0);
        free(path);
    }
    unlinkat(tree->private_fd, folder.text, AT_REMOVEDIR);
}

/* Removes what only generations have that are left or too old. */
static int collect(struct tree *tree, unsigned keep)
{
    struct numbers numbers;
    struct tree_list *kept;
    size_t kept_count = 0;
    int result = 0;

    read_numbers(tree, &numbers);
    kept = xcalloc(numbers.n, sizeof *kept);
    for (size_t i = numbers.n; i-- > 0 && result == 0;) /* the newest first */
        if (numbers.v[i] > 0 && kept_count < keep) {
            result = read_generation(tree, &kept[kept_count++], (unsigned)numbers.v[i], "");
            numbers.v[i] = 0;
        }
    for (size_t i = 0; i < numbers.n && result == 0; i++) {
        const char *suffix = numbers.v[i] < 0 ? GONE : "";
        struct tree_list gone;

        if (!numbers.v[i])
            continue;
        result = read_generation(tree, &gone, (unsigned)abs(numbers.v[i]), suffix);
        if (result == 0) {
            collect_payload(tree, &gone, kept, kept_count);
            tree_list_free(&gone);
            remove_generation(tree, (unsigned)abs(numbers.v[i]), suffix);
        }
    }
    if (result == 0)
        collect_files(tree, kept, kept_count);
    for (size_t i = 0; i < kept_count; i++)
        tree_list_free(&kept[i]);
    free(kept);
    free(numbers.v);
    return result;
}

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
    for (enum tree_order order = TREE_PAYLOAD; order <= TREE_MANIFEST; order++)
        for (size_t i = 0; i < tree->files.count; i++)
            if (tree->files.files[i].staged && tree->files.files[i].order == order)
                print_put(journal, tree, &tree->files.files[i]);
    for (size_t i = 0; i < tree->old.count; i++) {
        const struct tree_file *old = &tree->old.files[i];

        if (strncmp(old->path, PAYLOAD, strlen(PAYLOAD)) != 0 &&
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
    return sync_all(tree);
}

int tree_commit(struct tree *tree, unsigned keep)
{
    struct buf journal = {0};
    int result;

    tree->generation = next_number(tree);
    tree_list_sort(&tree->files);
    print_journal(&journal, tree);
    buf_printf(&journal, "generation %u\n", tree->generation);
    result = begin_and_apply(tree, &journal);
    buf_free(&journal);
    if (result == 0 && publish(tree) == 0) {
        tree_unstage(tree);
        return collect(tree, keep);
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
    if (linkat(tree->private_fd, kept, tree->stage_fd, number, 0) < 0)
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

        if (strncmp(file->path, PAYLOAD, strlen(PAYLOAD)) == 0 ||
            (old && memcmp(old->digest, file->digest, DIGEST_LEN) == 0))
            continue;
        kept = xasprintf("files/%s", digest_hex(file->digest).text);
        result = stage_kept(tree, journal, file, kept);
        free(kept);
    }
    for (size_t i = 0; i < tree->old.count && result == 0; i++) {
        const struct tree_file *old = &tree->old.files[i];

        if (strncmp(old->path, PAYLOAD, strlen(PAYLOAD)) != 0 && !tree_list_find(target, old->path))
            buf_printf(journal, "drop %s %s\n", digest_hex(old->digest).text, old->path);
    }
    return result;
}

static int stage_lists(struct tree *tree, struct buf *journal, unsigned number)
{
    static const char *const names[] = {TREE_SUMS_NAME, TREE_MANIFEST_NAME};
    int result = 0;

    for (size_t i = 0; i < ARRAY_LEN(names) && result == 0; i++) {
        char *kept = xasprintf("%s/%s", generation_name(number, "").text, names[i]);

        result = stage_kept(tree, journal, &(struct tree_file){.path = (char *)names[i]}, kept);
        free(kept);
    }
    return result;
}

int tree_rollback(struct tree *tree)
{
    unsigned target = newest_before(tree, tree->generation);
    struct tree_list list = {0};
    struct buf journal = {0};
    int result;

    if (!target)
        return msg_error("%s: going back: there is no generation before this one", tree->name);
    result = read_generation(tree, &list, target, "");
    if (tree->dry_run || result < 0)
        goto out;
    result = make_private(tree, "new");
    tree->stage_fd = openat(tree->private_fd, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (result == 0 && tree->stage_fd < 0)
        result = tree_errno(tree, "new", "opening the folder");
    if (result == 0)
        result = stage_generation(tree, &journal, &list);
    if (result == 0)
        result = stage_lists(tree, &journal, target);
    buf_printf(&journal, "back %u\n", tree->generation);
    if (result == 0)
        result = begin_and_apply(tree, &journal);
    if (result == 0)
        tree->generation = target;
out:
    tree_list_free(&list);
    buf_free(&journal);
    return result;
}
