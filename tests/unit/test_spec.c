/* spec: a text in, a request out; or the line on which something is wrong. */
#include "boot/spec.h"

#include "base/util.h"
#include "caught.h"
#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static int setup(void **state)
{
    (void)state;
    setenv("SECRET", "of the environment", 1);
    return scratch_sh(
        "for f in vmlinuz a.img b.img key 'with blank'; do echo x >\"$f\"; done; mkdir sub; "
        "printf 'mac,hostname\\n52:54:00:00:00:03,c\\n52:54:00:00:00:02,b\\n' >inv.csv; "
        "printf 'mac\\n52:54:00:00:00:01\\n' >one.csv; "
        "printf 'entry,mac\\nnone,52:54:00:00:00:09\\n' >bad.csv");
}

/* Reads a text as the scratch folder's lab.conf; messages without the folder. */
static int read_text(struct request *request, const char *text, char *message, size_t size)
{
    char *path = xasprintf("%s/lab.conf", scratch_dir());
    FILE *file = fopen(path, "w");
    size_t prefix = strlen(scratch_dir()) + 1;
    struct caught caught;
    int result;

    fputs(text, file);
    fclose(file);
    request_init(request);
    caught_begin(&caught);
    result = spec_read(request, path);
    caught_end(&caught, message, size);
    for (char *at; (at = strstr(message, scratch_dir()));)
        memmove(at, at + prefix, strlen(at + prefix) + 1);
    free(path);
    return result;
}

static void print_text(struct buf *out, const char *name, const char *text)
{
    const char *folder = scratch_dir();

    if (text && strncmp(text, folder, strlen(folder)) == 0) /* a path beside the spec file */
        buf_printf(out, " %s=@%s", name, text + strlen(folder));
    else if (text)
        buf_printf(out, " %s=%s", name, text);
}

static void print_list(struct buf *out, const char *name, const struct strings *list)
{
    for (size_t i = 0; i < list->n; i++)
        print_text(out, name, list->v[i]);
}

/* What a request holds, without what is at its default. */
static char *print_request(const struct request *request)
{
    struct buf out = {0};

    buf_puts(&out, "");
    print_text(&out, "label", request->label);
    if (request->timeout != 5)
        buf_printf(&out, " timeout=%ld", request->timeout);
    print_text(&out, "default", request->default_entry);
    print_list(&out, "console", &request->consoles);
    print_list(&out, "outputs", &request->outputs);
    print_list(&out, "loaders", &request->loader_dirs);
    print_list(&out, "add", &request->added);
    print_text(&out, "templates", request->templates);
    print_text(&out, "url", request->url);
    print_text(&out, "server", request->server);
    print_text(&out, "subnet", request->subnet);
    print_text(&out, "interface", request->interface);
    print_text(&out, "server_path", request->server_path);
    if (request->pxe_given)
        buf_printf(&out, " pxe=%d", request->pxe);
    if (request->keep != 3)
        buf_printf(&out, " keep=%u", request->keep);
    if (request->firmware)
        buf_printf(&out, " firmware=%u", request->firmware);
    if (request->size)
        buf_printf(&out, " size=%llu", (unsigned long long)request->size);
    if (request->uki)
        buf_puts(&out, request->uki_boot ? " uki_boot" : " uki");
    for (size_t i = 0; i < request->entry_count; i++) {
        const struct request_entry *entry = &request->entries[i];

        buf_printf(&out, "; %u entry %s", entry->place.line, entry->name);
        print_text(&out, "title", entry->title);
        print_text(&out, "kernel", entry->kernel);
        print_text(&out, "root", entry->root.path);
        print_text(&out, "mode", entry->root.mode);
        print_list(&out, "initrd", &entry->initrds);
        print_text(&out, "cmdline", entry->cmdline);
        if (entry->root.fetch)
            buf_puts(&out, " fetch");
        if (entry->firmware)
            buf_printf(&out, " firmware=%u", entry->firmware);
    }
    for (size_t i = 0; i < request->host_count; i++) {
        const struct request_host *host = &request->hosts[i];

        buf_printf(&out, "; %u host %s", host->place.line, host->mac);
        print_text(&out, "entry", host->entry);
        print_text(&out, "hostname", host->hostname);
        print_text(&out, "cmdline", host->cmdline);
        print_list(&out, "files", &host->files);
    }
    return out.data;
}

static void test_values(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"\n", ""},
        {"# nothing\n", ""},
        {"label = http://10.0.0.1/boot", " label=http://10.0.0.1/boot"},
        {"label = a//b timeout = 3", " label=a//b timeout=3"},
        {"label = a#b timeout = 3", " label=a"},
        {"label = $x timeout = 3", " label=$x timeout=3"},
        {"label = '${x}'", " label=${x}"},
        {"label = \"a # b // c /* d\"", " label=a # b // c /* d"},
        {"# it's { \" /*\n// \"\n/* ' \" { # // */ label = a", " label=a"},
        {"label = \"LAB\"\ntimeout = 7\n", " label=LAB timeout=7"},
        {"timeout = -1", " timeout=-1"},
        {"timeout = \"0\"", " timeout=0"},
        {"label = 'it is'", " label=it is"},
        {"label = LAB", " label=LAB"},
        {"label=\"A\"timeout=3", " label=A timeout=3"},
        {"label = \"a\\\"b\"", " label=a\"b"},
        {"/* label = \"A\" */ timeout = 3 // timeout = 4\n# timeout = 5\n", " timeout=3"},
        {"label = \"LAB\" # a comment\r\ntimeout = 3\r\n", " label=LAB timeout=3"},
        {"console = { \"tty0\", \"ttyS0,115200\" }", " console=tty0 console=ttyS0,115200"},
        {"console = \"tty0\"", " console=tty0"},
        {"console = {\n\"tty0\",\n\"ttyS1\"\n}\n", " console=tty0 console=ttyS1"},
        {"console = {}", ""},
        {"outputs = { \"usb\", \"iso\", \"net\" }", " outputs=usb outputs=iso outputs=net"},
        {"url = \"http://10.0.0.1/boot/\"", " url=http://10.0.0.1/boot"},
        {"server = 10.0.0.1 subnet = \"10.0.0.0/24\" interface = eth0 pxe = grub keep = 9",
         " server=10.0.0.1 subnet=10.0.0.0/24 interface=eth0 pxe=1 keep=9"},
        {"server_path = \"/srv/boot\"", " server_path=/srv/boot"},
        {"firmware = { \"bios\", \"uefi,ia32\" }", " firmware=11"},
        {"size = 1G uki = yes", " size=1073741824 uki"},
        {"uki_boot = true", " uki_boot"},
        {"uki = false", ""},
        {"loaders = \"sub\" templates = \"sub\" add = { \"key:/etc/key\", \"sub\" }",
         " loaders=@/sub add=@/key:/etc/key add=@/sub templates=@/sub"},
        {"loaders = \"/usr\"", " loaders=/usr"},
        {"entry a { kernel = vmlinuz title = a//b }", "; 1 entry a title=a//b kernel=@/vmlinuz"},
        {"# 1\n// 2\n/* 3\n4 */ # 4\nlabel = a # 5\nentry a { # 6\n # 7\n kernel = vmlinuz\n}\n"
         "# 10\nhost 525400000001 {}\n",
         " label=a; 6 entry a kernel=@/vmlinuz; 11 host 52-54-00-00-00-01"},
        {"entry debian { kernel = \"vmlinuz\" }", "; 1 entry debian kernel=@/vmlinuz"},
        {"entry debian {\n    title = \"Debian, in RAM\"\n    kernel = \"vmlinuz\"\n"
         "    initrd = { \"a.img\", \"b.img\" }\n    cmdline = \"quiet a=\\\"b c\\\"\"\n}\n",
         "; 1 entry debian title=Debian, in RAM kernel=@/vmlinuz initrd=@/a.img initrd=@/b.img "
         "cmdline=quiet a=\"b c\""},
        {"entry a { kernel = \"vmlinuz\" initrd = \"a.img\" }",
         "; 1 entry a kernel=@/vmlinuz initrd=@/a.img"},
        {"entry a { kernel = \"/bin/sh\" initrd = \"with blank\" }",
         "; 1 entry a kernel=/bin/sh initrd=@/with blank"},
        {"entry a { kernel = \"./vmlinuz\" }", "; 1 entry a kernel=@/./vmlinuz"},
        {"entry a { kernel = \"sub/../vmlinuz\" }", "; 1 entry a kernel=@/sub/../vmlinuz"},
        {"entry a { kernel = \"vmlinuz\" firmware = { \"bios\", \"ia32\" } }",
         "; 1 entry a kernel=@/vmlinuz firmware=9"},
        {"\n\nentry b {\n\nkernel = vmlinuz\n\n\n}\n\nentry a { kernel = vmlinuz }\ndefault = a",
         " default=a; 3 entry b kernel=@/vmlinuz; 10 entry a kernel=@/vmlinuz"}, /* menu order */
        {"default = a\nentry a { kernel = vmlinuz }", " default=a; 2 entry a kernel=@/vmlinuz"},
        {"firmware = bios entry a { kernel = vmlinuz firmware = ia32 }\n" /* keys of their own */
         "entry b { kernel = vmlinuz firmware = uefi cmdline = x }\nhost 525400000001 { cmdline = "
         "y }",
         " firmware=1; 1 entry a kernel=@/vmlinuz firmware=8; 2 entry b kernel=@/vmlinuz cmdline=x "
         "firmware=2; 3 host 52-54-00-00-00-01 cmdline=y"},
        {"entry a { root = key mode = overlay fetch = true }",
         "; 1 entry a root=@/key mode=overlay fetch"},
        {"host \"52:54:00:12:34:56\" {\n    hostname = \"node1\"\n    cmdline = \"debug\"\n"
         "    files = { \"key:/etc/key:0600\", \"a.img:/b\" }\n}\n",
         "; 1 host 52-54-00-12-34-56 hostname=node1 cmdline=debug files=@/key:/etc/key:0600 "
         "files=@/a.img:/b"},
        {"host 525400123456 { entry = a }\nentry a { kernel = vmlinuz }",
         "; 2 entry a kernel=@/vmlinuz; 1 host 52-54-00-12-34-56 entry=a"},
        {"host 525400000002 {}\nhost 525400000001 {}\n", /* sorted */
         "; 2 host 52-54-00-00-00-01; 1 host 52-54-00-00-00-02"},
        {"hosts = \"inv.csv\"\nhost 525400000001 {}\n",
         "; 2 host 52-54-00-00-00-01; 3 host 52-54-00-00-00-02 hostname=b; 2 host "
         "52-54-00-00-00-03 hostname=c"},
        {"hosts = { \"inv.csv\", \"one.csv\" }\n",
         "; 2 host 52-54-00-00-00-01; 3 host 52-54-00-00-00-02 hostname=b; 2 host "
         "52-54-00-00-00-03 hostname=c"},
        {"label = \"{{label}} %s;&&\"", " label={{label}} %s;&&"},
        {"label = \"\xc3\xbc\"", " label=\xc3\xbc"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct request request;
        char message[1024], *got;
        int result = read_text(&request, cases[i].text, message, sizeof message);

        got = print_request(&request);
        if (result != 0 || *message || strcmp(got, cases[i].want) != 0)
            fail_msg("<%s>: %d <%s>\n got <%s>\nwant <%s>", cases[i].text, result, message, got,
                     cases[i].want);
        free(got);
        request_free(&request);
    }
}

/* "want" is the start of the message after "mkbootmedia: ". */
struct error_case {
    const char *text, *want;
};

static void check_errors(const struct error_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct request request;
        char got[1024], *want = xasprintf("mkbootmedia: %s", cases[i].want);
        int result = read_text(&request, cases[i].text, got, sizeof got);

        if (result != -1 || strncmp(got, want, strlen(want)) != 0 ||
            strchr(got, '\n') != got + strlen(got) - 1)
            fail_msg("<%s>: %d\n got <%s>\nwant <%s>", cases[i].text, result, got, want);
        free(want);
        request_free(&request);
    }
}

static void test_errors(void **state)
{
    static const struct error_case cases[] = {
        {"bad = 1", "lab.conf:1: reading: no such option 'bad'\n"},
        {"\n\n  bad = 1", "lab.conf:3: reading: no such option 'bad'\n"},
        {"# x\nbad = 1", "lab.conf:2: reading: no such option 'bad'\n"},
        {"// x\n\nbad = 1", "lab.conf:3: reading: no such option 'bad'\n"},
        {"/* y\nz */\nbad = 1", "lab.conf:3: reading: no such option 'bad'\n"},
        {"timeout = 3 # x\nbad = 1", "lab.conf:2: reading: no such option 'bad'\n"},
        {"entry a { # x\n# y\n  kernel = none # z\n}",
         "lab.conf:3: reading: kernel: none: No such"},
        {"label = \"a\\\nb\"\nbad = 1", "lab.conf:3: reading: no such option 'bad'\n"},
        {"label = \"a\"\r\nbad = 1\r\n", "lab.conf:2: reading: no such option 'bad'\n"},
        {"console = {\n\"tty0\",\n\"ttyS0\"\n}\nbad = 1", "lab.conf:5: reading: no such option"},
        {"entry a {\n  kernel = vmlinuz\n}\nbad = 1", "lab.conf:4: reading: no such option 'bad'"},
        {"entry a {\n  kernel = vmlinuz\n  bad = 1\n}\n", "lab.conf:3: reading: no such option"},
        {"host 525400000001 {\n\n  kernel = vmlinuz\n}\n", "lab.conf:3: reading: no such option"},
        {"kernel = vmlinuz", "lab.conf:1: reading: no such option 'kernel'\n"},
        {"include(\"/etc/passwd\")", "lab.conf:1: reading: no such option 'include'\n"},
        {"menu x {\n}\n", "lab.conf:1: reading: no such option 'menu'\n"},
        {"label", "lab.conf:1: reading: "},
        {"label =", "lab.conf:1: reading: "},
        {"label \"x\"", "lab.conf:1: reading: "},
        {"= \"x\"", "lab.conf:1: reading: "},
        {"label = \"x\" }", "lab.conf:1: reading: "},
        {"\ntimeout = x", "lab.conf:2: reading: timeout: 'x' is not a number of seconds"},
        {"timeout = 5s", "lab.conf:1: reading: timeout: '5s' is not a number of seconds"},
        {"keep = 0", "lab.conf:1: reading: keep: '0' is not a number of generations"},
        {"pxe = GRUB", "lab.conf:1: reading: pxe: 'GRUB' is not ipxe, grub or shim\n"},
        {"url = \"ftp://x\"", "lab.conf:1: reading: url: 'ftp://x' is not a URL"},
        {"url = \"http://10.0.0.1/boot", "lab.conf:1: reading: "}, /* no end of the string */
        {"server = boot.lab", "lab.conf:1: reading: server: 'boot.lab' is not an IPv4 address"},
        {"subnet = \"10.0.0.1/24\"", "lab.conf:1: reading: subnet: '10.0.0.1/24' is not"},
        {"interface = \"a b\"", "lab.conf:1: reading: interface: 'a b' is not the name"},
        {"server_path = x", "lab.conf:1: reading: server_path: 'x' is not an absolute path\n"},
        {"size = 1X", "lab.conf:1: reading: size: '1X' is not a size"},
        {"hybrid = mbr", "lab.conf:1: reading: hybrid: 'mbr' is not"},
        {"uki = maybe", "lab.conf:1: reading: uki: 'maybe' is neither true nor false\n"},
        {"outputs = {\n\"usb\",\n\"cd\" }", "lab.conf:3: reading: outputs: 'cd' is not one of"},
        {"outputs = {\n\"usb\",\n\"usb\" }", "lab.conf:3: reading: outputs: 'usb' is named twice"},
        {"firmware = efi", "lab.conf:1: reading: firmware: 'efi' is not a list of"},
        {"default = 'A b'", "lab.conf:1: reading: default: 'A b' is not a name of"},
        {"\ndefault = b\nentry a { kernel = vmlinuz }",
         "lab.conf:2: reading: default: no such entry 'b'\n"},
        {"default = b", "lab.conf:1: reading: default: no such entry 'b'\n"},
    };

    (void)state;
    check_errors(cases, ARRAY_LEN(cases));
}

static void test_section_errors(void **state)
{
    static const struct error_case cases[] = {
        {"\nentry A {\n kernel = vmlinuz\n}\n", "lab.conf:2: reading: entry 'A' is not a name of"},
        {"\nentry host {\n kernel = vmlinuz\n}\n",
         "lab.conf:2: reading: entry 'host' is the name of a line that every menu has\n"},
        {"entry '' {\n kernel = vmlinuz\n}\n", "lab.conf:1: reading: entry '' is not a name of"},
        {"\n\nentry a {\n title = x\n}\n",
         "lab.conf:3: reading: entry 'a' has neither kernel nor root\n"},
        {"entry a {\n kernel = vmlinuz\n}\n\nentry b { kernel = vmlinuz }\nentry a {\n kernel = "
         "vmlinuz\n}\n",
         "lab.conf:6: reading: entry 'a' is there already, on line 1\n"},
        {"entry a { kernel = vmlinuz\n\ninitrd = {\n\"a.img\",\n\"none\",\n\"b.img\" } }",
         "lab.conf:5: reading: initrd: none: No such file or directory\n"},
        {"entry a {\n kernel = none\n initrd = a.img\n}",
         "lab.conf:2: reading: kernel: none: No such file or directory\n"},
        {"entry a {\n kernel = vmlinuz\n root = none\n}",
         "lab.conf:3: reading: root: none: No such file or directory\n"},
        {"entry a {\n kernel = \"\"\n}", "lab.conf:2: reading: kernel: "},
        {"entry a {\n kernel = \"vmlinuz/x\"\n}",
         "lab.conf:2: reading: kernel: vmlinuz/x: Not a directory\n"},
        {"entry a {\n kernel = sub\n}", "lab.conf:2: reading: kernel: sub: "},
        {"entry a {\n kernel = vmlinuz\n initrd = sub\n}", "lab.conf:3: reading: initrd: sub: "},
        {"entry a {\n kernel = vmlinuz\n firmware = {\n bios,\n efi }\n}",
         "lab.conf:5: reading: firmware: 'efi' is not a list of"},
        {"entry a {\n root = key\n mode = disk\n}",
         "lab.conf:3: reading: mode: 'disk' is neither tmpfs nor overlay\n"},
        {"entry a {\n root = key\n fetch = perhaps\n}", "lab.conf:3: reading: "},
        {"entry a {\n kernel = vmlinuz\n title = \"\"\n}", "lab.conf:3: reading: title: "},
        {"entry a }", "lab.conf:1: reading: "},
        {"entry {\n kernel = vmlinuz\n}", "lab.conf:1: reading: "},
        {"entry a {\n kernel = vmlinuz\n entry b {\n kernel = vmlinuz\n }\n}",
         "lab.conf:3: reading: no such option 'entry'\n"},
        {"\nhost x {\n}\n", "lab.conf:2: reading: host 'x' is not the address of a network card"},
        {"host 01005e000001 {\n}\n", "lab.conf:1: reading: host '01005e000001' is a group address"},
        {"host {\n}\n", "lab.conf:1: reading: "},
        {"host 525400000001 {\n hostname = a_b\n}\n",
         "lab.conf:2: reading: hostname: 'a_b' is not a host name"},
        {"host 525400000001 {\n hostname = \"\"\n}\n", "lab.conf:2: reading: hostname: '' is not"},
        {"\n\nhost 525400000001 {\n\n entry = none\n}\nentry a { kernel = vmlinuz }",
         "lab.conf:3: reading: host 52-54-00-00-00-01: no such entry 'none'\n"},
        {"host 525400000001 {\n}\n\nhost \"52:54:00:00:00:01\" {\n hostname = a\n}\n",
         "lab.conf:4: reading: host 52-54-00-00-00-01 is there already, in lab.conf:1\n"},
        {"host 525400000001 {\n files = {\n  \"key:/a\",\n  \"none:/b\" }\n}\n",
         "lab.conf:4: reading: files: none: No such file or directory\n"},
        {"host 525400000001 {\n files = key\n}\n",
         "lab.conf:2: reading: files: 'key' is not FILE:/DEST:MODE\n"},
        {"host 525400000001 {\n files = \"key:/a:99\"\n}\n",
         "lab.conf:2: reading: files: 'key:/a:99' does not end in a mode"},
        {"host 525400000001 {\n files = \"key:/../a\"\n}\n",
         "lab.conf:2: reading: files: 'key:/../a' has an empty, '.' or '..' part\n"},
    };

    (void)state;
    check_errors(cases, ARRAY_LEN(cases));
}

static void test_inventory_errors(void **state)
{
    static const struct error_case cases[] = {
        {"\nhosts = none.csv", "lab.conf:2: reading: hosts: none.csv: No such file or directory\n"},
        {"hosts = {\n\"inv.csv\",\n\"none.csv\" }",
         "lab.conf:3: reading: hosts: none.csv: No such"},
        {"hosts = vmlinuz", "vmlinuz:1: reading: no such column 'x'"},
        {"hosts = bad.csv\nentry a { kernel = vmlinuz }",
         "bad.csv:2: reading: host 52-54-00-00-00-09: no such entry 'none'\n"},
        {"hosts = inv.csv\n\nhost 525400000003 {\n hostname = x\n}",
         "lab.conf:3: reading: host 52-54-00-00-00-03 is there already, in inv.csv:2\n"},
        {"hosts = inv.csv host 525400000002 {}",
         "inv.csv:3: reading: host 52-54-00-00-00-02 is there already, in lab.conf:1\n"},
        {"hosts = { \"one.csv\", \"one.csv\" }",
         "one.csv:2: reading: host 52-54-00-00-00-01 is there already, in one.csv:2\n"},
        {"hosts = sub", "lab.conf:1: reading: hosts: sub: "},
    };

    (void)state;
    check_errors(cases, ARRAY_LEN(cases));
}

/* What the command line would name an option for, a spec file names its line for. */
static void test_files_and_consoles(void **state)
{
    static const struct error_case cases[] = {
        {"\nadd = { \"key:/a\",\n\"none:/b\" }", "lab.conf:3: reading: add: none: No such file"},
        {"\nadd = none", "lab.conf:2: reading: add: none: No such file or directory\n"},
        {"\ntemplates = none", "lab.conf:2: reading: templates: none: No such file or directory\n"},
        {"\nloaders = none", "lab.conf:2: reading: loaders: none: No such file or directory\n"},
        {"\nsign_key = none", "lab.conf:2: reading: sign_key: none: No such file or directory\n"},
        {"\nsign_cert = none", "lab.conf:2: reading: sign_cert: none: No such file or directory\n"},
        {"\nconsole = {\n\"tty0\",\n\"/dev/ttyS0\" }",
         "lab.conf:4: reading: console: '/dev/ttyS0' "},
        {"\nlabel = \"a\\nb\"", "lab.conf:2: reading: label: "},
    };

    (void)state;
    check_errors(cases, ARRAY_LEN(cases));
}

/* Mistakes that would else change a medium without a word. */
static void test_silent_mistakes(void **state)
{
    static const struct error_case cases[] = {
        {"label = a\nlabel = b", "lab.conf:2: reading: label"},
        {"label = a\nentry a { kernel = vmlinuz }\nlabel = b", "lab.conf:3: reading: label"},
        {"timeout = { 5, 6 }", "lab.conf:1: reading: timeout"},
        {"label = { a, b }", "lab.conf:1: reading: label"},
        {"url = \"http://a\"\n\nurl = \"http://b\"", "lab.conf:3: reading: url"},
        {"entry a {\n kernel = vmlinuz\n kernel = key\n}", "lab.conf:3: reading: kernel"},
        {"entry a {\n kernel = vmlinuz\n cmdline = a\n cmdline = b\n}",
         "lab.conf:4: reading: cmdline"},
        {"host 525400000001 {\n hostname = a\n hostname = b\n}", "lab.conf:3: reading: hostname"},
        {"entry a {\n kernel = vmlinuz\n", "lab.conf:"}, /* no end of the section */
        {"host 525400000001 {", "lab.conf:"},
        {"timeout = 3\n\"", "lab.conf:"},
        {"timeout = 3\n/* no end", "lab.conf:"},
    };

    (void)state;
    check_errors(cases, ARRAY_LEN(cases));
}

/* A medium is the same for everybody: nothing comes from the environment. */
static void test_environment(void **state)
{
    static const char *const texts[] = {
        "label = \"a${SECRET}b\"",
        "label = ${SECRET}",
        "entry a { kernel = vmlinuz cmdline = \"x=${SECRET}\" }",
        "entry a { kernel = vmlinuz title = \"${SECRET:-x}\" }",
        "host 525400000001 { cmdline = \"x=${nosuch}\" }",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct request request;
        char message[1024], *got;
        int result = read_text(&request, texts[i], message, sizeof message);

        got = print_request(&request);
        if (strstr(got, "environment") || (result == 0 && !strstr(got, "${")))
            fail_msg("<%s>: got <%s>", texts[i], got);
        free(got);
        request_free(&request);
    }
}

static void test_no_file(void **state)
{
    static const struct {
        const char *name, *want;
    } cases[] = {
        {"none", ": opening: No such file or directory\n"}, {"sub", ": opening: is "},
        {"fifo", ": opening: is not a regular file\n"},     {"empty", ": opening: is empty\n"},
        {"vmlinuz/x", ": opening: Not a directory\n"},
    };

    (void)state;
    assert_int_equal(scratch_sh("mkfifo fifo; : >empty"), 0);
    alarm(20); /* a FIFO must not be waited for */
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct request request;
        struct caught caught;
        char got[1024], *path = xasprintf("%s/%s", scratch_dir(), cases[i].name);
        int result;

        request_init(&request);
        caught_begin(&caught);
        result = spec_read(&request, path);
        caught_end(&caught, got, sizeof got);
        if (result != -1 || !strstr(got, path) || !strstr(got, cases[i].want))
            fail_msg("<%s>: %d <%s>", cases[i].name, result, got);
        free(path);
        request_free(&request);
    }
    alarm(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_section_errors),
        cmocka_unit_test(test_inventory_errors),
        cmocka_unit_test(test_files_and_consoles),
        cmocka_unit_test(test_silent_mistakes),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_no_file),
    };

    return cmocka_run_group_tests(tests, setup, scratch_remove);
}
