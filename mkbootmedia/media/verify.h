/*
 * verify: a medium compared with its manifest, byte for byte.
 *
 * The manifest is the one that is given; else the one inside the medium; else, if that is missing
 * or damaged, IMAGE.manifest.json beside it. A disk that the image was written to has its
 * partition table at other places and for other sectors: it is brought back to what it was in the
 * image, and forth again, and has to be the same on both ways; one that stands as in the image,
 * after dd(1), is the same, too. What lies behind the image on a larger disk is not looked at.
 *
 * The folder of a run that made several outputs has a manifest that names them.
 */
#ifndef MEDIA_VERIFY_H
#define MEDIA_VERIFY_H

#include "base/strings.h"
#include "media/manifest_read.h"

struct verify_fault {
    char *what;           /* path of a file, name of a region */
    bool placed;          /* offset and len say where in the image */
    uint64_t offset, len; /* bytes */
    char *why;            /* "differs" */
};

struct verify_report {
    struct manifest_doc manifest;
    const char *found; /* "given", "inside", "beside": where the manifest was */
    struct verify_fault *faults;
    size_t fault_count;
    struct strings remarks; /* what is odd, but no fault */
    size_t files, regions;  /* that were compared */
    uint64_t bytes;         /* that were read */
    char *signer;           /* whose signature over the manifest holds; NULL: there is none */
};

struct verify_options {
    const char *manifest;  /* path; NULL: to be found */
    const char *signature; /* path of the certificate (PEM) that must have signed; NULL: any */
    void (*progress)(void *arg, uint64_t done, uint64_t total);
    void *progress_arg;
};

/*
 * Compares a file, a disk or a tree. 0: it was compared, faults tell how; -1, reported: it cannot
 * be read, or there is no manifest. Free the report in each case.
 */
int verify_run(struct verify_report *report, const char *path,
               const struct verify_options *options);
void verify_free(struct verify_report *report);

#endif
