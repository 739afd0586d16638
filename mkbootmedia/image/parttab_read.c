/* parttab_read: the partitions of a GPT, as libfdisk reads them. */
#include "image/parttab_private.h"

#include "base/msg.h"
#include "base/util.h"

#include <stdlib.h>
#include <unistd.h>

#define TABLE_LEN MIB /* bytes: no table is longer, nor its copy */

static char *copy(const char *text)
{
    return xstrdup(text ? text : "");
}

static void add(struct parttab_list *list, struct fdisk_partition *pa, unsigned sector_size)
{
    struct fdisk_parttype *type = fdisk_partition_get_type(pa);

    list->partitions = xgrow(list->partitions, list->count, sizeof *list->partitions);
    list->partitions[list->count++] = (struct partition){
        .name = copy(fdisk_partition_get_name(pa)),
        .type = copy(type ? fdisk_parttype_get_string(type) : NULL),
        .guid = copy(fdisk_partition_get_uuid(pa)),
        .attrs = fdisk_partition_get_attrs(pa) ? copy(fdisk_partition_get_attrs(pa)) : NULL,
        .number = (unsigned)fdisk_partition_get_partno(pa) + 1,
        .offset = (uint64_t)fdisk_partition_get_start(pa) * sector_size,
        .size = (uint64_t)fdisk_partition_get_size(pa) * sector_size,
    };
}

static int read_partitions(struct parttab_list *list, struct fdisk_context *context,
                           unsigned sector_size)
{
    struct fdisk_table *table = NULL;
    struct fdisk_iter *iter = fdisk_new_iter(FDISK_ITER_FORWARD);
    struct fdisk_partition *pa;
    int failed = fdisk_get_partitions(context, &table);

    while (!failed && fdisk_table_next_partition(table, iter, &pa) == 0)
        add(list, pa, sector_size);
    fdisk_get_disklabel_id(context, &list->disk_guid);
    fdisk_free_iter(iter);
    fdisk_unref_table(table);
    return failed ? 0 : 1;
}

static int read_fd(struct parttab_list *list, const char *disk, int fd, unsigned sector_size)
{
    struct fdisk_context *context = parttab_open(disk, fd, sector_size);
    int result = -1;

    if (context)
        result = parttab_is_gpt(context) ? read_partitions(list, context, sector_size) : 0;
    parttab_close(context);
    return result;
}

int parttab_read(struct parttab_list *list, const char *disk, uint64_t size, unsigned sector_size,
                 const uint8_t *head, size_t len)
{
    int fd = parttab_memfd(size, head, len), result;

    *list = (struct parttab_list){0};
    if (fd < 0)
        return -1;
    result = read_fd(list, disk, fd, sector_size);
    close(fd);
    return result;
}

int parttab_read_disk(struct parttab_list *list, const struct content *disk, unsigned sector_size)
{
    const size_t len = disk->len / 2 < TABLE_LEN ? (size_t)disk->len / 2 : TABLE_LEN;
    uint8_t *table = xcalloc(len + 1, 1);
    int fd = -1, result = content_read(disk, 0, table, len);

    *list = (struct parttab_list){0};
    if (result == 0)
        fd = parttab_memfd(disk->len, table, len);
    if (fd < 0)
        result = -1;
    if (result == 0)
        result = content_read(disk, disk->len - len, table, len);
    if (result == 0 && pwrite(fd, table, len, (off_t)(disk->len - len)) != (ssize_t)len)
        result = msg_errno(disk->path, "reading the partition table's copy");
    if (result == 0)
        result = read_fd(list, disk->path, fd, sector_size);
    free(table);
    if (fd >= 0)
        close(fd);
    return result;
}

void parttab_list_free(struct parttab_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free((char *)list->partitions[i].name);
        free((char *)list->partitions[i].type);
        free((char *)list->partitions[i].guid);
        free((char *)list->partitions[i].attrs);
    }
    free(list->partitions);
    free(list->disk_guid);
    *list = (struct parttab_list){0};
}
