/*
 * beside: the files that stand beside an image and tell of it: "IMAGE.bmap", "IMAGE.manifest.json"
 * and its signature "IMAGE.manifest.json.p7s". They are drafts until the image has its name, and at
 * no moment does one of another image stand beside it.
 */
#ifndef MEDIA_BESIDE_H
#define MEDIA_BESIDE_H

#include "boot/plan.h"
#include "media/draft.h"

enum beside_kind { BESIDE_MAP, BESIDE_MANIFEST, BESIDE_SIGNATURE, BESIDE_KINDS };

struct beside_file {
    char *path;
    bool wanted; /* is made anew */
    struct draft draft;
};

struct beside {
    struct beside_file files[BESIDE_KINDS];
};

/* Names those of an image; wanted are those that the request asks for. */
void beside_init(struct beside *beside, const char *image, const struct request *request);
/* Before any work: can those that are wanted be there? -1, reported. */
int beside_check(const struct beside *beside);
/* Makes the draft of one; -1, reported. */
int beside_draft(struct beside *beside, enum beside_kind kind, struct content content,
                 bool no_sync);
/* Brings the drafts to the disk; -1, reported. */
int beside_flush(struct beside *beside);
/*
 * Before the image gets its name: removes those that tell of the image before it. What the plan
 * reads, and what is no map or manifest, stays. -1, reported, also if one cannot be read.
 */
int beside_withdraw(const struct beside *beside, const struct plan *plan);
/* After it: gives the drafts their names; -1, reported. */
int beside_publish(struct beside *beside);
void beside_free(struct beside *beside); /* safe on {0} */

#endif
