/*
 * device_use: who uses a disk: a mount, swap, or a device that is made of it (device-mapper, MD),
 * whatever stands between.
 *
 * A mount tells the number of its device; those of file systems over several devices (btrfs) tell
 * one of their own, so names count, too.
 */
#include "media/device_private.h"

#include "base/msg.h"
#include "base/util.h"

#include <errno.h>
#include <stdlib.h>

#define DEPTH_MAX 16 /* of devices on devices: no real stack is as high */

/* What is asked about: a disk or a partition. */
struct node {
    const char *folder; /* in sysfs */
    const char *name;   /* the kernel's */
    dev_t dev;
};

static struct libmnt_table *read_table(const char *root, const char *path, bool swaps)
{
    struct libmnt_table *table = mnt_new_table();
    char *full = xasprintf("%s%s", root, path);
    int code = !table  ? -ENOMEM
               : swaps ? mnt_table_parse_swaps(table, full)
                       : mnt_table_parse_mtab(table, full);

    if (code != 0 && !(swaps && errno == ENOENT)) { /* a kernel may have no swap at all */
        errno = code < 0 ? -code : EIO;
        msg_errno(full, "reading");
        mnt_unref_table(table);
        table = NULL;
    }
    free(full);
    return table;
}

int device_uses_read(struct device_uses *uses, const char *root)
{
    *uses = (struct device_uses){.root = root};
    uses->mounts = read_table(root, "/proc/self/mountinfo", false);
    uses->swaps = uses->mounts ? read_table(root, "/proc/swaps", true) : NULL;
    return uses->swaps ? 0 : -1;
}

void device_uses_free(struct device_uses *uses)
{
    mnt_unref_table(uses->mounts);
    mnt_unref_table(uses->swaps);
    *uses = (struct device_uses){0};
}

/* Is "/dev/mapper/root", a link perhaps, the device of that name? */
static bool is_name(const struct device_uses *uses, const char *source, const char *name)
{
    char *full, *real;
    bool same;

    if (!source || strncmp(source, "/dev/", 5) != 0)
        return false;
    full = xasprintf("%s%s", uses->root, source);
    real = realpath(full, NULL);
    same = strcmp(strrchr(real ? real : source, '/') + 1, name) == 0;
    free(real);
    free(full);
    return same;
}

static char *mount_of(const struct device_uses *uses, const struct node *node)
{
    struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
    struct libmnt_fs *fs;
    char *use = NULL;

    while (!use && mnt_table_next_fs(uses->mounts, iter, &fs) == 0)
        if (mnt_fs_get_devno(fs) == node->dev || is_name(uses, mnt_fs_get_source(fs), node->name))
            use = xasprintf("is mounted at %s", mnt_fs_get_target(fs));
    mnt_reset_iter(iter, MNT_ITER_FORWARD);
    while (!use && mnt_table_next_fs(uses->swaps, iter, &fs) == 0)
        if (is_name(uses, mnt_fs_get_source(fs), node->name))
            use = xstrdup("is swap space");
    mnt_free_iter(iter);
    return use;
}

/* File systems over several devices list them. */
static char *btrfs_of(const struct device_uses *uses, const struct node *node)
{
    struct strings ids = sysfs_names("%s/sys/fs/btrfs", uses->root);
    char *use = NULL;

    for (size_t i = 0; i < ids.n && !use; i++)
        if (sysfs_exists("%s/sys/fs/btrfs/%s/devices/%s", uses->root, ids.v[i], node->name))
            use = xstrdup("belongs to a btrfs that is mounted");
    strings_free(&ids);
    return use;
}

/* Loop devices of the disk itself. */
static char *loop_of(const struct device_uses *uses, const struct node *node)
{
    struct strings names = sysfs_names("%s/sys/block", uses->root);
    char *use = NULL, *file;

    for (size_t i = 0; i < names.n && !use; i++) {
        file = sysfs_text("%s/sys/block/%s/loop/backing_file", uses->root, names.v[i]);
        if (is_name(uses, file, node->name))
            use = xasprintf("is behind %s", names.v[i]);
        free(file);
    }
    strings_free(&names);
    return use;
}

static char *node_use(const struct device_uses *uses, const struct node *node, unsigned depth);

/* Devices made of this one: "is used by dm-0 (vg-root), which is mounted at /". */
static char *holder_of(const struct device_uses *uses, const struct node *node, unsigned depth)
{
    struct strings names = sysfs_names("%s/holders", node->folder);
    char *use = NULL, *folder, *label, *higher;

    for (size_t i = 0; i < names.n && !use; i++) {
        folder = xasprintf("%s/sys/block/%s", uses->root, names.v[i]);
        label = sysfs_text("%s/dm/name", folder);
        higher = node_use(uses, &(struct node){folder, names.v[i], sysfs_dev("%s/dev", folder)},
                          depth + 1);
        use =
            xasprintf("is used by %s%s%s%s%s%s", names.v[i], label ? " (" : "", label ? label : "",
                      label ? ")" : "", higher ? ", which " : "", higher ? higher : "");
        free(higher);
        free(label);
        free(folder);
    }
    strings_free(&names);
    return use;
}

static char *node_use(const struct device_uses *uses, const struct node *node, unsigned depth)
{
    char *use = depth < DEPTH_MAX ? mount_of(uses, node) : xstrdup("is used");

    if (!use)
        use = btrfs_of(uses, node);
    if (!use)
        use = loop_of(uses, node);
    return use ? use : holder_of(uses, node, depth);
}

char *device_use(const struct device_uses *uses, const struct device *device)
{
    char *folder = xasprintf("%s/sys/block/%s", uses->root, device->name), *part, *found, *use;
    struct strings names = sysfs_names("%s", folder);

    use = node_use(uses, &(struct node){folder, device->name, device->dev}, 0);
    for (size_t i = 0; i < names.n && !use; i++) {
        part = xasprintf("%s/%s", folder, names.v[i]);
        found = NULL;
        if (sysfs_exists("%s/partition", part))
            found = node_use(uses, &(struct node){part, names.v[i], sysfs_dev("%s/dev", part)}, 0);
        if (found)
            use = xasprintf("partition %u %s", (unsigned)sysfs_number("%s/partition", part), found);
        free(found);
        free(part);
    }
    strings_free(&names);
    free(folder);
    return use;
}
