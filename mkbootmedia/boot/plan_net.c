/*
 * plan_net: the plan of a boot root that is served by TFTP and HTTP.
 *
 * Payload has paths that name its bytes (payload/FIRST 16 DIGITS OF SHA-256/vmlinuz): they never
 * change, so a client that holds an old script finds the old payload. Scripts and loaders have the
 * paths that firmware, DHCP and people know.
 */
#include "boot/plan_private.h"

#include "base/msg.h"
#include "boot/quote.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <unistd.h>

#define PREFIX_DIGITS 16
#define DEFAULT_PATH  "/srv/boot" /* where nobody has said where the tree will be */

/* What iPXE could not be told in its menu. */
static int check_text(const struct place *place, const char *key, const char *text)
{
    const char *why = text ? quote_ipxe_check(text) : NULL;
    char *subject;

    if (!why)
        return 0;
    subject = place_name(place, key);
    msg_error("%s: checking: the text %s", subject, why);
    free(subject);
    return -1;
}

static bool is_ascii(const char *text)
{
    for (; *text; text++)
        if (*text & 0x80)
            return false;
    return true;
}

static int check_words(const struct place *place, const struct strings *words)
{
    for (size_t i = 0; i < words->n; i++) {
        if (check_text(place, "cmdline", words->v[i]) < 0)
            return -1;
        if (!is_ascii(words->v[i])) {
            char *subject = place_name(place, "cmdline");

            msg_warn("%s: iPXE on UEFI hands on other letters than ASCII's in another encoding: %s",
                     subject, words->v[i]);
            free(subject);
        }
    }
    return 0;
}

static int check_texts(const struct plan *plan)
{
    static const struct place command_line;
    const struct payload *payload = plan->payload;

    if (check_text(&command_line, "label", plan->label) < 0)
        return -1;
    for (size_t i = 0; i < payload->entry_count; i++) {
        const struct payload_entry *entry = &payload->entries[i];

        if (check_text(&entry->asked->place, "title", entry->title) < 0 ||
            check_words(&entry->asked->place, &entry->words) < 0)
            return -1;
    }
    for (size_t i = 0; i < payload->host_count; i++)
        if (check_words(&payload->hosts[i].asked->place, &payload->hosts[i].words) < 0)
            return -1;
    return 0;
}

char *plan_payload_path(const uint8_t digest[DIGEST_LEN], const char *name)
{
    return xasprintf("payload/%.*s/%s", PREFIX_DIGITS, digest_hex(digest).text, name);
}

/* Adds a file of the payload and zeros behind it; its path, malloc'ed, or NULL and reported. */
static char *add_payload(struct plan *plan, const struct source *source, uint64_t pad,
                         const char *name)
{
    uint8_t digest[DIGEST_LEN];
    struct timespec changed;
    struct item *item;
    char *path;

    if (digest_cache_get(&plan->digests, source, pad, digest, &changed) < 0)
        return NULL;
    path = plan_payload_path(digest, name);
    for (size_t i = 0; i < plan->item_count; i++) /* entries may share their files */
        if (strcmp(plan->items[i].path, path) == 0)
            return path;
    plan_add_item(plan, path, source_content(source), ON_ROOT);
    item = &plan->items[plan->item_count - 1];
    item->pad = pad;
    item->hashed = true;
    item->changed = changed;
    memcpy(item->digest, digest, DIGEST_LEN);
    return path;
}

/*
 * Linux finds an uncompressed archive only where it begins on a multiple of 4 bytes, and its EFI
 * stub puts the files of several initrd= one behind the other as they are.
 */
static uint64_t initrd_pad(const struct source *source)
{
    return round_up(source->size, 4) - source->size;
}

static int add_entry(struct plan *plan, struct plan_entry *entry)
{
    const struct payload_entry *payload = entry->payload;

    entry->kernel_path = add_payload(plan, &payload->kernel_file, 0, "vmlinuz");
    if (!entry->kernel_path)
        return -1;
    for (size_t i = 0; i < payload->initrd_count; i++) {
        const struct source *initrd = &payload->initrds[i];
        char *path = add_payload(plan, initrd, initrd_pad(initrd), "initrd.img");

        if (!path)
            return -1;
        strings_add(&entry->initrd_paths, path);
        free(path);
    }
    if (payload->root.image.path) {
        free(add_payload(plan, &payload->root.image, 0, "root.img"));
        entry->image_path = payload->root.image_path;
    }
    return 0;
}

static void read_digests(struct digest_cache *cache, const struct request *request)
{
    char *path = request->output ? xasprintf("%s/" PLAN_NET_PRIVATE "/digests", request->output)
                                 : xstrdup("");

    digest_cache_read(cache, path);
    free(path);
}

static int add_entries(struct plan *plan)
{
    read_digests(&plan->digests, plan->request);
    for (size_t i = 0; i < plan->entry_count; i++)
        if (add_entry(plan, &plan->entries[i]) < 0)
            return -1;
    return 0;
}

/* Loader files that are served as they are, for what firmware, and under what name. */
static const struct served {
    enum loader_role role;
    enum firmware firmware;
    const char *platform, *path; /* path NULL: as efi/places says */
} served[] = {
    {LOADER_UNDIONLY, FIRMWARE_BIOS, "i386-pc", NULL},
    {LOADER_SNPONLY, FIRMWARE_UEFI, "x86_64-efi", NULL},
    {LOADER_IPXE, FIRMWARE_UEFI, "x86_64-efi", NULL},
    {LOADER_SHIM, FIRMWARE_SECUREBOOT, "x86_64-efi", "shimx64.efi"},
    {LOADER_GRUB, FIRMWARE_SECUREBOOT, "x86_64-efi", NULL},
    {LOADER_MOK, FIRMWARE_SECUREBOOT, "x86_64-efi", NULL},
};

static const char *served_path(const struct plan *plan, enum loader_role role)
{
    const struct loader_file *file = &plan->loaders.files[role];

    for (size_t i = 0; i < ARRAY_LEN(served); i++)
        if (served[i].role == role && file->file.path &&
            plan->loaders.firmware & served[i].firmware)
            return served[i].path ? served[i].path : file->name;
    return NULL;
}

static void add_loaders(struct plan *plan)
{
    for (size_t i = 0; i < ARRAY_LEN(served); i++) {
        const struct loader_file *file = &plan->loaders.files[served[i].role];
        const char *path = served_path(plan, served[i].role);

        if (!path)
            continue;
        plan_add_item(plan, path, source_content(&file->file), ON_ROOT);
        plan_add_used(plan,
                      (struct plan_loader){loader_role_name(served[i].role), served[i].platform,
                                           file->file.path, file->package, path});
    }
}

/* GRUB's own images, as far as there are modules for them. */
static void want_images(struct plan *plan)
{
    static const enum firmware firmware[PLATFORMS] = {FIRMWARE_BIOS, FIRMWARE_UEFI, FIRMWARE_IA32};

    for (size_t i = 0; i < PLATFORMS; i++)
        if (plan->loaders.modules[i].dir && plan->loaders.firmware & firmware[i])
            plan->images[i].room = UINT64_MAX;
    plan_add_images(plan);
}

static const char *image_path(const struct plan *plan, enum loader_platform platform)
{
    static const char *const paths[PLATFORMS] = {"grub/i386-pc/core.0", "grub/x86_64-efi/core.efi",
                                                 "grub/i386-efi/core.efi"};

    return plan->images[platform].room ? paths[platform] : NULL;
}

static const char *either(const char *a, const char *b)
{
    return a ? a : b;
}

/* What each client gets first: what --pxe says, or what there is. */
static void choose_first(struct plan *plan)
{
    enum pxe pxe = plan->request->pxe;
    const char *snponly = either(served_path(plan, LOADER_SNPONLY), served_path(plan, LOADER_IPXE));
    const char *shim = served_path(plan, LOADER_SHIM);
    const char *undionly = served_path(plan, LOADER_UNDIONLY);
    const char *bios = image_path(plan, PLATFORM_BIOS), *x64 = image_path(plan, PLATFORM_X64);

    if (!plan->request->pxe_given && plan->request->firmware & FIRMWARE_SECUREBOOT)
        pxe = PXE_SHIM;
    plan->first[CLIENT_BIOS] = pxe == PXE_IPXE ? either(undionly, bios) : either(bios, undionly);
    plan->first[CLIENT_X64] = pxe == PXE_IPXE   ? either(snponly, either(x64, shim))
                              : pxe == PXE_GRUB ? either(x64, either(shim, snponly))
                                                : either(shim, either(x64, snponly));
    plan->first[CLIENT_IA32] = image_path(plan, PLATFORM_IA32);
    plan->first[CLIENT_IA32_HTTP] = plan->first[CLIENT_IA32];
    plan->first[CLIENT_X64_HTTP] = plan->request->uki ? plan->entries[plan->default_entry].uki_path
                                   : pxe == PXE_GRUB  ? either(x64, snponly)
                                                      : either(snponly, x64);
}

/* The address of the server, which DHCP has to know as a number. */
static char *server_of(const struct request *request)
{
    const char *host = strstr(request->url, "://") + 3;
    char *text = xasprintf("%.*s", (int)strcspn(host, ":/"), host);
    struct in_addr address;

    if (!request->server && inet_pton(AF_INET, text, &address) == 1)
        return text;
    free(text);
    if (request->server)
        return xstrdup(request->server);
    msg_error("--server: is missing: %s has a name, and DHCP needs the address", request->url);
    return NULL;
}

/* Without --subnet: the 256 addresses around the server's. */
static char *subnet_of(const struct request *request, const char *server)
{
    if (request->subnet)
        return xstrdup(request->subnet);
    return xasprintf("%.*s.0/24", (int)(strrchr(server, '.') - server), server);
}

/* "/srv//boot/./" becomes "/srv/boot". */
static void strip_dots(char *path)
{
    char *out = path;

    for (const char *part = path; *part;) {
        size_t len;

        part += strspn(part, "/");
        len = strcspn(part, "/");
        if (len && !(len == 1 && *part == '.')) {
            *out++ = '/';
            memmove(out, part, len);
            out += len;
        }
        part += len;
    }
    if (out == path)
        *out++ = '/';
    *out = '\0';
}

/* Where the tree is on the server, as configurations can quote it. */
static char *tree_path(const struct request *request)
{
    const char *output = request->output ? request->output : DEFAULT_PATH;
    char *cwd = *output == '/' ? NULL : getcwd(NULL, 0);
    char *path = request->server_path ? xstrdup(request->server_path)
                 : cwd                ? xasprintf("%s/%s", cwd, output)
                                      : xstrdup(output);
    size_t len;

    if (*path != '/') {
        free(path);
        msg_errno(output, "finding the current folder");
        return NULL;
    }
    strip_dots(path);
    len = strlen(path);
    free(cwd);
    if (!strpbrk(path, "\"\\$#;{}',") && !strstr(path, "  ") && path[len - 1] != ' ' &&
        utf8_valid(path) && !has_control(path))
        return path;
    msg_error(
        "%s: checking: not every server's configuration can name this path; choose another or "
        "say with --server-path where the tree will be",
        path);
    free(path);
    return NULL;
}

/* DHCP has to tell of a name server then, and the configurations know none. */
static void note_name(const struct request *request)
{
    const char *host = strstr(request->url, "://") + 3;

    if (host[strspn(host, "0123456789.:")] && host[strspn(host, "0123456789.:")] != '/')
        msg_note("%s: clients need a name server for that: add it to what DHCP tells",
                 request->url);
}

static int read_net(struct plan *plan)
{
    struct plan_net *net = &plan->net;

    note_name(plan->request);
    if (plan->request->uki && plan->payload->host_count)
        msg_note("--uki: a UKI knows no hosts: HTTP Boot gives the default entry's to all of them");

    net->server = server_of(plan->request);
    if (!net->server)
        return -1;
    net->subnet = subnet_of(plan->request, net->server);
    net->path = tree_path(plan->request);
    return net->path ? 0 : -1;
}

static int add_texts(struct plan *plan)
{
    static const struct {
        const char *path, *template;
    } texts[] = {
        {"boot.ipxe", "boot.ipxe"},
        {"grub/grub.cfg", "net.cfg"},
        {"dhcp/dnsmasq.conf", "dnsmasq.conf"},
        {"dhcp/dnsmasq-proxy.conf", "dnsmasq-proxy.conf"},
        {"dhcp/kea-dhcp4.json", "kea-dhcp4.json"},
        {"dhcp/dhcpd.conf", "dhcpd.conf"},
        {"http/nginx.conf", "nginx.conf"},
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (plan_add_rendered(plan, texts[i].path, texts[i].template, ON_ROOT) < 0)
            return -1;
    return 0;
}

/* Is a path one of these, or in one of them? */
static bool is_reserved(const char *path)
{
    static const char *const reserved[] = {"hosts", "payload", PLAN_NET_PRIVATE, "SHA256SUMS",
                                           "manifest.json"};

    for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
        size_t len = strlen(reserved[i]);

        if (strncasecmp(path, reserved[i], len) == 0 && (!path[len] || path[len] == '/'))
            return true;
    }
    return false;
}

/* Files of the user's, but not where the tree's own are made as they are needed. */
static int add_added(struct plan *plan)
{
    for (size_t i = 0; i < plan->payload->added_count; i++) {
        const struct payload_added *added = &plan->payload->added[i];

        if (is_reserved(added->dest))
            return msg_error("%s: adding to the tree: is a name of its own files", added->dest);
        plan_add_item(plan, added->dest, source_content(&added->file), ON_ROOT);
    }
    return 0;
}

/* A tree is known by its texts, which name the payload by its digests. */
static int identify(struct plan *plan)
{
    struct digest digest;
    int result = 0;

    digest_init(&digest);
    for (size_t i = 0; i < plan->item_count && result == 0; i++) {
        const struct item *item = &plan->items[i];

        digest_add(&digest, item->path, strlen(item->path) + 1);
        if (item->content.fd < 0)
            result = digest_add_content(&digest, &item->content, 0, item->content.len);
    }
    digest_final(&digest, plan->id);
    return result;
}

int plan_make_net(struct plan *plan)
{
    if (check_texts(plan) < 0 || read_net(plan) < 0)
        return -1;
    want_images(plan);
    if (plan_start_images(plan) < 0) /* at once: payload is read meanwhile */
        return -1;
    if (add_entries(plan) < 0 || add_added(plan) < 0)
        return -1;
    add_loaders(plan);
    plan_add_ukis(plan);
    choose_first(plan);
    if (add_texts(plan) < 0 || plan_sort(plan) < 0)
        return -1;
    return identify(plan);
}
