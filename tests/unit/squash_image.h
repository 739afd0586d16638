/* squash_image: makes a squashfs from members, for the tests that look into it. */
#ifndef TESTS_SQUASH_IMAGE_H
#define TESTS_SQUASH_IMAGE_H

#include "ramroot/image.h"

#include "caught.h"
#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* A run of bytes of a member; the last has none. */
struct run {
    uint64_t offset;
    size_t len;
    const char *data;
};

struct image {
    struct image_settings settings;
    struct root_image image;
    struct buf extra;
};

/* Begins scratch/image, at an offset of its file. */
static inline int begin(struct image *image, enum compress compress, int level, unsigned threads,
                        uint64_t start)
{
    char *path = xasprintf("%s/image", scratch_dir());

    *image = (struct image){.settings = {compress, level, threads, 1000000000}};
    image->image = (struct root_image){.kind = &image_squashfs,
                                       .settings = &image->settings,
                                       .name = "image",
                                       .start = start,
                                       .extra = &image->extra};
    image->image.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(image->image.fd >= 0);
    free(path);
    return image->image.kind->begin(&image->image);
}

static inline void done(struct image *image)
{
    image->image.kind->free(&image->image);
    close(image->image.fd);
    buf_free(&image->extra);
}

static inline void end(struct image *image)
{
    assert_int_equal(image->image.kind->end(&image->image), 0);
    assert_int_equal(image->image.len % 4096, 0);
    assert_int_equal(lseek(image->image.fd, 0, SEEK_END), image->image.start + image->image.len);
    done(image);
}

static inline int give(struct member *member, const void **data, size_t *len, uint64_t *offset)
{
    const struct run *run = member->arg;

    if (!run->data)
        return 0;
    *data = run->data;
    *len = run->len;
    *offset = run->offset;
    member->arg = (void *)(uintptr_t)(run + 1);
    return 1;
}

/* Adds a member of which nothing but its entry and its runs are known; frees the entry. */
static inline int add_entry(struct image *image, struct archive_entry *entry,
                            const struct run *runs)
{
    struct member member = {entry, runs ? give : NULL, (void *)(uintptr_t)runs};
    int result = image->image.kind->add(&image->image, &member);

    archive_entry_free(entry);
    return result;
}

static inline struct archive_entry *new_entry(const char *path, unsigned mode)
{
    struct archive_entry *entry = archive_entry_new();

    archive_entry_set_pathname(entry, path);
    archive_entry_set_mode(entry, (mode_t)mode);
    archive_entry_set_mtime(entry, 1234567890, 0);
    return entry;
}

static inline int add_file(struct image *image, const char *path, uint64_t size,
                           const struct run *runs)
{
    struct archive_entry *entry = new_entry(path, S_IFREG | 0644);

    archive_entry_set_size(entry, (int64_t)size);
    return add_entry(image, entry, runs);
}

static inline int add_text(struct image *image, const char *path, const char *text)
{
    size_t len = strlen(text);

    return add_file(image, path, len, (struct run[]){{0, len, text}, {0, 0, NULL}});
}

static inline int add_folder(struct image *image, const char *path, unsigned mode)
{
    return add_entry(image, new_entry(path, S_IFDIR | mode), NULL);
}

static inline int add_link(struct image *image, const char *path, const char *target)
{
    struct archive_entry *entry = new_entry(path, S_IFREG | 0644);

    archive_entry_set_hardlink(entry, target);
    return add_entry(image, entry, NULL);
}

static inline int add_symlink(struct image *image, const char *path, const char *target)
{
    struct archive_entry *entry = new_entry(path, S_IFLNK | 0777);

    archive_entry_set_symlink(entry, target);
    return add_entry(image, entry, NULL);
}

static inline int add_device(struct image *image, const char *path, unsigned mode, unsigned major,
                             unsigned minor)
{
    struct archive_entry *entry = new_entry(path, mode);

    archive_entry_set_rdevmajor(entry, (dev_t)major);
    archive_entry_set_rdevminor(entry, (dev_t)minor);
    return add_entry(image, entry, NULL);
}

/* What a shell line says in the scratch folder. */
static inline void assert_says(const char *line, const char *want)
{
    char *whole = xasprintf("{ %s; } >said", line);
    struct content said;

    if (scratch_sh(whole) != 0)
        fail_msg("%s: failed", line);
    said = scratch_load("said");
    if (said.len != strlen(want) || memcmp(said.data, want, said.len) != 0)
        fail_msg("%s:\n%.*s", line, (int)said.len, (const char *)said.data);
    free((void *)(uintptr_t)said.data);
    free(whole);
}

#define LIST "TZ=UTC0 unsquashfs -lln image | tr -s ' ' | sed 's/squashfs-root//'"

/* Bytes that do not compress to nothing, the same ones for the same seed. */
static inline char *noise(size_t len, uint32_t seed)
{
    char *data = xcalloc(len, 1);

    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525 + 1013904223;
        data[i] = (char)(seed >> 24);
    }
    return data;
}

static inline void save(const char *name, const void *data, size_t len)
{
    char *path = xasprintf("%s/%s", scratch_dir(), name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    fclose(file);
    free(path);
}

#endif
