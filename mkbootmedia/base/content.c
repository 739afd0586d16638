/* content: a range of a file or of memory, read only when somebody needs its bytes. */
#include "base/content.h"

#include "base/msg.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

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
