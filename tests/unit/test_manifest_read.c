/* manifest_read: what a manifest may say, and what none can; texts get their sum here. */
#include "media/manifest_read.h"

#include "base/content.h"
#include "caught.h"
#include "files.h"
#include "media/manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define HEAD       "{\n \"generator\": \"mkbootmedia\",\n \"format\": 1,\n \"medium\": \"usb\""
#define TREE       "{\n \"generator\": \"mkbootmedia\",\n \"format\": 1,\n \"medium\": \"net\""
#define ALL        "{\n \"generator\": \"mkbootmedia\",\n \"format\": 1,\n \"medium\": \"all\""
#define SIZE       ", \"size\": 4096"
#define SUM        "0123456789abcdef0123456789abcdef0123456789ABCDEF0123456789ABCDEF"
#define FILE_AT(p) "{\"path\": \"a\", \"size\": 10, \"sha256\": \"" SUM "\", \"place\": " #p "}"
#define NAMED(p)   "{\"path\": \"" p "\", \"size\": 10, \"sha256\": \"" SUM "\"}"
#define REGION(p)  "{\"what\": \"FAT\", \"size\": 10, \"sha256\": \"" SUM "\", \"offset\": " #p "}"
#define PART(o, s)                                                                                 \
    "{\"number\": 1, \"name\": \"n\", \"type\": \"t\", \"guid\": \"g\", \"offset\": " #o ", \"size\": " #s "}"

static const char impossible[] = "says something impossible";
static const char unknown[] = "has a format that this version does not know";
static const char other[] = "is no manifest of mkbootmedia";

/* why NULL: it is one, with so many pieces. */
static const struct {
    const char *text, *why;
    size_t pieces;
} cases[] = {
    {HEAD, NULL, 0},
    {"{\n \"generator\": \"mkbootmedia\"", unknown, 0},
    {"{\n \"generator\": \"mkbootmedia\", \"format\": 2", unknown, 0},
    {"{\n \"generator\": \"mkbootmedia\", \"format\": \"1\"", unknown, 0},
    {"{\n \"generator\": \"mkbootmedia\", \"format\": 1", impossible, 0},
    {"{\n \"generator\": \"genimage\", \"format\": 1, \"medium\": \"usb\"", other, 0},
    {"{\n \"generator\": 1", other, 0},
    {"[1", "is no JSON", 0},
    {"{\n \"generator\": \"mkbootmedia\", \"generator\": \"mkbootmedia\"", "is no JSON", 0},
    {"{\n \"generator\": \"mkboot\xffmedia\"", "is no JSON", 0},
    /* the size of an image */
    {HEAD SIZE, NULL, 0},
    {HEAD ", \"size\": 0", impossible, 0},
    {HEAD ", \"size\": -512", impossible, 0},
    {HEAD ", \"size\": 4097", impossible, 0},
    {HEAD ", \"size\": 4096.0", impossible, 0},
    {HEAD ", \"size\": \"4096\"", impossible, 0},
    {HEAD ", \"size\": 9223372036854775296", NULL, 0},
    {HEAD ", \"size\": 9223372036854775808", "is no JSON", 0},
    /* files and regions */
    {HEAD SIZE ", \"files\": [" FILE_AT(0) "], \"regions\": [" REGION(10) "]", NULL, 2},
    {HEAD SIZE ", \"files\": [" FILE_AT(4086) "]", NULL, 1},
    {HEAD SIZE ", \"files\": [" FILE_AT(4087) "]", impossible, 0},
    {HEAD SIZE ", \"files\": [" FILE_AT(9223372036854775807) "]", impossible, 0},
    {HEAD SIZE ", \"files\": [" FILE_AT(-1) "]", impossible, 0},
    {HEAD SIZE ", \"files\": [" FILE_AT(null) "]", impossible, 0},
    {HEAD SIZE ", \"files\": [" FILE_AT(0) "], \"regions\": [" REGION(9) "]", impossible, 0},
    {HEAD SIZE ", \"files\": [" FILE_AT(0) ", " FILE_AT(0) "]", impossible, 0},
    {HEAD SIZE ", \"regions\": [" REGION(null) "]", impossible, 0},
    {HEAD SIZE ", \"regions\": [1]", impossible, 0},
    {HEAD SIZE ", \"regions\": {}", NULL, 0},
    {HEAD SIZE ", \"files\": [{\"path\": \"a\", \"size\": 0, \"sha256\": \"" SUM "\"}]", NULL, 1},
    {HEAD SIZE ", \"files\": [{\"path\": \"a\", \"size\": 10, \"place\": 0}]", impossible, 0},
    {HEAD SIZE ", \"files\": [{\"path\": \"a\", \"size\": 0, \"sha256\": \"ab\"}]", impossible, 0},
    {HEAD SIZE ", \"files\": [{\"path\": \"" MANIFEST_PATH "\", \"size\": 10, \"place\": 0}]", NULL,
     1},
    {HEAD ", \"files\": [{\"path\": \"" MANIFEST_PATH "\", \"size\": 10}]", impossible, 0},
    /* ranges */
    {HEAD SIZE ", \"changing\": [[0, 1], [1, 4095]], \"spare\": [[5, 0]]", NULL, 0},
    {HEAD SIZE ", \"changing\": [[0, 2], [1, 1]]", impossible, 0},
    {HEAD SIZE ", \"changing\": [[8, 1], [1, 1]]", impossible, 0},
    {HEAD SIZE ", \"spare\": [[4096, 1]]", impossible, 0},
    {HEAD SIZE ", \"spare\": [[1, -1]]", impossible, 0},
    {HEAD SIZE ", \"spare\": [[1, 9223372036854775807]]", impossible, 0},
    {HEAD SIZE ", \"spare\": [[1]]", impossible, 0},
    {HEAD SIZE ", \"spare\": [1]", impossible, 0},
    /* partitions */
    {HEAD SIZE ", \"disk_guid\": \"d\", \"partitions\": [" PART(512, 512) "]", NULL, 0},
    {HEAD SIZE ", \"partitions\": [" PART(512, 512) "]", impossible, 0},
    {HEAD SIZE ", \"disk_guid\": \"d\", \"partitions\": [" PART(512, 511) "]", impossible, 0},
    {HEAD SIZE ", \"disk_guid\": \"d\", \"partitions\": [" PART(1, 512) "]", impossible, 0},
    {HEAD SIZE ", \"disk_guid\": \"d\", \"partitions\": [" PART(512, 0) "]", impossible, 0},
    {HEAD SIZE ", \"disk_guid\": \"d\", \"partitions\": [" PART(512, 4096) "]", impossible, 0},
    /* trees */
    {TREE ", \"files\": [" NAMED("a") ", " NAMED("b/c") "]", NULL, 2},
    {TREE ", \"files\": [" NAMED("...") ", " NAMED("b/.c") "]", NULL, 2},
    {TREE ", \"files\": [" FILE_AT(0) "]", impossible, 0},
    {TREE ", \"files\": [" NAMED("..") "]", impossible, 0},
    {TREE ", \"files\": [" NAMED("a/../b") "]", impossible, 0},
    {TREE ", \"files\": [" NAMED("./a") "]", impossible, 0},
    {TREE ", \"files\": [" NAMED("/a") "]", impossible, 0},
    {TREE ", \"files\": [" NAMED("a//b") "]", impossible, 0},
    {TREE ", \"files\": [" NAMED("a/") "]", impossible, 0},
    {TREE ", \"files\": [" NAMED("") "]", impossible, 0},
    /* several outputs */
    {ALL ", \"outputs\": [{\"medium\": \"net\", \"path\": \"n\", \"size\": 1, \"sha256\": \"" SUM
         "\"}]",
     NULL, 1},
    {ALL ", \"outputs\": [" NAMED("a") "]", impossible, 0},
    {ALL ", \"files\": [" NAMED("a") "]", NULL, 0},
    {ALL SIZE, impossible, 0},
    {TREE ", \"outputs\": [" NAMED("a") "]", NULL, 0},
};

/* The text with its sum behind it. */
static struct buf sealed(const char *text)
{
    struct content body = content_memory(text, strlen(text));
    struct buf whole = {0};
    uint8_t sum[DIGEST_LEN];

    digest_content(&body, 0, sum);
    buf_printf(&whole, "%s" MANIFEST_SUM "%s\"\n}\n", text, digest_hex(sum).text);
    return whole;
}

static void test_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct manifest_doc doc;
        const char *why;
        int result = manifest_parse(&doc, "a name", sealed(cases[i].text), &why);

        if (result != !cases[i].why || !why != !cases[i].why ||
            (why && strcmp(why, cases[i].why) != 0))
            fail_msg("%s: %s", cases[i].text, why ? why : "is one");
        if (result == 1 && doc.count != cases[i].pieces)
            fail_msg("%s: %zu pieces", cases[i].text, doc.count);
        manifest_doc_free(&doc);
        manifest_doc_free(&doc);
    }
}

static void test_values(void **state)
{
    struct manifest_doc doc;
    const char *why;

    (void)state;
    assert_int_equal(
        manifest_parse(&doc, "a name",
                       sealed(HEAD SIZE ", \"version\": \"9\", \"files\": [" FILE_AT(
                           99) "], \"regions\": [" REGION(20) "], \"changing\": [[1, 2]]"),
                       &why),
        1);
    assert_string_equal(doc.name, "a name");
    assert_string_equal(doc.medium, "usb");
    assert_string_equal(doc.version, "9");
    assert_null(doc.id);
    assert_int_equal(doc.size, 4096);
    assert_int_equal(doc.pieces[0].kind, MANIFEST_REGION);
    assert_int_equal(doc.pieces[0].offset, 20);
    assert_int_equal(doc.pieces[1].kind, MANIFEST_FILE);
    assert_int_equal(doc.pieces[1].offset, 99);
    assert_int_equal(doc.pieces[1].len, 10);
    assert_int_equal(doc.pieces[1].digest[31], 0xef);
    assert_int_equal(doc.changing[0].len, 2);
    assert_ptr_equal(manifest_piece(&doc, "a"), &doc.pieces[1]);
    assert_null(manifest_piece(&doc, "FAT"));
    manifest_doc_free(&doc);
    assert_null(manifest_piece(&doc, "a"));
}

/* Every byte counts but for the line ends behind it. */
static void test_flips(void **state)
{
    struct buf good = sealed(HEAD SIZE ", \"files\": [" FILE_AT(99) "]");

    (void)state;
    for (size_t at = 0; at < good.len - 1; at++) {
        struct manifest_doc doc;
        struct buf bad = {0};
        const char *why;

        buf_add(&bad, good.data, good.len);
        bad.data[at] ^= 1;
        if (manifest_parse(&doc, "", bad, &why) != 0)
            fail_msg("byte %zu of %zu", at, good.len);
        manifest_doc_free(&doc);
    }
    for (size_t len = 0; len < good.len; len++) {
        struct manifest_doc doc;
        struct buf cut = {0};
        const char *why;

        buf_add(&cut, good.data, len);
        if (manifest_parse(&doc, "", cut, &why) != (len == good.len - 1))
            fail_msg("%zu bytes of %zu", len, good.len);
        manifest_doc_free(&doc);
    }
    buf_free(&good);
}

static void test_ends(void **state)
{
    struct buf text = sealed(HEAD);
    struct manifest_doc doc;
    const char *why;

    (void)state;
    buf_puts(&text, "\n\n\n");
    assert_int_equal(manifest_parse(&doc, "", text, &why), 1);
    manifest_doc_free(&doc);
    text = sealed(HEAD);
    buf_puts(&text, "\n \n");
    assert_int_equal(manifest_parse(&doc, "", text, &why), 0);
    manifest_doc_free(&doc);
}

/* Files of the host. */
static void test_files(void **state)
{
    static const struct {
        const char *make, *said;
    } files[] = {
        {"rm -f m", "m: opening: No such file"},
        {"rm -rf m; mkdir m", "m: opening: is a directory"},
        {"rm -rf m; mkfifo m", "m: opening: is not a regular file"},
        {"rm -f m; : >m", "m: opening: is empty"},
        {"rm -f m; echo >m", "m: reading: does not end with its sum"},
        {"rm -f m; truncate -s 3G m", "m: reading: is too large for a manifest"},
    };
    char *path = xasprintf("%s/m", scratch_dir());

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct manifest_doc doc;
        struct caught caught;
        char said[1000];
        int result;

        assert_int_equal(scratch_sh(files[i].make), 0);
        caught_begin(&caught);
        result = manifest_read(&doc, path);
        caught_end(&caught, said, sizeof said);
        if (result != -1 || !strstr(said, files[i].said))
            fail_msg("%s: %d: %s", files[i].make, result, said);
        manifest_doc_free(&doc);
    }
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts), cmocka_unit_test(test_values), cmocka_unit_test(test_flips),
        cmocka_unit_test(test_ends),  cmocka_unit_test(test_files),
    };

    return cmocka_run_group_tests(tests, NULL, scratch_remove);
}
