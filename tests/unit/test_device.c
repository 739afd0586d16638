/*
 * Which disks may be written: against roots that are made up of what sysfs, /proc and /dev say on
 * real machines.
 */
#include "media/device.h"

#include "base/util.h"
#include "caught.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/test_device.XXXXXX";

static void make_parents(char *path)
{
    for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
        *slash = '/';
    }
}

/* A file under the root, with its folders. */
static void put_bytes(const char *name, const void *data, size_t len)
{
    char *path = xasprintf("%s/%s", root, name);
    FILE *file;

    make_parents(path);
    file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    free(path);
}

static void put(const char *name, const char *text)
{
    put_bytes(name, text, strlen(text));
}

static void put_link(const char *name, const char *target)
{
    char *path = xasprintf("%s/%s", root, name);

    make_parents(path);
    assert_int_equal(symlink(target, path), 0);
    free(path);
}

/* "FOLDER/NAME" = value, for a device whose folder is known. */
static void set(const char *folder, const char *name, const char *value)
{
    char *path = xasprintf("%s/%s", folder, name);

    put(path, value);
    free(path);
}

/* A disk that is plugged in at a place below sys/devices; how many partitions; MiB, 0: no medium.
 */
static void add_disk(const char *where, const char *name, unsigned minor, unsigned partitions,
                     unsigned mib)
{
    char *folder = xasprintf("sys/devices/%s/block/%s", where, name);
    char *link = xasprintf("sys/block/%s", name);
    char *target = xasprintf("../devices/%s/block/%s", where, name), text[64];

    snprintf(text, sizeof text, "8:%u\n", minor);
    set(folder, "dev", text);
    snprintf(text, sizeof text, "%u\n", mib * 2048);
    set(folder, "size", text);
    set(folder, "ro", "0\n");
    set(folder, "removable", "0\n");
    set(folder, "queue/logical_block_size", "512\n");
    put_link(link, target);
    for (unsigned i = 1; i <= partitions; i++) {
        char *part = xasprintf("%s/%s%u", folder, name, i);

        snprintf(text, sizeof text, "%u\n", i);
        set(part, "partition", text);
        snprintf(text, sizeof text, "8:%u\n", minor + i);
        set(part, "dev", text);
        free(part);
    }
    free(target);
    free(link);
    free(folder);
}

static void put_mounts(const char *lines)
{
    put("proc/self/mountinfo", lines);
    put("proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
}

static int start(void **state)
{
    (void)state;
    memcpy(root + strlen(root) - 6, "XXXXXX", 6);
    assert_non_null(mkdtemp(root));
    put_mounts("");
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static int end(void **state)
{
    (void)state;
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The only disk of that name. */
static const struct device *find(const struct device_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->devices[i].name, name) == 0)
            return &list->devices[i];
    fail_msg("%s is not listed", name);
    return NULL;
}

static void check_device(const struct device_list *list, const char *name, enum device_state state,
                         const char *why)
{
    const struct device *device = find(list, name);

    if (device->state != state ||
        (why ? !device->why || strcmp(device->why, why) != 0 : device->why != NULL))
        fail_msg("%s: state %d, %s, not %d, %s", name, device->state,
                 device->why ? device->why : "free", state, why ? why : "free");
}

#define USB "pci0000:00/0000:00:14.0/usb2/2-1"
#define ATA "pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0"

/* A stick tells who it is. */
static void test_stick(void **state)
{
    const char *folder = "sys/devices/" USB "/2-1:1.0/host6/target6:0:0/6:0:0:0/block/sdb";
    struct device_list list;
    const struct device *device;

    (void)state;
    add_disk(USB "/2-1:1.0/host6/target6:0:0/6:0:0:0", "sdb", 16, 0, 64);
    set(folder, "removable", "1\n");
    set(folder, "device/vendor", "SanDisk \n");
    set(folder, "device/model", "Ultra Fit       \n");
    put("sys/devices/" USB "/idVendor", "0781\n");
    put("sys/devices/" USB "/serial", "4C530001230101\n");
    put_link("dev/disk/by-id/wwn-0x5000", "../../sdb");
    put_link("dev/disk/by-id/usb-SanDisk_Ultra_Fit_4C530001230101-0:0", "../../sdb");
    put_link("dev/disk/by-id/usb-SanDisk_Ultra_Fit_4C530001230101-0:0-part1", "../../sdb1");
    put("dev/sdb", "no file system");

    assert_int_equal(device_list(&list, root), 0);
    assert_int_equal(list.count, 1);
    check_device(&list, "sdb", DEVICE_FREE, NULL);
    device = find(&list, "sdb");
    assert_string_equal(device->path, "/dev/sdb");
    assert_string_equal(device->by_id, "/dev/disk/by-id/usb-SanDisk_Ultra_Fit_4C530001230101-0:0");
    assert_string_equal(device->vendor, "SanDisk");
    assert_string_equal(device->model, "Ultra Fit");
    assert_string_equal(device->serial, "4C530001230101");
    assert_string_equal(device->bus, "usb");
    assert_string_equal(device->contents, "");
    assert_int_equal(device->size, 64 * MIB);
    assert_int_equal(device->sector_size, 512);
    assert_ptr_equal(device_find(&list, makedev(8, 16)), device);
    assert_null(device_find(&list, makedev(8, 17)));
    device_list_free(&list);
}

/* Kinds of disks; the names and values are those of real machines. */
static void test_kinds(void **state)
{
    struct device_list list;

    (void)state;
    add_disk(ATA, "sda", 0, 0, 64);
    set("sys/devices/" ATA "/block/sda", "device/vpd_pg80", "");
    put_bytes("sys/devices/" ATA "/block/sda/device/vpd_pg80", "\0\x80\0\x0aS3Z   1234  ", 16);
    add_disk(USB "/ssd", "sdb", 16, 0, 64); /* a disk of its own in a USB case: not removable */
    add_disk("pci0/mmc_host/mmc0/mmc0:aaaa", "mmcblk0", 32, 1, 64);
    set("sys/block/mmcblk0", "device/type", "SD\n");
    set("sys/block/mmcblk0", "device/name", "SC16G\n");
    set("sys/block/mmcblk0", "device/serial", "0x1234abcd\n");
    add_disk("pci0/mmc_host/mmc1/mmc1:0001", "mmcblk1", 48, 0, 64);
    set("sys/block/mmcblk1", "device/type", "MMC\n");
    add_disk("pci0/mmc_host/mmc1/mmc1:0001", "mmcblk1boot0", 64, 0, 4);
    add_disk("pci0/nvme/nvme0", "nvme0n1", 80, 0, 64);
    set("sys/block/nvme0n1", "device/model", "Samsung SSD 980\n");
    set("sys/block/nvme0n1", "device/serial", "S64D\n");
    add_disk("pci0/ata2/host1/x", "sr0", 96, 0, 64);
    set("sys/block/sr0", "removable", "1\n");
    add_disk(USB "/reader", "sdc", 112, 0, 0);
    set("sys/block/sdc", "removable", "1\n");
    add_disk(USB "/locked", "sdd", 128, 0, 64);
    set("sys/block/sdd", "ro", "1\n");
    add_disk("virtual", "zram0", 144, 0, 64);
    add_disk("virtual", "dm-0", 160, 0, 64);
    add_disk("virtual", "md127", 176, 0, 64);
    add_disk("virtual", "loop3", 192, 0, 64);
    add_disk("virtual", "ram0", 208, 0, 64);
    add_disk("pci0/raid", "cciss!c0d0", 224, 0, 64);

    assert_int_equal(device_list(&list, root), 0);
    check_device(&list, "sda", DEVICE_FIXED, "is not removable");
    assert_string_equal(find(&list, "sda")->serial, "S3Z   1234");
    assert_string_equal(find(&list, "sda")->bus, "ata");
    check_device(&list, "sdb", DEVICE_FREE, NULL);
    check_device(&list, "mmcblk0", DEVICE_FREE, NULL);
    assert_string_equal(find(&list, "mmcblk0")->model, "SC16G");
    assert_string_equal(find(&list, "mmcblk0")->serial, "0x1234abcd");
    check_device(&list, "mmcblk1", DEVICE_FIXED, "is not removable");
    check_device(&list, "mmcblk1boot0", DEVICE_BARRED, "is the firmware's part of a memory chip");
    check_device(&list, "nvme0n1", DEVICE_FIXED, "is not removable");
    assert_string_equal(find(&list, "nvme0n1")->serial, "S64D");
    check_device(&list, "sr0", DEVICE_BARRED, "is a CD drive");
    check_device(&list, "sdc", DEVICE_BARRED, "has no medium");
    check_device(&list, "sdd", DEVICE_BARRED, "is read-only");
    check_device(&list, "zram0", DEVICE_BARRED, "is compressed memory");
    check_device(&list, "dm-0", DEVICE_BARRED, "is a device-mapper volume");
    check_device(&list, "md127", DEVICE_BARRED, "is a RAID array");
    check_device(&list, "ram0", DEVICE_BARRED, "is a RAM disk");
    check_device(&list, "loop3", DEVICE_FIXED, "is not removable");
    assert_string_equal(find(&list, "cciss!c0d0")->path, "/dev/cciss/c0d0");
    device_list_free(&list);
}

/* Whoever uses a disk, it is never written. */
static void test_uses(void **state)
{
    struct device_list list;

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        char name[] = {'s', 'd', (char)('a' + i), '\0'}, where[64];

        snprintf(where, sizeof where, USB "/%u", i);
        add_disk(where, name, 16 * i, 2, 64);
    }
    put_mounts("21 26 0:20 / /proc rw - proc proc rw\n"
               "22 26 8:1 / / rw shared:1 - ext4 /dev/root rw\n"              /* sda1 */
               "23 22 8:16 / /media/my\\040stick rw - vfat /dev/sdb rw\n"     /* sdb, whole */
               "24 22 253:0 / /home rw - ext4 /dev/mapper/vg-home rw\n"       /* on sdc2 */
               "25 22 0:45 / /data rw - btrfs /dev/sdd1 rw\n"                 /* sdd1 and sde1 */
               "26 22 0:46 /x /srv rw - btrfs /dev/disk/by-label/data rw\n"); /* sdj2 */
    put("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n/dev/sdf2 partition 1 0 -2\n"
                      "/home/swapfile file 1 0 -3\n");
    put("sys/devices/" USB "/2/block/sdc/sdc2/holders/dm-0/x", "");
    put("sys/devices/virtual/block/dm-0/dev", "253:0\n");
    put("sys/devices/virtual/block/dm-0/dm/name", "vg-home\n");
    put_link("sys/block/dm-0", "../devices/virtual/block/dm-0");
    put("sys/fs/btrfs/0a1b/devices/sdd1/x", "");
    put("sys/fs/btrfs/0a1b/devices/sde1/x", "");
    put("sys/devices/" USB "/6/block/sdg/holders/md0/x", "");
    put("sys/devices/virtual/block/loop0/loop/backing_file", "/dev/sdh\n");
    put_link("sys/block/loop0", "../devices/virtual/block/loop0");
    put("dev/sdj2", "");
    put_link("dev/disk/by-label/data", "../../sdj2");

    assert_int_equal(device_list(&list, root), 0);
    check_device(&list, "sda", DEVICE_BARRED, "partition 1 is mounted at /");
    check_device(&list, "sdb", DEVICE_BARRED, "is mounted at /media/my stick");
    check_device(&list, "sdc", DEVICE_BARRED,
                 "partition 2 is used by dm-0 (vg-home), which is mounted at /home");
    check_device(&list, "sdd", DEVICE_BARRED, "partition 1 is mounted at /data");
    check_device(&list, "sde", DEVICE_BARRED, "partition 1 belongs to a btrfs that is mounted");
    check_device(&list, "sdf", DEVICE_BARRED, "partition 2 is swap space");
    check_device(&list, "sdg", DEVICE_BARRED, "is used by md0");
    check_device(&list, "sdh", DEVICE_BARRED, "is behind loop0");
    check_device(&list, "sdi", DEVICE_FREE, NULL);
    check_device(&list, "sdj", DEVICE_BARRED, "partition 2 is mounted at /srv");
    device_list_free(&list);
}

/* A RAID's member that nobody has put together: on a built-in disk it may be missed. */
static void test_member(void **state)
{
    static uint8_t disk[2 * MIB]; /* libblkid looks for none on floppies */
    struct device_list list;

    (void)state;
    put_le32(disk + 4096, 0xa92b4efc); /* md's superblock 1.2 */
    put_le32(disk + 4100, 1);
    put_le64(disk + 4096 + 144, 8);
    add_disk(ATA, "sda", 0, 0, 64);
    put_bytes("dev/sda", disk, sizeof disk);
    add_disk(USB, "sdb", 16, 0, 64);
    put_bytes("dev/sdb", disk, sizeof disk);
    assert_int_equal(device_list(&list, root), 0);
    check_device(&list, "sda", DEVICE_BARRED,
                 "holds a part of a larger volume (linux_raid_member)");
    check_device(&list, "sdb", DEVICE_FREE, NULL);
    assert_string_equal(find(&list, "sdb")->contents, "linux_raid_member");
    device_list_free(&list);
}

static void test_partition(void **state)
{
    char *disk;

    (void)state;
    add_disk(ATA, "sda", 0, 3, 64);
    disk = device_disk_of(root, makedev(8, 3));
    assert_string_equal(disk, "sda");
    free(disk);
    assert_null(device_disk_of(root, makedev(8, 0)));
    assert_null(device_disk_of(root, makedev(8, 4)));
}

/* Without knowing what is mounted, nothing is free. */
static void test_blind(void **state)
{
    char *path = xasprintf("%s/proc/self/mountinfo", root);
    struct device_list list;
    struct caught caught;
    char text[512];

    (void)state;
    assert_int_equal(unlink(path), 0);
    caught_begin(&caught);
    assert_int_equal(device_list(&list, root), -1);
    caught_end(&caught, text, sizeof text);
    assert_non_null(strstr(text, "mountinfo: reading: No such file"));
    device_list_free(&list);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_stick, start, end),
        cmocka_unit_test_setup_teardown(test_kinds, start, end),
        cmocka_unit_test_setup_teardown(test_uses, start, end),
        cmocka_unit_test_setup_teardown(test_member, start, end),
        cmocka_unit_test_setup_teardown(test_partition, start, end),
        cmocka_unit_test_setup_teardown(test_blind, start, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
