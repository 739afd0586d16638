/* adjust: what is changed in files of a tree, from literal texts to literal texts. */
#include "ramroot/adjust.h"

#include "caught.h"
#include "files.h"
#include "ramroot/password.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <archive.h>
#include <cmocka.h>

/* SHA-512 crypt of "secret", as openssl passwd -6 -salt 6cd0899e307bcf27 makes it. */
#define SECRET                                                                                     \
    "$6$6cd0899e307bcf27$"                                                                         \
    "cmBhMk5V8QsW9VMOx5QnhNHAu7eBg10KUQVudqLtYihzXpILdEM/l0VsnKyzgId4CXEpcv.NU4D5GIax96dJo/"

/* A member's bytes, given in pieces of 7. */
struct bytes {
    const char *data;
    size_t len, at;
};

static int give(struct member *member, const void **data, size_t *len, uint64_t *offset)
{
    struct bytes *bytes = member->arg;

    if (bytes->at == bytes->len)
        return 0;
    *data = bytes->data + bytes->at;
    *len = bytes->len - bytes->at < 7 ? bytes->len - bytes->at : 7;
    *offset = bytes->at;
    bytes->at += *len;
    return 1;
}

static struct archive_entry *new_entry(const char *path, unsigned mode, size_t len)
{
    struct archive_entry *entry = archive_entry_new();

    archive_entry_set_pathname(entry, path);
    archive_entry_set_mode(entry, mode);
    archive_entry_set_mtime(entry, 1000, 0);
    archive_entry_set_uid(entry, 7);
    archive_entry_set_size(entry, (int64_t)len);
    return entry;
}

/* Appends what a member holds now to a text; its size is that of its bytes. */
static void take(struct member *member, struct buf *out)
{
    size_t before = out->len, len;
    const void *data;
    uint64_t offset;
    int result = 0;

    buf_add(out, "", 0);
    while (member->block && (result = member->block(member, &data, &len, &offset)) == 1)
        buf_add(out, data, len);
    assert_int_equal(result, 0);
    assert_int_equal(archive_entry_size(member->entry), out->len - before);
}

/* Passes one file on: what becomes of its text, or -1. */
static int pass(struct adjust *adjust, const char *path, const char *text, struct buf *out)
{
    struct bytes bytes = {text, strlen(text), 0};
    struct archive_entry *entry = new_entry(path, AE_IFREG | 0640, bytes.len);
    struct member member = {entry, give, &bytes};
    int result = adjust_member(adjust, &member);

    if (result == 1) {
        take(&member, out);
        assert_int_equal(archive_entry_perm(entry), 0640); /* all but the text stays */
        assert_int_equal(archive_entry_uid(entry), 7);
    }
    archive_entry_free(entry);
    return result;
}

struct text_case {
    const char *text, *want;
};

static void check_texts(const struct request_root *asked, const char *path,
                        const struct text_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct adjust adjust;
        struct buf out = {0};

        assert_int_equal(adjust_begin(&adjust, asked, "root.tar"), 0);
        if (pass(&adjust, path, cases[i].text, &out) != 1 || strcmp(out.data, cases[i].want) != 0)
            fail_msg("%s, case %zu: got <%s>, want <%s>", path, i, out.data, cases[i].want);
        buf_free(&out);
        adjust_free(&adjust);
        adjust_free(&adjust);
    }
}

#define M "# from memory: "

static void test_fstab(void **state)
{
    static const struct text_case cases[] = {
        {"", ""},
        {"\n\n", "\n\n"},
        {"# /etc/fstab: static file system information.\n#\n",
         "# /etc/fstab: static file system information.\n#\n"},
        {"#UUID=1 / ext4 defaults 0 1\n", "#UUID=1 / ext4 defaults 0 1\n"},
        {"UUID=1 / ext4 defaults 0 1\n", M "UUID=1 / ext4 defaults 0 1\n"},
        {"UUID=\"1-2\" / ext4\n", M "UUID=\"1-2\" / ext4\n"},
        {"\"UUID=1\" / ext4\n", M "\"UUID=1\" / ext4\n"},
        {"PARTUUID=1 /boot vfat\n", M "PARTUUID=1 /boot vfat\n"},
        {"PARTLABEL=esp /boot/efi vfat\n", M "PARTLABEL=esp /boot/efi vfat\n"},
        {"/dev/sda1\t/\text4\n", M "/dev/sda1\t/\text4\n"},
        {"/dev/mapper/vg-root / ext4\n", M "/dev/mapper/vg-root / ext4\n"},
        {"\t /dev/sda1 / ext4\n", M "\t /dev/sda1 / ext4\n"},
        {"UUID=2 none swap sw 0 0\n", M "UUID=2 none swap sw 0 0\n"},
        {"/swapfile none swap sw 0 0\n", M "/swapfile none swap sw 0 0\n"},
        {"  /swapfile\t \tnone\t swap\n", M "  /swapfile\t \tnone\t swap\n"},
        {"10.0.0.1:/home /home nfs defaults 0 0\n", "10.0.0.1:/home /home nfs defaults 0 0\n"},
        {"//nas/share /mnt cifs guest\n", "//nas/share /mnt cifs guest\n"},
        {"tmpfs /tmp tmpfs nosuid 0 0\n", "tmpfs /tmp tmpfs nosuid 0 0\n"},
        {"tmpfs /swap tmpfs\n", "tmpfs /swap tmpfs\n"},
        {"/dev/sda1 /", M "/dev/sda1 /\n"},
        {"# a\n\nUUID=1 / ext4\ntmpfs /tmp tmpfs\nUUID=2 none swap\n# b\n",
         "# a\n\n" M "UUID=1 / ext4\ntmpfs /tmp tmpfs\n" M "UUID=2 none swap\n# b\n"},
    };
    struct request_root asked = {0};

    (void)state;
    check_texts(&asked, "etc/fstab", cases, ARRAY_LEN(cases));
    asked.fstab = CHANGE;
    check_texts(&asked, "etc/fstab", cases, ARRAY_LEN(cases));
}

static void test_texts(void **state)
{
    static const char getty[] = "etc/systemd/system/getty@.service.d/noclear.conf";
    char name[] = "node1", locked[] = "locked", secret[] = "password:secret", odd[] = "hash:%n%s";
    const struct request_root permissive = {.selinux = SELINUX_PERMISSIVE};
    const struct request_root disabled = {.selinux = SELINUX_DISABLED}, none = {0};
    const struct request_root lock = {.root_password = locked}, named = {.hostname = name};
    const struct request_root pass_secret = {.root_password = secret};
    const struct request_root pass_odd = {.root_password = odd};
    const struct {
        const struct request_root *asked;
        const char *path;
        struct text_case text;
    } cases[] = {
        {&permissive,
         "etc/selinux/config",
         {"# SELINUX= can take one of these\nSELINUX=enforcing\nSELINUXTYPE=mls\n",
          "# SELINUX= can take one of these\nSELINUX=permissive\nSELINUXTYPE=mls\n"}},
        {&permissive, "etc/selinux/config", {"SELINUX=disabled # x", "SELINUX=permissive\n"}},
        {&permissive, "etc/selinux/config", {"#SELINUX=enforcing\n", "#SELINUX=enforcing\n"}},
        {&permissive, "etc/selinux/config", {"", ""}},
        {&disabled,
         "etc/selinux/config",
         {"SELINUX=\nSELINUXTYPE=a\n", "SELINUX=disabled\nSELINUXTYPE=a\n"}},
        {&lock,
         "etc/shadow",
         {"root:*:19000:0:99999:7:::\nbin:*:19000::::::\n",
          "root:!*:19000:0:99999:7:::\nbin:*:19000::::::\n"}},
        {&lock,
         "etc/shadow",
         {"daemon:*:1::::::\nroot::1::::::", "daemon:*:1::::::\nroot:!*:1::::::\n"}},
        {&lock, "etc/shadow", {"root:$6$a$b:1::::::\n", "root:!*:1::::::\n"}},
        {&lock,
         "etc/shadow",
         {"bin:root:1:\nroot:x:1:\n#root:x\n", "bin:root:1:\nroot:!*:1:\n#root:x\n"}},
        {&pass_secret, "etc/shadow", {"root:*:1:0:::::\n", "root:" SECRET ":1:0:::::\n"}},
        {&pass_odd, "etc/shadow", {"root:*:%s:\n", "root:%n%s:%s:\n"}},
        {&named, "etc/hostname", {"", "node1\n"}},
        {&named, "etc/hostname", {"# a\nb\n", "node1\n"}},
        {&none,
         getty,
         {"[Service]\nTTYVTDisallocate=yes\n",
          "# What the machine said while it booted stays on the screen.\n"
          "[Service]\nTTYVTDisallocate=no\n"}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_texts(cases[i].asked, cases[i].path, &cases[i].text, 1);
}

static void make_file(const char *name, const char *text)
{
    char *path = xasprintf("%s/%s", scratch_dir(), name);
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    free(path);
}

static void test_keys(void **state)
{
    static const struct text_case cases[] = {
        {"", "ssh-ed25519 AAAA a\nssh-rsa BBBB b\n"},
        {"ssh-rsa CCCC c\n", "ssh-rsa CCCC c\nssh-ed25519 AAAA a\nssh-rsa BBBB b\n"},
        {"# mine", "# mine\nssh-ed25519 AAAA a\nssh-rsa BBBB b\n"},
    };
    struct request_root asked = {0};

    (void)state;
    make_file("a.pub", "ssh-ed25519 AAAA a\n");
    make_file("b.pub", "ssh-rsa BBBB b"); /* without an end of its line */
    strings_printf(&asked.ssh_keys, "%s/a.pub", scratch_dir());
    strings_printf(&asked.ssh_keys, "%s/b.pub", scratch_dir());
    check_texts(&asked, "root/.ssh/authorized_keys", cases, ARRAY_LEN(cases));
    strings_free(&asked.ssh_keys);
}

static void test_bad_keys(void **state)
{
    static const struct {
        const char *line, *want; /* a shell line that makes the file; NULL as want: it is taken */
    } cases[] = {
        {"echo ssh-rsa AAAA a >key", NULL},
        {"rm -f key", "No such file or directory"},
        {"rm -f key; mkdir key", "Is a directory"},
        {"rm -rf key; : >key", "holds no public key"},
        {"echo rubbish >key", "holds no public key"},
        {"echo '-----BEGIN OPENSSH PRIVATE KEY-----' >key", "is the private half"},
        {"head -c 1048577 /dev/zero | tr '\\0' ' ' >key", "larger than 1 MiB"},
    };
    struct request_root asked = {0};
    char text[512], want[512];

    (void)state;
    strings_printf(&asked.ssh_keys, "%s/key", scratch_dir());
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct adjust adjust;
        struct caught caught;
        int result;

        assert_int_equal(scratch_sh(cases[i].line), 0);
        caught_begin(&caught);
        result = adjust_begin(&adjust, &asked, "root.tar");
        caught_end(&caught, text, sizeof text);
        *want = '\0';
        if (cases[i].want)
            snprintf(want, sizeof want, "mkbootmedia: %s: reading the SSH key: %s\n",
                     asked.ssh_keys.v[0], cases[i].want);
        if (result != (cases[i].want ? -1 : 0) || strcmp(text, want) != 0)
            fail_msg("%s: %d, got <%s>, want <%s>", cases[i].line, result, text, want);
        adjust_free(&adjust);
    }
    strings_free(&asked.ssh_keys);
}

/* What nobody asked for stays byte by byte. */
static void test_keep(void **state)
{
    static const char text[] = "UUID=1 / ext4\nroot:x:1::::::\nSELINUX=enforcing\nno end";
    static const char *const paths[] = {"etc/fstab", "etc/selinux/config", "etc/hostname",
                                        "etc/shadow", "root/.ssh/authorized_keys"};
    static const char *const others[] = {"etc/fstab-", "usr/etc/fstab", "etc/shadow/shadow",
                                         "home/a/.ssh/authorized_keys"};
    char name[] = "node1", locked[] = "locked";
    const struct request_root keep = {.fstab = KEEP, .getty = KEEP};
    const struct request_root all = {
        .hostname = name, .root_password = locked, .selinux = SELINUX_DISABLED};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        check_texts(&keep, paths[i], &(struct text_case){text, text}, 1);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        check_texts(&all, others[i], &(struct text_case){text, text}, 1);
}

/* Passes a tree on (paths, 'd' in front of a folder's) and lists what comes after it. */
static int pass_tree(const struct request_root *asked, const char *const *paths, struct buf *out)
{
    struct adjust adjust;
    struct member member;
    int result = adjust_begin(&adjust, asked, "root.tar");

    buf_puts(out, "");
    for (; result == 0 && *paths; paths++) {
        bool folder = **paths == 'd';
        struct archive_entry *entry =
            new_entry(*paths + 1, folder ? AE_IFDIR | 0755 : AE_IFREG | 0644, 0);

        assert_int_equal(adjust_member(&adjust, &(struct member){.entry = entry}), 1);
        archive_entry_free(entry);
    }
    while (result == 0 && (result = adjust_more(&adjust, &member)) == 1) {
        buf_printf(out, "%s %o %lld %lld\n", archive_entry_pathname(member.entry),
                   (unsigned)archive_entry_mode(member.entry),
                   (long long)archive_entry_uid(member.entry),
                   (long long)archive_entry_mtime(member.entry));
        if (member.block)
            take(&member, out);
        result = 0;
    }
    adjust_free(&adjust);
    return result;
}

#define GETTY                                                                                      \
    "etc/systemd/system/getty@.service.d/noclear.conf 100644 0 1000\n"                             \
    "# What the machine said while it booted stays on the screen.\n"                               \
    "[Service]\nTTYVTDisallocate=no\n"
#define KEYS "root/.ssh/authorized_keys 100600 0 1000\nssh-rsa AAAA a\n"

static void test_added(void **state)
{
    char name[] = "node1", key[128], *keys[] = {key};
    const struct {
        struct request_root asked;
        const char *tree[8];
        const char *want;
    } cases[] = {
        {{0}, {"dusr"}, ""}, /* a fstab is not made */
        {{0}, {"dusr/lib/systemd/system", "fusr/lib/systemd/system/a.service"}, GETTY},
        {{0}, {"flib/systemd/system/a.service"}, GETTY},
        {{.getty = KEEP}, {"fusr/lib/systemd/system/a.service"}, ""},
        {{0}, {"fusr/lib/systemd/systemd", "fusr/lib/systemd/systems/x"}, ""},
        {{.hostname = name}, {"dusr"}, "etc/hostname 100644 0 1000\nnode1\n"},
        {{.hostname = name}, {NULL}, "etc/hostname 100644 0 0\nnode1\n"},
        {{.ssh_keys = {keys, 1}}, {"droot"}, "root/.ssh 40700 0 1000\n" KEYS},
        {{.ssh_keys = {keys, 1}}, {"droot", "droot/.ssh"}, KEYS},
        {{.ssh_keys = {keys, 1}}, {"froot/.ssh/authorized_keys"}, ""},
        {{.hostname = name, .ssh_keys = {keys, 1}},
         {"droot/.ssh", "flib/systemd/system/a.service", "fetc/shadow"},
         "etc/hostname 100644 0 1000\nnode1\n" KEYS GETTY},
    };

    (void)state;
    make_file("key.pub", "ssh-rsa AAAA a\n");
    snprintf(key, sizeof key, "%s/key.pub", scratch_dir());
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = {0};

        if (pass_tree(&cases[i].asked, cases[i].tree, &out) != 0 ||
            strcmp(out.data, cases[i].want) != 0)
            fail_msg("case %zu: got <%s>, want <%s>", i, out.data, cases[i].want);
        buf_free(&out);
    }
}

static void test_no_shadow(void **state)
{
    static const char *const tree[] = {"dusr", "fetc/passwd", NULL};
    struct buf out = {0};
    struct caught caught;
    char text[512], locked[] = "locked";

    (void)state;
    caught_begin(&caught);
    assert_int_equal(pass_tree(&(struct request_root){.root_password = locked}, tree, &out), -1);
    caught_end(&caught, text, sizeof text);
    assert_string_equal(text, "mkbootmedia: root.tar: --root-password: the tree has no "
                              "etc/shadow\n");
    buf_free(&out);
}

/* A configuration of SELinux without labels may leave a machine that does not start. */
static void test_labels(void **state)
{
    static const char warning[] =
        "mkbootmedia: warning: root.tar: has a configuration of SELinux, but its files have no "
        "labels: if it enforces, use --selinux permissive\n";
    static const struct {
        const char *name;
        enum selinux selinux;
        const char *config, *xattr;
        bool warned;
    } cases[] = {
        {"no labels", SELINUX_KEEP, "etc/selinux/config", NULL, true},
        {"other attributes", SELINUX_KEEP, "etc/selinux/config", "user.a", true},
        {"labels", SELINUX_KEEP, "etc/selinux/config", "security.selinux", false},
        {"no configuration", SELINUX_KEEP, "etc/selinux/semanage.conf", NULL, false},
        {"changed", SELINUX_PERMISSIVE, "etc/selinux/config", NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct request_root asked = {.selinux = cases[i].selinux};
        struct archive_entry *entry = new_entry("usr/bin/a", AE_IFREG | 0755, 0);
        struct adjust adjust;
        struct member member = {.entry = entry};
        struct buf out = {0};
        struct caught caught;
        char text[512];

        assert_int_equal(adjust_begin(&adjust, &asked, "root.tar"), 0);
        if (cases[i].xattr)
            archive_entry_xattr_add_entry(entry, cases[i].xattr, "1", 1);
        assert_int_equal(adjust_member(&adjust, &member), 1);
        assert_int_equal(pass(&adjust, cases[i].config, "SELINUX=enforcing\n", &out), 1);
        caught_begin(&caught);
        assert_int_equal(adjust_more(&adjust, &member), 0);
        assert_int_equal(adjust_more(&adjust, &member), 0); /* says it once */
        caught_end(&caught, text, sizeof text);
        if (strcmp(text, cases[i].warned ? warning : "") != 0)
            fail_msg("%s: <%s>", cases[i].name, text);
        archive_entry_free(entry);
        adjust_free(&adjust);
        buf_free(&out);
    }
}

/* Files that are not what they should be: refused, if something is to be changed in them. */
static void test_refused(void **state)
{
    static const char irregular[] =
        "mkbootmedia: root.tar: etc/fstab: changing it: is no regular file\n";
    static char large[MIB + 1];
    static const struct {
        unsigned type;
        size_t len;
        const char *want; /* NULL: it is changed */
    } cases[] = {
        {AE_IFREG, MIB, NULL},    {AE_IFREG, MIB + 1, "larger than 1 MiB"},
        {AE_IFLNK, 0, irregular}, {AE_IFDIR, 0, irregular},
        {AE_IFCHR, 0, irregular}, {AE_IFIFO, 0, irregular},
    };
    const struct request_root asked = {0}, keep = {.fstab = KEEP};

    (void)state;
    memset(large, '#', sizeof large);
    for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
        const char *want = i % 2 ? NULL : cases[i / 2].want;
        struct bytes bytes = {large, cases[i / 2].len, 0};
        struct archive_entry *entry =
            new_entry("etc/fstab", cases[i / 2].type | 0644, cases[i / 2].len);
        struct member member = {entry, cases[i / 2].type == AE_IFREG ? give : NULL, &bytes};
        struct adjust adjust;
        struct caught caught;
        char text[512];
        int result;

        archive_entry_sparse_add_entry(entry, 0, 1); /* as it was, not as it will be */
        assert_int_equal(adjust_begin(&adjust, i % 2 ? &keep : &asked, "root.tar"), 0);
        caught_begin(&caught);
        result = adjust_member(&adjust, &member);
        caught_end(&caught, text, sizeof text);
        if (result != (want ? -1 : 1) || !strstr(text, want ? want : "") || (!want && *text))
            fail_msg("case %zu: %d, <%s>", i, result, text);
        if (result == 1 && cases[i / 2].len)
            assert_int_equal(archive_entry_sparse_count(entry), i % 2);
        archive_entry_free(entry);
        adjust_free(&adjust);
    }
}

static void test_password(void **state)
{
    static const struct {
        const char *text, *want, *why;
    } cases[] = {
        {"locked", "!*", NULL},
        {"hash:$y$j9T$x", "$y$j9T$x", NULL},
        {"password:secret", SECRET, NULL},
        {"file:first", SECRET, NULL}, /* its first line, whatever ends it */
        {"file:blank", NULL, "mkbootmedia: blank: reading the password: its first line is empty\n"},
        {"file:none", NULL, "mkbootmedia: none: reading the password: No such file or directory\n"},
    };

    (void)state;
    assert_int_equal(scratch_sh("printf 'secret\\r\\nmore' >first; echo >blank"), 0);
    assert_int_equal(chdir(scratch_dir()), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf field = {0};
        struct caught caught;
        char text[512];
        int result;

        caught_begin(&caught);
        result = password_field(&field, cases[i].text);
        caught_end(&caught, text, sizeof text);
        if (result != (cases[i].why ? -1 : 0) ||
            strcmp(cases[i].why ? text : field.data, cases[i].why ? cases[i].why : cases[i].want))
            fail_msg("%s: %d, <%s>, <%s>", cases[i].text, result, text,
                     field.len ? field.data : "");
        buf_free(&field);
    }
    assert_int_equal(chdir("/"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fstab),     cmocka_unit_test(test_texts),
        cmocka_unit_test(test_keys),      cmocka_unit_test(test_bad_keys),
        cmocka_unit_test(test_keep),      cmocka_unit_test(test_added),
        cmocka_unit_test(test_no_shadow), cmocka_unit_test(test_labels),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_password),
    };

    return cmocka_run_group_tests(tests, NULL, scratch_remove);
}
