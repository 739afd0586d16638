/*
 * mkgpt: an image with nothing but a partition table, for tests:
 * mkgpt SIZE STYLE OUT {NAME TYPE GUID OFFSET SIZE}...
 *
 * STYLE is 0, 1, 2 as in enum mbr_style. Writes "OFFSET LEN WHAT" per region to standard output.
 */
#include "base/util.h"
#include "image/parttab.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int write_out(const struct image *image, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

    if (fd < 0 || ftruncate(fd, (off_t)image->size) < 0)
        return -1;
    for (size_t i = 0; i < image->count; i++) {
        const struct region *region = &image->regions[i];

        if (region->zero)
            continue;
        printf("%" PRIu64 " %" PRIu64 " %s\n", region->offset, region->len, region->what);
        if (pwrite(fd, region->content.data, region->len, (off_t)region->offset) < 0)
            return -1;
    }
    return close(fd);
}

int main(int argc, char **argv)
{
    struct partition partitions[128];
    struct parttab table = {
        .disk_guid = "01234567-89AB-CDEF-0123-456789ABCDEF",
        .disk_signature = 0xfeedf00d,
        .partitions = partitions,
    };
    struct image image = {0};
    uint64_t size;
    int result;

    if (argc < 4 || (argc - 4) % 5)
        return 2;
    size = strtoull(argv[1], NULL, 0);
    table.style = (enum mbr_style)atoi(argv[2]);
    for (char **arg = argv + 4; *arg; arg += 5)
        partitions[table.count++] = (struct partition){
            .name = arg[0],
            .type = arg[1],
            .guid = arg[2],
            .offset = strtoull(arg[3], NULL, 0),
            .size = strtoull(arg[4], NULL, 0),
        };
    result = parttab_write(&table, size, &image);
    if (result == 0)
        result = image_finish(&image, size);
    if (result == 0)
        result = write_out(&image, argv[3]);
    image_free(&image);
    return result < 0;
}
