/* acl: the extended attributes that Linux gives and takes, as getfattr -e hex shows them. */
#include "ramroot/acl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <archive.h>
#include <cmocka.h>

#define ACCESS  ARCHIVE_ENTRY_ACL_TYPE_ACCESS
#define DEFAULT ARCHIVE_ENTRY_ACL_TYPE_DEFAULT

/* Hexadecimal digits to bytes; returns how many. */
static size_t bytes_of(const char *hex, uint8_t *bytes)
{
    size_t len = 0;
    unsigned byte;

    for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        bytes[len++] = (uint8_t)byte;
    return len;
}

static const char *hex_of(const struct buf *value, char *hex)
{
    *hex = '\0';
    for (size_t i = 0; i < value->len; i++)
        sprintf(hex + 2 * i, "%02x", (uint8_t)value->data[i]);
    return hex;
}

/* setfacl -m u:1000:rw,u:5:r,g:100:r,m:rw */
#define FILE_ACL                                                                                   \
    "02000000"                                                                                     \
    "01000600ffffffff"                                                                             \
    "0200040005000000"                                                                             \
    "02000600e8030000"                                                                             \
    "04000400ffffffff"                                                                             \
    "0800040064000000"                                                                             \
    "10000600ffffffff"                                                                             \
    "20000400ffffffff"

/* setfacl -d -m u:1000:rwx */
#define FOLDER_ACL                                                                                 \
    "02000000"                                                                                     \
    "01000700ffffffff"                                                                             \
    "02000700e8030000"                                                                             \
    "04000500ffffffff"                                                                             \
    "10000700ffffffff"                                                                             \
    "20000500ffffffff"

#define THREE_ENTRIES                                                                              \
    "02000000"                                                                                     \
    "01000600ffffffff"                                                                             \
    "04000400ffffffff"                                                                             \
    "20000400ffffffff"

static void test_names(void **state)
{
    (void)state;
    assert_int_equal(acl_type("system.posix_acl_access"), ACCESS);
    assert_int_equal(acl_type("system.posix_acl_default"), DEFAULT);
    assert_int_equal(acl_type("system.posix_acl"), 0);
    assert_int_equal(acl_type("security.selinux"), 0);
    assert_int_equal(acl_type(""), 0);
    assert_string_equal(acl_xattr(ACCESS), "system.posix_acl_access");
    assert_string_equal(acl_xattr(DEFAULT), "system.posix_acl_default");
}

/* Linux's bytes to libarchive's text. */
static void test_read(void **state)
{
    static const struct {
        int type;
        const char *hex, *want;
    } cases[] = {
        {ACCESS, FILE_ACL,
         "user::rw-\ngroup::r--\nother::r--\nuser:5:r--\nuser:1000:rw-\n"
         "group:100:r--\nmask::rw-"},
        {DEFAULT, FOLDER_ACL,
         "default:user::rwx\ndefault:user:1000:rwx\ndefault:group::r-x\n"
         "default:mask::rwx\ndefault:other::r-x"},
        {ACCESS, THREE_ENTRIES, "user::rw-\ngroup::r--\nother::r--"},
        {DEFAULT, "02000000", NULL},
        {ACCESS,
         "02000000"
         "10000700ffffffff",
         "user::---\ngroup::---\nother::---\nmask::rwx"},
    };
    uint8_t bytes[256];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct archive_entry *entry = archive_entry_new();
        const char *why = acl_read(entry, cases[i].type, bytes, bytes_of(cases[i].hex, bytes));
        char *text = archive_entry_acl_to_text(
            entry, NULL, cases[i].type | ARCHIVE_ENTRY_ACL_STYLE_MARK_DEFAULT);

        if (why || !text != !cases[i].want || (text && strcmp(text, cases[i].want) != 0))
            fail_msg("case %zu: %s, got <%s>", i, why ? why : "read", text ? text : "none");
        free(text);
        archive_entry_free(entry);
    }
}

/* The three entries that each file has are its mode. */
static void test_mode(void **state)
{
    struct archive_entry *entry = archive_entry_new();
    uint8_t bytes[256];

    (void)state;
    archive_entry_set_mode(entry, AE_IFREG | 04777);
    assert_null(acl_read(entry, ACCESS, bytes, bytes_of(THREE_ENTRIES, bytes)));
    assert_int_equal(archive_entry_mode(entry), AE_IFREG | 04644);
    archive_entry_free(entry);
}

static void test_malformed(void **state)
{
    static const char *const cases[] = {
        "",
        "02",
        "020000",
        "01000000"
        "01000600ffffffff",
        "03000000",
        "00000002",
        "0200000001",
        "02000000"
        "01000600ffffff",
        "02000000"
        "01000600ffffffff"
        "20",
        "02000000"
        "00000600ffffffff",
        "02000000"
        "03000600ffffffff",
        "02000000"
        "40000600ffffffff",
        "02000000"
        "01010600ffffffff",
        "02000000"
        "01000800ffffffff",
        "02000000"
        "01000601ffffffff",
        "02000000"
        "01000600ffffffff"
        "ffff0000ffffffff",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct archive_entry *entry = archive_entry_new();
        uint8_t bytes[256];
        size_t len = bytes_of(cases[i], bytes);
        uint8_t *exact = xcalloc(len + 1, 1); /* so that a byte too much is seen */
        const char *why;

        memcpy(exact + 1, bytes, len);
        why = acl_read(entry, ACCESS, exact + 1, len);
        if (!why || strcmp(why, "an ACL in a form that is not known") != 0)
            fail_msg("<%s>: %s", cases[i], why ? why : "read");
        free(exact);
        archive_entry_free(entry);
    }
}

struct ace {
    int perms, tag, id;
};

#define USER_OBJ  ARCHIVE_ENTRY_ACL_USER_OBJ
#define USER      ARCHIVE_ENTRY_ACL_USER
#define GROUP_OBJ ARCHIVE_ENTRY_ACL_GROUP_OBJ
#define GROUP     ARCHIVE_ENTRY_ACL_GROUP
#define MASK      ARCHIVE_ENTRY_ACL_MASK
#define OTHER     ARCHIVE_ENTRY_ACL_OTHER

/* libarchive's entries, in any order, to Linux's bytes. */
static void test_write(void **state)
{
    static const struct {
        int type;
        struct ace aces[8];
        size_t count;
        const char *want;
    } cases[] = {
        {ACCESS,
         {{4, OTHER, -1},
          {6, MASK, -1},
          {4, GROUP, 100},
          {6, USER, 1000},
          {4, GROUP_OBJ, -1},
          {4, USER, 5},
          {6, USER_OBJ, -1}},
         7,
         FILE_ACL},
        {DEFAULT,
         {{5, OTHER, -1}, {7, USER, 1000}, {7, MASK, -1}, {5, GROUP_OBJ, -1}, {7, USER_OBJ, -1}},
         5,
         FOLDER_ACL},
        {ACCESS,
         {{1, USER, 30}, {2, USER, 0}, {4, USER, 2147483647}, {7, USER, 29}, {0, USER, 256}},
         5,
         "02000000"
         "01000000ffffffff"
         "0200020000000000"
         "020007001d000000"
         "020001001e000000"
         "0200000000010000"
         "02000400ffffff7f"
         "04000000ffffffff"
         "20000000ffffffff"},
        {ACCESS, {{6, USER_OBJ, -1}, {4, GROUP_OBJ, -1}, {0, OTHER, -1}}, 3, ""},
        {ACCESS, {{0, 0, 0}}, 0, ""},
        {DEFAULT, {{0, 0, 0}}, 0, ""},
    };
    char hex[512];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct archive_entry *entry = archive_entry_new();
        struct buf value = {0};
        const char *why;

        for (size_t j = 0; j < cases[i].count; j++)
            archive_entry_acl_add_entry(entry, cases[i].type, cases[i].aces[j].perms,
                                        cases[i].aces[j].tag, cases[i].aces[j].id, NULL);
        why = acl_write(entry, cases[i].type, &value);
        if (why || strcmp(hex_of(&value, hex), cases[i].want) != 0)
            fail_msg("case %zu: %s, got <%s>", i, why ? why : "written", hex);
        buf_free(&value);
        archive_entry_free(entry);
    }
}

/* Bytes to entries and back; the other type is none of it, and what stands before stays. */
static void test_both(void **state)
{
    static const struct {
        int type;
        const char *hex;
    } cases[] = {{ACCESS, FILE_ACL}, {DEFAULT, FOLDER_ACL}, {DEFAULT, THREE_ENTRIES}};
    uint8_t bytes[256];
    char hex[512];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct archive_entry *entry = archive_entry_new();
        struct buf value = {0}, other = {0};

        buf_puts(&value, "\xab");
        assert_null(acl_read(entry, cases[i].type, bytes, bytes_of(cases[i].hex, bytes)));
        assert_null(acl_write(entry, cases[i].type, &value));
        assert_null(acl_write(entry, ACCESS + DEFAULT - cases[i].type, &other));
        if (strncmp(hex_of(&value, hex), "ab", 2) != 0 || strcmp(hex + 2, cases[i].hex) != 0)
            fail_msg("case %zu: <%s>", i, hex);
        assert_int_equal(other.len, 0);
        buf_free(&value);
        archive_entry_free(entry);
    }
}

/* As an archive has it: names, and numbers behind some of them. */
static void test_no_number(void **state)
{
    static const char why_not[] = "an ACL that names a user or group without its number";
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"user::rw-,user:alice:rw-:1000,group::r--,mask::rw-,other::---", NULL},
        {"user::rw-,user:1000:rw-,group::r--,mask::rw-,other::---", NULL},
        {"user::rw-,user:alice:rw-,group::r--,mask::rw-,other::---", why_not},
        {"user::rw-,group::r--,group:staff:r--,mask::rw-,other::---", why_not},
        {"user::rw-,user:5:r--:5,user:alice:rw-,group::r--,mask::rw-,other::---", why_not},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct archive_entry *entry = archive_entry_new();
        struct buf value = {0};
        const char *why;

        assert_int_equal(archive_entry_acl_from_text(entry, cases[i].text, ACCESS), ARCHIVE_OK);
        why = acl_write(entry, ACCESS, &value);
        if (!why != !cases[i].want || (why && strcmp(why, cases[i].want) != 0))
            fail_msg("<%s>: %s", cases[i].text, why ? why : "written");
        if (!why)
            assert_int_equal(value.len, 4 + 5 * 8);
        buf_free(&value);
        archive_entry_free(entry);
    }
}

static void test_normalize(void **state)
{
    struct archive_entry *entry = archive_entry_new();
    struct buf value = {0};
    uint8_t bytes[256];
    char hex[512];

    (void)state;
    archive_entry_xattr_add_entry(entry, "user.a", "1", 1);
    assert_int_equal(archive_entry_acl_from_text(
                         entry, "user::rw-,user:alice:rw-,group::r--,mask::rw-,other::---", ACCESS),
                     ARCHIVE_OK);
    assert_null(acl_normalize(entry));
    assert_int_equal(archive_entry_xattr_count(entry), 1);
    archive_entry_xattr_add_entry(entry, "system.posix_acl_default", bytes,
                                  bytes_of(FOLDER_ACL, bytes));
    assert_null(acl_normalize(entry));
    assert_int_equal(archive_entry_xattr_count(entry), 1);
    assert_string_equal(acl_write(entry, ACCESS, &value),
                        "an ACL that names a user or group without its number");
    value.len = 0;
    assert_null(acl_write(entry, DEFAULT, &value));
    assert_string_equal(hex_of(&value, hex), FOLDER_ACL);
    /* the attribute, which has numbers, counts more than the text */
    archive_entry_xattr_add_entry(entry, "system.posix_acl_access", bytes,
                                  bytes_of(FILE_ACL, bytes));
    assert_null(acl_normalize(entry));
    value.len = 0;
    assert_null(acl_write(entry, ACCESS, &value));
    assert_string_equal(hex_of(&value, hex), FILE_ACL);
    value.len = 0;
    assert_null(acl_write(entry, DEFAULT, &value));
    assert_string_equal(hex_of(&value, hex), FOLDER_ACL);
    archive_entry_xattr_add_entry(entry, "system.posix_acl_access", bytes, 5);
    assert_string_equal(acl_normalize(entry), "an ACL in a form that is not known");
    buf_free(&value);
    archive_entry_free(entry);
}

/* What would stop a machine that unpacks it. */
static void test_refused(void **state)
{
    static const struct {
        int type;
        const char *text, *why;
    } cases[] = {
        {ACCESS, "user::rw-,user:5:rw-,group::r--,mask::rw-,other::---", NULL},
        {ACCESS, "user::rw-,group::r--,other::---", NULL},
        {ACCESS, "user::rw-,user:5:rw-,group::r--,other::---",
         "an ACL that names users or groups, but has no mask"},
        {ACCESS, "user::rw-,group::r--,group:5:rw-,other::---",
         "an ACL that names users or groups, but has no mask"},
        {DEFAULT, "user::rw-,group::r--,other::---", NULL},
        {DEFAULT, "user::rw-,user:5:rw-,group::r--,other::---",
         "an ACL that names users or groups, but has no mask"},
        {DEFAULT, "group::r--,other::---", "an ACL without an entry for owner, group or others"},
        {DEFAULT, "user::rw-,group::r--", "an ACL without an entry for owner, group or others"},
        {DEFAULT, "user::rw-,other::r--", "an ACL without an entry for owner, group or others"},
    };
    struct archive_entry *entry;
    char *large = xcalloc(1, 4 + 8 * 10000);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *why;

        entry = archive_entry_new();
        archive_entry_acl_from_text(entry, cases[i].text, cases[i].type);
        why = acl_normalize(entry);
        if (!why != !cases[i].why || (why && strcmp(why, cases[i].why) != 0))
            fail_msg("<%s>: %s", cases[i].text, why ? why : "taken");
        archive_entry_free(entry);
    }
    entry = archive_entry_new();
    put_le32(large, 2);
    archive_entry_xattr_add_entry(entry, "system.posix_acl_access", large, 4 + 8 * 10000);
    assert_string_equal(acl_normalize(entry), "an ACL that is larger than Linux takes");
    archive_entry_free(entry);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),     cmocka_unit_test(test_read),
        cmocka_unit_test(test_mode),      cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_write),     cmocka_unit_test(test_both),
        cmocka_unit_test(test_no_number), cmocka_unit_test(test_normalize),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
