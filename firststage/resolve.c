/*
 * resolve: addresses in digits, then the C library's resolver (RFC 1035).
 */
#include "resolve.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER 4096 /* bytes */

/* bytes are the address as it is on the wire. */
static void add(struct resolved *resolved, int family, const void *bytes, const char *port)
{
    struct sockaddr_storage *address = &resolved->address[resolved->count];
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)address;
    struct sockaddr_in *four = (struct sockaddr_in *)address;
    in_port_t number = htons((in_port_t)atoi(port));

    if (resolved->count == RESOLVE_MAX)
        return;
    memset(address, 0, sizeof *address);
    address->ss_family = (sa_family_t)family;
    if (family == AF_INET) {
        four->sin_port = number;
        memcpy(&four->sin_addr, bytes, sizeof four->sin_addr);
    } else {
        six->sin6_port = number;
        memcpy(&six->sin6_addr, bytes, sizeof six->sin6_addr);
    }
    resolved->len[resolved->count++] = family == AF_INET ? sizeof *four : sizeof *six;
}

static void look_up(struct resolved *resolved, const char *host, const char *port, int family)
{
    ns_type type = family == AF_INET ? ns_t_a : ns_t_aaaa;
    int len;
    unsigned char answer[ANSWER];
    ns_msg message;
    ns_rr record;

    len = res_search(host, ns_c_in, type, answer, sizeof answer);
    if (len > ANSWER) /* as long as it would have been */
        len = ANSWER;
    if (len < 0 || ns_initparse(answer, len, &message) < 0)
        return;
    for (int i = 0; i < ns_msg_count(message, ns_s_an); i++)
        if (ns_parserr(&message, ns_s_an, i, &record) == 0 && ns_rr_type(record) == type &&
            ns_rr_rdlen(record) == (family == AF_INET ? 4 : 16))
            add(resolved, family, ns_rr_rdata(record), port);
}

int resolve(struct resolved *resolved, const char *host, const char *port, struct trouble *why)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    static const int families[] = {AF_INET, AF_INET6};

    resolved->count = 0;
    for (int i = 0; i < 2; i++)
        if (inet_pton(families[i], host, bytes) == 1)
            add(resolved, families[i], bytes, port);
    for (int i = 0; i < 2 && !resolved->count; i++)
        look_up(resolved, host, port, families[i]);
    return resolved->count ? 0 : trouble(why, "%s: no address: %s", host, hstrerror(h_errno));
}
