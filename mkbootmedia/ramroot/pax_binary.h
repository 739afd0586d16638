/*
 * pax_binary: a filter for the bytes of a tar that makes libarchive keep the names in it as they
 * are.
 *
 * libarchive takes names in pax extended headers (POSIX.1-2017, pax, "pax Interchange Format") as
 * UTF-8 and converts them to the locale, which fails for other bytes, and for all but ASCII in the
 * C locale; unless there is a record hdrcharset=BINARY. The filter adds that record. To find the
 * headers it follows the archive by libarchive's rules (3.6). Everything else passes unchanged,
 * also all that comes after the end of the archive, or after what cannot be understood: that is for
 * libarchive to report.
 *
 *         pax_binary_give(pax, data, len);
 *         while ((n = pax_binary_take(pax, &run)))
 *             ...
 */
#ifndef RAMROOT_PAX_BINARY_H
#define RAMROOT_PAX_BINARY_H

#include "base/util.h"

/* {0} is one at the start of an archive. */
struct pax_binary {
    const char *in; /* what was given and not yet taken */
    size_t in_len;
    struct buf held;   /* a header that is not yet whole, or has been rewritten */
    bool taken;        /* held has been handed on */
    bool through;      /* all that comes passes */
    bool extension;    /* a block of a sparse map comes, before what is to be skipped */
    uint64_t skip;     /* bytes of data and padding until the next header */
    unsigned format;   /* what libarchive takes the archive for, by the headers so far */
    bool sized;        /* an extended header gave the size of the next member */
    uint64_t size;     /* bytes; which */
    unsigned path_end; /* how the name ends that headers gave to the next member */
};

/* The next bytes; they must stay until take has returned 0, which it must have for earlier ones. */
void pax_binary_give(struct pax_binary *pax, const void *data, size_t len);
/* The next run of bytes of the filtered archive: its length; 0: give more. The run is either part
 * of what was given or valid until the next call. */
size_t pax_binary_take(struct pax_binary *pax, const void **run);
/* When there is no more to give, and take has returned 0: what was held back; 0: nothing. */
size_t pax_binary_rest(struct pax_binary *pax, const void **run);
/* Has no end of an archive been seen so far? false also if it was not understood. */
bool pax_binary_is_cut(const struct pax_binary *pax);
void pax_binary_free(struct pax_binary *pax);

#endif
