/* tree_generations: which there are, what is in them, and the end of those that are not kept. */
#include "media/tree_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct tree_generation_name tree_generation_name(unsigned number, const char *suffix)
{
    struct tree_generation_name name;

    snprintf(name.text, sizeof name.text, "generations/%06u%s", number, suffix);
    return name;
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

        if (number <= 0 || number > INT32_MAX || (*end && strcmp(end, TREE_GONE) != 0))
            continue;
        numbers->v = xgrow(numbers->v, numbers->n, sizeof *numbers->v);
        numbers->v[numbers->n++] = (int)(*end ? -number : number);
    }
    if (dir)
        closedir(dir);
    if (numbers->n)
        qsort(numbers->v, numbers->n, sizeof *numbers->v, by_number);
}

unsigned tree_newest_before(const struct tree *tree, unsigned before)
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
    return tree->private_fd < 0 ? 0 : tree_newest_before(tree, UINT32_MAX);
}

unsigned tree_next_number(const struct tree *tree)
{
    struct numbers numbers;
    int last = 0;

    read_numbers(tree, &numbers);
    if (numbers.n)
        last = abs(numbers.v[numbers.n - 1]);
    free(numbers.v);
    return (unsigned)last + 1;
}

int tree_read_generation(struct tree *tree, struct tree_list *list, unsigned number,
                         const char *suffix)
{
    char *path = xasprintf("%s/" TREE_SUMS_NAME, tree_generation_name(number, suffix).text);
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
        int parent;

        if (strncmp(path, TREE_PAYLOAD_FOLDER, strlen(TREE_PAYLOAD_FOLDER)) != 0 ||
            in_lists(kept, kept_count, path))
            continue;
        parent = tree_parent(tree, path, &name, false);
        if (parent < 0 || (unlinkat(parent, name, 0) < 0 && errno != ENOENT))
            continue;
        tree_remove_empty(tree, path);
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

void tree_remove_generation(const struct tree *tree, unsigned number, const char *suffix)
{
    static const char *const names[] = {TREE_SUMS_NAME, TREE_MANIFEST_NAME};
    struct tree_generation_name folder = tree_generation_name(number, suffix);

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *path = xasprintf("%s/%s", folder.text, names[i]);

        unlinkat(tree->private_fd, path, 0);
        free(path);
    }
    unlinkat(tree->private_fd, folder.text, AT_REMOVEDIR);
}

/* Are there generations that were left, or more than keep? */
static bool is_full(const struct numbers *numbers, unsigned keep)
{
    for (size_t i = 0; i < numbers->n; i++)
        if (numbers->v[i] < 0)
            return true;
    return numbers->n > keep;
}

/* Before the first file of a generation goes there must be no way back to it. */
static int leave_all(const struct tree *tree, const struct numbers *numbers)
{
    for (size_t i = 0; i < numbers->n; i++) {
        struct tree_generation_name from, to;

        if (numbers->v[i] <= 0)
            continue;
        from = tree_generation_name((unsigned)numbers->v[i], "");
        to = tree_generation_name((unsigned)numbers->v[i], TREE_GONE);
        if (renameat(tree->private_fd, from.text, tree->private_fd, to.text) < 0)
            return tree_errno(tree, from.text, "leaving it");
    }
    return tree_sync(tree);
}

int tree_collect(struct tree *tree, unsigned keep)
{
    struct numbers numbers;
    struct tree_list *kept;
    size_t kept_count = 0;
    int result = 0;

    read_numbers(tree, &numbers);
    if (!is_full(&numbers, keep)) {
        free(numbers.v);
        return 0;
    }
    kept = xcalloc(numbers.n, sizeof *kept);
    for (size_t i = numbers.n; i-- > 0 && result == 0;) /* the newest first */
        if (numbers.v[i] > 0 && kept_count < keep) {
            result = tree_read_generation(tree, &kept[kept_count++], (unsigned)numbers.v[i], "");
            numbers.v[i] = 0;
        }
    if (result == 0)
        result = leave_all(tree, &numbers);
    for (size_t i = 0; i < numbers.n && result == 0; i++) {
        struct tree_list gone;

        if (!numbers.v[i])
            continue;
        result = tree_read_generation(tree, &gone, (unsigned)abs(numbers.v[i]), TREE_GONE);
        if (result == 0) {
            collect_payload(tree, &gone, kept, kept_count);
            tree_list_free(&gone);
        }
    }
    if (result == 0)
        collect_files(tree, kept, kept_count);
    for (size_t i = 0; i < numbers.n && result == 0; i++) /* last: by these it can begin again */
        if (numbers.v[i])
            tree_remove_generation(tree, (unsigned)abs(numbers.v[i]), TREE_GONE);
    for (size_t i = 0; i < kept_count; i++)
        tree_list_free(&kept[i]);
    free(kept);
    free(numbers.v);
    return result;
}
