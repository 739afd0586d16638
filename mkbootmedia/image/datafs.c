/* datafs: mke2fs and mkfs.exfat with every choice made for them. */
#include "image/datafs.h"

#include "base/msg.h"
#include "base/util.h"
#include "image/exfat.h"
#include "image/ext4.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/*
 * MiB of journal: mke2fs would take eight times that for large ones, and all of it has to be
 * written.
 */
static unsigned journal_size(uint64_t size)
{
    if (size < 128 * MIB)
        return 4;
    return size < GIB ? 16 : 64;
}

/*
 * Without mke2fs.conf, which hosts change. The journal is left as it is because the memfd holds
 * zeros; so will the disk. Time 0 would be the clock's.
 */
static int start_mke2fs(struct datafs *fs)
{
    const struct datafs_options *o = &fs->options;
    struct run_path path = run_path(fs->fd);
    char journal[24], extended[192], time[48], epoch[48];
    int64_t seconds = o->time > 0 ? (int64_t)o->time : 1;

    snprintf(journal, sizeof journal, "size=%u", journal_size(o->size));
    snprintf(extended, sizeof extended,
             "lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=0:0,hash_seed=%s",
             o->hash_seed.text);
    snprintf(time, sizeof time, "E2FSPROGS_FAKE_TIME=%" PRId64, seconds);
    snprintf(epoch, sizeof epoch, "SOURCE_DATE_EPOCH=%" PRId64, seconds);
    return run_start_env(&fs->mkfs,
                         (const char *const[]){"mke2fs", "-q", "-F", "-b4096", "-I256", "-i16384",
                                               "-m0", "-O", EXT4_FEATURES, "-J", journal, "-E",
                                               extended, "-U", o->uuid.text, "-L", DATAFS_LABEL,
                                               path.name, NULL},
                         (const char *const[]){"MKE2FS_CONFIG=/dev/null", time, epoch, NULL});
}

/* The sizes of clusters that mkfs.exfat and Windows choose, too. */
static int start_exfat(struct datafs *fs)
{
    uint64_t size = fs->options.size;
    const char *cluster = size <= 256 * MIB ? "-c4K" : size <= 32 * GIB ? "-c32K" : "-c128K";
    struct run_path path = run_path(fs->fd);

    return run_start(&fs->mkfs, (const char *const[]){"mkfs.exfat", cluster, "-b1M", "-L",
                                                      DATAFS_LABEL, path.name, NULL});
}

int datafs_format(struct datafs *fs, const struct datafs_options *options)
{
    *fs = (struct datafs){.options = *options, .fd = run_memfd("data")};
    if (fs->fd < 0)
        return -1;
    if (ftruncate(fs->fd, (off_t)options->size) < 0)
        msg_errno("data partition", "making a memory file");
    else if ((options->type == DATA_EXT4 ? start_mke2fs(fs) : start_exfat(fs)) == 0)
        return 0;
    close(fs->fd);
    return -1;
}

static int write_ext4(const struct datafs *fs, uint64_t offset, struct image *image)
{
    struct sparse made = {fs->fd, "mke2fs", EXT4_BLOCK, offset};

    if (sparse_add(&made, 0, fs->options.size, "ext4", image) < 0)
        return -1;
    return ext4_add_spare(&made, fs->options.size, image);
}

/* mkfs.exfat makes the serial number from the clock. */
static int write_exfat(const struct datafs *fs, uint64_t offset, struct image *image)
{
    uint64_t size = fs->options.size;
    struct content content = content_file("mkfs.exfat", fs->fd, size);
    struct sparse made = {fs->fd, "mkfs.exfat", SECTOR, offset};
    struct exfat exfat;
    int result = exfat_open(&exfat, &content);

    if (result == 0 || (result == 1 && (exfat.size > size || exfat.used > size)))
        return msg_error("mkfs.exfat: formatting exFAT: it has made no such volume");
    if (result < 0 || exfat_set_serial(&exfat, fs->fd, "mkfs.exfat", fs->options.volume_id) < 0 ||
        sparse_add(&made, 0, size, "exFAT", image) < 0)
        return -1;
    image_add_spare(image, offset + exfat.used, size - exfat.used, "free clusters");
    return 0;
}

int datafs_write(struct datafs *fs, uint64_t offset, struct image *image)
{
    int result = run_wait(&fs->mkfs);

    if (result == 0)
        result = fs->options.type == DATA_EXT4 ? write_ext4(fs, offset, image)
                                               : write_exfat(fs, offset, image);
    close(fs->fd);
    return result;
}

void datafs_free(struct datafs *fs)
{
    if (fs->mkfs.pid) { /* something else has failed while it ran */
        run_wait(&fs->mkfs);
        close(fs->fd);
    }
    *fs = (struct datafs){0};
}
