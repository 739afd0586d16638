/* volume: which file system it is, and one way to look into those that we read. */
#include "image/volume.h"

#include "image/exfat.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* File systems that we only name: their magic, and where their label is. */
static const struct {
    const char *type;
    uint32_t offset;
    const char *magic;
    uint32_t magic_len;
    uint32_t label, label_len;
} others[] = {
    {"ext2/3/4", 0x438, "\x53\xef", 2, 0x478, 16},
    {"NTFS", 3, "NTFS    ", 8, 0, 0},
    {"exFAT", 3, "EXFAT   ", 8, 0, 0}, /* damaged, else it was opened */
    {"squashfs", 0, "hsqs", 4, 0, 0},
    {"XFS", 0, "XFSB", 4, 108, 12},
    {"Btrfs", 0x10040, "_BHRfS_M", 8, 0x1012b, 63},
    {"LUKS", 0, "LUKS\xba\xbe", 6, 0, 0},
    {"swap", 4086, "SWAPSPACE2", 10, 1052, 16},
};

static int probe_others(struct volume *volume, const struct content *content)
{
    char magic[16];

    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        uint64_t end = others[i].offset + others[i].magic_len;
        uint64_t label_end = others[i].label + others[i].label_len;

        if (content->len < end || content->len < label_end)
            continue;
        if (content_read(content, others[i].offset, magic, others[i].magic_len) < 0)
            return -1;
        if (memcmp(magic, others[i].magic, others[i].magic_len) != 0)
            continue;
        volume->type = others[i].type;
        return content_read(content, others[i].label, volume->label, others[i].label_len);
    }
    return 0;
}

static void take_fat(struct volume *volume)
{
    volume->kind = VOLUME_FAT;
    volume->type = volume->fat.bits == 12 ? "FAT12" : volume->fat.bits == 16 ? "FAT16" : "FAT32";
    volume->size = volume->fat.size;
    snprintf(volume->label, sizeof volume->label, "%s", volume->fat.label);
}

static void take_iso(struct volume *volume)
{
    volume->kind = VOLUME_ISO9660;
    volume->type = "ISO 9660";
    volume->size = volume->iso.size;
    snprintf(volume->label, sizeof volume->label, "%s", volume->iso.label);
}

static void take_exfat(struct volume *volume, const struct exfat *exfat)
{
    volume->type = "exFAT";
    volume->size = exfat->size;
    snprintf(volume->label, sizeof volume->label, "%s", exfat->label);
}

int volume_open(struct volume *volume, const struct content *content)
{
    struct exfat exfat;
    int result;

    *volume = (struct volume){.kind = VOLUME_OTHER};
    result = iso9660_read_open(&volume->iso, content);
    if (result == 1)
        take_iso(volume);
    if (result != 0)
        return result < 0 ? -1 : 0;
    result = fat_read_open(&volume->fat, content);
    if (result == 1)
        take_fat(volume);
    if (result != 0)
        return result < 0 ? -1 : 0;
    result = exfat_open(&exfat, content);
    if (result == 1)
        take_exfat(volume, &exfat);
    if (result != 0)
        return result < 0 ? -1 : 0;
    return probe_others(volume, content);
}

void volume_open_host(struct volume *volume, struct host_folder *host)
{
    *volume = (struct volume){.kind = VOLUME_FOLDER, .type = "folder", .host = host};
}

int volume_list(const struct volume *volume, const struct entry *folder, struct folder *out)
{
    switch (volume->kind) {
    case VOLUME_FAT:
        return fat_read_list(&volume->fat, folder, out);
    case VOLUME_ISO9660:
        return iso9660_read_list(&volume->iso, folder, out);
    case VOLUME_FOLDER:
        host_folder_list(volume->host, folder, out);
        return 0;
    default:
        return 0;
    }
}

int volume_find(const struct volume *volume, const char *path, struct entry *entry)
{
    bool at_root = true, found = true;

    if (volume->kind == VOLUME_FOLDER)
        return host_folder_find(volume->host, path, entry);
    *entry = (struct entry){.folder = true};
    for (path += strspn(path, "/"); found && *path; path += strspn(path, "/")) {
        struct folder folder = {0};
        size_t len = strcspn(path, "/");
        struct entry *next;

        if (entry->folder && volume_list(volume, at_root ? NULL : entry, &folder) < 0) {
            folder_free(&folder);
            free(entry->name);
            return -1;
        }
        next = folder_find(&folder, path, len);
        free(entry->name);
        *entry = next ? *next : (struct entry){0};
        entry->name = next ? xstrdup(next->name) : NULL;
        folder_free(&folder);
        found = entry->name != NULL;
        at_root = false;
        path += len;
    }
    return found && !at_root;
}

static int open_host(const struct volume *volume, const struct entry *entry, struct file *file)
{
    int fd;

    if (entry->folder || !host_folder_open(volume->host, entry, &fd))
        return 0;
    file->opened = true;
    file->content = content_file(volume->host->name, fd, entry->len);
    return 1;
}

int volume_file(const struct volume *volume, const struct entry *entry, struct file *file)
{
    int result;

    *file = (struct file){.content = content_memory("", 0)};
    if (volume->kind == VOLUME_ISO9660)
        return iso9660_read_extent(&volume->iso, entry, &file->content);
    if (volume->kind == VOLUME_FOLDER)
        return open_host(volume, entry, file);
    if (volume->kind != VOLUME_FAT)
        return 0;
    result = fat_read_extent(&volume->fat, entry, &file->content);
    if (result != 0 || entry->len > FILE_PIECES_MAX)
        return result;
    result = fat_read_file(&volume->fat, entry, &file->owned);
    if (result == 1)
        file->content = content_memory(file->owned.data, file->owned.len);
    return result;
}

int volume_open_file(const struct volume *volume, const char *path, struct file *file)
{
    struct entry entry;
    int result = volume_find(volume, path, &entry);

    *file = (struct file){.content = content_memory("", 0)};
    if (result < 0)
        return -1;
    if (result == 1)
        result = entry.folder ? 0 : volume_file(volume, &entry, file);
    free(entry.name);
    return result;
}

void file_free(struct file *file)
{
    if (file->opened)
        close(file->content.fd);
    buf_free(&file->owned);
    *file = (struct file){0};
}
