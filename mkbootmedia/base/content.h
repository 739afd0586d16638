/*
 * content: the bytes of one file to come, from a range of an open file or from memory.
 *
 * Nothing is read until a sink writes it: a content is only passed on. It owns neither the
 * descriptor nor the memory.
 */
#ifndef BASE_CONTENT_H
#define BASE_CONTENT_H

#include <stddef.h>
#include <stdint.h>

struct content {
    const char *path; /* host file, for messages; NULL: from memory */
    int fd;           /* open for reading; -1: from memory */
    const void *data; /* from memory: len bytes */
    uint64_t offset;  /* from a file: the first byte in it */
    uint64_t len;     /* bytes */
};

static inline struct content content_memory(const void *data, size_t len)
{
    return (struct content){.fd = -1, .data = data, .len = len};
}

static inline struct content content_file(const char *path, int fd, uint64_t len)
{
    return (struct content){.path = path, .fd = fd, .len = len};
}

/* len bytes at offset of a content, which must hold them. */
struct content content_slice(struct content content, uint64_t offset, uint64_t len);

/*
 * Copies len bytes at offset into out. Returns -1, reported, if they cannot be read or the file
 * has become shorter.
 */
int content_read(const struct content *content, uint64_t offset, void *out, size_t len);

/* Writes all of it to offset of an open file called name, through a small buffer. -1, reported. */
int content_write(const struct content *content, int fd, const char *name, uint64_t offset);

#endif
