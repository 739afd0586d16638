/*
 * feed: the bytes that a disk is to hold, read once and in order, in pieces: from an image that is
 * laid out here, from a file, or from a stream, compressed or not.
 *
 * What nobody reads is left out: spare regions, and what is not in a map. Holes of a file and
 * zeros are pieces without data: a disk may have a quick way to them.
 */
#ifndef MEDIA_FEED_H
#define MEDIA_FEED_H

#include "base/source.h"
#include "image/region.h"
#include "media/bmap.h"
#include "media/unpack.h"

#define FEED_ALIGN   UINT64_C(4096) /* bytes: pieces begin and end on it */
#define FEED_PIECE   (4 * MIB)      /* no piece of data crosses a multiple of it */
#define FEED_ZEROS   (32 * MIB)     /* nor one of zeros of this */
#define FEED_UNKNOWN UINT64_MAX

struct feed_piece {
    uint64_t offset, len; /* bytes */
    bool zero;            /* all zeros; data was not filled */
};

/* A run of pieces. */
struct feed_run {
    uint64_t offset, len;
    bool zero;
};

struct feed {
    const char *name; /* of the image, for messages */
    uint64_t size;    /* bytes of the image; FEED_UNKNOWN until the end was read */
    uint64_t total;   /* bytes of all pieces; FEED_UNKNOWN likewise */
    struct feed_run *runs;
    size_t run_count;

    struct source file;        /* that is read; fd -1: none */
    struct image own;          /* made for a file */
    const struct image *image; /* NULL: a stream */
    struct unpack *stream;
    const struct bmap *map;
    const char *map_name;

    size_t run; /* the current one */
    uint64_t at, stream_at;

    size_t range; /* feed_check's: of the map, of which the digest is being made */
    struct digest sum;
};

/*
 * Opens an image file, or stdin ("-"); what is compressed with gzip, xz, zstd, bzip2 or lz4 will be
 * read uncompressed. map (NULL: none) outlives the feed; map_name is for messages. -1, reported:
 * not readable, empty, damaged as far as that is known beforehand, of another size than its map.
 */
int feed_open(struct feed *feed, const char *path, const struct bmap *map, const char *map_name);
/* A finished image, which outlives the feed. */
void feed_open_image(struct feed *feed, const struct image *image, const char *name);
/*
 * The next piece: data has room for FEED_PIECE bytes. 1: there is one; 0: that was all, and size is
 * known; -1, reported: reading failed.
 */
int feed_next(struct feed *feed, struct feed_piece *piece, void *data);
/*
 * Compares with the checksums of the map. It wants all pieces, each once and in order, but may lag
 * behind feed_next, in another thread. -1: a range that ends in this piece differs; *why says
 * which, malloc'ed, for the caller to report.
 */
int feed_check(struct feed *feed, const struct feed_piece *piece, const void *data, char **why);
/* Can a piece be read again? */
bool feed_rereads(const struct feed *feed);
/* Reads a piece that is not zero again, whatever another thread reads; -1, reported. */
int feed_again(const struct feed *feed, const struct feed_piece *piece, void *data);
void feed_close(struct feed *feed); /* safe on {0} with file.fd -1 */

#endif
