/* plan, its rooms: plan.c (the way through), plan_items.c (files), plan_id.c (ids), plan_net.c
 * (trees), plan_uki.c. */
#ifndef BOOT_PLAN_PRIVATE_H
#define BOOT_PLAN_PRIVATE_H

#include "boot/plan.h"

/* One file more; the path is copied. */
void plan_add_item(struct plan *plan, const char *path, struct content content, unsigned volumes);
/* A text that the plan keeps. */
void plan_add_text(struct plan *plan, const char *path, struct buf text, unsigned volumes);
void plan_add_used(struct plan *plan, struct plan_loader used);
/* A template's result. -1, reported. */
int plan_add_rendered(struct plan *plan, const char *path, const char *name, unsigned volumes);

/* All of the plan of a tree but its hosts, from a plan with entries, loaders and time. -1,
 * reported. */
int plan_make_net(struct plan *plan);
/* Makes the UKI of each entry, if the request wants them. -1, reported. */
int plan_make_ukis(struct plan *plan);
/* And puts them on the medium. */
void plan_add_ukis(struct plan *plan);

/* Files that come from the host: payload, added files, loaders, modules, font. -1, reported. */
int plan_add_files(struct plan *plan);
/* Texts that name the marker: menu, theme, early configurations. -1, reported. */
int plan_add_texts(struct plan *plan);
/* Sets grub-mkimage to work on all images that are wanted. -1, reported. */
int plan_start_images(struct plan *plan);
/* Items, still without content, for the EFI programs that grub-mkimage is making. */
void plan_add_images(struct plan *plan);
/* Their content, and the BIOS core image, as soon as they are made. -1, reported. */
int plan_take_images(struct plan *plan);
/* Sorts items by path; -1, reported, if a path is taken twice in a volume. */
int plan_sort(struct plan *plan);

/* Sets id and marker from what has been added so far. -1, reported. */
int plan_identify(struct plan *plan);

#endif
