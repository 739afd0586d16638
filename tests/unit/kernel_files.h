/* kernel_files: files of the kernel that tools/kernel gets, as members of a spool. */
#ifndef TESTS_KERNEL_FILES_H
#define TESTS_KERNEL_FILES_H

#include "ramroot/spool.h"

#include "files.h"

#include <fts.h>
#include <stdlib.h>

/* The folder of its modules; for the tests' set-up. */
static char kernel_folder[4096];

static inline int find_kernel(void **state)
{
    FILE *out = popen("tools/kernel", "r");
    bool found = out && fgets(kernel_folder, sizeof kernel_folder, out) &&
                 fgets(kernel_folder, sizeof kernel_folder, out);

    (void)state;
    if (!out || pclose(out) != 0 || !found)
        return -1;
    kernel_folder[strcspn(kernel_folder, "\n")] = '\0';
    return 0;
}

static inline int give(struct member *member, const void **data, size_t *len, uint64_t *offset)
{
    struct content *content = member->arg;

    if (!content->len)
        return 0;
    *data = content->data;
    *len = content->len;
    *offset = 0;
    content->len = 0;
    return 1;
}

static inline void add(struct spool *spool, const char *path, struct content content)
{
    struct archive_entry *entry = archive_entry_new();
    struct member member = {entry, give, &content};

    archive_entry_set_pathname(entry, path);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_size(entry, (int64_t)content.len);
    if (spool_add(spool, &member) < 0)
        exit(1);
    archive_entry_free(entry);
}

static inline void add_link(struct spool *spool, const char *path, const char *target)
{
    struct archive_entry *entry = archive_entry_new();
    struct member member = {.entry = entry};

    archive_entry_set_pathname(entry, path);
    archive_entry_set_filetype(entry, AE_IFLNK);
    archive_entry_set_symlink(entry, target);
    if (spool_add(spool, &member) < 0)
        exit(1);
    archive_entry_free(entry);
}

/* A file of the kernel, under the same path or another one of the folder lib/modules/V. */
static inline void add_from(struct spool *spool, const char *from, const char *path)
{
    char *whole = xasprintf("%s/%s", kernel_folder, from);
    char *name = xasprintf("lib/modules/V/%s", path);
    struct content content = file_load(whole);

    add(spool, name, content);
    free((void *)content.data);
    free(whole);
    free(name);
}

static inline void add_file(struct spool *spool, const char *path)
{
    add_from(spool, path, path);
}

static inline void add_kernel(struct spool *spool)
{
    char *roots[] = {kernel_folder, NULL};
    FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    FTSENT *at;

    while ((at = fts_read(fts)))
        if (at->fts_info == FTS_F)
            add_file(spool, at->fts_path + strlen(kernel_folder) + 1);
    fts_close(fts);
    add_link(spool, "lib/modules/V/build", "/usr/src/linux");
    add_link(spool, "lib/modules/V/kernel/fs/link.ko", "ext4/ext4.ko");
}

#endif
