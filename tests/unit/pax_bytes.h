/* pax_bytes: what both tests of pax_binary share; after cmocka.h. */
#ifndef TESTS_PAX_BYTES_H
#define TESTS_PAX_BYTES_H

#include "ramroot/pax_binary.h"

#include <archive.h>
#include <archive_entry.h>

#define RECORD "21 hdrcharset=BINARY\n"

/* In what pieces an archive comes. */
static const size_t chunks[] = {1, 511, 512, 513, SIZE_MAX};

/* All that the filter makes of an archive that comes in chunks. */
static inline struct buf filtered(const void *data, size_t len, size_t chunk)
{
    struct pax_binary pax = {0};
    struct buf out = {0};
    const void *run;
    size_t n;

    for (size_t at = 0; at < len; at += n) {
        size_t got;

        n = len - at < chunk ? len - at : chunk;
        pax_binary_give(&pax, (const char *)data + at, n);
        while ((got = pax_binary_take(&pax, &run)))
            buf_add(&out, run, got);
    }
    n = pax_binary_rest(&pax, &run);
    buf_add(&out, run, n);
    assert_int_equal(pax_binary_rest(&pax, &run), 0);
    pax_binary_free(&pax);
    return out;
}

static inline struct archive *open_tar(const struct buf *tar)
{
    struct archive *archive = archive_read_new();

    archive_read_support_format_tar(archive);
    assert_int_equal(archive_read_open_memory(archive, tar->data, tar->len), ARCHIVE_OK);
    return archive;
}

static inline bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

#endif
