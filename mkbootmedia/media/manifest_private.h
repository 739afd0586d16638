/*
 * manifest_private: what the manifests of trees, of images and of runs have in common, as jansson's
 * values.
 *
 * manifest.c        of a tree, of several outputs; the document as text
 * manifest_image.c  of an image, which is inside it
 */
#ifndef MEDIA_MANIFEST_PRIVATE_H
#define MEDIA_MANIFEST_PRIVATE_H

#include "media/manifest.h"

#include <jansson.h>

/* Generator, format, version, medium ("usb", "net", ..). */
json_t *manifest_head(const char *medium);
/* Adds id, label, menu, entries; and loaders, whose versions are only asked for if that is wanted:
 * another program is. */
void manifest_add_plan(json_t *document, const struct plan *plan, bool versions);
/* path, size, sha256. */
json_t *manifest_file(const char *path, uint64_t size, const uint8_t digest[DIGEST_LEN]);
/* Appends the document, which is freed, with its own sum as its last member; -1, reported. */
int manifest_print(struct buf *out, json_t *document);

#endif
