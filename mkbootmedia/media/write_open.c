/* write_open: from a path to a descriptor that may be written to. */
#include "media/write_open.h"

#include "base/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINUX_SECTOR_MAX FEED_ALIGN /* bytes */

static int refuse_unknown(const char *path, dev_t dev)
{
    char *disk = device_disk_of("", dev);
    int result =
        disk ? msg_error("%s: writing: is a partition of /dev/%s; name the disk", path, disk)
             : msg_error("%s: writing: is not known as a disk", path);

    free(disk);
    return result;
}

static int check_serial(const char *path, const struct device *device,
                        const struct strings *serials)
{
    for (size_t i = 0; i < serials->n; i++)
        if (device->serial && strcmp(device->serial, serials->v[i]) == 0)
            return 0;
    if (!serials->n)
        return 0;
    return msg_error("%s: writing: its serial number is %s, not %s", path,
                     device->serial ? device->serial : "not known", serials->v[0]);
}

static int check_device(const char *path, const struct device *device,
                        const struct request_write *asked)
{
    if (device->state == DEVICE_BARRED) /* "partition 1 is mounted" */
        return msg_error("%s: writing: it%s %s", path,
                         strncmp(device->why, "partition", 9) == 0 ? "s" : "", device->why);
    if (device->state == DEVICE_FIXED && !asked->allow_fixed)
        return msg_error("%s: writing: it %s (--allow-fixed writes to it all the same)", path,
                         device->why);
    return check_serial(path, device, &asked->serials);
}

static int open_disk(struct write_target *target, dev_t dev)
{
    struct stat st;
    int sector_size = 0;
    uint64_t size = 0;

    target->fd = open(target->path, O_RDWR | O_EXCL | O_DIRECT | O_CLOEXEC);
    if (target->fd < 0 && errno == EBUSY)
        return msg_error("%s: writing: somebody else is using it", target->path);
    if (target->fd < 0 || fstat(target->fd, &st) < 0)
        return msg_errno(target->path, "writing");
    if (st.st_rdev != dev)
        return msg_error("%s: writing: it has become another disk", target->path);
    if (ioctl(target->fd, BLKGETSIZE64, &size) < 0 ||
        ioctl(target->fd, BLKSSZGET, &sector_size) < 0)
        return msg_errno(target->path, "asking for its size");
    if (sector_size < (int)SECTOR || sector_size > (int)LINUX_SECTOR_MAX)
        return msg_error("%s: writing: its sectors have %d bytes", target->path, sector_size);
    target->size = size;
    target->sector_size = (unsigned)sector_size;
    return 0;
}

/* Some file systems have no O_DIRECT. */
static int open_file(struct write_target *target, const struct stat *st)
{
    target->is_file = true;
    target->fd = open(target->path, O_RDWR | O_DIRECT | O_CLOEXEC);
    if (target->fd < 0 && errno == EINVAL)
        target->fd = open(target->path, O_RDWR | O_CLOEXEC);
    if (target->fd < 0)
        return msg_errno(target->path, "writing");
    target->size = round_down((uint64_t)st->st_size, SECTOR);
    target->sector_size = SECTOR;
    return 0;
}

static int open_target(struct write_target *target, const struct request_write *asked,
                       const struct device_list *list, const struct device **device)
{
    struct stat st;

    if (stat(target->path, &st) < 0)
        return msg_errno(target->path, "writing");
    if (S_ISREG(st.st_mode) && !asked->allow_file)
        return msg_error("%s: writing: is a file, not a disk (--allow-file writes to it)",
                         target->path);
    if (S_ISREG(st.st_mode))
        return open_file(target, &st);
    if (!S_ISBLK(st.st_mode))
        return msg_error("%s: writing: is not a disk", target->path);
    *device = device_find(list, st.st_rdev);
    if (!*device)
        return refuse_unknown(target->path, st.st_rdev);
    if (check_device(target->path, *device, asked) < 0)
        return -1;
    return open_disk(target, st.st_rdev);
}

/* "/dev/disk/by-id/..." is known by another name to most. */
static void tell_link(const char *path)
{
    struct stat st;
    char *real;

    if (lstat(path, &st) < 0 || !S_ISLNK(st.st_mode))
        return;
    real = realpath(path, NULL);
    if (real)
        msg_note("%s: leads to %s", path, real);
    free(real);
}

int write_open(struct write_target *target, const char *path, const struct request_write *asked,
               const struct device_list *list, const struct device **device)
{
    *target = (struct write_target){.path = path, .fd = -1};
    *device = NULL;
    tell_link(path);
    if (open_target(target, asked, list, device) < 0)
        return -1;
    if (target->size < WRITE_MIN)
        return msg_error("%s: writing: it has only %" PRIu64 " bytes", path, target->size);
    return 0;
}

int write_open_fits(const struct write_target *target, const struct feed *feed)
{
    struct stat st;

    if (target->is_file && feed->file.fd >= 0 && fstat(target->fd, &st) == 0 &&
        st.st_dev == feed->file.dev && st.st_ino == feed->file.ino)
        return msg_error("%s: writing: is the image itself", target->path);
    if (feed->size != FEED_UNKNOWN && feed->size > target->size)
        return msg_error("%s: writing: it has %" PRIu64 " bytes, and %s has %" PRIu64, target->path,
                         target->size, feed->name, feed->size);
    return 0;
}

void write_close(struct write_target *target)
{
    if (target->fd >= 0)
        close(target->fd);
    free(target->why);
    target->fd = -1;
    target->why = NULL;
}
