/* from_oci_tree: layers in, the tree that is left of them out; or which member cannot be. */
#include "images.h"

static const struct {
    const char *name, *layers[5], *tree;
} merges[] = {
    {"one layer", {"./ etc/ etc/a=1 l>etc"}, "./ etc/ etc/a=1 l>etc"},
    {"an empty layer", {"", "a=1", ""}, "a=1"},
    {"no member", {""}, ""},
    {"replaced", {"a=old b=1", "a=new"}, "b=1 a=new"},
    {"twice in a layer, the last counts", {"a=1 a=2"}, "a=2"},
    {"whiteout", {"a=1 b=2", ".wh.a"}, "b=2"},
    {"whiteout of a folder", {"d/ d/e/ d/e/f=1 g", ".wh.d"}, "g"},
    {"whiteout of what is not there", {"a=1", ".wh.b x/.wh.c a/.wh.d"}, "a=1"},
    {"whiteout deep down", {"d/ d/a=1 d/b=2", "d/ d/.wh.a"}, "d/ d/b=2"},
    {"whiteout before its own layer's file", {"d/ d/a=1 d/b", "d/ d/a=2 .wh.d"}, "d/ d/a=2"},
    {"whiteout after its own layer's file", {"d/ d/a=1 d/b", ".wh.d d/ d/a=2"}, "d/ d/a=2"},
    {"whiteout keeps a file in a folder that has no member", {"d/ d/a", "d/b=1 .wh.d"}, "d/ d/b=1"},
    {"whiteout, then again", {"a=1", ".wh.a", "a=3"}, "a=3"},
    {"opaque", {"d/ d/a=1 d/e/ d/e/f", "d/ d/.wh..wh..opq d/b=2"}, "d/ d/b=2"},
    {"opaque at the end", {"d/ d/a=1 d/e/ d/e/f", "d/ d/b=2 d/.wh..wh..opq"}, "d/ d/b=2"},
    {"opaque root", {"a b c/", ".wh..wh..opq d=1"}, "d=1"},
    {"opaque twice", {"d/ d/a", "d/.wh..wh..opq d/b=2 d/.wh..wh..opq"}, "d/ d/b=2"},
    {"aufs' own", {"a=1", ".wh..wh.plnk .wh..wh.aufs"}, "a=1"},
    {"a folder becomes a file", {"d/ d/a=1 d/e/ d/e/f=2", "d=3"}, "d=3"},
    {"a file becomes a folder", {"d=3", "d/ d/a=1"}, "d/ d/a=1"},
    {"a link becomes a folder", {"t/ d>t", "d/ d/a=1"}, "t/ d/ d/a=1"},
    {"folder, file, folder", {"d/ d/a", "d=1", "d/ d/b=2"}, "d/ d/b=2"},
    {"the topmost layer says whose a folder is",
     {"d/=700 d/a=1", "d/=755", "d/=711 d/b=2"},
     "d/=711:711 d/a=1 d/b=2"},
    {"a folder without a member", {"d/e/a=1"}, "d/e/a=1"},
    {"the root's mode", {"./=700 a=1", "./=711"}, "./=711:711 a=1"},
    {"through a link below",
     {"usr/ usr/lib/ lib>usr/lib", "lib/a=1"},
     "usr/ usr/lib/ lib>usr/lib usr/lib/a=1"},
    {"through links that climb",
     {"a/ a/b/ a/b/l>../../../../c c>/d d/", "a/b/l/f=1"},
     "a/ a/b/ d/ a/b/l>../../../../c c>/d d/f=1"},
    {"whiteout through a link", {"usr/ usr/a=1 u>usr", "u/.wh.a"}, "usr/ u>usr"},
    {"hard link", {"a=1 b&a c&b"}, "a=1 b&a c&a"},
    {"hard link, cleaned", {"./d/ ./d/a=1 ./b&./d/a"}, "d/ d/a=1 b&d/a"},
    {"hard link to a lower layer", {"a=1", "b&a"}, "a=1 b&a"},
    {"hard link, its target replaced above", {"a=1 b&a", "a=2"}, "b=1 a=2"},
    {"hard link, its target whited out above", {"a=1 b&a c&a", ".wh.a"}, "b=1 c&b"},
    {"hard link to a lower layer, target whited out", {"a=1", "b&a", ".wh.a"}, "b=1"},
    {"hard link to a lower layer, its name taken in the same", {"a=1", "b&a a=2"}, "b=1 a=2"},
    {"hard link over a file", {"a=1 b=2", "b&a"}, "a=1 b&a"},
    {"hard link over a folder", {"a=1 b/ b/c", "b&a"}, "a=1 b&a"},
    {"hard link over the folder that holds its target", {"b/ b/c=1", "b&b/c"}, "b=1"},
    {"all names gone", {"a=1 b&a", ".wh.a .wh.b c=3"}, "c=3"},
    {"hard link to a link", {"a=1 l>a m&l"}, "a=1 l>a m>a"},
    {"hard link through a link", {"usr/ usr/a=1 u>usr b&u/a"}, "usr/ usr/a=1 b&usr/a u>usr"},
    {"empty parts of a path", {"d/ d//./a=1 b&d/.//a"}, "d/ d/a=1 b&d/a"},
    {"three dots", {"... .../a=1"}, ": .../a: its path goes through a file"},
    {"absolute", {"/a=1"}, ": /a: its path is absolute"},
    {"climbing", {"d/../../a=1"}, ": d/../../a: its path has '..' in it"},
    {"climbing out", {"../a=1"}, ": ../a: its path has '..' in it"},
    {"hard link climbing", {"a=1 b&../a"}, ": b: is a hard link to a path that cannot be"},
    {"hard link absolute", {"a=1 b&/a"}, ": b: is a hard link to a path that cannot be"},
    {"hard link to nothing", {"b&a"}, ": b: is a hard link to a file that was not there before"},
    {"hard link to what is gone",
     {"a=1", ".wh.a b&a"},
     ": b: is a hard link to a file that was not there before"},
    {"hard link to a folder", {"a/ b&a"}, ": b: is a hard link to a folder"},
    {"hard link to itself", {"a=1 a&a"}, ": a: is a hard link to itself"},
    {"through a file", {"a=1", "a/b=2"}, ": a/b: its path goes through a file"},
    {"links in a circle",
     {"a>b b>a", "a/c"},
     ": a/c: its path goes through too many symbolic links"},
    {"the root as a file", {"./&a"}, ": ./: is the root, but no folder"},
    {"a whiteout of nothing", {"a", ".wh."}, ": .wh.: is a whiteout of nothing"},
    {"a whiteout of the folder above", {"d/ d/.wh..."}, ": d/.wh...: is a whiteout of nothing"},
};

/* Takes "blobs/sha256/HEX" and what is before it away: errors start at the member. */
static char *without_layer(char *text)
{
    char *at = strstr(text, "blobs/sha256/");

    if (*text == ':' && at && strlen(at) > 13 + 64)
        memmove(text, at + 13 + 64, strlen(at + 13 + 64) + 1);
    return text;
}

static void test_merges(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(merges); i++) {
        struct image image = {0};

        make_oci(&image, merges[i].layers, ARCHIVE_FILTER_NONE);
        write_tar(&image, ARCHIVE_FILTER_NONE, false);
        free_image(&image);
        wrong += check(merges[i].name, without_layer(list()), merges[i].tree);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merges),
    };

    return cmocka_run_group_tests(tests, images_setup, scratch_remove);
}
