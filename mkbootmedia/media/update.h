/*
 * update: new content onto a stick, beside what is there.
 *
 *     new core image, new ESP --> flush, read back --> MBR and GPT by one write of 4 KiB --> flush
 *     --> the GPT's copy
 *
 * (of 12 KiB where sectors have 4096 bytes)
 *
 * Up to that one write the stick boots as before, from it on it boots the new content. Should even
 * that be torn, the GPT's copy is still the old one, and either core image finds its menu by the
 * marker that both ESPs have.
 */
#ifndef MEDIA_UPDATE_H
#define MEDIA_UPDATE_H

#include "image/region.h"
#include "media/write.h"

enum update_state {
    UPDATE_BEFORE, /* what was there is there */
    UPDATE_EITHER, /* that, or what is new: the one write has failed or was not confirmed */
    UPDATE_SWITCHED
};

struct update {
    struct write_target *target;
    const struct image *image; /* of the whole disk; what is spare is not written */
    void (*progress)(void *arg, uint64_t done, uint64_t total);
    void *progress_arg;
    /* asked before the switch: is what was written what is described? -1, reported; NULL: nobody */
    int (*check)(const void *arg);
    const void *check_arg;
    enum update_state state; /* of the stick */
};

/* Writes it and reads it back. -1, reported; state tells which content is there. */
int update_run(struct update *update);

#endif
