/*
 * manifest_read: a manifest that was made earlier, as data: of an image, of a tree, or of a run
 * that made several of them.
 */
#ifndef MEDIA_MANIFEST_READ_H
#define MEDIA_MANIFEST_READ_H

#include "base/digest.h"
#include "base/util.h"
#include "image/parttab.h"

#define MANIFEST_MAX (64 * MIB) /* bytes; larger ones are not read */

/* A file or, in an image, a region. */
struct manifest_piece {
    char *path;           /* or what the region is */
    bool file;            /* else: a region */
    bool placed;          /* it has an offset: an empty file has none, nor has a file of a tree */
    bool summed;          /* has a digest: the manifest itself has none */
    uint64_t offset, len; /* bytes */
    uint8_t digest[DIGEST_LEN];
};

struct manifest_doc {
    char *name;      /* where it was found, for messages */
    struct buf text; /* as it was found, with the line ends behind it */
    char *medium;    /* "usb", "iso", "net", "all" */
    char *version;   /* of the program that made it */
    char *id;
    uint64_t size;                 /* bytes of the image; 0: it is of no image */
    struct manifest_piece *pieces; /* in an image sorted by offset */
    size_t count;
    struct image_range *changing, *spare; /* sorted; changing: read as zeros for digests */
    size_t changing_count, spare_count;
    struct parttab_list table; /* partitions of an image */
    void *json;                /* the whole document, for who wants more of it (jansson) */
};

/*
 * Takes over text. 1: it is a manifest; 0: it is none, or damaged, and *why says so; -1, reported.
 * Free it in each case.
 */
int manifest_parse(struct manifest_doc *doc, const char *name, struct buf text, const char **why);
/* A manifest in a file of the host; -1, reported. */
int manifest_read(struct manifest_doc *doc, const char *path);
/* The piece of that path, or NULL. */
const struct manifest_piece *manifest_piece(const struct manifest_doc *doc, const char *path);
void manifest_doc_free(struct manifest_doc *doc); /* safe on {0} */

#endif
