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

enum manifest_kind {
    MANIFEST_FILE,   /* of an image or a tree; an image of a run that made several outputs */
    MANIFEST_TREE,   /* of such a run; length and digest are those of its manifest.json */
    MANIFEST_REGION, /* of an image */
};

struct manifest_piece {
    char *path; /* relative, without "." and ".."; or what the region is */
    enum manifest_kind kind;
    bool placed; /* it has an offset: all of an image that have bytes */
    bool summed; /* it has a digest: all but an image's manifest and the signature over it */
    uint64_t offset, len; /* bytes */
    uint8_t digest[DIGEST_LEN];
};

struct manifest_doc {
    char *name;      /* where it was found, for messages */
    struct buf text; /* as it was found, with the line ends behind it */
    char *medium;    /* "usb", "iso", "net", "all" */
    char *version;   /* of the program that made it */
    char *id;
    char *signed_by; /* SHA-256 of the signer's certificate; NULL: it was not signed */
    uint64_t size;   /* bytes of the image; 0: it is of no image */
    struct manifest_piece *pieces; /* in an image sorted by offset */
    size_t count;
    const struct manifest_piece **by_path; /* the same but for regions, sorted by path */
    size_t path_count;
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
/* As manifest_parse, from a content: a larger one than MANIFEST_MAX is none. */
int manifest_load(struct manifest_doc *doc, const char *name, const struct content *content,
                  const char **why);
/* A manifest in a file of the host; -1, reported. */
int manifest_read(struct manifest_doc *doc, const char *path);
/* The file or tree of that path, or NULL. */
const struct manifest_piece *manifest_piece(const struct manifest_doc *doc, const char *path);
void manifest_doc_free(struct manifest_doc *doc); /* safe on {0} */

#endif
