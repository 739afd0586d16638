/* inspect_private: the steps of inspect_image, each of which fills its part of the report. */
#ifndef MEDIA_INSPECT_PRIVATE_H
#define MEDIA_INSPECT_PRIVATE_H

#include "media/inspect.h"

/* Each returns -1, reported, if the image cannot be read. */
int inspect_disk(struct inspect_report *report);    /* MBR, GPT, partitions */
int inspect_cd(struct inspect_report *report);      /* ISO 9660, El Torito */
int inspect_bios(struct inspect_report *report);    /* GRUB's way from boot sector to core image */
int inspect_loaders(struct inspect_report *report); /* EFI/BOOT on the FAT volumes */
int inspect_menu(struct inspect_report *report);    /* GRUB's menu and the files that it names */
void inspect_verdicts(struct inspect_report *report);

/*
 * What is at offset as a volume, opened unless it is known; how it is seen is added. It may move
 * when the next one is opened. NULL: reported.
 */
struct inspect_volume *inspect_volume(struct inspect_report *report, uint64_t offset, uint64_t len,
                                      const char *where, bool stick, bool cd);
/* The loader of that name in EFI/BOOT of one volume, in any case; NULL. */
struct inspect_loader *inspect_loader(const struct inspect_report *report, size_t volume,
                                      const char *name);

/* Adds the entries of a menu's text; *search is a file that it searches for, malloc'ed, or NULL. */
void inspect_parse_menu(struct inspect_report *report, const char *text, char **search);

#endif
