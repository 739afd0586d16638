/* iso9660: names as tables (literal in, literal out), names that collide, dates and labels. */
#include "base/util.h"
#include "image/iso9660.h"
#include "image/iso9660_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define TIME 1700000000 /* 2023-11-14 22:13:20 */
#define A10  "aaaaaaaaaa"
#define U10  "AAAAAAAAAA"
#define A60  A10 A10 A10 A10 A10 A10

struct name_case {
    const char *name;
    enum hierarchy h;
    bool folder;
    unsigned number;
    const char *id; /* of Joliet's as UTF-8 */
};

static const struct name_case names[] = {
    {"vmlinuz", PRIMARY, false, 0, "VMLINUZ"},
    {"grub.cfg", PRIMARY, false, 0, "GRUB.CFG"},
    {"a.b.c", PRIMARY, false, 0, "A_B.C"},
    {"a.b.c", PRIMARY, true, 0, "A_B_C"},
    {".disk", PRIMARY, false, 0, "_DISK"},
    {".disk", PRIMARY, true, 0, "_DISK"},
    {"end.", PRIMARY, false, 0, "END_"},
    {"...", PRIMARY, false, 0, "___"},
    {"-x $'\"~", PRIMARY, false, 0, "_X_____"},
    {"b\xc3\xa4r.\xf0\x9f\x98\x80", PRIMARY, false, 0, "B_R._"},
    {"bad\xff\xc3.x", PRIMARY, false, 0, "BAD__.X"},
    {A10 A10 A10 "a", PRIMARY, false, 0, U10 U10 U10},
    {A10 A10 A10 "aa", PRIMARY, true, 0, U10 U10 U10 "A"},
    {A10 A10 "aaaaaaa.img", PRIMARY, false, 0, U10 U10 "AAAAAAA.IMG"},
    {A10 A10 "aaaaaaaa.img", PRIMARY, false, 0, U10 U10 "AAAAAAA.IMG"},
    {"a." A10 A10 A10, PRIMARY, false, 0, "A.AAAAAAAAAAAAAAA"},
    {A10 A10 "." A10 A10, PRIMARY, false, 0, "AAAAAAAAAAAAAAA.AAAAAAAAAAAAAAA"},
    {"name.ext", PRIMARY, false, 7, "NAME_7.EXT"},
    {"name", PRIMARY, true, 12, "NAME_12"},
    {A10 A10 A10, PRIMARY, false, 4294967295, "AAAAAAAAAAAAAAAAAAA_4294967295"},
    {A10 A10 A10 "a", PRIMARY, true, 3, U10 U10 "AAAAAAAAA_3"},
    {A10 A10 "aaaaaaa.img", PRIMARY, false, 10, U10 U10 "AAAA_10.IMG"},
    {"a.B.c", JOLIET, false, 0, "a.B.c"},
    {" -x $'\"~", JOLIET, false, 0, " -x $'\"~"},
    {"a*b:c;d?e\\f\x01\x1f\x7fg", JOLIET, false, 0, "a_b_c_d_e_f___g"},
    {"b\xc3\xa4r\xe2\x82\xac", JOLIET, false, 0, "b\xc3\xa4r\xe2\x82\xac"},
    {"x\xf0\x9f\x98\x80y\xffz", JOLIET, false, 0, "x_y_z"},
    {A60 "1234", JOLIET, false, 0, A60 "1234"},
    {A60 "12345", JOLIET, false, 0, A60 "1234"},
    {A60 "12345.cpio.gz", JOLIET, false, 0, A60 "1.gz"},
    {A60 "12345.gz", JOLIET, true, 0, A60 "1234"},
    {A60 "1234", JOLIET, true, 5, A60 "12_5"},
    {"name.ext", JOLIET, false, 7, "name_7.ext"},
};

static void show_id(char *out, const uint8_t *id, size_t len, enum hierarchy h)
{
    uint16_t unit;

    for (size_t i = 0; i < len; i += h == JOLIET ? 2 : 1) {
        unit = h == JOLIET ? (uint16_t)(id[i] << 8 | id[i + 1]) : id[i];
        if (unit < 0x80)
            *out++ = (char)unit;
        else if (unit < 0x800)
            out += sprintf(out, "%c%c", 0xc0 | unit >> 6, 0x80 | (unit & 0x3f));
        else
            out += sprintf(out, "%c%c%c", 0xe0 | unit >> 12, 0x80 | (unit >> 6 & 0x3f),
                           0x80 | (unit & 0x3f));
    }
    *out = '\0';
}

static void test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct name_case *n = &names[i];
        uint8_t id[ID_MAX];
        char text[3 * ID_MAX];

        show_id(text, id, iso9660_id(id, n->name, n->h, n->folder, n->number), n->h);
        if (strcmp(text, n->id) != 0)
            print_error("case %zu: %s\n", i, n->name);
        assert_string_equal(text, n->id);
    }
}

struct date_case {
    int64_t time;
    uint8_t seven[7];
    const char *sixteen;
};

static const struct date_case dates[] = {
    {0, {70, 1, 1, 0, 0, 0, 0}, "1970010100000000"},
    {TIME, {123, 11, 14, 22, 13, 20, 0}, "2023111422132000"},
    {951782399, {100, 2, 28, 23, 59, 59, 0}, "2000022823595900"},
    {951782400, {100, 2, 29, 0, 0, 0, 0}, "2000022900000000"},
    {INT64_C(4294967296), {206, 2, 7, 6, 28, 16, 0}, "2106020706281600"},
    {INT64_MIN, {0, 1, 1, 0, 0, 0, 0}, "1900010100000000"},
    {INT64_MAX, {255, 12, 31, 23, 59, 59, 0}, "2155123123595900"},
};

static void test_dates(void **state)
{
    (void)state;
    setenv("TZ", "America/New_York", 1); /* is not to matter */
    for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
        uint8_t seven[7], seventeen[17];

        iso9660_date7(seven, dates[i].time);
        iso9660_date17(seventeen, dates[i].time);
        assert_memory_equal(seven, dates[i].seven, 7);
        assert_memory_equal(seventeen, dates[i].sixteen, 17); /* its NUL is the offset */
    }
}

static const struct {
    const char *label;
    bool good;
} labels[] = {
    {"A", true},
    {"Rescue 2024_01-b.c+", true},
    {" !\"%&'()*+,-./:;<=>?_", true},
    {"12345678901234567890123456789012", true},
    {"123456789012345678901234567890123", false},
    {"", false},
    {"blank ", false},
    {"a\nb", false},
    {"a\tb", false},
    {"a\x7f", false},
    {"b\xc3\xa4r", false},
    {"#", false},
    {"a@b", false},
    {"a\\b", false},
    {"a|b", false},
};

static void test_labels(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
        const char *wrong = iso9660_label_check(labels[i].label);

        if (labels[i].good != !wrong)
            print_error("case: %s\n", labels[i].label);
        assert_int_equal(labels[i].good, !wrong);
    }
}

/* A folder's directories for these names, as a tree alone. */
static void build(struct iso9660_layout *layout, const char *const paths[], size_t count)
{
    struct item *items = xcalloc(count, sizeof *items);
    struct item **list = xcalloc(count, sizeof *list);

    for (size_t i = 0; i < count; i++) {
        items[i].path = (char *)(uintptr_t)paths[i];
        list[i] = &items[i];
    }
    *layout = (struct iso9660_layout){0};
    assert_int_equal(iso9660_tree_build(layout, list, count), 0);
    free(list);
    free(items);
}

/* Names that become the same are numbered; none is there twice, and all are sorted. */
static void test_unique(void **state)
{
    static const char *const paths[] = {"A.B.C", "A_1.C",  "A_B.C", "A_B_2.C", "a b.c",
                                        "a.B.c", "a.b.C/", "a_2.c", "a_b.c"};
    static const char *const ids[] = {"A_1.C",   "A_2.C",   "A_B.C",   "A_B_1.C", "A_B_2.C",
                                      "A_B_3.C", "A_B_4.C", "A_B_5.C", "A_B_C"};
    struct iso9660_layout layout;

    (void)state;
    build(&layout, paths, ARRAY_LEN(paths));
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        const struct iso9660_view *view = &layout.nodes[0]->in[PRIMARY].children[i]->in[PRIMARY];
        char text[3 * ID_MAX];

        show_id(text, view->id, view->id_len, PRIMARY);
        assert_string_equal(text, ids[i]);
    }
    iso9660_tree_free(&layout);
}

#define MANY 20000

static void test_many_alike(void **state)
{
    static char text[MANY][100];
    static const char *paths[MANY];
    struct iso9660_layout layout;

    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        snprintf(text[i], sizeof text[i], A60 A10 "%05zu.img", i);
        paths[i] = text[i];
    }
    build(&layout, paths, MANY);
    for (enum hierarchy h = 0; h < HIERARCHIES; h++) {
        struct iso9660_node **children = layout.nodes[0]->in[h].children;

        for (size_t i = 1; i < MANY; i++) {
            const struct iso9660_view *a = &children[i - 1]->in[h], *b = &children[i]->in[h];
            int order = memcmp(a->id, b->id, a->id_len < b->id_len ? a->id_len : b->id_len);

            assert_true(order < 0 || (order == 0 && a->id_len < b->id_len));
            assert_true(b->id_len <= (h == JOLIET ? 128 : 31));
        }
    }
    iso9660_tree_free(&layout);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),      cmocka_unit_test(test_dates),
        cmocka_unit_test(test_labels),     cmocka_unit_test(test_unique),
        cmocka_unit_test(test_many_alike),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
