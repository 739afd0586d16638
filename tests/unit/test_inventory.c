/* inventory: CSV in, hosts out; or the line on which something is wrong. */
#include "boot/inventory.h"

#include "base/util.h"
#include "caught.h"
#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define BOM "\xef\xbb\xbf"
#define A   "52:54:00:00:00:01"
#define B   "52:54:00:00:00:02"
#define X20 "xxxxxxxxxxxxxxxxxxxx"

/* Reads a text as the scratch folder's inv.csv; messages without the folder. */
static int read_text(struct request *request, const char *text, size_t len, char *message,
                     size_t size)
{
    char *path = xasprintf("%s/inv.csv", scratch_dir());
    FILE *file = fopen(path, "w");
    size_t prefix = strlen(scratch_dir()) + 1;
    struct caught caught;
    int result;

    fwrite(text, 1, len, file);
    fclose(file);
    request_init(request);
    caught_begin(&caught);
    result = inventory_read(request, path);
    caught_end(&caught, message, size);
    for (char *at; (at = strstr(message, scratch_dir()));)
        memmove(at, at + prefix, strlen(at + prefix) + 1);
    free(path);
    return result;
}

/* "2 52-54-00-00-00-01 hostname|entry|cmdline; " for each host; - where there is nothing */
static char *print_hosts(const struct request *request)
{
    struct buf out = {0};

    buf_puts(&out, "");
    for (size_t i = 0; i < request->host_count; i++) {
        const struct request_host *host = &request->hosts[i];

        buf_printf(&out, "%u %s %s|%s|%s; ", host->place.line, host->mac + 15,
                   host->hostname ? host->hostname : "-", host->entry ? host->entry : "-",
                   host->cmdline ? host->cmdline : "-");
        if (!host->place.file || !strstr(host->place.file, "/inv.csv"))
            buf_puts(&out, "no file; ");
    }
    return out.data;
}

static void test_hosts(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"mac\n", ""},
        {"mac", ""},
        {"mac\n" A "\n", "2 01 -|-|-; "},
        {"mac\n" A, "2 01 -|-|-; "}, /* no newline at the end */
        {"mac,hostname,entry,cmdline\n" A ",node1,debian,quiet debug\n",
         "2 01 node1|debian|quiet debug; "},
        {"cmdline,entry,hostname,mac\nquiet,debian,node1," A "\n", "2 01 node1|debian|quiet; "},
        {"MAC,HostName\n" A ",n\n", "2 01 n|-|-; "},
        {"mac,hostname,entry,cmdline\n" A ",,,\n" B ",n,,\n", "2 01 -|-|-; 3 02 n|-|-; "},
        {BOM "mac,hostname\n" A ",n\n", "2 01 n|-|-; "},
        {BOM "\"mac\",hostname\n" A ",n\n", "2 01 n|-|-; "},
        {"mac,hostname\r\n" A ",n\r\n" B ",m\r\n", "2 01 n|-|-; 3 02 m|-|-; "},
        {"mac,hostname\n" A ",n\r\n" B ",m", "2 01 n|-|-; 3 02 m|-|-; "},
        {"\n\nmac\n\n" A "\n\n\n" B "\n\n", "5 01 -|-|-; 8 02 -|-|-; "}, /* blank lines */
        {"mac\r\n\r\n" A "\r\n", "3 01 -|-|-; "},
        {" mac , hostname \n " A " ,\tn \n", "2 01 n|-|-; "},
        {"\"mac\",\"hostname\"\n\"" A "\",\"n\"\n", "2 01 n|-|-; "},
        {"mac,cmdline\n" A ",\"a=\"\"b, c\"\" d\"\n", "2 01 -|-|a=\"b, c\" d; "},
        {"mac,cmdline\n" A ",\" x \"\n", "2 01 -|-| x ; "},
        {"mac,cmdline\n" A ",\"\"\n", "2 01 -|-|-; "},
        /* the line of a host is that on which its row begins */
        {"mac,cmdline\n" A ",\"a\nb\"\n" B ",c\n", "2 01 -|-|a\nb; 4 02 -|-|c; "},
        {"cmdline,mac\n\"a\n\n\nb\"," A "\nc," B "\n", "2 01 -|-|a\n\n\nb; 6 02 -|-|c; "},
        {"cmdline,mac\n\"a\r\nb\"," A "\r\nc," B "\r\n", "2 01 -|-|a\r\nb; 4 02 -|-|c; "},
        {"mac\nAA-BB-CC-DD-EE-FF\n525400000002\n", "2 ff -|-|-; 3 02 -|-|-; "},
        {"mac,cmdline\n" A ",${x} {{y}} %s # ; && || $ ' `\n",
         "2 01 -|-|${x} {{y}} %s # ; && || $ ' `; "},
        {"mac,cmdline\n" A ",\xc3\xbc\n", "2 01 -|-|\xc3\xbc; "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct request request;
        char message[1024], *got;
        int result =
            read_text(&request, cases[i].text, strlen(cases[i].text), message, sizeof message);

        got = print_hosts(&request);
        if (result != 0 || *message || strcmp(got, cases[i].want) != 0)
            fail_msg("<%s>: %d <%s>\n got <%s>\nwant <%s>", cases[i].text, result, message, got,
                     cases[i].want);
        free(got);
        request_free(&request);
    }
}

static void test_errors(void **state)
{
    static const struct {
        const char *text, *want; /* want: the start of the message */
    } cases[] = {
        {"", "inv.csv: opening: is empty\n"},
        {"\n", "inv.csv:1: reading: the first line, which names the columns, is missing\n"},
        {BOM, "inv.csv:1: reading: the first line, which names the columns, is missing\n"},
        {A "\n", "inv.csv:1: reading: no such column '" A "'; there are mac, hostname, entry, "},
        {"hostname\nn\n", "inv.csv:1: reading: the first line does not name a column 'mac'\n"},
        {"hostname,entry\n", "inv.csv:1: reading: the first line does not name a column 'mac'\n"},
        {"\n\nhostname\n", "inv.csv:3: reading: the first line does not name a column 'mac'\n"},
        {"mac,serial\n", "inv.csv:1: reading: no such column 'serial'; there are"},
        {"mac,\n", "inv.csv:1: reading: no such column ''; there are"},
        {"mac;hostname\n", "inv.csv:1: reading: no such column 'mac;hostname'; there are"},
        {"mac,hostname,mac\n", "inv.csv:1: reading: the column 'mac' is there twice\n"},
        {"mac,Hostname,hostname\n", "inv.csv:1: reading: the column 'hostname' is there twice\n"},
        {"mac,hostname\n" A "\n", "inv.csv:2: reading: 1 fields, but the first line names 2\n"},
        {"mac\n" A ",n\n", "inv.csv:2: reading: 2 fields, but the first line names 1\n"},
        {"mac,hostname\n" A ",n\n\n" B ",m,\n",
         "inv.csv:4: reading: 3 fields, but the first line names 2\n"},
        {"mac,hostname\n,n\n", "inv.csv:2: reading: mac: '' is not the address of"},
        {"mac\n52:54\n", "inv.csv:2: reading: mac: '52:54' is not the address of"},
        {"mac\r\n" A "\r\nx\r\n", "inv.csv:3: reading: mac: 'x' is not the address of"},
        {"mac,hostname\n01:00:5e:00:00:01,\n",
         "inv.csv:2: reading: mac: '01:00:5e:00:00:01' is a "},
        {"mac,hostname\n" A ",a_b\n", "inv.csv:2: reading: hostname: 'a_b' is not a host name"},
        {"cmdline,mac\n\"a\nb\"," A "\n\"a\nb\",x\n", "inv.csv:4: reading: mac: 'x' is not"},
        {"mac,cmdline\n" A ",\"a\n" B ",b\n", "inv.csv:"}, /* no end of a quoted field */
        {"mac,cmdline\n" A ",a\"b\n", "inv.csv:2: reading: "},
        {"mac,cmdline\n" A ",\"a\"b\n", "inv.csv:2: reading: "},
        {"mac,\"cmdline\n", "inv.csv:"},
        {"mac" A "\xff\n", "inv.csv:1: reading: no such column"},
        {",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,\n",
         "inv.csv:1: reading: "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct request request;
        char got[1024], *want = xasprintf("mkbootmedia: %s", cases[i].want);
        int result = read_text(&request, cases[i].text, strlen(cases[i].text), got, sizeof got);

        if (result != -1 || strncmp(got, want, strlen(want)) != 0 ||
            strchr(got, '\n') != got + strlen(got) - 1)
            fail_msg("<%s>: %d\n got <%s>\nwant <%s>", cases[i].text, result, got, want);
        free(want);
        request_free(&request);
    }
}

static void test_nul(void **state)
{
    static const char text[] = "mac,hostname\n" A ",a\0b\n";
    struct request request;
    char got[1024];

    (void)state;
    assert_int_equal(read_text(&request, text, sizeof text - 1, got, sizeof got), -1);
    assert_string_equal(got, "mkbootmedia: inv.csv:2: reading: a field holds a NUL byte\n");
    request_free(&request);
}

/* Rows appear in their order, each with its line, also where there are many. */
static void test_many(void **state)
{
    struct request request;
    struct buf text = {0};
    char got[1024];

    (void)state;
    buf_puts(&text, "hostname,mac,cmdline\n");
    for (unsigned i = 0; i < 20000; i++)
        buf_printf(&text, "node%u,0200%08x,%s\n", i, i, X20 X20 X20);
    assert_int_equal(read_text(&request, text.data, text.len, got, sizeof got), 0);
    assert_int_equal(request.host_count, 20000);
    assert_string_equal(request.hosts[19999].mac, "02-00-00-00-4e-1f");
    assert_string_equal(request.hosts[19999].hostname, "node19999");
    assert_int_equal(request.hosts[19999].place.line, 20001);
    request_free(&request);
    buf_free(&text);
}

static void test_no_file(void **state)
{
    static const char *const names[] = {"none", "dir", "fifo"};

    (void)state;
    assert_int_equal(scratch_sh("mkdir dir; mkfifo fifo"), 0);
    alarm(20); /* a FIFO must not be waited for */
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct request request;
        struct caught caught;
        char got[1024], *path = xasprintf("%s/%s", scratch_dir(), names[i]);
        int result;

        request_init(&request);
        caught_begin(&caught);
        result = inventory_read(&request, path);
        caught_end(&caught, got, sizeof got);
        if (result != -1 || !strstr(got, path) || !strstr(got, ": opening: "))
            fail_msg("<%s>: %d <%s>", names[i], result, got);
        free(path);
        request_free(&request);
    }
    alarm(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts), cmocka_unit_test(test_errors),  cmocka_unit_test(test_nul),
        cmocka_unit_test(test_many),  cmocka_unit_test(test_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, scratch_remove);
}
