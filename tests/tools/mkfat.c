/*
 * mkfat: a FAT volume of a directory's files, for tests: mkfat BITS OFFSET SIZE_MIN LABEL DIR OUT
 *
 * Writes OFFSET bytes of zeros and the volume into OUT, and one line "PLACE LEN PATH" per file to
 * standard output.
 */
#include "base/util.h"
#include "image/fat.h"

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct item **items;
static size_t count, root_len;

static int add(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    struct item *item = xcalloc(1, sizeof *item);

    (void)ftw;
    item->place = PLACE_NONE;
    if (strlen(path) <= root_len) {
        free(item);
        return 0;
    }
    item->path = xasprintf("%s%s", path + root_len + 1, type == FTW_D ? "/" : "");
    if (type == FTW_F)
        item->content = content_file(xstrdup(path), open(path, O_RDONLY), (uint64_t)st->st_size);
    else
        item->content = content_memory("", 0);
    items = xgrow(items, count, sizeof *items);
    items[count++] = item;
    return 0;
}

static int by_path(const void *a, const void *b)
{
    return strcmp((*(struct item *const *)a)->path, (*(struct item *const *)b)->path);
}

/* Where data goes on in a content after at; its length if only a hole comes. */
static uint64_t skip_hole(const struct content *content, uint64_t at)
{
    off_t data;

    if (content->fd < 0)
        return at;
    data = lseek(content->fd, (off_t)(content->offset + at), SEEK_DATA);
    return data < 0 ? content->len : (uint64_t)data - content->offset;
}

static int write_region(int fd, const struct region *region)
{
    static uint8_t block[1 << 20];
    uint64_t at = 0;

    while ((at = skip_hole(&region->content, at)) < region->len) {
        size_t n = region->len - at < sizeof block ? (size_t)(region->len - at) : sizeof block;

        if (content_read(&region->content, at, block, n) < 0 ||
            pwrite(fd, block, n, (off_t)(region->offset + at)) != (ssize_t)n)
            return -1;
        at += n;
    }
    return 0;
}

static int write_out(const struct image *image, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

    if (fd < 0 || ftruncate(fd, (off_t)image->size) < 0)
        return -1;
    for (size_t i = 0; i < image->count; i++)
        if (!image->regions[i].zero && write_region(fd, &image->regions[i]) < 0)
            return -1;
    return close(fd);
}

static void free_items(void)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i]->content.fd >= 0)
            close(items[i]->content.fd);
        free((char *)items[i]->content.path);
        free(items[i]->path);
        free(items[i]);
    }
    free(items);
}

int main(int argc, char **argv)
{
    struct fat fat = {0};
    struct image image = {0};
    struct fat_options options = {.volume_id = 0x1234abcd, .time = 1700000001};
    uint64_t offset;
    int result;

    if (argc != 7)
        return 2;
    options.bits = atoi(argv[1]);
    offset = strtoull(argv[2], NULL, 0);
    options.size_min = strtoull(argv[3], NULL, 0);
    options.label = argv[4];
    root_len = strlen(argv[5]);
    if (nftw(argv[5], add, 64, FTW_PHYS) < 0)
        return 1;
    if (count)
        qsort(items, count, sizeof *items, by_path);
    result = fat_plan(&fat, &options, items, count);
    if (result == 0)
        result = fat_write(&fat, offset, &image);
    if (result == 0)
        result = image_finish(&image, offset + fat.size);
    if (result == 0)
        result = write_out(&image, argv[6]);
    for (size_t i = 0; result == 0 && i < count; i++)
        printf("%" PRId64 " %" PRIu64 " %s\n", (int64_t)items[i]->place, items[i]->content.len,
               items[i]->path);
    image_free(&image);
    fat_free(&fat);
    free_items();
    return result < 0;
}
