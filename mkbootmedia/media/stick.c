/* stick: the partition table, the ESP of ours, the manifest in it. */
#include "media/stick_private.h"

#include "base/msg.h"
#include "image/grub_bios.h"
#include "media/manifest.h"
#include "media/verify_private.h"

#include <linux/fs.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/ioctl.h>

#define DISK_MIN (4 * MIB) /* bytes: less is no stick of ours */

const char *stick_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

bool stick_flag(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

int stick_refuse(const struct stick *stick, const char *what)
{
    return msg_error("%s: updating: its manifest says something impossible of %s", stick->path,
                     what);
}

/* The manifest in a volume that may be ours. 1; 0: there is none, or *why; -1, reported. */
static int read_manifest(struct stick *stick, const char **why)
{
    struct buf text = {0};
    struct file file;
    int result = volume_open_file(&stick->volume, MANIFEST_PATH, &file);

    if (result == 1 && file.content.len <= MANIFEST_MAX) {
        text.data = xcalloc((size_t)file.content.len + 1, 1);
        text.len = (size_t)file.content.len;
        result = content_read(&file.content, 0, text.data, text.len);
        if (result == 0)
            result = manifest_parse(&stick->manifest, stick->path, text, why);
        else
            buf_free(&text);
    } else if (result == 1) {
        result = 0;
    }
    file_free(&file);
    return result;
}

/* Partitions of ours are those of the manifest. */
static bool is_ours(const struct stick *stick, const struct partition *p)
{
    const struct parttab_list *ours = &stick->manifest.table;

    for (size_t i = 0; i < ours->count; i++)
        if (!ours->partitions[i].data && strcasecmp(ours->partitions[i].guid, p->guid) == 0)
            return true;
    return false;
}

/* 1: it is an ESP of ours; 0: it is not; -1, reported. */
static int open_esp(struct stick *stick, const struct partition *esp, const struct content *disk,
                    const char **why)
{
    struct content slice;
    int result;

    if (esp->offset > disk->len || esp->size > disk->len - esp->offset)
        return 0;
    slice = content_slice(*disk, esp->offset, esp->size);
    if (volume_open(&stick->volume, &slice) < 0)
        return -1;
    if (stick->volume.kind != VOLUME_FAT || stick->volume.size > esp->size)
        return 0;
    result = read_manifest(stick, why);
    if (result == 1 && strcmp(stick->manifest.medium, "usb") == 0 && is_ours(stick, esp)) {
        stick->esp = esp;
        return fat_read_used(&stick->volume.fat, &stick->used) < 0 ? -1 : 1;
    }
    if (result == 1)
        *why = "is of another medium";
    manifest_doc_free(&stick->manifest);
    return result < 0 ? -1 : 0;
}

/* The ESP that has a manifest which names it, whatever else is on the disk. */
static int find_esp(struct stick *stick, const struct content *disk)
{
    const char *why = NULL;
    int result = 0;

    for (size_t i = 0; i < stick->table.count && result == 0; i++)
        if (strcasecmp(stick->table.partitions[i].type, GPT_TYPE_ESP) == 0)
            result = open_esp(stick, &stick->table.partitions[i], disk, &why);
    if (result < 0)
        return -1;
    if (result == 0 && why)
        return msg_error("%s: updating: its manifest %s", stick->path, why);
    if (result == 0)
        return msg_error("%s: updating: was not made by mkbootmedia: no EFI system partition has a "
                         "manifest in it",
                         stick->path);
    return 0;
}

static int sort_partitions(struct stick *stick)
{
    for (size_t i = 0; i < stick->table.count; i++) {
        const struct partition *p = &stick->table.partitions[i];

        if (p->offset > stick->disk.size || p->size > stick->disk.size - p->offset)
            return msg_error("%s: updating: its partitions pass its end", stick->path);
        if (!utf8_valid(p->name))
            return msg_error("%s: updating: the name of partition %u is no UTF-16", stick->path,
                             p->number);
        if (p == stick->esp)
            continue;
        if (!stick->core && is_ours(stick, p) && strcasecmp(p->type, GPT_TYPE_BIOSBOOT) == 0)
            stick->core = p;
        else if (stick->kept_count == MEDIUM_PARTITIONS - 2)
            return msg_error("%s: updating: has more than %d partitions", stick->path,
                             MEDIUM_PARTITIONS);
        else
            stick->kept[stick->kept_count++] = *p;
    }
    return 0;
}

/* An ISO image has its table, too, and it is not for us. */
static int refuse_iso(const struct stick *stick, const struct content *disk)
{
    struct volume volume;

    if (volume_open(&volume, disk) < 0)
        return -1;
    if (volume.kind == VOLUME_ISO9660)
        return msg_error("%s: updating: holds an ISO image: write the new one in its place",
                         stick->path);
    return 0;
}

static int read_table(struct stick *stick, const struct content *disk)
{
    uint8_t boot[SECTOR];
    int result;

    if (disk->len < DISK_MIN)
        return msg_error("%s: updating: is too small for a stick", stick->path);
    if (refuse_iso(stick, disk) < 0 || content_read(disk, 0, boot, sizeof boot) < 0)
        return -1;
    stick->core_offset = grub_bios_core_offset(boot);
    result = parttab_read_disk(&stick->table, disk, stick->sector_size);
    if (result == 0)
        return msg_error("%s: updating: was not made by mkbootmedia, or is damaged: there is no "
                         "partition table (GPT)",
                         stick->path);
    return result < 0 ? -1 : 0;
}

int stick_open(struct stick *stick, const char *path, unsigned sector_size)
{
    struct content disk;

    *stick = (struct stick){.path = path, .disk.fd = -1};
    if (source_open_disk(&stick->disk, path) < 0)
        return -1;
    ioctl(stick->disk.fd, BLKFLSBUF, 0); /* of a disk: what is there, not what was there before */
    disk = source_content(&stick->disk);
    stick->sector_size = sector_size ? sector_size : verify_sector_size(&disk);
    if (read_table(stick, &disk) < 0 || find_esp(stick, &disk) < 0)
        return -1;
    return sort_partitions(stick);
}

void stick_free(struct stick *stick)
{
    for (size_t i = 0; i < stick->sum_count; i++)
        free(stick->sums[i].name);
    free(stick->sums);
    source_close(&stick->disk);
    manifest_doc_free(&stick->manifest);
    parttab_list_free(&stick->table);
}
