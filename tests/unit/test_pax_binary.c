/* pax_binary: archives of a few blocks, which it must follow as libarchive does. */
#include "base/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pax_bytes.h"

#define BLOCK 512

#define USTAR "ustar\00000"
#define GNU   "ustar  "
#define V7    "\0\0\0\0\0\0\0"

static void sign_header(char *block)
{
    unsigned sum = 0;

    memset(block + 148, ' ', 8);
    for (size_t i = 0; i < BLOCK; i++)
        sum += (uint8_t)block[i];
    snprintf(block + 148, 8, "%06o", sum);
}

static void add_header(struct buf *tar, char type, const char *magic, const char *name,
                       uint64_t size)
{
    char block[BLOCK] = "";

    snprintf(block, 100, "%s", name);
    snprintf(block + 100, 8, "0000644");
    snprintf(block + 124, 12, "%011llo", (unsigned long long)size);
    block[156] = type;
    memcpy(block + 257, magic, 8);
    if (type == 'S') { /* a map with one entry, and more of it to come */
        memcpy(block + 386, "00000000000", 12);
        memcpy(block + 398, "00000002000", 12);
        block[482] = 1;
    }
    sign_header(block);
    buf_add(tar, block, BLOCK);
}

static void pad(struct buf *tar)
{
    static const char zeros[2 * BLOCK];

    buf_add(tar, zeros, (size_t)(round_up(tar->len, BLOCK) - tar->len));
}

static void add_special(struct buf *tar, char type, const char *payload)
{
    add_header(tar, type, USTAR, "special", strlen(payload));
    buf_puts(tar, payload);
    pad(tar);
}

/* Two blocks of data that look like an extended header. */
static void add_data(struct buf *tar)
{
    add_special(tar, 'x', "15 path=\xfc data\n");
}

/* What is found after a member only if its data was rightly measured. */
static void add_last(struct buf *tar)
{
    add_special(tar, 'x', "19 path=last \xfc 123\n");
    add_header(tar, '0', USTAR, "name", 0);
    buf_add(tar, (char[2 * BLOCK]){0}, (size_t)2 * BLOCK);
}

static const struct structure {
    const char *label;
    const char *special; /* payload of what comes before; NULL: nothing comes */
    char special_type;
    char type;
    const char *magic, *name;
    uint64_t size;
    bool data; /* there is data */
} structures[] = {
    {"a file", NULL, 0, '0', USTAR, "a", 1024, true},
    {"an old file", NULL, 0, '\0', V7, "a", 1024, true},
    {"an old folder", NULL, 0, '\0', V7, "a/", 1024, false},
    {"an old folder, ustar", NULL, 0, '0', USTAR, "a/", 1024, false},
    {"half a block", NULL, 0, '0', GNU, "a", 513, true},
    {"contiguous", NULL, 0, '7', USTAR, "a", 1024, true},
    {"unknown type", NULL, 0, 'Z', USTAR, "a", 1024, true},
    {"symbolic link", NULL, 0, '2', USTAR, "a", 1024, false},
    {"character device", NULL, 0, '3', USTAR, "a", 1024, false},
    {"block device", NULL, 0, '4', GNU, "a", 1024, false},
    {"folder", NULL, 0, '5', USTAR, "a/", 1024, false},
    {"FIFO", NULL, 0, '6', V7, "a", 1024, false},
    {"folder of GNU with a list", NULL, 0, 'D', GNU, "a/", 1024, true},
    {"hard link, v7", NULL, 0, '1', V7, "a", 1024, false},
    {"hard link, GNU", NULL, 0, '1', GNU, "a", 1024, false},
    {"hard link, ustar", NULL, 0, '1', USTAR, "a", 1024, false},
    {"hard link, strange ustar", NULL, 0, '1', "ustar\00001", "a", 1024, true},
    {"hard link, pax", "12 comment=\n", 'x', '1', USTAR, "a", 1024, true},
    {"hard link, pax by a global header", "12 comment=\n", 'g', '1', USTAR, "a", 1024, true},
    {"hard link, GNU after pax", "12 comment=\n", 'x', '1', GNU, "a", 1024, false},
    {"volume", NULL, 0, 'V', GNU, "a", 1024, false},
    {"sparse map", NULL, 0, 'S', GNU, "a", 1024, true},
    {"long name", "long", 'L', '0', GNU, "a", 1024, true},
    {"long name of a folder", "long/", 'L', '0', GNU, "a", 1024, false},
    {"long name of a file", "long", 'L', '0', GNU, "a/", 1024, true},
    {"long target", "long/", 'K', '0', GNU, "a", 1024, true},
    {"size for a file", "13 size=1024\n", 'x', '0', USTAR, "a", 0, true},
    {"size of Sun for a file", "13 size=1024\n", 'X', '0', USTAR, "a", 0, true},
    {"size for a file, smaller", "10 size=0\n", 'x', '0', USTAR, "a", 1024, false},
    {"size for a folder", "13 size=1024\n", 'x', '5', USTAR, "a", 0, true},
    {"size for a link", "13 size=1024\n", 'x', '2', USTAR, "a", 0, true},
    {"size, last counts", "11 size=99\n13 size=1024\n", 'x', '0', USTAR, "a", 0, true},
    {"global size", "13 size=1024\n", 'g', '0', USTAR, "a", 0, false},
    {"folder by its path", "11 path=a/\n", 'x', '0', USTAR, "a", 1024, false},
    {"file by its path", "10 path=a\n", 'x', '0', USTAR, "a/", 1024, true},
    {"UTF-8 by word", "38 hdrcharset=ISO-IR 10646 2000 UTF-8\n", 'x', '0', USTAR, "a", 1024, true},
};

static struct buf make_structure(const struct structure *s)
{
    struct buf tar = {0};

    if (s->special)
        add_special(&tar, s->special_type, s->special);
    add_header(&tar, s->type, s->magic, s->name, s->size);
    if (s->type == 'S') { /* two more blocks of the map */
        static const char more[BLOCK] = {[504] = 1};

        buf_add(&tar, more, BLOCK);
        buf_add(&tar, (char[BLOCK]){0}, BLOCK);
    }
    if (s->data)
        add_data(&tar);
    add_last(&tar);
    return tar;
}

/* How many members libarchive reads without a word; *last is the last one's name, malloc'ed. */
static int count_members(const struct buf *tar, char **last)
{
    struct archive *archive = open_tar(tar);
    struct archive_entry *entry;
    int count = 0, result;

    *last = NULL;
    while ((result = archive_read_next_header(archive, &entry)) == ARCHIVE_OK) {
        free(*last);
        *last = xstrdup(archive_entry_pathname(entry));
        count++;
    }
    archive_read_free(archive);
    return result == ARCHIVE_EOF ? count : -1;
}

static size_t count_records(const struct buf *tar)
{
    const char *at = tar->data;
    size_t count = 0;

    while ((at = memmem(at, tar->len - (size_t)(at - tar->data), RECORD, strlen(RECORD)))) {
        at += strlen(RECORD);
        count++;
    }
    return count;
}

static void test_structure(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(structures); i++) {
        const struct structure *s = &structures[i];
        struct buf tar = make_structure(s);
        bool extended = s->special && (s->special_type == 'x' || s->special_type == 'X');

        for (size_t c = 0; c < ARRAY_LEN(chunks); c++) {
            struct buf out = filtered(tar.data, tar.len, chunks[c]);
            char *last;
            int count = count_members(&out, &last);

            if (count != (s->type == 'V' ? 1 : 2) || !same(last, "last \xfc 123"))
                fail_msg("%s: %d members, the last is %s", s->label, count, last ? last : "none");
            if (count_records(&out) != (extended ? 2 : 1) || out.len != tar.len)
                fail_msg("%s: %zu records", s->label, count_records(&out));
            free(last);
            buf_free(&out);
        }
        buf_free(&tar);
    }
}

/* An extended header with a comment, so that its payload has len bytes, and a member. */
static struct buf make_payload(size_t len)
{
    struct buf tar = {0}, payload = {0};
    static const char path[] = "16 path=large \xfc\n", rest[] = " comment=";

    buf_puts(&payload, path);
    while (payload.len < len) {
        size_t left = len - payload.len, n = left > 800000 ? 500000 : left;
        size_t at = payload.len;

        buf_printf(&payload, "%zu%s", n, rest);
        while (payload.len < at + n - 1)
            buf_puts(&payload, "c");
        buf_puts(&payload, "\n");
    }
    add_header(&tar, 'x', USTAR, "special", payload.len);
    buf_add(&tar, payload.data, payload.len);
    pad(&tar);
    add_header(&tar, '0', USTAR, "name", 0);
    buf_add(&tar, (char[2 * BLOCK]){0}, (size_t)2 * BLOCK);
    buf_free(&payload);
    return tar;
}

/* Around the sizes at which one more block is needed, and at which libarchive has enough. */
static void test_payload(void **state)
{
    static const struct {
        size_t len;
        size_t grows;
        bool added;
    } cases[] = {
        {16, 0, true},       {491, 0, true},      {492, 512, true},    {511, 512, true},
        {512, 512, true},    {513, 0, true},      {70000, 0, true},    {1048555, 0, true},
        {1048556, 0, false}, {1048576, 0, false}, {1048577, 0, false}, {3000000, 0, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf tar = make_payload(cases[i].len);
        struct buf out = filtered(tar.data, tar.len, 65536), odd = filtered(tar.data, tar.len, 999);
        char *last;

        if (out.len != tar.len + cases[i].grows || count_records(&out) != cases[i].added)
            fail_msg("%zu bytes: grows by %zu", cases[i].len, out.len - tar.len);
        if (!cases[i].added && memcmp(out.data, tar.data, tar.len) != 0)
            fail_msg("%zu bytes: changed", cases[i].len);
        if (odd.len != out.len || memcmp(odd.data, out.data, out.len) != 0)
            fail_msg("%zu bytes: differs in odd chunks", cases[i].len);
        if (cases[i].added && (count_members(&out, &last) != 1 || !same(last, "large \xfc")))
            fail_msg("%zu bytes: not read", cases[i].len);
        if (cases[i].added)
            free(last);
        buf_free(&tar);
        buf_free(&out);
        buf_free(&odd);
    }
}

/* Nine gigabytes pass, none of them copied, and what follows is found. */
static void check_large(const struct buf *head, uint64_t size, const char *label)
{
    static const char zeros[MIB];
    struct pax_binary pax = {0};
    struct buf last = {0}, out = {0};
    const void *run;
    size_t n;

    add_last(&last);
    pax_binary_give(&pax, head->data, head->len);
    while (pax_binary_take(&pax, &run))
        continue;
    for (uint64_t left = round_up(size, BLOCK); left; left -= n) {
        n = left < sizeof zeros ? (size_t)left : sizeof zeros;
        pax_binary_give(&pax, zeros, n);
        if (pax_binary_take(&pax, &run) != n || run != zeros || pax_binary_take(&pax, &run) != 0)
            fail_msg("%s: does not pass", label);
    }
    pax_binary_give(&pax, last.data, last.len);
    while ((n = pax_binary_take(&pax, &run)))
        buf_add(&out, run, n);
    if (count_records(&out) != 1 || pax_binary_is_cut(&pax))
        fail_msg("%s: the next header is not found", label);
    pax_binary_free(&pax);
    buf_free(&last);
    buf_free(&out);
}

static void test_large(void **state)
{
    struct buf head = {0};

    (void)state;
    add_header(&head, '0', USTAR, "octal", UINT64_C(077777777777));
    check_large(&head, UINT64_C(077777777777), "octal");
    head.len = 0;
    add_special(&head, 'x', "19 size=9000000001\n");
    add_header(&head, '0', USTAR, "record", 0);
    check_large(&head, UINT64_C(9000000001), "record");
    head.len = 0;
    add_header(&head, '0', GNU, "base-256", 0);
    memcpy(head.data + 124, "\x80\0\0\0\0\0\0\x02\x18\x71\x1a\x01", 12); /* 9000000001 */
    sign_header(head.data);
    check_large(&head, UINT64_C(9000000001), "base-256");
    buf_free(&head);
}

/* What is not understood, and what is behind the end, stays as it is. */
static void test_through(void **state)
{
    static const struct {
        const char *label;
        size_t at; /* one byte of what comes before, and what it becomes */
        char byte;
        bool end; /* zeros come before, too */
    } cases[] = {
        {"checksum", 148, '7', false},
        {"letter in the checksum", 148, 'a', false},
        {"name", 0, 'x', false},
        {"behind the end", 0, 'a', true},
        {"not a record", 512, 'a', false},
        {"record without a line end", 523, ' ', false},
        {"record that is too long", 512, '9', false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf tar = {0};

        add_special(&tar, 'x', "12 comment=\n");
        tar.data[0] = 'a';
        sign_header(tar.data);
        tar.data[cases[i].at] = cases[i].byte;
        if (cases[i].end) {
            tar.len = 0;
            add_header(&tar, '0', USTAR, "first", 0);
            buf_add(&tar, (char[2 * BLOCK]){0}, (size_t)2 * BLOCK);
        }
        add_last(&tar);
        for (size_t c = 0; c < ARRAY_LEN(chunks); c++) {
            struct buf out = filtered(tar.data, tar.len, chunks[c]);

            if (out.len != tar.len || memcmp(out.data, tar.data, tar.len) != 0)
                fail_msg("%s: changed", cases[i].label);
            buf_free(&out);
        }
        buf_free(&tar);
    }
}

/* An archive that ends everywhere: what there is of it passes, and that it is cut is known. */
static void test_cut(void **state)
{
    struct buf tar = {0};
    size_t end;

    (void)state;
    add_header(&tar, '0', USTAR, "first", 1024);
    add_data(&tar);
    add_last(&tar);
    end = tar.len - BLOCK; /* one block of zeros is enough */
    for (size_t len = 0; len <= tar.len; len++) {
        struct pax_binary pax = {0};
        size_t passed = 0, n;
        const void *run;

        pax_binary_give(&pax, tar.data, len);
        while ((n = pax_binary_take(&pax, &run)))
            passed += n;
        if (pax_binary_is_cut(&pax) != (len < end))
            fail_msg("%zu bytes of %zu: cut or not", len, tar.len);
        passed += pax_binary_rest(&pax, &run);
        if (passed != len)
            fail_msg("%zu bytes of %zu: %zu passed", len, tar.len, passed);
        pax_binary_free(&pax);
    }
    buf_free(&tar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_structure), cmocka_unit_test(test_payload),
        cmocka_unit_test(test_large),     cmocka_unit_test(test_through),
        cmocka_unit_test(test_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
