/* render_net: addresses, paths and clients for the configurations of DHCP, TFTP and HTTP servers.
 */
#include "boot/render_scope.h"

#include "boot/quote.h"

#include <arpa/inet.h>
#include <stdlib.h>

/* What a client is called in the configurations, and the architectures that are it. */
static const struct client {
    const char *tag, *name;
    bool http;
    uint16_t archs[2]; /* the second may be 0: there is none */
} clients[NET_CLIENTS] = {
    [CLIENT_BIOS] = {"bios", "BIOS", false, {0x00}},
    [CLIENT_IA32] = {"ia32", "32-bit UEFI", false, {0x06}},
    [CLIENT_X64] = {"x64", "UEFI x86-64", false, {0x07, 0x09}},
    [CLIENT_ARM64] = {"arm64", "UEFI arm64", false, {0x0b}},
    [CLIENT_IA32_HTTP] = {"ia32-http", "32-bit UEFI HTTP Boot", true, {0x0f}},
    [CLIENT_X64_HTTP] = {"x64-http", "UEFI x86-64 HTTP Boot", true, {0x10}},
    [CLIENT_ARM64_HTTP] = {"arm64-http", "UEFI arm64 HTTP Boot", true, {0x13}},
};

static void add_arch(struct scope *client, unsigned arch)
{
    struct scope *item = scope_item(client, "archs");
    char *number = xasprintf("%u", arch), *hex = xasprintf("%04x", arch);
    char *octets = xasprintf("%02x:%02x", arch >> 8, arch & 0xff);

    scope_flag(item, "again", scope_item_count(client, "archs") > 1);
    scope_text(item, "arch", number);
    scope_text(item, "arch_hex", hex);
    free(number);
    scope_text(item, "arch_octets", octets);
    free(octets);
    free(hex);
}

static void add_clients(struct scope *scope, const struct plan *plan)
{
    for (size_t i = 0; i < NET_CLIENTS; i++) {
        const struct client *client = &clients[i];
        const char *first = plan->first[i] ? plan->first[i] : "";
        struct scope *item = scope_item(scope, "clients");

        scope_text(item, "tag", client->tag);
        scope_text(item, "client", client->name);
        scope_flag(item, "http", client->http);
        scope_text(item, "http_file", client->http ? first : "");
        scope_text(item, "tftp_file", client->http ? "" : first);
        scope_flag(item, "asks_once", *first && i == CLIENT_BIOS); /* a proxyDHCP */
        scope_flag(item, "asks_again", *first && i != CLIENT_BIOS);
        scope_flag(item, "served", *first != '\0');
        scope_flag(item, "more", i + 1 < NET_CLIENTS);
        scope_list(item, "archs");
        for (size_t k = 0; k < ARRAY_LEN(client->archs); k++)
            if (k == 0 || client->archs[k])
                add_arch(item, client->archs[k]);
    }
}

static void scope_address(struct scope *scope, const char *name, uint32_t address)
{
    struct in_addr addr = {htonl(address)};
    char text[INET_ADDRSTRLEN] = "";

    inet_ntop(AF_INET, &addr, text, sizeof text);
    scope_text(scope, name, text);
}

static uint32_t address_of(const char *text)
{
    struct in_addr addr = {0};
    char *address = xasprintf("%.*s", (int)strcspn(text, "/"), text);

    inet_pton(AF_INET, address, &addr);
    free(address);
    return ntohl(addr.s_addr);
}

/* A run of addresses. */
struct range {
    uint32_t first, last;
};

/* Cuts an address out of a range: the longer of what is left and right of it stays. */
static void cut(struct range *range, uint32_t address)
{
    if (address < range->first || address > range->last)
        return;
    if (address - range->first > range->last - address)
        range->last = address - 1;
    else
        range->first = address + 1;
}

/*
 * What of a network is given out: the half of it in which the server is not, without the first and
 * the last address of the network, and without the address in the URL.
 */
static struct range range_of(const struct plan *plan, uint32_t network, uint32_t mask)
{
    const char *host = strstr(plan->request->url, "://") + 3;
    char *text = xasprintf("%.*s", (int)strcspn(host, ":/"), host);
    uint32_t half = ~mask / 2 + 1;
    bool upper = (address_of(plan->net.server) & ~mask) < half;
    struct range range = {upper ? network + half : network + 1,
                          upper ? network + ~mask - 1 : network + half - 1};

    cut(&range, address_of(text));
    free(text);
    return range;
}

static void add_network(struct scope *scope, const struct plan *plan)
{
    unsigned bits = (unsigned)atoi(strchr(plan->net.subnet, '/') + 1);
    uint32_t mask = UINT32_MAX << (32 - bits), network = address_of(plan->net.subnet) & mask;
    struct range range = range_of(plan, network, mask);

    scope_text(scope, "subnet", plan->net.subnet);
    scope_address(scope, "network", network);
    scope_address(scope, "netmask", mask);
    scope_address(scope, "range_start", range.first);
    scope_address(scope, "range_end", range.last);
}

/* "http://HOST:PORT/PATH": what a server listens on, and below which path. */
static void add_url(struct scope *scope, const char *url)
{
    const char *host = strstr(url, "://") + 3, *path = strchr(host, '/');
    const char *colon = strchr(host, ':');
    char *port =
        colon ? xasprintf("%.*s", (int)strspn(colon + 1, "0123456789"), colon + 1) : xstrdup("80");

    scope_text(scope, "url", url);
    scope_text(scope, "port", port);
    scope_text(scope, "base_path", path ? path : "");
    free(port);
}

void render_net(struct scope *scope, const struct plan *plan)
{
    const struct plan_net *net = &plan->net;
    struct buf label = {0};

    quote_ipxe(&label, plan->label);
    scope_text(scope, "ipxe_label", label.len ? label.data : "");
    buf_free(&label);
    add_url(scope, plan->request->url);
    scope_text(scope, "tree_path", net->path);
    scope_text(scope, "server", net->server);
    scope_text(scope, "interface", plan->request->interface ? plan->request->interface : "");
    add_network(scope, plan);
    add_clients(scope, plan);
}
