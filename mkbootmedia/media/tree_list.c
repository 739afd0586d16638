/* tree_list: the files of a generation, as SHA256SUMS has them (sha256sum(1)); two compared. */
#include "media/tree_private.h"

#include "base/msg.h"
#include "boot/added.h"
#include "boot/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX_LEN (2 * DIGEST_LEN)

enum tree_order tree_order_of(const char *path)
{
    static const struct {
        const char *start;
        enum tree_order order;
    } orders[] = {
        {TREE_PAYLOAD_FOLDER, TREE_PAYLOAD},
        {"hosts/", TREE_HOST},
        {"dhcp/", TREE_SNIPPET},
        {"http/", TREE_SNIPPET},
        {"boot.ipxe", TREE_SCRIPT},
        {"grub/grub.cfg", TREE_SCRIPT},
        {TREE_SUMS_NAME, TREE_SUMS},
        {TREE_MANIFEST_NAME, TREE_MANIFEST},
    };

    for (size_t i = 0; i < ARRAY_LEN(orders); i++)
        if (strncmp(path, orders[i].start, strlen(orders[i].start)) == 0)
            return orders[i].order;
    return TREE_LOADER;
}

struct tree_file *tree_list_add(struct tree_list *list, char *path)
{
    list->files = xgrow(list->files, list->count, sizeof *list->files);
    list->files[list->count] = (struct tree_file){.path = path};
    return &list->files[list->count++];
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct tree_file *)a)->path, ((const struct tree_file *)b)->path);
}

void tree_list_sort(struct tree_list *list)
{
    size_t n = 0;

    if (!list->count)
        return;
    qsort(list->files, list->count, sizeof *list->files, by_path);
    for (size_t i = 1; i < list->count; i++) /* two hosts may be handed the same */
        if (strcmp(list->files[n].path, list->files[i].path) != 0)
            list->files[++n] = list->files[i];
        else
            free(list->files[i].path);
    list->count = n + 1;
}

const struct tree_file *tree_list_find(const struct tree_list *list, const char *path)
{
    const struct tree_file key = {.path = (char *)path};

    return list->count ? bsearch(&key, list->files, list->count, sizeof key, by_path) : NULL;
}

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "DIGEST  PATH"; false if it is not. */
static bool take_line(struct tree_list *list, const char *line, size_t len)
{
    struct tree_file *file;
    uint8_t digest[DIGEST_LEN];
    char *path;

    if (len < HEX_LEN + 3 || line[HEX_LEN] != ' ' || line[HEX_LEN + 1] != ' ')
        return false;
    for (size_t i = 0; i < DIGEST_LEN; i++) {
        int high = nibble(line[2 * i]), low = nibble(line[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        digest[i] = (uint8_t)(high << 4 | low);
    }
    path = xasprintf("%.*s", (int)(len - HEX_LEN - 2), line + HEX_LEN + 2);
    if (added_dest_check(path) || strncmp(path, PLAN_NET_PRIVATE, strlen(PLAN_NET_PRIVATE)) == 0) {
        free(path);
        return false;
    }
    file = tree_list_add(list, path);
    memcpy(file->digest, digest, sizeof digest);
    return true;
}

static int read_text(struct buf *text, int fd, const char *name)
{
    char block[64 * 1024];
    ssize_t n;

    while ((n = read(fd, block, sizeof block)) != 0)
        if (n > 0)
            buf_add(text, block, (size_t)n);
        else if (errno != EINTR)
            return msg_errno(name, "reading");
    return 0;
}

int tree_list_read(struct tree_list *list, int dir_fd, const char *path, const char *name)
{
    int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), result;
    struct buf text = {0};

    *list = (struct tree_list){0};
    if (fd < 0)
        return errno == ENOENT ? 0 : msg_errno(name, "reading its list of files");
    result = read_text(&text, fd, name);
    close(fd);
    for (size_t at = 0; result == 0 && at < text.len;) {
        size_t len = strcspn(text.data + at, "\n");

        if (!take_line(list, text.data + at, len))
            result = msg_error("%s: reading its list of files: SHA256SUMS is damaged", name);
        at += len + 1;
    }
    buf_free(&text);
    if (result < 0) {
        tree_list_free(list);
        return -1;
    }
    tree_list_sort(list); /* ours are sorted already */
    return 1;
}

void tree_list_free(struct tree_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->files[i].path);
    free(list->files);
    *list = (struct tree_list){0};
}

void tree_print_sums(struct tree *tree, struct buf *out)
{
    tree_list_sort(&tree->files);
    for (size_t i = 0; i < tree->files.count; i++) {
        const struct tree_file *file = &tree->files.files[i];
        struct digest_text hex = digest_hex(file->digest);

        if (file->order >= TREE_SUMS)
            continue;
        buf_add(out, hex.text, 2 * DIGEST_LEN);
        buf_add(out, "  ", 2);
        buf_puts(out, file->path);
        buf_add(out, "\n", 1);
    }
}

size_t tree_dropped(const struct tree *tree)
{
    size_t n = 0;

    for (size_t i = 0; i < tree->old.count; i++)
        n += !tree_list_find(&tree->files, tree->old.files[i].path);
    return n;
}

bool tree_digest_at(int dir_fd, const char *name, uint8_t digest[DIGEST_LEN])
{
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    struct content content;
    bool read = false;

    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        content = content_file(name, fd, (uint64_t)st.st_size);
        read = digest_content(&content, 0, digest) == 0;
    }
    if (fd >= 0)
        close(fd);
    return read;
}

/* Is one of the two lists, which name the others, in place, as it was made? */
static bool has_list(const struct tree *tree, const char *name)
{
    struct tree_generation_name folder = tree_generation_name(tree->generation, "");
    char *kept = xasprintf("%s/%s", folder.text, name);
    uint8_t served[DIGEST_LEN], made[DIGEST_LEN];
    bool same = tree_digest_at(tree->fd, name, served) &&
                tree_digest_at(tree->private_fd, kept, made) &&
                memcmp(served, made, DIGEST_LEN) == 0;

    free(kept);
    return same;
}

bool tree_unchanged(struct tree *tree)
{
    tree_list_sort(&tree->files);
    return tree->generation && !tree->staged && !tree_dropped(tree) &&
           has_list(tree, TREE_SUMS_NAME) && has_list(tree, TREE_MANIFEST_NAME);
}
