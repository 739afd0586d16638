/*
 * fat_read and iso9660_read: volumes made by mkfs.fat + mcopy, xorriso and genisoimage are read
 * back and compared; then thousands of changed bytes, which nothing may crash on.
 */
#include "image/exfat.h"
#include "image/volume.h"

#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* Files of awkward sizes; "pieces" is written around one that is deleted, so that it is in pieces.
 */
static const char make_tree[] =
    "set -e; PATH=$PATH:/usr/sbin:/sbin; mkdir -p t/EFI/BOOT t/empty t/a/b/c/d/e/f/g/h/i; "
    "for n in 0 1 511 512 513 2047 2048 2049 4097 100000; do head -c $n /dev/urandom >t/f$n; done; "
    "cp t/f4097 t/EFI/BOOT/BOOTX64.EFI; cp t/f513 't/A rather long name, with blanks.config'; "
    "cp t/f511 't/\303\204pfel \346\227\245\346\234\254.txt'; "
    "cp t/f2049 t/a/b/c/d/e/f/g/h/i/deep.txt; "
    "i=0; while [ $i -lt 300 ]; do echo $i >t/a/file-number-$i.txt; i=$((i + 1)); done; "
    "fat() { truncate -s $2 fat$1; mkfs.fat -F $1 -s 1 -n LABEL$1 fat$1; "
    "  mcopy -s -i fat$1 t/* ::/; mcopy -i fat$1 t/f2048 ::/x; mcopy -i fat$1 t/f1 ::/y; "
    "  mdel -i fat$1 ::/x; mcopy -i fat$1 t/f100000 ::/pieces; }; "
    "export LC_ALL=C.UTF-8; fat 12 2M; fat 16 9M; fat 32 40M; cp t/f100000 t/pieces; "
    "xorriso -as mkisofs -R -J -V 'ROCK' -o rock t; "
    "xorriso -as mkisofs --norock -J -joliet-long -V JOLIET -o joliet t; "
    "genisoimage -D -iso-level 3 -input-charset iso8859-1 -V PLAIN -o plain t; "
    "truncate -s 1M ext; mkfs.ext4 -q -L EXTLABEL ext; "
    "exfat() { truncate -s $2 exfat$1; mkfs.exfat -c $3 -L \"$4\" exfat$1; }; "
    "exfat 1 8M 4K 'Dätä 日本'; exfat 2 300M 32K ELEVENUNITS; exfat 3 20M 512 X; ";

static int set_up(void **state)
{
    (void)state;
    return scratch_sh(make_tree) == 0 ? 0 : -1;
}

static void assert_same(const struct volume *volume, const char *path, const char *source)
{
    char *name = xasprintf("t/%s", source);
    struct content wanted = scratch_load(name);
    struct file file;

    if (volume_open_file(volume, path, &file) != 1)
        fail_msg("%s %s: is not there", volume->type, path);
    if (file.content.len != wanted.len ||
        (wanted.len && memcmp(file.content.data, wanted.data, wanted.len) != 0))
        fail_msg("%s %s: differs", volume->type, path);
    file_free(&file);
    free((void *)wanted.data);
    free(name);
}

static const struct {
    const char *file, *type, *label;
    bool names; /* long ones are kept */
} volumes[] = {
    {"fat12", "FAT12", "LABEL12", true},    {"fat16", "FAT16", "LABEL16", true},
    {"fat32", "FAT32", "LABEL32", true},    {"rock", "ISO 9660", "ROCK", true},
    {"joliet", "ISO 9660", "JOLIET", true}, {"plain", "ISO 9660", "PLAIN", false},
};

static void test_reads_back(void **state)
{
    static const char *const simple[] = {"f0",    "f1",    "f511",  "f512",  "f513",
                                         "f2047", "f2048", "f2049", "f4097", "f100000"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(volumes); i++) {
        struct content content = scratch_load(volumes[i].file);
        struct volume volume;

        assert_int_equal(volume_open(&volume, &content), 0);
        assert_string_equal(volume.type, volumes[i].type);
        assert_string_equal(volume.label, volumes[i].label);
        assert_in_range(volume.size, 1, content.len);
        for (size_t k = 0; k < ARRAY_LEN(simple); k++)
            assert_same(&volume, simple[k], simple[k]);
        assert_same(&volume, "/efi//boot/bootx64.efi", "f4097");
        assert_same(&volume, "pieces", "f100000");
        assert_same(&volume, "a/b/c/d/e/f/g/h/i/deep.txt", "f2049");
        if (volumes[i].names) {
            assert_same(&volume, "a/file-number-299.txt", "a/file-number-299.txt");
            assert_same(&volume, "a RATHER long name, with blanks.config", "f513");
            assert_same(&volume, "\303\204pfel \346\227\245\346\234\254.txt", "f511");
        }
        free((void *)content.data);
    }
}

static void test_not_there(void **state)
{
    static const char *const paths[] = {"nothing", "f1/f1", "EFI/BOOT", "EFI/BOOT/", "",
                                        "/",       ".",     "EFI/..",   "f",         "f11"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(volumes); i++) {
        struct content content = scratch_load(volumes[i].file);
        struct volume volume;

        assert_int_equal(volume_open(&volume, &content), 0);
        for (size_t k = 0; k < ARRAY_LEN(paths); k++) {
            struct file file;

            if (volume_open_file(&volume, paths[k], &file) != 0)
                fail_msg("%s: %s is a file", volumes[i].file, paths[k]);
            file_free(&file);
        }
        free((void *)content.data);
    }
}

static void test_lists(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(volumes); i++) {
        struct content content = scratch_load(volumes[i].file);
        struct folder root = {0}, folder = {0}, empty = {0};
        struct volume volume;

        assert_int_equal(volume_open(&volume, &content), 0);
        assert_int_equal(volume_list(&volume, NULL, &root), 0);
        /* 10 files, 2 with long names, pieces, 3 folders; y in the FAT ones */
        assert_int_equal(root.count, volume.kind == VOLUME_FAT ? 17 : 16);
        assert_int_equal(volume_list(&volume, folder_find(&root, "a", 1), &folder), 0);
        assert_int_equal(folder.count, 301);
        assert_int_equal(volume_list(&volume, folder_find(&root, "empty", 5), &empty), 0);
        assert_int_equal(empty.count, 0);
        folder_free(&root);
        folder_free(&folder);
        free((void *)content.data);
    }
}

/* mdel has left a hole that the next file begins in. */
static void test_pieces(void **state)
{
    struct content content = scratch_load("fat16"), out;
    struct volume volume;
    struct entry entry;

    (void)state;
    assert_int_equal(volume_open(&volume, &content), 0);
    assert_int_equal(volume_find(&volume, "pieces", &entry), 1);
    assert_int_equal(fat_read_extent(&volume.fat, &entry, &out), 0);
    free(entry.name);
    assert_int_equal(volume_find(&volume, "f100000", &entry), 1);
    assert_int_equal(fat_read_extent(&volume.fat, &entry, &out), 1);
    free(entry.name);
    free((void *)content.data);
}

static void test_others(void **state)
{
    struct content content = scratch_load("ext"), none = content_memory("hello", 5);
    struct volume volume;

    (void)state;
    assert_int_equal(volume_open(&volume, &content), 0);
    assert_string_equal(volume.type, "ext2/3/4");
    assert_string_equal(volume.label, "EXTLABEL");
    assert_int_equal(volume_open(&volume, &none), 0);
    assert_null(volume.type);
    free((void *)content.data);
}

static const struct {
    const char *file, *label;
} exfats[] = {{"exfat1", "Dätä 日本"}, {"exfat2", "ELEVENUNITS"}, {"exfat3", "X"}};

/* The serial number is changed in both regions, and fsck.exfat finds the sums right. */
static void test_exfat(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(exfats); i++) {
        struct content content = scratch_load(exfats[i].file);
        char *path = xasprintf("%s/%s", scratch_dir(), exfats[i].file);
        char *check = xasprintf("fsck.exfat -n %s && dump.exfat %s | grep -i 'serial.*0x89abcdef'",
                                path, path);
        int fd = open(path, O_RDWR | O_CLOEXEC);
        struct volume volume;
        struct exfat exfat;

        assert_int_equal(volume_open(&volume, &content), 0);
        assert_string_equal(volume.type, "exFAT");
        assert_string_equal(volume.label, exfats[i].label);
        assert_int_equal(volume.size, content.len);
        assert_int_equal(exfat_open(&exfat, &content), 1);
        assert_in_range(exfat.used, exfat.data + 3 * exfat.cluster_size, content.len / 2);
        for (uint64_t at = exfat.used; at < content.len; at++)
            assert_int_equal(((const uint8_t *)content.data)[at], 0);
        assert_int_equal(exfat_set_serial(&exfat, fd, path, 0x89abcdef), 0);
        close(fd);
        assert_int_equal(scratch_sh(check), 0);
        free((void *)content.data);
        free(check);
        free(path);
    }
}

/* Changed boot sectors and root folders are none, or ones with a text as their label. */
static void test_exfat_hostile(void **state)
{
    struct content content = scratch_load("exfat1");
    uint8_t *data = (uint8_t *)content.data, *saved = xcalloc(content.len, 1);
    struct exfat exfat;
    size_t root;
    unsigned seed = 1;

    (void)state;
    memcpy(saved, data, content.len);
    assert_int_equal(exfat_open(&exfat, &content), 1);
    root = (size_t)exfat.used - exfat.cluster_size;
    for (int round = 0; round < 3000; round++) {
        for (int k = 0; k < 3; k++) {
            data[64 + (size_t)rand_r(&seed) % 50] = (uint8_t)rand_r(&seed);
            data[root + (size_t)rand_r(&seed) % 100] = (uint8_t)rand_r(&seed);
        }
        assert_in_range(exfat_open(&exfat, &content), 0, 1);
        assert_true(utf8_valid(exfat.label));
        memcpy(data, saved, content.len);
    }
    free(saved);
    free(data);
}

static void test_utf16(void **state)
{
    static const struct {
        uint16_t units[6];
        const char *name;
    } cases[] = {
        {{'a', 'b', 0, 'c'}, "ab"},
        {{0xe4, 0x65e5, 0}, "\303\244\346\227\245"},
        {{0xd83c, 0xdf4e, 0}, "\360\237\215\216"},
        {{0xd83c, 'x', 0xdf4e, 0}, "\357\277\275x\357\277\275"},
        {{0}, ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *name = folder_name_utf16(cases[i].units, ARRAY_LEN(cases[i].units));

        assert_string_equal(name, cases[i].name);
        free(name);
    }
}

/* Everything that is listed, three folders deep, and each file's place. */
static void visit(const struct volume *volume, const struct entry *from, int depth, size_t *budget)
{
    struct folder folder = {0};

    assert_int_equal(volume_list(volume, from, &folder), 0);
    for (size_t i = 0; i < folder.count && *budget; i++) {
        struct file file;

        --*budget;
        if (folder.list[i].folder && depth)
            visit(volume, &folder.list[i], depth - 1, budget);
        if (folder.list[i].len < MIB && volume_file(volume, &folder.list[i], &file) >= 0)
            file_free(&file);
    }
    folder_free(&folder);
}

/* Places where metadata is: the first 64 KiB, and for an ISO what follows. */
static void test_hostile(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(volumes); i++) {
        struct content content = scratch_load(volumes[i].file);
        size_t len = content.len < 300 * KIB ? content.len : 300 * KIB;
        uint8_t *data = (uint8_t *)content.data, *saved = xcalloc(len, 1);
        size_t first = strncmp(volumes[i].type, "ISO", 3) == 0 ? 16 * 2048 : 0;
        unsigned seed = (unsigned)i;

        memcpy(saved, data, len);
        for (int round = 0; round < 600; round++) {
            struct volume volume;
            size_t budget = 300;
            /* sometimes a few bytes of the first descriptor, else many anywhere */
            size_t span = round % 3 == 0 ? 256 : len - first;

            for (int k = 0; k < (round % 3 == 0 ? 3 : 200); k++)
                data[first + (size_t)rand_r(&seed) % span] =
                    rand_r(&seed) % 2 ? (uint8_t)rand_r(&seed) : 0xff;
            if (round % 7 == 0)
                content.len = (size_t)rand_r(&seed) % len;
            assert_int_equal(volume_open(&volume, &content), 0);
            visit(&volume, NULL, 3, &budget);
            memcpy(data, saved, len);
            content.len = len;
        }
        free(saved);
        free(data);
    }
}

/* A chain and a folder that lead back to themselves. */
static void test_loops(void **state)
{
    struct content content = scratch_load("fat16");
    uint8_t *data = (uint8_t *)content.data;
    struct volume volume;
    struct entry entry;
    struct folder folder = {0};
    struct buf out = {0};

    (void)state;
    assert_int_equal(volume_open(&volume, &content), 0);
    assert_int_equal(volume_find(&volume, "f100000", &entry), 1);
    put_le16(data + volume.fat.fat_offset + 2 * (entry.start + 1), (uint16_t)entry.start);
    assert_int_equal(fat_read_file(&volume.fat, &entry, &out), 1); /* 100000 bytes, not for ever */
    assert_int_equal(out.len, 100000);
    buf_free(&out);
    entry.folder = true;
    assert_int_equal(volume_list(&volume, &entry, &folder), 0);
    assert_in_range(folder.count, 0, FOLDER_MAX);
    folder_free(&folder);
    free(entry.name);
    free(data);
}

/* The entry of a cluster in the first FAT. */
static void set_cluster(const struct fat_volume *fat, uint8_t *data, uint32_t cluster,
                        uint32_t value)
{
    if (fat->bits == 32)
        put_le32(data + fat->fat_offset + 4 * (uint64_t)cluster, value);
    else
        put_le16(data + fat->fat_offset + 2 * (uint64_t)cluster, (uint16_t)value);
}

/* Up to the last cluster that is not free, be it bad; never past the volume. */
static void test_used(void **state)
{
    (void)state;
    for (int bits = 16; bits <= 32; bits *= 2) {
        struct content content = scratch_load(bits == 16 ? "fat16" : "fat32");
        uint8_t *data = (uint8_t *)content.data;
        struct volume volume;
        const struct fat_volume *fat = &volume.fat;
        uint64_t used, end;

        assert_int_equal(volume_open(&volume, &content), 0);
        assert_int_equal(fat_read_used(fat, &used), 0);
        assert_int_equal((used - fat->data_offset) % fat->cluster_size, 0);
        assert_in_range(used, fat->data_offset + 300 * 512, content.len - 1);
        end = fat->data_offset + fat->clusters * fat->cluster_size;
        assert_true(end <= content.len);
        set_cluster(fat, data, fat->clusters, 0x0ffffff7); /* the last but one, bad */
        assert_int_equal(fat_read_used(fat, &used), 0);
        assert_int_equal(used, end - fat->cluster_size);
        set_cluster(fat, data, fat->clusters + 1, 1);
        assert_int_equal(fat_read_used(fat, &used), 0);
        assert_int_equal(used, end);
        memset(data + fat->fat_offset, 0, fat->root_offset - fat->fat_offset);
        if (bits == 32) /* the upper four bits count for nothing */
            set_cluster(fat, data, 77, 0xf0000000);
        assert_int_equal(fat_read_used(fat, &used), 0);
        assert_int_equal(used, fat->data_offset);
        free(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_back),    cmocka_unit_test(test_not_there),
        cmocka_unit_test(test_lists),         cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_others),        cmocka_unit_test(test_loops),
        cmocka_unit_test(test_hostile),       cmocka_unit_test(test_exfat),
        cmocka_unit_test(test_exfat_hostile), cmocka_unit_test(test_utf16),
        cmocka_unit_test(test_used),
    };

    return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
