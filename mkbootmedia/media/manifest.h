/*
 * manifest: what was made, from what, as a JSON document: every file with size and SHA-256, the
 * loaders with package, version and SBAT generations, entries and hosts. The room for jansson.
 *
 * The last member, "sum", is the SHA-256 of all that stands before it, without the comma and line
 * end before it: so a manifest tells whether it is itself as it was made.
 */
#ifndef MEDIA_MANIFEST_H
#define MEDIA_MANIFEST_H

#include "boot/plan.h"
#include "media/tree.h"

#define MANIFEST_FORMAT 1 /* another number when a reader of this one would be misled */
#define MANIFEST_SUM    ",\n \"sum\": \""
/* Where it is in an image, and the signature over it. */
#define MANIFEST_PATH      ".disk/manifest.json"
#define MANIFEST_SIGNATURE ".disk/manifest.json.p7s"

/* Appends the manifest of a tree with these files; -1, reported. */
int manifest_print_tree(struct buf *out, const struct plan *plan, const struct tree_list *files);

/* The outputs of a run that makes several; {0} is none. */
struct manifest {
    void *outputs;
};

/*
 * Adds an output of a kind ("usb", "iso", "net") at a path beside the manifest. Size and digest are
 * those of the file, or of a tree's own manifest.json.
 */
void manifest_add(struct manifest *manifest, const struct plan *plan, const char *kind,
                  const char *path, uint64_t size, const uint8_t digest[DIGEST_LEN]);
/* Appends the manifest of all of them; -1, reported. */
int manifest_print_all(struct buf *out, const struct manifest *manifest);
void manifest_free(struct manifest *manifest);

#endif
