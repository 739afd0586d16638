/*
 * http_text: URLs and the headers of answers (RFC 9110, RFC 9112), without any network.
 */
#include "http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* HOST[:PORT], or [IPV6][:PORT]. */
static int parse_authority(struct http_url *url, const char *text, size_t len)
{
    const char *host = text, *end = text + len, *colon;
    size_t host_len;

    if (!len || len >= sizeof url->authority || memchr(text, '@', len))
        return -1;
    snprintf(url->authority, sizeof url->authority, "%.*s", (int)len, text);
    if (*text == '[') {
        const char *bracket = memchr(text, ']', len);

        if (!bracket)
            return -1;
        host = text + 1;
        host_len = (size_t)(bracket - host);
        colon = bracket + 1;
    } else {
        colon = memchr(text, ':', len);
        if (!colon)
            colon = end;
        host_len = (size_t)(colon - host);
    }
    if (!host_len || host_len >= sizeof url->host || (colon < end && *colon != ':'))
        return -1;
    snprintf(url->host, sizeof url->host, "%.*s", (int)host_len, host);
    snprintf(url->port, sizeof url->port, "%s", "80");
    if (end - colon > 1 && end - colon <= 6)
        snprintf(url->port, sizeof url->port, "%.*s", (int)(end - colon - 1), colon + 1);
    return url->port[strspn(url->port, "0123456789")] || end - colon > 6 ? -1 : 0;
}

/* A path goes into the request as it is: what would end the line, or the word, cannot. */
static int parse_path(struct http_url *url, const char *text)
{
    size_t len = strcspn(text, "#");

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] <= ' ' || text[i] == 127)
            return -1;
    if (len + 2 > sizeof url->path)
        return -1;
    snprintf(url->path, sizeof url->path, "%s%.*s", *text == '/' ? "" : "/", (int)len, text);
    return 0;
}

int http_url_parse(struct http_url *url, const char *text)
{
    size_t len;

    if (strncasecmp(text, "http://", 7))
        return -1;
    text += 7;
    len = strcspn(text, "/?#");
    return parse_authority(url, text, len) < 0 ? -1 : parse_path(url, text + len);
}

int http_url_follow(struct http_url *url, const char *location)
{
    char path[HTTP_PATH * 2], *slash;

    if (strstr(location, "://") || !*location || !strncmp(location, "//", 2))
        return http_url_parse(url, location);
    if (*location == '/')
        return parse_path(url, location);
    snprintf(path, sizeof path, "%s", url->path);
    path[strcspn(path, "?")] = '\0';
    slash = strrchr(path, '/');
    snprintf(slash + 1, sizeof path - (size_t)(slash + 1 - path), "%s", location);
    return parse_path(url, path);
}

size_t http_header_len(const char *text, size_t len)
{
    for (size_t i = 0; i + 1 < len; i++) {
        if (text[i] != '\n')
            continue;
        if (text[i + 1] == '\n')
            return i + 2;
        if (text[i + 1] == '\r' && i + 2 < len && text[i + 2] == '\n')
            return i + 3;
    }
    return 0;
}

static bool parse_number(const char *text, uint64_t *number, const char **end)
{
    char *stop;

    errno = 0;
    *number = strtoull(text, &stop, 10);
    *end = stop;
    return *text >= '0' && *text <= '9' && !errno;
}

/* bytes FIRST-LAST/SIZE */
static void parse_range(struct http_answer *answer, const char *text)
{
    uint64_t last;

    if (strncasecmp(text, "bytes ", 6) || !parse_number(text + 6, &answer->first, &text) ||
        *text != '-' || !parse_number(text + 1, &last, &text) || *text != '/')
        return;
    if (text[1] == '*')
        answer->size = UINT64_MAX;
    else if (!parse_number(text + 1, &answer->size, &text))
        return;
    answer->has_range = last >= answer->first;
    answer->length = last - answer->first + 1;
}

static void parse_field(struct http_answer *answer, const char *name, const char *value)
{
    const char *end;

    if (!strcasecmp(name, "Content-Length"))
        answer->has_length = parse_number(value, &answer->length, &end);
    else if (!strcasecmp(name, "Content-Range"))
        parse_range(answer, value);
    else if (!strcasecmp(name, "Transfer-Encoding"))
        answer->chunked = strcasecmp(value, "identity") != 0;
    else if (!strcasecmp(name, "Location"))
        snprintf(answer->location, sizeof answer->location, "%s", value);
}

int http_answer_parse(struct http_answer *answer, const char *header)
{
    char line[HTTP_PATH + 64], *colon;

    memset(answer, 0, sizeof *answer);
    if (sscanf(header, "HTTP/1.%*[0-9] %3d", &answer->status) != 1)
        return -1;
    while ((header = strchr(header, '\n'))) {
        snprintf(line, sizeof line, "%.*s", (int)strcspn(header + 1, "\r\n"), header + 1);
        header++;
        colon = strchr(line, ':');
        if (!colon)
            continue;
        *colon = '\0';
        colon += 1 + strspn(colon + 1, " \t");
        colon[strcspn(colon, "\r\n")] = '\0';
        parse_field(answer, line, colon);
    }
    return 0;
}
