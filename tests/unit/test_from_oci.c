/* from_oci: images of all forms in, their tree out; or what is wrong with the image. */
#include "images.h"

/* ---- what an image may look like ---- */

static const char *const two_layers[] = {"./ etc/ etc/a=1 etc/b=2", "etc/ etc/.wh.a c=3 d&etc/b",
                                         NULL};
static const char two_tree[] = "./ etc/ etc/b=2 d&etc/b c=3";

static void test_layouts(void **state)
{
    static const int filters[] = {ARCHIVE_FILTER_NONE, ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_ZSTD,
                                  ARCHIVE_FILTER_XZ, ARCHIVE_FILTER_BZIP2};
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(filters); i++) {
        char *name = xasprintf("filter %zu, %s", i / 2, i % 2 ? "backwards" : "forwards");
        struct image image = {0};

        make_oci(&image, two_layers, filters[i / 2]);
        write_folder(&image);
        wrong += check("folder", list(), two_tree);
        write_tar(&image, filters[i / 2], i % 2);
        wrong += check(name, list(), two_tree);
        free_image(&image);
        make_saved(&image, two_layers);
        write_tar(&image, filters[i / 2], i % 2);
        wrong += check(name, list(), two_tree);
        free_image(&image);
        free(name);
    }
    assert_int_equal(wrong, 0);
}

/* A recent docker save has both forms; a layer that is there twice is a symbolic link. */
static void test_docker(void **state)
{
    static const char *const layers[] = {"a=1", "a=1", "b=2", NULL};
    struct image image = {0};
    unsigned wrong = 0;
    char *link;

    (void)state;
    make_oci(&image, two_layers, ARCHIVE_FILTER_NONE);
    add_text(&image, "manifest.json", xstrdup("[{\"Config\":\"x\",\"Layers\":[]}]"));
    write_tar(&image, ARCHIVE_FILTER_NONE, false);
    wrong += check("both", list(), two_tree);
    free_image(&image);
    make_saved(&image, layers);
    link = xasprintf("../%s", image.files[1].path);
    image.files[2].link = link;
    write_tar(&image, ARCHIVE_FILTER_NONE, false);
    wrong += check("linked layer", list(), "a=1 b=2");
    image.files[1].link = link;
    write_tar(&image, ARCHIVE_FILTER_NONE, false);
    free(link);
    link = xasprintf(": reading the container image: %s: is not in it", image.files[1].path);
    wrong += check("linked in a circle", list(), link);
    free(link);
    free_image(&image);
    assert_int_equal(wrong, 0);
}

/* ---- which image ---- */

/* "{"digest":...,"platform":...}"; malloc'ed */
static char *descriptor(struct digest_text hex, const char *platform, const char *name)
{
    char *text = platform ? platform_json(platform) : NULL;
    char *whole = xasprintf(
        "{\"digest\":\"sha256:%s\"%s%s%s%s%s}", hex.text, text ? ",\"platform\":" : "",
        text ? text : "", name ? ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"" : "",
        name ? name : "", name ? "\"}" : "");

    free(text);
    return whole;
}

static const struct {
    const char *name, *platforms[5]; /* of one image each; the layer holds its number as a name */
    bool platform_is_told, nested;
    const char *tree;
} choices[] = {
    {"told", {"linux/arm64", "linux/amd64"}, true, false, "1"},
    {"told, nested", {"linux/arm64", "linux/amd64", "unknown/unknown"}, true, true, "1"},
    {"not told", {"linux/arm64", "linux/amd64"}, false, false, "1"},
    {"not told, nested", {"linux/arm64", "linux/amd64"}, false, true, "1"},
    {"none",
     {"linux/arm64", "windows/amd64"},
     true,
     false,
     ": reading the container image: no image for linux/amd64 (it has linux/arm64, windows/amd64)"},
    {"none, not told",
     {"linux/riscv64"},
     false,
     true,
     ": reading the container image: no image for linux/amd64 (it has linux/riscv64)"},
    {"nothing", {NULL}, true, false, ": reading the container image: no image in it"},
    {"attestations alone",
     {"unknown/unknown"},
     true,
     true,
     ": reading the container image: no image in it"},
    {"several",
     {"linux/amd64", "linux/arm64", "linux/amd64"},
     true,
     false,
     ": reading the container image: there are several in it (n0, n2); one is needed"},
    {"several, nested: the first", {"linux/amd64", "linux/amd64"}, true, true, "0"},
};

static void test_choices(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
        struct image image = {0};
        struct buf index = {0};

        buf_puts(&index, "");
        for (size_t k = 0; choices[i].platforms[k]; k++) {
            char *number = xasprintf("%zu", k), *name = xasprintf("n%zu", k), *text;
            const char *const layers[] = {number, NULL};
            const char *platform = choices[i].platforms[k];

            text = descriptor(add_manifest(&image, layers, platform, ARCHIVE_FILTER_GZIP),
                              choices[i].platform_is_told ? platform : NULL, name);
            buf_printf(&index, "%s%s", k ? "," : "", text);
            free(text);
            free(name);
            free(number);
        }
        if (choices[i].nested) {
            char *nested = xasprintf("{\"manifests\":[%s]}", index.data);

            index.len = 0;
            buf_printf(&index, "{\"digest\":\"sha256:%s\"}",
                       add_blob(&image, nested, strlen(nested)).text);
            free(nested);
        }
        add_index(&image, index.data);
        write_tar(&image, ARCHIVE_FILTER_NONE, true);
        free_image(&image);
        wrong += check(choices[i].name, list(), choices[i].tree);
    }
    assert_int_equal(wrong, 0);
}

/* One image under two names is one; two images of docker save are one too many. */
static void test_names(void **state)
{
    struct image image = {0};
    unsigned wrong = 0;
    struct digest_text hex;

    (void)state;
    hex = add_manifest(&image, two_layers, "linux/amd64", ARCHIVE_FILTER_NONE);
    add_index(&image, xasprintf("{\"digest\":\"sha256:%s\"},{\"digest\":\"sha256:%s\"}", hex.text,
                                hex.text));
    write_tar(&image, ARCHIVE_FILTER_NONE, false);
    wrong += check("two names", list(), two_tree);
    free_image(&image);
    add_text(
        &image, "manifest.json",
        xstrdup("[{\"RepoTags\":[\"a:1\",\"b:1\"]},{\"Config\":\"c.json\",\"RepoTags\":null}]"));
    write_tar(&image, ARCHIVE_FILTER_NONE, false);
    wrong += check("two saved", list(),
                   ": reading the container image: there are several in it (a:1, c.json); one is "
                   "needed");
    free_image(&image);
    assert_int_equal(wrong, 0);
}

/* ---- what is wrong with an image ---- */

static const struct {
    const char *name, *path, *text, *wanted; /* the image is this file, and another one */
} bad_json[] = {
    {"no JSON", "index.json", "{", ": index.json: line 1: string or '}' expected near end of file"},
    {"empty", "index.json", "", ": index.json: line 1: '[' or '{' expected near end of file"},
    {"an array", "index.json", "[]", ": index.json: lists no manifests"},
    {"no list", "index.json", "{\"manifests\":3}", ": index.json: lists no manifests"},
    {"a number for a descriptor", "index.json", "{\"manifests\":[3]}",
     ": index.json: names something by what is no SHA-256 digest"},
    {"a path for a digest", "index.json", "{\"manifests\":[{\"digest\":\"sha256:../../../x\"}]}",
     ": index.json: names something by what is no SHA-256 digest"},
    {"another digest", "index.json", "{\"manifests\":[{\"digest\":\"sha512:00\"}]}",
     ": index.json: names something by what is no SHA-256 digest"},
    {"twice the same key", "index.json", "{\"manifests\":[],\"manifests\":[]}",
     ": index.json: line 1: duplicate object key near '\"manifests\"'"},
    {"a missing blob", "index.json",
     "{\"manifests\":[{\"digest\":\"sha256:"
     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}]}",
     ": blobs/sha256/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef: is not in "
     "it"},
    {"saved: an object", "manifest.json", "{}", ": manifest.json: lists no image"},
    {"saved: nothing", "manifest.json", "[]", ": manifest.json: lists no image"},
    {"saved: no configuration", "manifest.json", "[{}]", ": : is not in it"},
    {"saved: climbing", "manifest.json", "[{\"Config\":\"../../x\"}]", ": ../../x: is not in it"},
    {"saved: no layers", "manifest.json", "[{\"Config\":\"c.json\"}]",
     ": manifest.json: lists no layers"},
    {"saved: a number for a layer", "manifest.json", "[{\"Config\":\"c.json\",\"Layers\":[3]}]",
     ": manifest.json: has a layer without a name"},
    {"saved: a missing layer", "manifest.json",
     "[{\"Config\":\"c.json\",\"Layers\":[\"../etc/passwd\"]}]", ": ../etc/passwd: is not in it"},
    {"saved: a layer that is no tar", "manifest.json",
     "[{\"Config\":\"c.json\",\"Layers\":[\"c.json\"]}]", ": c.json: Unrecognized archive format"},
};

static void test_bad_json(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad_json); i++) {
        char *wanted = xasprintf(": reading the container image%s", bad_json[i].wanted);
        struct image image = {0};

        add_text(&image, "c.json", platform_json("linux/amd64"));
        add_text(&image, "oci-layout", xstrdup("{}"));
        add_text(&image, bad_json[i].path, xstrdup(bad_json[i].text));
        write_tar(&image, ARCHIVE_FILTER_NONE, false);
        free_image(&image);
        wrong += check(bad_json[i].name, list(), wanted);
        free(wanted);
    }
    assert_int_equal(wrong, 0);
}

/* An index that leads to itself cannot have its own digest; one that leads to many can. */
static void test_many_indexes(void **state)
{
    struct image image = {0};
    struct digest_text hex = add_blob(&image, "{\"manifests\":[]}", 16);
    char *wanted;

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        struct buf text = {0};

        buf_puts(&text, "{\"manifests\":[");
        for (unsigned k = 0; k < 100; k++)
            buf_printf(&text, "%s{\"digest\":\"sha256:%s\"}", k ? "," : "", hex.text);
        buf_puts(&text, "]}");
        hex = add_blob(&image, text.data, text.len);
        buf_free(&text);
    }
    add_index(&image, xasprintf("{\"digest\":\"sha256:%s\"}", hex.text));
    write_tar(&image, ARCHIVE_FILTER_NONE, false);
    wanted = xasprintf(": reading the container image: %s: too many indexes lead to others",
                       image.files[1].path);
    free_image(&image);
    assert_int_equal(check("deep", list(), wanted), 0);
    free(wanted);
}

static void test_giant_json(void **state)
{
    struct image image = {0};
    char *spaces = xcalloc(17 * MIB, 1);

    (void)state;
    memset(spaces, ' ', 17 * MIB - 1);
    add_text(&image, "oci-layout", xstrdup("{}"));
    add_text(&image, "index.json", spaces);
    write_tar(&image, ARCHIVE_FILTER_ZSTD, false);
    free_image(&image);
    assert_int_equal(
        check("giant", list(), ": reading the container image: index.json: is larger than 16 MiB"),
        0);
}

/* One bit of any blob is another: each is found by its digest. */
static void test_wrong_digest(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct image image = {0};
        char *wanted;

        make_oci(&image, two_layers, i % 2 ? ARCHIVE_FILTER_GZIP : ARCHIVE_FILTER_NONE);
        image.files[i].data.data[image.files[i].data.len / 2] ^= 1;
        wanted = xasprintf(": reading the container image: %s: its SHA-256 digest is another than "
                           "its name says",
                           image.files[i].path);
        write_tar(&image, ARCHIVE_FILTER_NONE, false);
        wrong += check(image.files[i].path, list(), wanted);
        write_folder(&image);
        wrong += check(image.files[i].path, list(), wanted);
        free(wanted);
        free_image(&image);
    }
    assert_int_equal(wrong, 0);
}

static void test_missing_blob(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct image image = {0};
        char *wanted;

        make_oci(&image, two_layers, ARCHIVE_FILTER_GZIP);
        wanted = xasprintf(": reading the container image: %s: is not in it", image.files[i].path);
        image.files[i].path[13] = 'x';
        write_tar(&image, ARCHIVE_FILTER_NONE, false);
        wrong += check(wanted, list(), wanted);
        write_folder(&image);
        wrong += check(wanted, list(), wanted);
        free(wanted);
        free_image(&image);
    }
    assert_int_equal(wrong, 0);
}

/* An archive that ends anywhere is an error, never a smaller tree. */
static void test_truncated(void **state)
{
    struct image image = {0};
    char *path = scratch_path("image"), *got;
    struct stat st;

    (void)state;
    make_saved(&image, two_layers);
    write_tar(&image, ARCHIVE_FILTER_NONE, false);
    free_image(&image);
    assert_int_equal(stat(path, &st), 0);
    for (off_t len = st.st_size - 1024 - 512; len > 1024; len -= 512) {
        assert_int_equal(truncate(path, len), 0);
        got = list();
        if (*got != ':')
            fail_msg("cut to %ld bytes: %s", (long)len, got);
        free(got);
    }
    free(path);
}

/* ---- what is no image ---- */

static void test_probe(void **state)
{
    static const struct {
        const char *words;
        int is;
    } cases[] = {
        {"./ ./etc/ ./etc/passwd", 0},
        {"etc/ manifest.json", 0},
        {"manifest.json", 1},
        {"manifest.json=[] bin/", 0},
        {"x.json", 0},
        {"oci-layout", 0},
        {"oci-layout index.json", 1},
        {"./ ./index.json ./oci-layout", 1},
        {"blobs/ blobs/sha256/", 0},
        {"blobs/ blobs/sha256/"
         "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
         1},
        {"", 0},
    };
    char *path = scratch_path("image");
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf tar = {0};
        int fd, is;

        make_layer(&tar, cases[i].words, ARCHIVE_FILTER_GZIP);
        assert_int_equal(scratch_sh("rm -rf image"), 0);
        write_file("image", tar.data, tar.len);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        is = rootfs_oci.probe(path, fd);
        if (is != cases[i].is)
            print_error("%s: %d\n", cases[i].words, is);
        wrong += is != cases[i].is || lseek(fd, 0, SEEK_CUR) != 0;
        close(fd);
        buf_free(&tar);
    }
    free(path);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layouts),      cmocka_unit_test(test_docker),
        cmocka_unit_test(test_choices),      cmocka_unit_test(test_names),
        cmocka_unit_test(test_bad_json),     cmocka_unit_test(test_many_indexes),
        cmocka_unit_test(test_giant_json),   cmocka_unit_test(test_wrong_digest),
        cmocka_unit_test(test_missing_blob), cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_probe),
    };

    return cmocka_run_group_tests(tests, images_setup, scratch_remove);
}
