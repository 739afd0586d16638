/* plan, its three rooms: plan.c (the way through), plan_items.c (files), plan_id.c (ids). */
#ifndef BOOT_PLAN_PRIVATE_H
#define BOOT_PLAN_PRIVATE_H

#include "boot/plan.h"

/* Files that come from the host: payload, added files, loaders, modules, font. -1, reported. */
int plan_add_files(struct plan *plan);
/* Texts that name the marker: menu, theme, early configurations. -1, reported. */
int plan_add_texts(struct plan *plan);
/* Items, still without content, for the EFI programs that grub-mkimage is making. */
void plan_add_images(struct plan *plan);
/* Their content, and the BIOS core image, as soon as they are made. -1, reported. */
int plan_take_images(struct plan *plan);
/* Sorts items by path; -1, reported, if a path is taken twice in a volume. */
int plan_sort(struct plan *plan);

/* Sets id and marker from what has been added so far. -1, reported. */
int plan_identify(struct plan *plan);

#endif
