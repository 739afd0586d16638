/*
 * http: one file by HTTP/1.1 from the first server that has it. A connection that breaks is made
 * again, perhaps to the next server, and goes on where it broke (Range, RFC 9110 section 14).
 *
 * Only http:// is spoken: what arrives is known by its digest.
 */
#ifndef FIRSTSTAGE_HTTP_H
#define FIRSTSTAGE_HTTP_H

#include "say.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HTTP_HOST 256
#define HTTP_PATH 2048

struct http {
    char **urls;
    unsigned url_count, url; /* url: the one in use */
    unsigned tries;          /* rounds through all URLs, without a new byte, that end it */
    unsigned rounds;         /* so far */
    uint64_t size;           /* bytes of the file */
    uint64_t offset;         /* of the next byte for the reader */
    uint64_t skip;           /* bytes that the server sends again first */
    bool connected;
    int fd;
    char buf[16384]; /* what came with the header */
    size_t start, end;
};

/* -1: one of the URLs cannot be asked for. */
int http_check_urls(const struct http *http, struct trouble *trouble);
/* The next bytes, at least one; -1: tries are used up. */
ssize_t http_read(struct http *http, void *buf, size_t len, struct trouble *trouble);
void http_close(struct http *http);

/* http_text.c: the parts that are only text. */

struct http_url {
    char host[HTTP_HOST]; /* without the brackets of an IPv6 address */
    char port[8];
    char authority[HTTP_HOST + 16]; /* for Host: */
    char path[HTTP_PATH];           /* begins with a slash */
};

struct http_answer {
    int status;
    bool has_length, has_range, chunked;
    uint64_t length;      /* Content-Length */
    uint64_t first, size; /* Content-Range; size is UINT64_MAX for "*" */
    char location[HTTP_PATH];
};

/* -1: not an http:// URL that can be asked for. */
int http_url_parse(struct http_url *url, const char *text);
/* Where a redirect leads: location may be a whole URL, or a path of the same server. */
int http_url_follow(struct http_url *url, const char *location);
/* The header's length with its empty line, once it is complete; else 0. */
size_t http_header_len(const char *text, size_t len);
/* header is a string; -1: it is none of HTTP/1.x. */
int http_answer_parse(struct http_answer *answer, const char *header);

#endif
