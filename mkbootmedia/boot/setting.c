/* setting: what texts the settings take. */
#include "boot/setting.h"

#include "base/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"

static const char *replace(char **place, const char *value)
{
    free(*place);
    *place = xstrdup(value);
    return NULL;
}

const char *setting_text(char **place, const char *value)
{
    return *value ? replace(place, value) : "is empty";
}

static const char *append(struct strings *list, const char *value)
{
    if (value)
        strings_add(list, value);
    else
        strings_free(list);
    return NULL;
}

const char *setting_kernel(struct request *request, const char *value)
{
    return replace(&request_default_entry(request)->kernel, value);
}

const char *setting_initrd(struct request *request, const char *value)
{
    return append(&request_default_entry(request)->initrds, value);
}

const char *setting_cmdline(struct request *request, const char *value)
{
    return replace(&request_default_entry(request)->cmdline, value);
}

const char *setting_title(struct request *request, const char *value)
{
    return setting_text(&request_default_entry(request)->title, value);
}

const char *setting_default(struct request *request, const char *value)
{
    const char *why = setting_entry_name_check(value);

    return why ? why : replace(&request->default_entry, value);
}

const char *setting_label(struct request *request, const char *value)
{
    if (has_control(value))
        return "holds a control character";
    if (!utf8_valid(value))
        return "is not valid UTF-8";
    return replace(&request->label, value);
}

const char *setting_timeout(struct request *request, const char *value)
{
    char *end;

    errno = 0;
    request->timeout = strtol(value, &end, 10);
    if (errno || end == value || *end || request->timeout < -1 || request->timeout > 86400)
        return "is not a number of seconds from -1 (wait for ever) to 86400";
    return NULL;
}

const char *setting_templates(struct request *request, const char *value)
{
    return replace(&request->templates, value);
}

/* The place of a word in a list that ends with NULL; -1 if it is not there. */
static int word_index(const char *const *words, const char *word)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return -1;
}

const char *setting_hybrid(struct request *request, const char *value)
{
    int i = word_index((const char *const[]){"auto", "gpt", "isohybrid", NULL}, value);

    if (i < 0)
        return "is not auto, gpt or isohybrid";
    request->hybrid = (enum hybrid)i;
    return NULL;
}

const char *setting_bytes(uint64_t *bytes, const char *value)
{
    static const char units[] = "KMGT";
    char *end;
    const char *unit;
    unsigned long long n;
    unsigned shift = 0;

    errno = 0;
    n = strtoull(value, &end, 10);
    unit = *end ? strchr(units, *end) : NULL;
    if (unit) {
        shift = 10 * (unsigned)(unit - units + 1);
        end++;
    }
    if (errno || *value < '0' || *value > '9' || *end || n == 0 || n > (UINT64_C(1) << 46 >> shift))
        return "is not a size such as 4G (K, M, G, T are powers of 1024; at most 64T)";
    *bytes = (uint64_t)n << shift;
    return NULL;
}

const char *setting_size(struct request *request, const char *value)
{
    return setting_bytes(&request->size, value);
}

/* "4G", "4G:exfat" */
const char *setting_data(struct request *request, const char *value)
{
    size_t len = strcspn(value, ":");
    const char *fs = value[len] ? value + len + 1 : "ext4";
    char *size = xasprintf("%.*s", (int)len, value);
    const char *why = setting_bytes(&request->data_size, size);
    int i = word_index((const char *const[]){"ext4", "exfat", NULL}, fs);

    free(size);
    if (why)
        return why;
    if (i < 0)
        return "is neither for ext4 nor for exfat: 4G:ext4, 4G:exfat";
    if (request->data_size < DATA_SIZE_MIN)
        return "is too small for a file system: at least 16M";
    request->data_fs = (enum data_fs)i;
    return NULL;
}

const char *setting_output(struct request *request, const char *value)
{
    return setting_text(&request->output, value);
}

/* "tty0", "ttyS0,115200n8" */
static bool console_valid(const char *console)
{
    size_t name = strspn(console, LETTERS DIGITS);
    const char *speed = console + name;

    if (!name || !*speed)
        return name;
    return *speed == ',' && speed[1 + strspn(speed + 1, DIGITS)] != speed[1] &&
           strspn(speed + 1, DIGITS "neor") == strlen(speed + 1);
}

const char *setting_kernel_out(struct request *request, const char *value)
{
    return setting_text(&request->kernel_out, value);
}

const char *setting_root_out(struct request *request, const char *value)
{
    return setting_text(&request->root_out, value);
}

const char *setting_console(struct request *request, const char *value)
{
    if (value && !console_valid(value))
        return "is not a console such as tty0 or ttyS0,115200";
    return append(&request->consoles, value);
}

const char *setting_add(struct request *request, const char *value)
{
    return append(&request->added, value);
}

const char *setting_firmware_words(unsigned *mask, const char *words)
{
    for (const char *p = words;; p++) {
        size_t len = strcspn(p, ","), i = 0;

        while (i < FIRMWARES && (strncmp(firmwares[i].word, p, len) != 0 || firmwares[i].word[len]))
            i++;
        if (i == FIRMWARES)
            return "is not a list of bios, uefi, secureboot, ia32";
        *mask |= firmwares[i].firmware;
        p += len;
        if (!*p)
            return NULL;
    }
}

const char *setting_firmware(struct request *request, const char *value)
{
    if (value)
        return setting_firmware_words(&request->firmware, value);
    request->firmware = 0;
    return NULL;
}

const char *setting_loaders(struct request *request, const char *value)
{
    return append(&request->loader_dirs, value);
}

const char *setting_outputs(struct request *request, const char *value)
{
    if (value && word_index((const char *const[]){"usb", "iso", "net", NULL}, value) < 0)
        return "is not one of usb, iso, net";
    for (size_t i = 0; value && i < request->outputs.n; i++)
        if (strcmp(request->outputs.v[i], value) == 0)
            return "is named twice";
    return append(&request->outputs, value);
}

/* A part of a URL's path: "", "/boot", "/a/b.c"; nothing that would need an escape anywhere. */
static bool url_path_valid(const char *path)
{
    return strspn(path, LETTERS DIGITS "._~-/") == strlen(path) && !strstr(path, "//") &&
           !strstr(path, "/.") && strlen(path) < 512;
}

const char *setting_url(struct request *request, const char *value)
{
    static const char bad[] = "is not a URL such as http://10.0.0.1/boot or http://boot.lab:8080";
    const char *host = strncmp(value, "http://", 7) == 0 ? value + 7 : "";
    size_t len = strspn(host, LETTERS DIGITS ".-");
    const char *end = host + len;
    char *slash;

    if (!len || len > 253 || *host == '.' || *host == '-')
        return bad;
    if (*end == ':') {
        size_t digits = strspn(end + 1, DIGITS);

        if (!digits || digits > 5 || atoi(end + 1) < 1 || atoi(end + 1) > 65535)
            return bad;
        end += 1 + digits;
    }
    if ((*end && *end != '/') || !url_path_valid(end))
        return bad;
    replace(&request->url, value);
    slash = request->url + strlen(request->url) - 1;
    if (*slash == '/') /* one at most */
        *slash = '\0';
    return NULL;
}

const char *setting_server(struct request *request, const char *value)
{
    struct in_addr address;

    if (inet_pton(AF_INET, value, &address) != 1 || ntohl(address.s_addr) >> 24 == 0)
        return "is not an IPv4 address such as 10.0.0.1";
    return replace(&request->server, value);
}

const char *setting_subnet(struct request *request, const char *value)
{
    struct in_addr address;
    size_t len = strcspn(value, "/"), digits = value[len] ? strspn(value + len + 1, DIGITS) : 0;
    char *text = xasprintf("%.*s", (int)len, value);
    bool valid = inet_pton(AF_INET, text, &address) == 1;
    int bits = digits ? atoi(value + len + 1) : 0;

    free(text);
    if (!valid || !digits || digits > 2 || value[len + 1 + digits] || bits < 8 || bits > 29)
        return "is not an IPv4 network such as 10.0.0.0/24 (from /8 to /29)";
    if (ntohl(address.s_addr) << bits & UINT32_MAX)
        return "is not the address of a network: it has bits set behind the prefix";
    return replace(&request->subnet, value);
}

const char *setting_interface(struct request *request, const char *value)
{
    size_t len = strspn(value, LETTERS DIGITS "_.-");

    if (!len || len > 15 || value[len] || strspn(value, ".") == len)
        return "is not the name of a network interface";
    return replace(&request->interface, value);
}

const char *setting_server_path(struct request *request, const char *value)
{
    return *value == '/' ? replace(&request->server_path, value) : "is not an absolute path";
}

const char *setting_pxe(struct request *request, const char *value)
{
    int i = word_index((const char *const[]){"ipxe", "grub", "shim", NULL}, value);

    if (i < 0)
        return "is not ipxe, grub or shim";
    request->pxe = (enum pxe)i;
    request->pxe_given = true;
    return NULL;
}

const char *setting_keep(struct request *request, const char *value)
{
    char *end;
    long n = strtol(value, &end, 10);

    if (end == value || *end || n < 1 || n > 1000)
        return "is not a number of generations from 1 to 1000";
    request->keep = (unsigned)n;
    return NULL;
}

const char *setting_sign_key(struct request *request, const char *value)
{
    return setting_text(&request->sign_key, value);
}

const char *setting_sign_cert(struct request *request, const char *value)
{
    return setting_text(&request->sign_cert, value);
}

const char *setting_flag(bool *flag, const char *value)
{
    static const char *const words[] = {"false", "no", "off", "true", "yes", "on", NULL};
    int i = value ? word_index(words, value) : 3;

    if (i < 0)
        return "is neither true nor false";
    *flag = i >= 3;
    return NULL;
}

const char *setting_rollback(struct request *request, const char *value)
{
    return setting_flag(&request->rollback, value);
}

const char *setting_uki(struct request *request, const char *value)
{
    return setting_flag(&request->uki, value);
}

const char *setting_uki_boot(struct request *request, const char *value)
{
    const char *why = setting_flag(&request->uki_boot, value);

    request->uki = request->uki || request->uki_boot;
    return why;
}

const char *setting_dry_run(struct request *request, const char *value)
{
    return setting_flag(&request->dry_run, value);
}

const char *setting_json(struct request *request, const char *value)
{
    return setting_flag(&request->json, value);
}

const char *setting_no_sync(struct request *request, const char *value)
{
    return setting_flag(&request->no_sync, value);
}

const char *setting_entry_name_check(const char *name)
{
    /* the menus' own */
    static const char *const taken[] = {"host",  "firmware", "restart", "off",
                                        "shell", "local",    NULL};
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz" DIGITS "-");

    if (!len || len > 32 || name[len] || *name == '-')
        return "is not a name of a-z, 0-9 and '-' (at most 32)";
    return word_index(taken, name) >= 0 ? "is the name of a line that every menu has" : NULL;
}

/* RFC 1123, and what Linux takes: labels of letters, digits and '-', 64 bytes in all. */
const char *setting_hostname_check(const char *name)
{
    static const char bad[] = "is not a host name (letters, digits, '-', '.'; at most 64)";
    size_t len = strlen(name);

    if (!len || len > 64)
        return bad;
    for (const char *label = name;;) {
        size_t n = strspn(label, LETTERS DIGITS "-");

        if (!n || n > 63 || label[0] == '-' || label[n - 1] == '-')
            return bad;
        if (!label[n])
            return NULL;
        if (label[n] != '.')
            return bad;
        label += n + 1;
    }
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *at;

    if (c >= 'A' && c <= 'F')
        c = (char)(c - 'A' + 'a');
    at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

const char *setting_mac(char mac[18], const char *text)
{
    static const char bad[] = "is not the address of a network card (52:54:00:12:34:56)";
    char separator = strlen(text) == 17 ? text[2] : '\0';
    unsigned sum = 0;

    if (strlen(text) != 12 && separator != ':' && separator != '-')
        return bad;
    for (size_t i = 0; i < 6; i++) {
        const char *at = text + i * (separator ? 3 : 2);
        int high = hex_digit(at[0]), low = hex_digit(at[1]);

        if (high < 0 || low < 0 || (separator && i < 5 && at[2] != separator))
            return bad;
        if (i == 0 && low & 1)
            return "is a group address, not that of a network card";
        sum += (unsigned)(high + low);
        mac[3 * i] = "0123456789abcdef"[high];
        mac[3 * i + 1] = "0123456789abcdef"[low];
        mac[3 * i + 2] = i < 5 ? '-' : '\0';
    }
    return sum ? NULL : "is all zeros, not the address of a network card";
}
