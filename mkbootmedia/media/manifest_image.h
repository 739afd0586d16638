/*
 * manifest_image: the manifest of an image, which is a file of the image: it has its room before
 * the image is laid out, and its text when all the rest is known. What is left of the room are line
 * ends.
 *
 * It says of each byte what it is: of a file (with place and SHA-256), of a region (likewise, with
 * the bytes that a boot may change taken as zeros), spare, or zero.
 *
 * Files are read by a thread of their own while the image is laid out and written; the digests of
 * large ones are kept in the user's cache.
 */
#ifndef MEDIA_MANIFEST_IMAGE_H
#define MEDIA_MANIFEST_IMAGE_H

#include "base/sign_make.h"
#include "media/output.h"

#include <pthread.h>
#include <stdatomic.h>

struct manifest_image {
    struct plan *plan;
    char *text, *signature; /* in the plan; signature NULL: none is wanted */
    size_t room, signature_len;
    size_t len; /* of the text, without the line ends behind it */
    struct sign_key key;
    struct digest_cache cache;
    char *cache_path; /* NULL: nowhere to keep it */
    pthread_t thread;
    bool running;
    atomic_bool failed; /* or it is no longer wanted */
};

/* Keeps room for it among the plan's files, before they get their places; -1, reported. */
int manifest_image_begin(struct manifest_image *manifest, struct plan *plan);
/* Starts to read the files. */
void manifest_image_start(struct manifest_image *manifest);
/* Writes the text into the finished image; -1, reported. */
int manifest_image_finish(struct manifest_image *manifest, const struct medium *medium);
/*
 * When all is written: has no file changed since manifest_image_begin? Else what was written may
 * not be what the manifest says. -1, reported.
 */
int manifest_image_check(const struct manifest_image *manifest);
void manifest_image_free(struct manifest_image *manifest); /* safe on {0} */

#endif
