/*
 * inspect_private: the steps of inspect_image and inspect_tree, each of which fills its part of the
 * report.
 */
#ifndef MEDIA_INSPECT_PRIVATE_H
#define MEDIA_INSPECT_PRIVATE_H

#include "boot/chain.h"
#include "media/inspect.h"

#define INSPECT_BLS_FOLDER "loader/entries"
#define INSPECT_LOADERS_MAX                                                                        \
    64 /* of one volume: hostile ones list a large file a thousand times                           \
        */

/* Each returns -1, reported, if the image cannot be read. */
int inspect_disk(struct inspect_report *report);    /* MBR, GPT, partitions */
int inspect_cd(struct inspect_report *report);      /* ISO 9660, El Torito */
int inspect_bios(struct inspect_report *report);    /* the way from boot sector to a menu */
int inspect_loaders(struct inspect_report *report); /* EFI/BOOT on the FAT volumes */
int inspect_menus(struct inspect_report *report);   /* what loaders and boot sectors come to */
int inspect_entries(struct inspect_report *report); /* the files that the menus name */
int inspect_manifest(struct inspect_report *report);
void inspect_verdicts(struct inspect_report *report);

/* What dhcp/dnsmasq.conf of a boot root hands out; malloc'ed, NULL: nothing, or it is not said. */
struct inspect_dhcp {
    bool there;
    char *first[32]; /* by the architecture of the client (RFC 4578) */
    char *script;    /* iPXE's */
};
void inspect_parse_dhcp(struct inspect_dhcp *dhcp, const char *text);
void inspect_dhcp_free(struct inspect_dhcp *dhcp);
void inspect_tree_verdicts(struct inspect_report *report, const struct inspect_dhcp *dhcp);

/*
 * What is at offset as a volume, opened unless it is known; how it is seen is added. It may move
 * when the next one is opened. NULL: reported.
 */
struct inspect_volume *inspect_volume(struct inspect_report *report, uint64_t offset, uint64_t len,
                                      const char *where, bool stick, bool cd);
/* The loader of that name in EFI/BOOT of one volume, in any case; NULL. */
struct inspect_loader *inspect_loader(const struct inspect_report *report, size_t volume,
                                      const char *name);
bool inspect_is(const struct inspect_loader *loader, const char *kind);

/* Adds the program at path, which is taken over, to the loaders. -1, reported. */
int inspect_add_loader(struct inspect_report *report, size_t volume, char *path,
                       const struct entry *entry);
/* Asks the shim of a volume about the others: first is the one that firmware starts, or NULL. */
int inspect_ask_shim(struct inspect_report *report, size_t volume,
                     const struct inspect_loader *first);
/* The shim that is asked about kernels; NULL: there is none. */
const struct inspect_loader *inspect_shim(const struct inspect_report *report);

/* A path in a volume, else in any other. 1 and *volume, *entry; 0; -1, reported. */
int inspect_find(const struct inspect_report *report, size_t prefer, const char *path,
                 size_t *volume, struct entry *entry);
/* As inspect_find, but first folders that a server does not have are left away, of *path too. */
int inspect_find_served(const struct inspect_report *report, size_t prefer, const char **path,
                        size_t *volume, struct entry *entry);
/* The text of a file, malloc'ed, a NUL behind it. 1; 0: there is none of at most max bytes; -1. */
int inspect_text(const struct inspect_report *report, size_t volume, const char *path, size_t max,
                 char **text);
#define INSPECT_MENU_MAX (4 * MIB)

/* A new entry of a menu; NULL: there are enough. It may move when the next one is added. */
struct inspect_entry *inspect_add_entry(struct inspect_report *report, size_t menu,
                                        const char *title);
/* Texts are copied; place may be NULL. Initramfs files after enough of them are left away. */
void inspect_set_kernel(struct inspect_entry *entry, const char *path, const char *place);
void inspect_add_initrd(struct inspect_entry *entry, const char *path, const char *place,
                        bool served);
/* A menu goes on to another one. */
void inspect_add_lead(struct inspect_report *report, size_t menu, const char *place);
void inspect_set_text(char **text, const char *value);

/* The menu at a path of a volume, which is noted at first sight; SIZE_MAX: there are enough. */
size_t inspect_add_menu(struct inspect_report *report, enum inspect_menu_kind kind, size_t volume,
                        const char *path);

/*
 * Variables: "NAME=VALUE", the latest. strict: one that was given different values is unknown, as
 * conditions are not followed. NULL: it is unknown.
 */
const char *inspect_variable(const struct strings *variables, const char *name, size_t len,
                             bool strict);
void inspect_set_variable(struct strings *variables, const char *name, const char *value);

/* Each adds the entries and leads of a menu's text; nothing is looked up on the medium. */
void inspect_parse_grub(struct inspect_report *report, size_t menu, const char *text);
void inspect_parse_syslinux(struct inspect_report *report, size_t menu, const char *text);
void inspect_parse_ipxe(struct inspect_report *report, size_t menu, const char *text);
/* One file of loader/entries, whose name is its title if it has no other. */
void inspect_parse_bls(struct inspect_report *report, size_t menu, const char *name,
                       const char *text);
/* What systemd-boot finds in loader/entries and EFI/Linux of a volume. -1, reported. */
int inspect_read_systemd(struct inspect_report *report, size_t menu);
/* A program that is a kernel, or has one in it: one entry. -1, reported. */
int inspect_read_program(struct inspect_report *report, size_t menu);

/* Appended unless it has been said. */
void inspect_reason(struct inspect_verdict *verdict, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A loader that firmware starts, and all that follows. where: "EFI/BOOT/" or "". */
void inspect_judge_loader(const struct inspect_report *report, struct inspect_verdict *verdict,
                          const struct inspect_loader *loader);
/* A menu runs: what do its entries come to? missing: what is not there if there is none. */
void inspect_judge_menu(const struct inspect_report *report, struct inspect_verdict *verdict,
                        size_t menu, const char *missing);

#endif
