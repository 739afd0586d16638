/*
 * mkiso: an ISO 9660 image from host files, for the tests of image/iso9660 alone.
 *
 *   mkiso OUTPUT [-b] [-l LABEL] [-t TIME] [FILE=DEST | =DEST/ | -T FILE]...
 *
 * FILE has no '='. "=DEST/" is an empty folder; -T names a file of FILE=DEST lines; -b adds a boot
 * catalog with the first file as its BIOS image. The output is sparse. It prints each item's place.
 */
#include "base/msg.h"
#include "base/util.h"
#include "image/eltorito.h"
#include "image/iso9660.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK 0x10000

struct job {
    struct item **items;
    size_t count;
};

static void add(struct job *job, char *pair)
{
    struct item *item = xcalloc(1, sizeof *item);
    char *equals = strchr(pair, '=');
    struct stat st;
    int fd;

    *equals = '\0';
    *item = (struct item){.path = equals + 1, .volumes = ON_ROOT, .place = PLACE_NONE, 0};
    item->content = content_memory("", 0);
    if (*pair) {
        fd = open(pair, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
            exit(-msg_errno(pair, "opening"));
        item->content = content_file(pair, fd, (uint64_t)st.st_size);
    }
    job->items = xgrow(job->items, job->count, sizeof *job->items);
    job->items[job->count++] = item;
}

static void add_lines(struct job *job, const char *path)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    ssize_t len;

    if (!file)
        exit(-msg_errno(path, "opening"));
    while ((len = getline(&line, &room, file)) > 0) {
        line[len - 1] = '\0';
        add(job, line);
        line = NULL; /* the item keeps it */
    }
    free(line);
    fclose(file);
}

static int by_path(const void *a, const void *b)
{
    return strcmp((*(struct item *const *)a)->path, (*(struct item *const *)b)->path);
}

/* The first byte at pos or behind it that is not in a hole. */
static uint64_t skip_hole(const struct content *content, uint64_t pos)
{
    off_t data = content->fd < 0 ? (off_t)pos : lseek(content->fd, (off_t)pos, SEEK_DATA);

    return data < 0 ? content->len : (uint64_t)data;
}

static int write_sparse(const struct image *image, int fd)
{
    static uint8_t chunk[CHUNK], zeros[CHUNK];

    if (ftruncate(fd, (off_t)image->size) < 0)
        return -1;
    for (size_t i = 0; i < image->count; i++) {
        const struct region *region = &image->regions[i];

        for (uint64_t pos = 0, n; !region->zero && pos < region->len; pos += n) {
            pos = skip_hole(&region->content, pos);
            n = region->len - pos < CHUNK ? region->len - pos : CHUNK;
            if (content_read(&region->content, pos, chunk, n) < 0)
                return -1;
            if (memcmp(chunk, zeros, n) != 0 &&
                pwrite(fd, chunk, n, (off_t)(region->offset + pos)) != (ssize_t)n)
                return -1;
        }
    }
    return 0;
}

static void add_catalog(const struct iso9660 *iso, struct image *image)
{
    uint8_t *block = xcalloc(1, ISO_BLOCK);
    struct eltorito_entry entry = {ELTORITO_BIOS, 0, 0};

    entry.place = iso->items[0]->place;
    eltorito_catalog(block, &entry, 1);
    image_own(image, iso->catalog, block, ISO_BLOCK, "boot catalog");
}

static int make(const struct job *job, const struct iso9660_options *options, const char *output)
{
    struct iso9660 iso = {0};
    struct image image = {0};
    int result = -1, fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

    if (fd < 0)
        return msg_errno(output, "opening");
    if (iso9660_plan(&iso, options, job->items, job->count) < 0 ||
        iso9660_write(&iso, iso.end, &image) < 0)
        goto out;
    if (iso.catalog)
        add_catalog(&iso, &image);
    if (image_finish(&image, iso.end) < 0 || write_sparse(&image, fd) < 0)
        goto out;
    for (size_t i = 0; i < job->count; i++)
        printf("%" PRIu64 " %s\n", job->items[i]->place, job->items[i]->path);
    result = 0;
out:
    image_free(&image);
    iso9660_free(&iso);
    close(fd);
    return result;
}

int main(int argc, char *argv[])
{
    struct iso9660_options options = {"TEST", 1700000000, false};
    static struct job job; /* reachable until the end: nothing of it is freed */

    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], "-b") == 0)
            options.boot_catalog = true;
        else if (strcmp(argv[i], "-l") == 0)
            options.label = argv[++i];
        else if (strcmp(argv[i], "-t") == 0)
            options.time = atoll(argv[++i]);
        else if (strcmp(argv[i], "-T") == 0)
            add_lines(&job, argv[++i]);
        else
            add(&job, argv[i]);
    if (job.count)
        qsort(job.items, job.count, sizeof *job.items, by_path);
    return make(&job, &options, argv[1]) < 0;
}
