/*
 * resolve: the addresses of a host, by what /etc/resolv.conf says. getaddrinfo does more, but in a
 * static program it depends on the C library's shared files, which are not in the initramfs.
 */
#ifndef FIRSTSTAGE_RESOLVE_H
#define FIRSTSTAGE_RESOLVE_H

#include "say.h"

#include <sys/socket.h>

#define RESOLVE_MAX 8

struct resolved {
    struct sockaddr_storage address[RESOLVE_MAX];
    socklen_t len[RESOLVE_MAX];
    unsigned count; /* at least 1 */
};

/* host is a name or an address in digits, port a number. IPv4 comes first. */
int resolve(struct resolved *resolved, const char *host, const char *port, struct trouble *trouble);

#endif
