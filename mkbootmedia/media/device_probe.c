/* device_probe: the room for libblkid: what is on a disk, said so that one recognizes it. */
#include "media/device_private.h"

#include "base/util.h"

#include <blkid.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define PARTITIONS_SHOWN 6

static const char *value(blkid_probe probe, const char *name)
{
    const char *text = NULL;

    return blkid_probe_lookup_value(probe, name, &text, NULL) == 0 ? text : NULL;
}

/* "vfat LAB", or nothing. */
static void add_filesystem(struct buf *words, blkid_probe probe, char **member)
{
    const char *type = value(probe, "TYPE"), *label = value(probe, "LABEL");
    const char *usage = value(probe, "USAGE");

    if (!type)
        return;
    buf_printf(words, "%s%s%s", type, label ? " " : "", label ? label : "");
    if (usage && strcmp(usage, "raid") == 0 && !*member)
        *member = xstrdup(type);
}

static void set_up(blkid_probe probe)
{
    blkid_probe_enable_superblocks(probe, true);
    blkid_probe_set_superblocks_flags(probe,
                                      BLKID_SUBLKS_TYPE | BLKID_SUBLKS_LABEL | BLKID_SUBLKS_USAGE);
}

static void add_partition(struct buf *words, int fd, blkid_partition partition, char **member)
{
    blkid_probe probe = blkid_new_probe();
    size_t before = words->len;

    set_up(probe);
    if (blkid_probe_set_device(probe, fd, blkid_partition_get_start(partition) * 512,
                               blkid_partition_get_size(partition) * 512) == 0 &&
        blkid_do_safeprobe(probe) == 0)
        add_filesystem(words, probe, member);
    if (words->len == before) {
        const char *name = blkid_partition_get_name(partition);

        buf_puts(words, name && *name ? name : "?");
    }
    blkid_free_probe(probe);
}

static void add_partitions(struct buf *words, int fd, blkid_probe probe, char **member)
{
    blkid_partlist list = blkid_probe_get_partitions(probe);
    int n = list ? blkid_partlist_numof_partitions(list) : 0;
    const char *table = value(probe, "PTTYPE");

    if (!table)
        return;
    buf_printf(words, "%s%s", words->len ? ", " : "",
               strcmp(table, "gpt") == 0   ? "GPT"
               : strcmp(table, "dos") == 0 ? "MBR"
                                           : table);
    for (int i = 0; i < n && i < PARTITIONS_SHOWN; i++) {
        buf_puts(words, i ? ", " : ": ");
        add_partition(words, fd, blkid_partlist_get_partition(list, i), member);
    }
    if (n > PARTITIONS_SHOWN)
        buf_printf(words, ", and %d more", n - PARTITIONS_SHOWN);
}

void device_probe(struct device *device, const char *root, char **member)
{
    char *path = xasprintf("%s%s", root, device->path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    blkid_probe probe = fd < 0 ? NULL : blkid_new_probe();
    struct buf words = {0};

    free(path);
    if (probe && blkid_probe_set_device(probe, fd, 0, 0) == 0) {
        set_up(probe);
        blkid_probe_enable_partitions(probe, true);
        blkid_probe_set_partitions_flags(probe, BLKID_PARTS_FORCE_GPT);
        if (blkid_do_fullprobe(probe) >= 0) {
            add_filesystem(&words, probe, member);
            add_partitions(&words, fd, probe, member);
            device->contents = xstrdup(words.data ? words.data : "");
        }
    }
    buf_free(&words);
    blkid_free_probe(probe);
    if (fd >= 0)
        close(fd);
}
