/* squash: what members are in a squashfs, looked at with unsquashfs and rdsquashfs. */
#include "ramroot/acl.h"
#include "squash_image.h"

static void test_members(void **state)
{
    struct image image;
    struct archive_entry *entry = new_entry("usr/bin/su", S_IFREG | 04755);

    (void)state;
    assert_int_equal(begin(&image, COMPRESS_ZSTD, 0, 2, 0), 0);
    archive_entry_set_uid(entry, 1000);
    archive_entry_set_gid(entry, 4294967294);
    archive_entry_set_mtime(entry, 1, 999999999);
    assert_int_equal(add_entry(&image, entry, (struct run[]){{0, 0, NULL}}), 0);
    entry = new_entry("zz", S_IFDIR | 01777);
    archive_entry_set_mtime(entry, -5, 0);
    assert_int_equal(add_entry(&image, entry, NULL), 0);
    entry = new_entry("late", S_IFIFO | 0600);
    archive_entry_set_mtime(entry, INT64_C(1) << 40, 0);
    assert_int_equal(add_entry(&image, entry, NULL), 0);
    assert_int_equal(add_symlink(&image, "bin", "usr/bin"), 0);
    assert_int_equal(add_text(&image, "etc/b", "text\n"), 0);
    assert_int_equal(add_link(&image, "etc/a", "etc/b"), 0);
    assert_int_equal(add_device(&image, "dev/null", S_IFCHR | 0666, 1, 3), 0);
    assert_int_equal(add_device(&image, "dev/sda", S_IFBLK | 0660, 8, 0), 0);
    assert_int_equal(add_device(&image, "dev/log", S_IFSOCK | 0666, 0, 0), 0);
    end(&image);
    assert_says(LIST, "drwxr-xr-x 0/0 81 2001-09-09 01:46 \n"
                      "lrwxrwxrwx 0/0 7 2009-02-13 23:31 /bin -> usr/bin\n"
                      "drwxr-xr-x 0/0 49 2001-09-09 01:46 /dev\n"
                      "srw-rw-rw- 0/0 0 2009-02-13 23:31 /dev/log\n"
                      "crw-rw-rw- 0/0 1, 3 2009-02-13 23:31 /dev/null\n"
                      "brw-rw---- 0/0 8, 0 2009-02-13 23:31 /dev/sda\n"
                      "drwxr-xr-x 0/0 33 2001-09-09 01:46 /etc\n"
                      "-rw-r--r-- 0/0 5 2009-02-13 23:31 /etc/a\n"
                      "-rw-r--r-- 0/0 5 2009-02-13 23:31 /etc/b\n"
                      "prw------- 0/0 0 2106-02-07 06:28 /late\n"
                      "drwxr-xr-x 0/0 26 2001-09-09 01:46 /usr\n"
                      "drwxr-xr-x 0/0 25 2001-09-09 01:46 /usr/bin\n"
                      "-rwsr-xr-x 1000/4294967294 0 1970-01-01 00:00 /usr/bin/su\n"
                      "drwxrwxrwt 0/0 3 1970-01-01 00:00 /zz\n");
    assert_says("unsquashfs -cat image etc/a", "text\n");
    assert_says("unsquashfs -stat image | grep -E '^(Compression|Creation|Filesystem is|Number of "
                "inodes)' | sed 's/ [A-Z][a-z][a-z] .*//'",
                "Creation or last append time\n"
                "Compression zstd\n"
                "Filesystem is exportable via NFS\n"
                "Number of inodes 13\n");
}

/* Numbers beyond eight bits, which unsquashfs shows wrongly. */
static void test_devices(void **state)
{
    struct image image;

    (void)state;
    assert_int_equal(begin(&image, COMPRESS_GZIP, 0, 1, 0), 0);
    assert_int_equal(add_device(&image, "a", S_IFCHR | 0600, 4, 300), 0);
    assert_int_equal(add_device(&image, "b", S_IFBLK | 0600, 4095, 1048575), 0);
    end(&image);
    assert_says("rdsquashfs -d image", "nod a 0600 0 0 c 4 300\n"
                                       "nod b 0600 0 0 b 4095 1048575\n");
}

static void test_replaced(void **state)
{
    struct image image;

    (void)state;
    assert_int_equal(begin(&image, COMPRESS_NONE, 0, 1, 0), 0);
    assert_int_equal(add_text(&image, "d/file", "old"), 0);
    assert_int_equal(add_link(&image, "link", "d/file"), 0);
    assert_int_equal(add_folder(&image, "d", 0700), 0);
    assert_int_equal(add_text(&image, "d/file", "newer"), 0);
    assert_int_equal(add_folder(&image, "turns", 0700), 0);
    assert_int_equal(add_text(&image, "turns", "file"), 0);
    assert_int_equal(add_folder(&image, "turns", 0711), 0);
    assert_int_equal(add_text(&image, "turns/in", "in"), 0);
    assert_int_equal(add_link(&image, "link", "link"), 0);
    assert_int_equal(add_symlink(&image, "d/last", "x"), 0);
    assert_int_equal(add_folder(&image, ".", 0750), 0);
    end(&image);
    assert_says(LIST, "drwxr-x--- 0/0 49 2009-02-13 23:31 \n"
                      "drwx------ 0/0 39 2009-02-13 23:31 /d\n"
                      "-rw-r--r-- 0/0 5 2009-02-13 23:31 /d/file\n"
                      "lrwxrwxrwx 0/0 1 2009-02-13 23:31 /d/last -> x\n"
                      "-rw-r--r-- 0/0 3 2009-02-13 23:31 /link\n"
                      "drwx--x--x 0/0 25 2009-02-13 23:31 /turns\n"
                      "-rw-r--r-- 0/0 2 2009-02-13 23:31 /turns/in\n");
    assert_says("unsquashfs -cat image link d/file turns/in", "oldnewerin");
    assert_says("sqfs2tar image | bsdtar -tvf - | grep -c ' link to '; true", "0\n");
}

static void test_bad(void **state)
{
    static const struct {
        const char *path;
        unsigned mode;
        const char *target, *link, *want;
    } cases[] = {
        {"../x", S_IFREG, NULL, NULL, "../x: packing: has \"..\""},
        {"a/../b", S_IFREG, NULL, NULL, "a/../b: packing: has \"..\""},
        {"file/x", S_IFREG, NULL, NULL, "file/x: packing: goes through a file"},
        {"d", S_IFREG, NULL, NULL, "d: packing: a file in the place of a folder that is not empty"},
        {".", S_IFREG, NULL, NULL, ".: packing: a file in the place of a folder that is not empty"},
        {"l", 0, NULL, "nowhere", "l: packing: a hard link to nowhere, which is not there"},
        {"l", 0, NULL, "d", "l: packing: a hard link to d, which is a folder"},
        {"s", S_IFLNK, "", NULL, "s: packing: a symbolic link without a fit target"},
        {"t", 0, NULL, NULL, "t: packing: is of no type that a squashfs has"},
    };
    char text[512];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct archive_entry *entry = new_entry(cases[i].path, cases[i].mode | 0644);
        struct caught caught;
        struct image image;
        int result;

        assert_int_equal(begin(&image, COMPRESS_NONE, 0, 1, 0), 0);
        assert_int_equal(add_text(&image, "file", "x"), 0);
        assert_int_equal(add_text(&image, "d/in", "x"), 0);
        if (cases[i].target)
            archive_entry_set_symlink(entry, cases[i].target);
        archive_entry_set_hardlink(entry, cases[i].link);
        caught_begin(&caught);
        result = add_entry(&image, entry, NULL);
        caught_end(&caught, text, sizeof text);
        if (result != -1 || strncmp(text, "mkbootmedia: ", 13) != 0 ||
            strncmp(text + 13, cases[i].want, strlen(cases[i].want)) != 0)
            fail_msg("case %zu: %d, %s", i, result, text);
        done(&image);
    }
}

/* Names up to 255 bytes of any kind. */
static void test_names(void **state)
{
    struct image image;
    struct caught caught;
    char text[1024], name[300] = "";

    (void)state;
    memset(name, 'n', 255);
    assert_int_equal(begin(&image, COMPRESS_NONE, 0, 1, 0), 0);
    assert_int_equal(add_text(&image, name, "long"), 0);
    assert_int_equal(add_text(&image, "\xff\xfe\n\x01 \\", "odd"), 0);
    assert_int_equal(add_text(&image, "z\xc3\xa4", "utf-8"), 0);
    assert_int_equal(add_text(&image, "z", "z"), 0);
    name[255] = 'n';
    caught_begin(&caught);
    assert_int_equal(add_text(&image, name, "too long"), -1);
    caught_end(&caught, text, sizeof text);
    assert_non_null(strstr(text, "packing: a name is too long\n"));
    end(&image);
    assert_says("unsquashfs -q -n -f -d names image 1>&2; cd names; cat n* $(printf "
                "'z\\303\\244') z \"$(printf '\\377\\376\\n\\001 \\134')\"",
                "longutf-8zodd");
}

static void test_levels(void **state)
{
    static const struct {
        enum compress compress;
        int level;
        const char *want; /* "": it is one */
    } cases[] = {
        {COMPRESS_ZSTD, 22, ""},
        {COMPRESS_ZSTD, 23, "image: packing: the level of zstd is a number from 1 to 22"},
        {COMPRESS_XZ, 9, ""},
        {COMPRESS_XZ, 10, "image: packing: the level of xz is a number from 0 to 9"},
        {COMPRESS_GZIP, 9, ""},
        {COMPRESS_GZIP, -1, "image: packing: the level of gzip is a number from 1 to 9"},
        {COMPRESS_NONE, 7, ""},
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct caught caught;
        struct image image;
        int result;

        caught_begin(&caught);
        result = begin(&image, cases[i].compress, cases[i].level, 1, 0);
        caught_end(&caught, text, sizeof text);
        if (result != (*cases[i].want ? -1 : 0) || !strstr(text, cases[i].want))
            fail_msg("case %zu: %d, %s", i, result, text);
        done(&image);
    }
}

static void test_xattrs(void **state)
{
    struct archive_entry *entry = new_entry("file", S_IFREG | 0644);
    char *large = noise(65536, 1), text[256];
    struct caught caught;
    struct image image;

    (void)state;
    assert_int_equal(begin(&image, COMPRESS_ZSTD, 0, 1, 0), 0);
    archive_entry_xattr_add_entry(entry, "user.empty", "", 0);
    archive_entry_xattr_add_entry(entry, "user.text", "a b", 3);
    archive_entry_xattr_add_entry(entry, "trusted.large", large, 65536);
    archive_entry_xattr_add_entry(entry, "security.capability", "\1\0\0\2\0\4", 6);
    archive_entry_xattr_add_entry(entry, "com.apple.x", "x", 1);
    caught_begin(&caught);
    assert_int_equal(add_entry(&image, entry, NULL), 0);
    caught_end(&caught, text, sizeof text);
    assert_string_equal(text,
                        "mkbootmedia: warning: file: packing: a squashfs cannot hold its extended "
                        "attribute com.apple.x\n");
    entry = new_entry("folder", S_IFDIR | 0755);
    archive_entry_xattr_add_entry(entry, "trusted.large", large, 65536);
    assert_int_equal(add_entry(&image, entry, NULL), 0);
    entry = new_entry("link", S_IFLNK | 0777);
    archive_entry_set_symlink(entry, "file");
    archive_entry_xattr_add_entry(entry, "security.selinux", "label", 6);
    assert_int_equal(add_entry(&image, entry, NULL), 0);
    end(&image);
    save("large", large, 65536);
    assert_says("rdsquashfs -x /file image | cut -c 1-60 | grep -av large | sort",
                "security.capability=0x010000020004\n"
                "user.empty=\n"
                "user.text=a b\n");
    assert_says("od -An -v -tx1 large | tr -d ' \\n' | tr a-f A-F >hex; for p in file folder; do "
                "rdsquashfs -x /$p image | sed -n 's/^trusted.large=0x//p' | tr -d '\\n' | "
                "cmp - hex && echo same; done; rdsquashfs -x /link image",
                "same\nsame\nsecurity.selinux=label\n");
    free(large);
}

#define HEX "0200000001000600ffffffff04000400ffffffff20000400ffffffff"
#define ACL_OF_5                                                                                   \
    "\2\0\0\0\1\0\6\0\xff\xff\xff\xff\2\0\4\0\5\0\0\0\4\0\4\0\xff\xff\xff\xff\x10\0\6\0\xff\xff"   \
    "\xff\xff"                                                                                     \
    "\x20\0\4\0\xff\xff\xff\xff"
#define HEX_OF_5                                                                                   \
    "0200000001000600ffffffff0200040005000000"                                                     \
    "04000400ffffffff10000600ffffffff20000400ffffffff"

/* ACLs become lines for the first stage: those of the tree as it is at the end. */
static void test_acls(void **state)
{
    struct archive_entry *entry = new_entry("d/a b", S_IFREG | 0644);
    struct image image;

    (void)state;
    assert_int_equal(begin(&image, COMPRESS_ZSTD, 0, 1, 0), 0);
    assert_null(acl_read(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, ACL_OF_5, 44));
    assert_int_equal(add_entry(&image, entry, NULL), 0);
    entry = new_entry("gone", S_IFREG | 0644);
    assert_null(acl_read(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, ACL_OF_5, 44));
    assert_int_equal(add_entry(&image, entry, NULL), 0);
    assert_int_equal(add_text(&image, "gone", "without"), 0);
    assert_int_equal(add_link(&image, "d/link", "d/a b"), 0);
    assert_int_equal(add_folder(&image, "d", 0755), 0);
    entry = new_entry("d", S_IFDIR | 0755);
    archive_entry_acl_add_entry(entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, 6,
                                ARCHIVE_ENTRY_ACL_USER_OBJ, -1, NULL);
    archive_entry_acl_add_entry(entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, 4,
                                ARCHIVE_ENTRY_ACL_GROUP_OBJ, -1, NULL);
    archive_entry_acl_add_entry(entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, 4, ARCHIVE_ENTRY_ACL_OTHER,
                                -1, NULL);
    assert_int_equal(add_entry(&image, entry, NULL), 0);
    assert_int_equal(image.image.kind->end(&image.image), 0);
    assert_string_equal(image.extra.data, "xattr system.posix_acl_access " HEX_OF_5 " d/a\\040b\n"
                                          "xattr system.posix_acl_access " HEX_OF_5 " d/link\n"
                                          "xattr system.posix_acl_default " HEX " d\n");
    done(&image);
}

/* Large enough for an index, and for inodes in many blocks. */
static void test_large_folder(void **state)
{
    struct image image;
    char name[32];

    (void)state;
    assert_int_equal(begin(&image, COMPRESS_ZSTD, 1, 2, 0), 0);
    for (unsigned i = 0; i < 70000; i++) {
        snprintf(name, sizeof name, "d/number-%05u", i * 7919 % 70000);
        assert_int_equal(add_text(&image, name, name), 0);
    }
    end(&image);
    assert_says("unsquashfs -lc image | grep -c number; unsquashfs -cat image d/number-00000 "
                "d/number-34567 d/number-69999",
                "70000\nd/number-00000d/number-34567d/number-69999");
}

static void test_empty(void **state)
{
    struct image image;

    (void)state;
    assert_int_equal(begin(&image, COMPRESS_XZ, 0, 1, 0), 0);
    end(&image);
    assert_says(LIST, "drwxr-xr-x 0/0 3 2001-09-09 01:46 \n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),      cmocka_unit_test(test_devices),
        cmocka_unit_test(test_replaced),     cmocka_unit_test(test_bad),
        cmocka_unit_test(test_names),        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_xattrs),       cmocka_unit_test(test_acls),
        cmocka_unit_test(test_large_folder), cmocka_unit_test(test_empty),
    };

    return cmocka_run_group_tests(tests, NULL, scratch_remove);
}
