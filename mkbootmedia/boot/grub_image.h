/*
 * grub_image: GRUB images that grub-mkimage makes: the BIOS core image, and EFI programs. Several
 * are made at the same time; each comes out in a memfd.
 *
 * Also the list of modules that GRUB for BIOS loads from the medium.
 */
#ifndef BOOT_GRUB_IMAGE_H
#define BOOT_GRUB_IMAGE_H

#include "base/content.h"
#include "base/run.h"
#include "boot/loader.h"

/* What an image is made of: grub-mkimage's format, an embedded list of modules, and where GRUB
 * finds its configuration. */
struct grub_recipe {
    const char *format, *list, *prefix;
};

/* That of a platform, for a medium or for a tree that is served over the network. */
const struct grub_recipe *grub_recipe(enum loader_platform platform, bool net);

struct grub_image {
    struct run run;
    int early_fd, fd;       /* memfds: its early configuration, and the image */
    uint64_t room;          /* bytes; the image will not be larger; 0: none is wanted */
    struct content content; /* the image, once grub_image_wait has returned 0 */
};

/*
 * Sets room: more bytes than the image will have, so that a layout can go on before it is made. -1,
 * reported.
 */
int grub_image_measure(struct grub_image *image, const struct grub_recipe *recipe, const char *dir);
/*
 * Starts grub-mkimage; early is what the image runs first (rescue parser), or NULL; device, if not
 * "", is where the prefix is ("(tftp,10.0.0.1)"). -1, reported.
 */
int grub_image_start(struct grub_image *image, const struct grub_recipe *recipe, const char *dir,
                     const char *early, const char *device);
/* Waits for it; without a start it does nothing. -1, reported. */
int grub_image_wait(struct grub_image *image);
void grub_image_free(struct grub_image *image);

/*
 * The names of the modules for the medium and of all that they depend on by dir/moddep.lst, sorted,
 * then the lists by which GRUB finds a command's module ("command.lst"). -1, reported.
 */
int grub_modules(struct strings *files, const char *dir);

#endif
