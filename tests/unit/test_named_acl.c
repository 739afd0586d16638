/* named_acl: names that get their numbers from texts that come before, between and behind them. */
#include "ramroot/named_acl.h"

#include "caught.h"

#include <archive.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define ACCESS    ARCHIVE_ENTRY_ACL_TYPE_ACCESS
#define BEGIN     "xattr system.posix_acl_access 0200000001000600ffffffff"
#define END       "04000400ffffffff10000600ffffffff20000000ffffffff "
#define WITH(ids) BEGIN ids END

/* A text in two runs, of which each byte is one. */
static int give(struct member *member, const void **data, size_t *len, uint64_t *offset)
{
    const char **text = member->arg;
    static uint64_t at;

    if (!**text) {
        at = 0;
        return 0;
    }
    *data = *text;
    *len = 1;
    *offset = at++;
    ++*text;
    return 1;
}

/* acl: as a tar has it; text: contents; link: of what it is a name. */
static void put(struct named_acls *acls, const char *path, const char *acl, const char *text,
                const char *link, bool over)
{
    struct archive_entry *entry = archive_entry_new();
    struct member member = {.entry = entry};
    const void *data;
    uint64_t offset;
    size_t len;

    archive_entry_set_pathname(entry, path);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0660);
    if (link)
        archive_entry_set_hardlink(entry, link);
    if (acl)
        assert_int_equal(archive_entry_acl_from_text(entry, acl, ACCESS), ARCHIVE_OK);
    if (text) {
        member.block = give;
        member.arg = &text;
    }
    named_acls_member(acls, &member, over);
    while (member.block && member.block(&member, &data, &len, &offset) == 1)
        continue;
    if (acl && strstr(acl, "alice"))
        assert_int_equal(archive_entry_acl_types(entry), 0);
    archive_entry_free(entry);
}

#define ALICE   "user::rw-,user:alice:rw-,group::r--,mask::rw-,other::---"
#define WHEEL   "user::rw-,group::r--,group:wheel:r--,mask::rw-,other::---"
#define NUMBER  "user::rw-,user:bob:rw-:7,group::r--,mask::rw-,other::---"
#define UNKNOWN "user::rw-,user:mallory:rw-,group::r--,mask::rw-,other::---"

static void test_numbers(void **state)
{
    struct named_acls acls = {0};
    struct buf extra = {0};

    (void)state;
    put(&acls, "a", ALICE, NULL, NULL, false);
    put(&acls, "etc/passwd", NULL, "root:x:0:0::/:\nmalice:x:1:1::/:\nalice:x:1000:1000::/:\n",
        NULL, false);
    put(&acls, "b", ALICE, NULL, NULL, false);
    put(&acls, "c", NUMBER, NULL, NULL, false);
    put(&acls, "d", WHEEL, NULL, NULL, false);
    put(&acls, "link", NULL, NULL, "a", false);
    put(&acls, "etc/group", NULL, "wheel:x:4000000000:", NULL, false);
    assert_int_equal(named_acls_end(&acls, "t.tar", &extra), 0);
    assert_string_equal(
        extra.data,
        WITH("02000600e8030000") "a\n" WITH(
            "02000600e8030000") "b\n" BEGIN "04000400ffffffff0800040000286bee10000600ffffffff200000"
                                "00ffffffff d\n" WITH("02000600e8030000") "link\n");
    buf_free(&extra);
    named_acls_free(&acls);
}

/* Of two texts the later counts, and what takes a path takes its ACL away. */
static void test_over(void **state)
{
    struct named_acls acls = {0};
    struct buf extra = {0};

    (void)state;
    put(&acls, "etc/passwd", NULL, "alice:x:1000:1000::/:\n", NULL, false);
    put(&acls, "a", ALICE, NULL, NULL, false);
    put(&acls, "b", ALICE, NULL, NULL, false);
    put(&acls, "etc/passwd", NULL, "alice:x:2000:1000::/:\n", NULL, true);
    put(&acls, "a", NULL, NULL, NULL, true);
    assert_int_equal(named_acls_end(&acls, "t.tar", &extra), 0);
    assert_string_equal(extra.data, WITH("02000600d0070000") "b\n");
    buf_free(&extra);
    named_acls_free(&acls);
}

static void test_unknown(void **state)
{
    static const char *const passwds[] = {
        NULL,        "",           "alice:x:1:1::/:\n", "mallory",
        "mallory:x", "mallory:x:", "mallory:x:x:",      "mallory:x:9999999999:"};
    char text[512];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(passwds); i++) {
        struct named_acls acls = {0};
        struct buf extra = {0};
        struct caught caught;
        int result;

        put(&acls, "a b", UNKNOWN, NULL, NULL, false);
        if (passwds[i])
            put(&acls, "etc/passwd", NULL, passwds[i], NULL, false);
        caught_begin(&caught);
        result = named_acls_end(&acls, "t.tar", &extra);
        caught_end(&caught, text, sizeof text);
        assert_int_equal(result, -1);
        assert_string_equal(text, "mkbootmedia: t.tar: a b: reading its ACL: it names a user, "
                                  "\"mallory\", that is not in /etc/passwd\n");
        buf_free(&extra);
        named_acls_free(&acls);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_over),
        cmocka_unit_test(test_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
