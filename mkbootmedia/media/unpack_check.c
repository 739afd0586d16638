/*
 * unpack_check: what xz and zstd files tell of themselves: xz has an index at its end, zstd the
 * length of each frame and block (RFC 8878 section 3.1). gzip tells nothing that helps.
 */
#include "media/unpack_private.h"

#include "base/msg.h"
#include "base/util.h"

#include <lzma.h>
#include <stdlib.h>
#include <unistd.h>

#define CHUNK          (64 * 1024)
#define INDEX_MEMORY   (256 * MIB) /* of an index; 64 MiB of it would be 4 million blocks */
#define ZSTD_MAGIC     0xfd2fb528
#define ZSTD_SKIPPABLE 0x184d2a50
#define ZSTD_BLOCK     3 /* bytes of a block's header */

static int damaged(const char *name)
{
    return msg_error("%s: reading: it is cut short or damaged", name);
}

/* liblzma says where to read next. */
static lzma_ret read_index(int fd, lzma_stream *stream, uint8_t *chunk, off_t *at)
{
    lzma_ret code;

    for (;;) {
        if (!stream->avail_in) {
            ssize_t n = pread(fd, chunk, CHUNK, *at);

            if (n < 0)
                return LZMA_DATA_ERROR;
            stream->next_in = chunk;
            stream->avail_in = (size_t)n;
            *at += n;
        }
        code = lzma_code(stream, stream->avail_in ? LZMA_RUN : LZMA_FINISH);
        if (code == LZMA_SEEK_NEEDED) {
            *at = (off_t)stream->seek_pos;
            stream->avail_in = 0;
        } else if (code != LZMA_OK) {
            return code;
        }
    }
}

int unpack_check_xz(int fd, const char *name, uint64_t *size)
{
    lzma_stream stream = LZMA_STREAM_INIT;
    lzma_index *index = NULL;
    off_t at = 0, len = lseek(fd, 0, SEEK_END);
    uint8_t *chunk = xrealloc(NULL, CHUNK);
    int result = -1;

    lseek(fd, 0, SEEK_SET);
    if (len >= 0 &&
        lzma_file_info_decoder(&stream, &index, INDEX_MEMORY, (uint64_t)len) == LZMA_OK &&
        read_index(fd, &stream, chunk, &at) == LZMA_STREAM_END)
        result = 0;
    if (result == 0)
        *size = lzma_index_uncompressed_size(index);
    lzma_index_end(index, NULL);
    lzma_end(&stream);
    free(chunk);
    return result < 0 ? damaged(name) : 0;
}

/* Bytes of a frame's header, from the byte behind the magic number on; the content's size, if told.
 */
static uint64_t read_header(const uint8_t *header, uint64_t *content)
{
    static const uint8_t dictionary[] = {0, 1, 2, 4}, field[] = {0, 2, 4, 8};
    uint8_t flags = header[0];
    bool single = flags & 0x20;
    unsigned field_len = flags >> 6 ? field[flags >> 6] : single;
    uint64_t at = 1 + !single + (uint64_t)dictionary[flags & 3];

    *content = field_len == 8   ? get_le64(header + at)
               : field_len == 4 ? get_le32(header + at)
               : field_len == 2 ? get_le16(header + at) + 256U
               : field_len == 1 ? header[at]
                                : UINT64_MAX;
    return at + field_len;
}

/* Past one frame that starts at *at; -1: it is not whole. */
static int pass_frame(int fd, uint64_t len, uint64_t *at, uint64_t *content)
{
    uint8_t header[4 + 14] = {0}, block[ZSTD_BLOCK];
    uint32_t bits, magic;

    *content = 0;
    if (pread(fd, header, sizeof header, (off_t)*at) < 8)
        return -1;
    magic = get_le32(header);
    if ((magic & 0xfffffff0) == ZSTD_SKIPPABLE) {
        *at += 8 + (uint64_t)get_le32(header + 4);
        return *at <= len ? 0 : -1;
    }
    if (magic != ZSTD_MAGIC)
        return -1;
    *at += 4 + read_header(header + 4, content);
    do {
        if (pread(fd, block, sizeof block, (off_t)*at) != sizeof block)
            return -1;
        bits = block[0] | (uint32_t)block[1] << 8 | (uint32_t)block[2] << 16;
        *at += ZSTD_BLOCK + ((bits >> 1 & 3) == 1 ? 1 : bits >> 3); /* 1: one byte, repeated */
    } while (!(bits & 1) && *at < len);
    *at += header[4] & 4 ? 4 : 0; /* checksum */
    return (bits & 1) && *at <= len ? 0 : -1;
}

int unpack_check_zstd(int fd, const char *name, uint64_t len, uint64_t *size)
{
    uint64_t at = 0, total = 0, content;

    while (at < len) {
        if (pass_frame(fd, len, &at, &content) < 0)
            return damaged(name);
        total = content == UINT64_MAX || total == UINT64_MAX ? UINT64_MAX : total + content;
    }
    *size = total;
    return 0;
}
