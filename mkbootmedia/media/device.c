/* device: disks from sysfs, and what is to be said for and against writing them. */
#include "media/device.h"

#include "base/msg.h"
#include "base/util.h"
#include "media/device_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Block devices that are no disks, by the kernel's names for them. */
static const struct {
    const char *prefix, *why;
} no_disks[] = {
    {"sr", "is a CD drive"},
    {"fd", "is a floppy drive"},
    {"ram", "is a RAM disk"},
    {"zram", "is compressed memory"},
    {"dm-", "is a device-mapper volume"},
    {"md", "is a RAID array"},
    {"mtdblock", "is flash memory of this machine"},
    {"bcache", "is a cached disk"},
};

static const struct {
    const char *prefix, *bus;
} buses[] = {
    {"nvme", "nvme"}, {"mmcblk", "mmc"}, {"vd", "virtio"}, {"loop", "loop"}, {"nbd", "nbd"}};

/* "sdb": the letters, then a number or the end. */
static bool has_prefix(const char *name, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(name, prefix, len) == 0 &&
           (strspn(name + len, "0123456789") > 0 || strchr("-", prefix[len - 1]));
}

/* The folder of the device in sysfs, with all that it is plugged into as its parents; malloc'ed. */
static char *real_folder(const char *folder)
{
    char *real = realpath(folder, NULL);

    return real ? real : xstrdup(folder);
}

/* A value of the nearest folder above that has a file of that name. */
static char *value_above(const char *folder, const char *with, const char *name)
{
    char *above = xstrdup(folder), *text = NULL, *slash;

    while (!text && (slash = strrchr(above, '/')) && slash != above) {
        *slash = '\0';
        if (sysfs_exists("%s/%s", above, with)) {
            text = sysfs_text("%s/%s", above, name);
            break;
        }
    }
    free(above);
    return text;
}

static const char *find_bus(const char *name, const char *real)
{
    if (strstr(real, "/usb"))
        return "usb";
    for (size_t i = 0; i < ARRAY_LEN(buses); i++)
        if (strncmp(name, buses[i].prefix, strlen(buses[i].prefix)) == 0)
            return buses[i].bus;
    return strstr(real, "/ata") ? "ata" : strstr(real, "/host") ? "scsi" : "";
}

/* SCSI: page 0x80 of the vital product data has four bytes before the number. */
static char *scsi_serial(const char *folder)
{
    char *page = NULL, *path = xasprintf("%s/device/vpd_pg80", folder);
    uint8_t data[256];
    FILE *file = fopen(path, "re");
    size_t len = file ? fread(data, 1, sizeof data, file) : 0;

    if (file)
        fclose(file);
    free(path);
    if (len > 4 && data[1] == 0x80) {
        char text[sizeof data] = "";
        size_t from = 4, to = len < 4U + data[3] ? len : 4U + data[3];

        while (from < to && data[from] == ' ')
            from++;
        while (to > from && (data[to - 1] == ' ' || data[to - 1] == '\0'))
            to--;
        memcpy(text, data + from, to - from);
        page = *text ? xstrdup(text) : NULL;
    }
    return page;
}

static void read_identity(struct device *device, const char *folder, const char *real)
{
    device->vendor = sysfs_text("%s/device/vendor", folder);
    if (device->vendor && strncmp(device->vendor, "0x", 2) == 0) { /* virtio: a number */
        free(device->vendor);
        device->vendor = NULL;
    }
    device->model = sysfs_text("%s/device/model", folder);
    if (!device->model)
        device->model = sysfs_text("%s/device/name", folder); /* SD cards */
    if (strcmp(device->bus, "usb") == 0)
        device->serial = value_above(real, "idVendor", "serial");
    if (!device->serial)
        device->serial = sysfs_text("%s/device/serial", folder);
    if (!device->serial)
        device->serial = sysfs_text("%s/serial", folder);
    if (!device->serial)
        device->serial = scsi_serial(folder);
}

/* The name that stays; "wwn-" and "nvme-eui." say nothing to people. */
static char *find_by_id(const char *root, const char *name)
{
    struct strings names = sysfs_names("%s/dev/disk/by-id", root);
    char *best = NULL, target[256], *path;
    bool plain = false;
    ssize_t len;

    for (size_t i = 0; i < names.n && !plain; i++) {
        path = xasprintf("%s/dev/disk/by-id/%s", root, names.v[i]);
        len = readlink(path, target, sizeof target - 1);
        target[len > 0 ? len : 0] = '\0';
        free(path);
        if (!strrchr(target, '/') || strcmp(strrchr(target, '/') + 1, name) != 0)
            continue;
        plain = strncmp(names.v[i], "wwn-", 4) != 0 && strncmp(names.v[i], "nvme-eui.", 9) != 0;
        if (best && !plain)
            continue;
        free(best);
        best = xasprintf("/dev/disk/by-id/%s", names.v[i]);
    }
    strings_free(&names);
    return best;
}

/* What sysfs says against it, whoever uses it. */
static const char *find_flaw(const struct device *device, const char *folder)
{
    for (size_t i = 0; i < ARRAY_LEN(no_disks); i++)
        if (has_prefix(device->name, no_disks[i].prefix))
            return no_disks[i].why;
    if (strcmp(device->bus, "mmc") == 0 && strstr(device->name, "boot"))
        return "is the firmware's part of a memory chip";
    if (sysfs_number("%s/hidden", folder))
        return "is a path of another disk";
    if (!device->size)
        return "has no medium";
    return device->read_only ? "is read-only" : NULL;
}

static bool is_pluggable(const struct device *device, const char *folder)
{
    char *type = sysfs_text("%s/device/type", folder);
    bool card = strcmp(device->bus, "mmc") == 0 && type && strcmp(type, "SD") == 0;

    free(type);
    return device->removable || card || strcmp(device->bus, "usb") == 0;
}

/* What was part of something on a stick is left over; on a built-in disk it may be missed. */
static void judge(struct device *device, const struct device_uses *uses, const char *folder)
{
    const char *flaw = find_flaw(device, folder);
    bool pluggable = is_pluggable(device, folder);
    char *member = NULL;

    device->state = DEVICE_BARRED;
    if (flaw) {
        device->why = xstrdup(flaw);
        return;
    }
    device_probe(device, uses->root, &member);
    device->why = device_use(uses, device);
    if (!device->why && member && !pluggable)
        device->why = xasprintf("holds a part of a larger volume (%s)", member);
    if (!device->why) {
        device->state = pluggable ? DEVICE_FREE : DEVICE_FIXED;
        device->why = pluggable ? NULL : xstrdup("is not removable");
    }
    free(member);
}

static void add_device(struct device_list *list, const struct device_uses *uses, const char *name)
{
    char *folder = xasprintf("%s/sys/block/%s", uses->root, name), *real = real_folder(folder);
    struct device *device;

    list->devices = xgrow(list->devices, list->count, sizeof *list->devices);
    device = &list->devices[list->count++];
    *device = (struct device){
        .name = xstrdup(name),
        .path = xasprintf("/dev/%s", name),
        .by_id = find_by_id(uses->root, name),
        .bus = find_bus(name, real),
        .size = sysfs_number("%s/size", folder) * SECTOR, /* sysfs counts in 512 bytes, always */
        .sector_size = (unsigned)sysfs_number("%s/queue/logical_block_size", folder),
        .removable = sysfs_number("%s/removable", folder),
        .read_only = sysfs_number("%s/ro", folder),
        .dev = sysfs_dev("%s/dev", folder),
    };
    for (char *c = device->path; (c = strchr(c, '!')); c++) /* cciss!c0d0 */
        *c = '/';
    read_identity(device, folder, real);
    judge(device, uses, folder);
    free(real);
    free(folder);
}

static bool leads_to(char *const *paths, size_t count, dev_t dev)
{
    struct stat st;

    for (size_t i = 0; i < count; i++)
        if (stat(paths[i], &st) == 0 && S_ISBLK(st.st_mode) && st.st_rdev == dev)
            return true;
    return false;
}

/* paths NULL: all. */
static int list_disks(struct device_list *list, const char *root, char *const *paths, size_t count)
{
    struct device_uses uses;
    struct strings names;

    *list = (struct device_list){0};
    if (device_uses_read(&uses, root) < 0)
        return -1;
    names = sysfs_names("%s/sys/block", root);
    for (size_t i = 0; i < names.n; i++)
        if (!paths || leads_to(paths, count, sysfs_dev("%s/sys/block/%s/dev", root, names.v[i])))
            add_device(list, &uses, names.v[i]);
    strings_free(&names);
    device_uses_free(&uses);
    return 0;
}

int device_list(struct device_list *list, const char *root)
{
    return list_disks(list, root, NULL, 0);
}

int device_list_of(struct device_list *list, char *const *paths, size_t count)
{
    return list_disks(list, "", paths, count);
}

const struct device *device_find(const struct device_list *list, dev_t dev)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->devices[i].dev == dev)
            return &list->devices[i];
    return NULL;
}

char *device_disk_of(const char *root, dev_t dev)
{
    struct strings disks = sysfs_names("%s/sys/block", root), parts;
    char *name = NULL;

    for (size_t i = 0; i < disks.n && !name; i++) {
        parts = sysfs_names("%s/sys/block/%s", root, disks.v[i]);
        for (size_t k = 0; k < parts.n && !name; k++)
            if (sysfs_exists("%s/sys/block/%s/%s/partition", root, disks.v[i], parts.v[k]) &&
                sysfs_dev("%s/sys/block/%s/%s/dev", root, disks.v[i], parts.v[k]) == dev)
                name = xstrdup(disks.v[i]);
        strings_free(&parts);
    }
    strings_free(&disks);
    return name;
}

void device_list_free(struct device_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct device *device = &list->devices[i];

        free(device->name);
        free(device->path);
        free(device->by_id);
        free(device->vendor);
        free(device->model);
        free(device->serial);
        free(device->contents);
        free(device->why);
    }
    free(list->devices);
    *list = (struct device_list){0};
}
