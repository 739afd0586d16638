/*
 * images: container images for the tests of from_oci: a few words per layer become tars, JSON and
 * blobs, and what is read from them becomes words again.
 */
#ifndef TESTS_IMAGES_H
#define TESTS_IMAGES_H

#include "ramroot/rootfs.h"

#include "base/digest.h"
#include "base/util.h"
#include "caught.h"
#include "files.h"

#include <archive.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- archives ---- */

static inline la_ssize_t to_buf(struct archive *archive, void *arg, const void *data, size_t len)
{
    (void)archive;
    buf_add(arg, data, len);
    return (la_ssize_t)len;
}

static inline struct archive *begin_tar(struct buf *out, int filter)
{
    struct archive *archive = archive_write_new();

    archive_write_set_format_pax_restricted(archive);
    archive_write_add_filter(archive, filter);
    archive_write_set_bytes_in_last_block(archive, 1);
    assert_int_equal(archive_write_open(archive, out, NULL, to_buf, NULL), ARCHIVE_OK);
    return archive;
}

static inline void put(struct archive *archive, const char *path, mode_t type, const void *data,
                       size_t len)
{
    struct archive_entry *entry = archive_entry_new();

    archive_entry_set_pathname(entry, path);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, 0644);
    if (type == AE_IFLNK)
        archive_entry_set_symlink(entry, data);
    else
        archive_entry_set_size(entry, (la_int64_t)len);
    assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
    if (type == AE_IFREG && len)
        assert_int_equal(archive_write_data(archive, data, len), len);
    archive_entry_free(entry);
}

/*
 * One member from a word of a layer's text: "etc/" a folder, "etc/=700" with a mode, "a=text" a
 * file, "a>b" a symbolic link, "a&b" a hard link to b, "a" an empty file.
 */
static inline void put_word(struct archive *archive, char *word)
{
    struct archive_entry *entry = archive_entry_new();
    size_t len = strcspn(word, "=>&");
    char kind = word[len];
    const char *rest = kind ? word + len + 1 : "";
    bool is_folder = len && word[len - 1] == '/';

    word[len] = '\0';
    archive_entry_set_pathname(entry, word);
    archive_entry_set_filetype(entry, is_folder ? AE_IFDIR : kind == '>' ? AE_IFLNK : AE_IFREG);
    archive_entry_set_perm(entry, is_folder ? kind ? strtoul(rest, NULL, 8) : 0755 : 0644);
    archive_entry_set_uname(entry, "somebody");
    archive_entry_set_uid(entry, 7);
    if (is_folder && kind)
        archive_entry_xattr_add_entry(entry, "user.mode", rest, strlen(rest));
    if (kind == '>')
        archive_entry_set_symlink(entry, rest);
    else if (kind == '&')
        archive_entry_set_hardlink(entry, rest);
    else if (!is_folder)
        archive_entry_set_size(entry, (la_int64_t)strlen(rest));
    assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
    if (!is_folder && kind == '=')
        archive_write_data(archive, rest, strlen(rest));
    archive_entry_free(entry);
}

static inline void make_layer(struct buf *out, const char *text, int filter)
{
    struct archive *archive = begin_tar(out, filter);
    char *copy = xstrdup(text), *save;

    for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
        put_word(archive, word);
    archive_write_free(archive);
    free(copy);
}

/* ---- images ---- */

struct file {
    char *path;
    struct buf data;
    const char *link; /* a symbolic link instead */
};

/* What an image consists of, before it becomes an archive or a folder. */
struct image {
    struct file files[64];
    size_t count;
};

static inline struct digest_text sha256(const void *data, size_t len)
{
    struct content content = content_memory(data, len);
    uint8_t digest[DIGEST_LEN];

    assert_int_equal(digest_content(&content, 0, digest), 0);
    return digest_hex(digest);
}

static inline struct file *add_file(struct image *image, char *path, const void *data, size_t len)
{
    struct file *file = &image->files[image->count++];

    assert_true(image->count <= ARRAY_LEN(image->files));
    *file = (struct file){.path = path};
    buf_add(&file->data, data, len);
    return file;
}

/* A text of the image; takes it. */
static inline void add_text(struct image *image, const char *path, char *text)
{
    add_file(image, xstrdup(path), text, strlen(text));
    free(text);
}

static inline struct digest_text add_blob(struct image *image, const void *data, size_t len)
{
    struct digest_text hex = sha256(data, len);

    add_file(image, xasprintf("blobs/sha256/%s", hex.text), data, len);
    return hex;
}

/* {"os":..., "architecture":...} of "linux/arm64". */
static inline char *platform_json(const char *platform)
{
    size_t len = strcspn(platform, "/");

    return xasprintf("{\"os\":\"%.*s\",\"architecture\":\"%s\"}", (int)len, platform,
                     platform + len + 1);
}

/* The blobs of an image; the digest of its manifest. */
static inline struct digest_text add_manifest(struct image *image, const char *const layers[],
                                              const char *platform, int filter)
{
    char *config = platform_json(platform);
    struct digest_text hex = add_blob(image, config, strlen(config));
    struct buf text = {0};

    buf_printf(&text, "{\"schemaVersion\":2,\"config\":{\"digest\":\"sha256:%s\"},\"layers\":[",
               hex.text);
    for (size_t i = 0; layers[i]; i++) {
        struct buf layer = {0};

        make_layer(&layer, layers[i], filter);
        hex = add_blob(image, layer.data, layer.len);
        buf_printf(&text, "%s{\"digest\":\"sha256:%s\"}", i ? "," : "", hex.text);
        buf_free(&layer);
    }
    buf_puts(&text, "]}");
    hex = add_blob(image, text.data, text.len);
    buf_free(&text);
    free(config);
    return hex;
}

static inline void add_index(struct image *image, char *manifests)
{
    add_text(image, "oci-layout", xstrdup("{\"imageLayoutVersion\":\"1.0.0\"}"));
    add_text(image, "index.json", xasprintf("{\"manifests\":[%s]}", manifests));
    free(manifests);
}

static inline void make_oci(struct image *image, const char *const layers[], int filter)
{
    struct digest_text hex = add_manifest(image, layers, "linux/amd64", filter);

    add_index(image, xasprintf("{\"digest\":\"sha256:%s\"}", hex.text));
}

/* As docker save did for long: HEX.json, NAME/layer.tar, manifest.json. */
static inline void make_saved(struct image *image, const char *const layers[])
{
    char *config = platform_json("linux/amd64");
    struct digest_text hex = sha256(config, strlen(config));
    struct buf text = {0};

    buf_printf(&text, "[{\"Config\":\"%s.json\",\"RepoTags\":[\"a:1\"],\"Layers\":[", hex.text);
    add_file(image, xasprintf("%s.json", hex.text), config, strlen(config));
    for (size_t i = 0; layers[i]; i++) {
        struct buf layer = {0};

        make_layer(&layer, layers[i], ARCHIVE_FILTER_NONE);
        hex = sha256(&i, sizeof i);
        add_file(image, xasprintf("%s/layer.tar", hex.text), layer.data, layer.len);
        buf_printf(&text, "%s\"%s/layer.tar\"", i ? "," : "", hex.text);
        buf_free(&layer);
    }
    buf_puts(&text, "]}]");
    add_file(image, xstrdup("manifest.json"), text.data, text.len);
    buf_free(&text);
    free(config);
}

static inline void free_image(struct image *image)
{
    for (size_t i = 0; i < image->count; i++) {
        free(image->files[i].path);
        buf_free(&image->files[i].data);
    }
    image->count = 0;
}

static inline char *scratch_path(const char *name)
{
    return xasprintf("%s/%s", scratch_dir(), name);
}

static inline void write_file(const char *name, const void *data, size_t len)
{
    char *path = scratch_path(name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    free(path);
}

/* Writes the image as the scratch folder's "image"; backwards: its last file first. */
static inline void write_tar(const struct image *image, int filter, bool backwards)
{
    struct buf out = {0};
    struct archive *archive = begin_tar(&out, filter);

    for (size_t i = 0; i < image->count; i++) {
        const struct file *file = &image->files[backwards ? image->count - 1 - i : i];

        if (file->link)
            put(archive, file->path, AE_IFLNK, file->link, 0);
        else
            put(archive, file->path, AE_IFREG, file->data.data, file->data.len);
    }
    archive_write_free(archive);
    assert_int_equal(scratch_sh("rm -rf image"), 0);
    write_file("image", out.data, out.len);
    buf_free(&out);
}

static inline void write_folder(const struct image *image)
{
    assert_int_equal(scratch_sh("rm -rf image; mkdir -p image/blobs/sha256"), 0);
    for (size_t i = 0; i < image->count; i++) {
        char *name = xasprintf("image/%s", image->files[i].path);

        write_file(name, image->files[i].data.data, image->files[i].data.len);
        free(name);
    }
}

/* ---- reading ---- */

static inline void list_member(struct rootfs *rootfs, struct archive_entry *entry, struct buf *out)
{
    const void *data;
    uint64_t offset;
    const char *name = NULL;
    size_t len;
    int result;

    /* nothing is asserted here: standard error is elsewhere */
    if (archive_entry_uname(entry) || archive_entry_uid(entry) != 7)
        buf_printf(out, "(owner %lld) ", (long long)archive_entry_uid(entry));
    buf_printf(out, "%s%s", out->len ? " " : "", archive_entry_pathname(entry));
    if (archive_entry_hardlink(entry))
        buf_printf(out, "&%s", archive_entry_hardlink(entry));
    else if (archive_entry_filetype(entry) == AE_IFLNK)
        buf_printf(out, ">%s", archive_entry_symlink(entry));
    else if (archive_entry_filetype(entry) == AE_IFDIR)
        buf_puts(out, "/");
    else if (archive_entry_size(entry) > 0)
        buf_puts(out, "=");
    if (archive_entry_filetype(entry) == AE_IFDIR && archive_entry_xattr_reset(entry) > 0) {
        archive_entry_xattr_next(entry, &name, &data, &len);
        buf_printf(out, "=%.*s:%o", (int)len, (const char *)data, archive_entry_perm(entry));
    }
    while ((result = rootfs_oci.block(rootfs, &data, &len, &offset)) == 1)
        buf_add(out, data, len);
    if (result < 0)
        buf_puts(out, "(bytes cannot be read)");
}

/* The members, or what was said about the image; malloc'ed. */
static inline char *list(void)
{
    char *path = scratch_path("image"), text[2048];
    struct rootfs rootfs = {.path = path, .fd = open(path, O_RDONLY | O_CLOEXEC)};
    struct archive_entry *entry;
    struct buf out = {0};
    struct caught caught;
    int result;

    assert_true(rootfs.fd >= 0);
    assert_int_equal(rootfs_oci.probe(path, rootfs.fd), 1);
    caught_begin(&caught);
    result = rootfs_oci.open(&rootfs);
    if (result == 0)
        while ((result = rootfs_oci.next(&rootfs, &entry)) == 1)
            list_member(&rootfs, entry, &out);
    rootfs_oci.close(&rootfs);
    caught_end(&caught, text, sizeof text);
    close(rootfs.fd);
    if (result < 0) {
        buf_free(&out);
        buf_puts(&out, text + strlen("mkbootmedia: ") + strlen(path));
        assert_int_equal(strchr(out.data, '\n') - out.data, out.len - 1); /* one line */
        out.data[out.len - 1] = '\0';
    }
    free(path);
    return out.data ? out.data : xstrdup("");
}

/* Compares, frees the text, and names the case. */
static inline unsigned check(const char *name, char *got, const char *wanted)
{
    unsigned wrong = strcmp(got, wanted) != 0;

    if (wrong)
        print_error("%s:\n  got    %s\n  wanted %s\n", name, got, wanted);
    free(got);
    return wrong;
}

static inline int images_setup(void **state)
{
    (void)state;
    setlocale(LC_CTYPE, "C.UTF-8");
    return 0;
}

#endif
