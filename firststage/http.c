/*
 * http: connects, asks, goes on where it broke. What a header says is read in http_text.c.
 *
 * After a failure the next URL is asked at once; a pause comes when all were asked in vain: 1, 2,
 * 4, 8, 8, ... seconds. A new byte makes all failures forgotten.
 */
#include "http.h"

#include "resolve.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SILENCE   10 /* seconds without a byte that break a connection */
#define REDIRECTS 5
#define PAUSE     8 /* seconds, at most */

int http_check_urls(const struct http *http, struct trouble *why)
{
    struct http_url url;

    for (unsigned i = 0; i < http->url_count; i++)
        if (http_url_parse(&url, http->urls[i]) < 0)
            return trouble(why, "%s: not an http:// URL", http->urls[i]);
    return 0;
}

void http_close(struct http *http)
{
    if (http->connected)
        close(http->fd);
    http->connected = false;
    http->start = http->end = 0;
}

static int connect_one(const struct sockaddr_storage *address, socklen_t len)
{
    struct timeval silence = {.tv_sec = SILENCE};
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), error;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof silence);
    if (!connect(fd, (const struct sockaddr *)address, len))
        return fd;
    error = errno == EINPROGRESS || errno == EAGAIN ? ETIMEDOUT : errno;
    close(fd);
    errno = error;
    return -1;
}

static int connect_any(struct http *http, const struct http_url *url, struct trouble *why)
{
    struct resolved resolved;
    int fd = -1;

    if (resolve(&resolved, url->host, url->port, why) < 0)
        return -1;
    for (unsigned i = 0; i < resolved.count && fd < 0; i++)
        fd = connect_one(&resolved.address[i], resolved.len[i]);
    if (fd < 0)
        return trouble(why, "connecting: %s", strerror(errno));
    http->fd = fd;
    http->connected = true;
    return 0;
}

static ssize_t receive(struct http *http, void *buf, size_t len, struct trouble *why)
{
    ssize_t got;

    do
        got = recv(http->fd, buf, len, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN)
        return trouble(why, "nothing came for %d seconds", SILENCE);
    if (got < 0)
        return trouble(why, "%s", strerror(errno));
    return got ? got : trouble(why, "the server ended the connection");
}

static int ask(struct http *http, const struct http_url *url, struct trouble *why)
{
    char request[HTTP_PATH + HTTP_HOST + 512], range[64] = "";
    size_t len, sent = 0;

    if (http->offset)
        snprintf(range, sizeof range, "Range: bytes=%llu-\r\n", (unsigned long long)http->offset);
    len = (size_t)snprintf(request, sizeof request,
                           "GET %s HTTP/1.1\r\nHost: %s\r\n%sUser-Agent: mkbootmedia\r\n"
                           "Accept-Encoding: identity\r\nConnection: close\r\n\r\n",
                           url->path, url->authority, range);
    while (sent < len) {
        ssize_t put = send(http->fd, request + sent, len - sent, MSG_NOSIGNAL);

        if (put < 0 && errno != EINTR)
            return trouble(why, "asking: %s", strerror(errno));
        sent += put > 0 ? (size_t)put : 0;
    }
    return 0;
}

/* Leaves what came behind the header in buf[start, end). */
static int read_header(struct http *http, struct http_answer *answer, struct trouble *why)
{
    size_t header = 0;
    char kept;
    int bad;

    while (!header) {
        ssize_t got;

        if (http->end == sizeof http->buf - 1)
            return trouble(why, "the header of the answer has no end");
        got = receive(http, http->buf + http->end, sizeof http->buf - 1 - http->end, why);
        if (got < 0)
            return -1;
        http->end += (size_t)got;
        header = http_header_len(http->buf, http->end);
    }
    kept = http->buf[header];
    http->buf[header] = '\0';
    bad = http_answer_parse(answer, http->buf);
    http->buf[header] = kept;
    http->start = header;
    return bad ? trouble(why, "the answer is not HTTP") : 0;
}

/* Is this the file, from the byte that is wanted, or from its start? */
static int check_answer(struct http *http, const struct http_answer *answer, struct trouble *why)
{
    uint64_t size = answer->status == 206 ? answer->size : answer->length;

    if (answer->status != 200 && answer->status != 206)
        return trouble(why, "the server answers %d", answer->status);
    if (answer->chunked || !(answer->status == 206 ? answer->has_range : answer->has_length))
        return trouble(why, "the server does not say how long the file is");
    if (size != http->size && size != UINT64_MAX)
        return trouble(why, "has %llu bytes, and the root image has %llu", (unsigned long long)size,
                       (unsigned long long)http->size);
    if (answer->status == 206 && answer->first != http->offset)
        return trouble(why, "the server sends other bytes than those asked for");
    http->skip = answer->status == 206 ? 0 : http->offset;
    return 0;
}

static int open_url(struct http *http, struct trouble *why)
{
    struct http_answer answer;
    struct http_url url;

    http_url_parse(&url, http->urls[http->url]);
    for (int i = 0; i <= REDIRECTS; i++) {
        if (connect_any(http, &url, why) < 0 || ask(http, &url, why) < 0 ||
            read_header(http, &answer, why) < 0)
            return -1;
        if (answer.status != 301 && answer.status != 302 && answer.status != 307 &&
            answer.status != 308)
            return check_answer(http, &answer, why);
        http_close(http);
        if (http_url_follow(&url, answer.location) < 0)
            return trouble(why, "the server sends us to %s, which is not http://", answer.location);
    }
    return trouble(why, "the server sends us from place to place");
}

/* Something went wrong with the URL in use: says so, and turns to the next one. */
static int next_url(struct http *http, const struct trouble *why, struct trouble *last)
{
    const char *url = http->urls[http->url];
    unsigned pause;

    http_close(http);
    http->url = (http->url + 1) % http->url_count;
    if (http->url) {
        say("%s: %s; next: %s", url, why->text, http->urls[http->url]);
        return 0;
    }
    if (++http->rounds >= http->tries)
        return trouble(last, "%s: %s (tried %u times)", url, why->text, http->rounds);
    pause = http->rounds > 4 ? PAUSE : 1U << (http->rounds - 1);
    say("%s: %s; again in %u s", url, why->text, pause);
    sleep(pause);
    return 0;
}

/* What came with the header comes first. */
static ssize_t receive_body(struct http *http, void *buf, size_t len, struct trouble *why)
{
    size_t had = http->end - http->start;

    if (!had)
        return receive(http, buf, len, why);
    if (len > had)
        len = had;
    memcpy(buf, http->buf + http->start, len);
    http->start += len;
    return (ssize_t)len;
}

ssize_t http_read(struct http *http, void *buf, size_t len, struct trouble *last)
{
    for (;;) {
        struct trouble why = {0};
        ssize_t got = -1;

        if (http->connected || open_url(http, &why) == 0)
            got = receive_body(http, buf, http->skip && http->skip < len ? http->skip : len, &why);
        if (got < 0) {
            if (next_url(http, &why, last) < 0)
                return -1;
        } else if (http->skip) {
            http->skip -= (uint64_t)got;
        } else {
            http->offset += (uint64_t)got;
            http->rounds = 0;
            return got;
        }
    }
}
