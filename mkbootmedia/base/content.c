/* content: a range of a file or of memory, read only when somebody needs its bytes. */
#include "base/content.h"

#include "base/msg.h"
#include "base/util.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK (512 * KIB)

struct content content_slice(struct content content, uint64_t offset, uint64_t len)
{
    assert(offset <= content.len && len <= content.len - offset);
    if (content.fd < 0)
        content.data = (const char *)content.data + offset;
    else
        content.offset += offset;
    content.len = len;
    return content;
}

int content_read(const struct content *content, uint64_t offset, void *out, size_t len)
{
    assert(offset <= content->len && len <= content->len - offset);
    if (content->fd < 0) {
        if (len)
            memcpy(out, (const char *)content->data + offset, len);
        return 0;
    }
    for (size_t done = 0; done < len;) {
        ssize_t n = pread(content->fd, (char *)out + done, len - done,
                          (off_t)(content->offset + offset + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return msg_errno(content->path, "reading");
        if (n == 0)
            return msg_error("%s: reading: the file has become shorter", content->path);
        done += (size_t)n;
    }
    return 0;
}

static int put(const char *data, size_t len, int fd, const char *name, uint64_t offset)
{
    while (len) {
        ssize_t n = pwrite(fd, data, len, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return msg_errno(name, "writing");
        data += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

int content_write(const struct content *content, int fd, const char *name, uint64_t offset)
{
    char *chunk;
    int result = 0;

    if (content->fd < 0)
        return put(content->data, (size_t)content->len, fd, name, offset);
    chunk = xrealloc(NULL, CHUNK);
    for (uint64_t at = 0; at < content->len && result == 0;) {
        size_t n = content->len - at < CHUNK ? (size_t)(content->len - at) : (size_t)CHUNK;

        result = content_read(content, at, chunk, n);
        if (result == 0)
            result = put(chunk, n, fd, name, offset + at);
        at += n;
    }
    free(chunk);
    return result;
}
