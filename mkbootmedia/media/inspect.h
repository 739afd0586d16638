/*
 * inspect: what is on a finished image or in a boot root, and which firmware will boot it, as data
 * (cli/inspect_print.h prints it).
 *
 * Everything is read from the bytes by our own readers, whoever made it. Facts go into the report;
 * what is wrong becomes a reason of a verdict, what is odd becomes a remark. Followed are GRUB and
 * isolinux/syslinux from boot sectors or El Torito, EFI/BOOT on a FAT volume, the files that DHCP
 * hands out of a boot root, shim, and the menus of GRUB, syslinux, systemd-boot and iPXE to their
 * kernels and initramfs files. What goes another way has the verdict "unknown".
 */
#ifndef MEDIA_INSPECT_H
#define MEDIA_INSPECT_H

#include "base/sign.h"
#include "boot/kernel.h"
#include "boot/pe.h"
#include "boot/request.h"
#include "image/volume.h"

struct inspect_partition {
    unsigned number;       /* as the table counts: from 1 */
    bool gpt;              /* else MBR */
    char type[37];         /* GUID, or "0xEF" */
    const char *type_name; /* "EFI system"; NULL: not known */
    char *name;            /* GPT; "" for none */
    bool active;           /* MBR */
    uint64_t offset, len;  /* bytes */
    const char *fs;        /* file system; NULL: none that we know */
    char label[64];        /* of the file system */
};

/* A file system that firmware can see. */
struct inspect_volume {
    char *where;          /* "partition 2", "El Torito image 2", "the whole image", "the tree" */
    uint64_t offset, len; /* bytes */
    bool stick, cd;       /* seen when the image is on a stick / is a CD */
    struct volume volume;
};

/* A boot image of El Torito. */
struct inspect_boot {
    uint8_t platform; /* 0x00 BIOS, 0xEF EFI */
    bool bootable;
    uint64_t offset, len; /* bytes that the catalog says; 0: to the end of the medium */
    const char *what;     /* "GRUB", "isolinux", "FAT12", ..; NULL: not known */
};

enum inspect_answer { INSPECT_NO, INSPECT_YES, INSPECT_PART, INSPECT_UNKNOWN };

/* A program that firmware or another loader starts: of EFI/BOOT, or anywhere in a boot root. */
struct inspect_loader {
    char *path;
    size_t volume; /* in volumes */
    uint64_t len;
    const char *kind; /* "shim", "GRUB", ..; NULL: not known */
    bool pe, truncated;
    bool bios;        /* no EFI program, but one that BIOS would start by PXE */
    bool http;        /* GRUB: it has its http module */
    uint16_t machine; /* of an EFI program */
    char *prefix;     /* GRUB: the folder of its menu, as it was told; NULL: not known */
    size_t menu;      /* the menu that it comes to, in menus; SIZE_MAX: none */
    struct pe_sbat *sbat;
    size_t sbat_count;
    struct sign_signers signers;
    bool ca_2011, ca_2023; /* a Microsoft UEFI CA of that year issued a sound signature's key */
    enum inspect_answer secure; /* would Secure Boot start it? */
    char *why;                  /* if not: "is not signed" */
};

enum inspect_state { FILE_THERE, FILE_MISSING, FILE_DAMAGED, FILE_UNKNOWN };

struct inspect_file {
    char *path;               /* as the menu says */
    char *place;              /* where that is on the medium; NULL: unknown, it has variables */
    bool served;              /* from a URL: the server may know its first folders otherwise */
    bool elsewhere;           /* of a URL that names its server: it may be another one */
    enum inspect_state state; /* unknown also: it may be on another server */
    uint64_t len;
};

/* A root that our first stage brings into RAM, as its initramfs says. Sizes are bytes. */
struct inspect_root {
    bool there;
    char mode[16], compress[16], source[16]; /* "overlay", "zstd", "medium" */
    uint64_t image, unpacked, peak, ram; /* of the image; in a tmpfs; the least RAM that boots */
};

enum inspect_menu_kind { MENU_GRUB, MENU_SYSLINUX, MENU_SYSTEMD, MENU_IPXE, MENU_PROGRAM };

/* A file (or folder) that entries are read from. It may go on to others. */
struct inspect_menu {
    enum inspect_menu_kind kind;
    char *path;
    size_t volume;        /* in volumes */
    char *marker;         /* a file that it searches for and that is not there; else NULL */
    struct strings leads; /* paths of the menus that it goes on to */
    struct strings lost;  /* those of them that are not there */
    size_t *next;         /* those of them that are there, in menus */
    size_t next_count;
    struct strings variables; /* of its language, while it is read: boot root, current folder, .. */
};

struct inspect_entry {
    size_t menu; /* in menus */
    char *title;
    char *cmdline;
    bool has_kernel; /* else it does something else */
    struct inspect_file kernel;
    struct inspect_file *initrds;
    size_t initrd_count;
    struct inspect_root root;
    bool readable; /* the kernel is one that we know, and facts is filled */
    struct kernel facts;
    char *why;                  /* why it is not readable: "is a text file ..." */
    enum inspect_answer secure; /* would shim accept the kernel? unknown: there is no shim */
    char *secure_why;
};

/* A kind of firmware, and what it starts. */
struct inspect_firmware {
    const char *word, *name; /* in JSON; for people */
    uint16_t machine;        /* 0: BIOS */
    bool secure;
    const char *boot; /* in EFI/BOOT */
    const char *next; /* what its shim starts */
};
#define INSPECT_FIRMWARES 5
extern const struct inspect_firmware inspect_firmwares[INSPECT_FIRMWARES];

enum inspect_way { WAY_STICK, WAY_CD, WAY_PXE, WAY_HTTP };

struct inspect_verdict {
    const struct inspect_firmware *firmware;
    enum inspect_way way;
    char *first; /* of a boot root: the file that the client gets first; NULL: none */
    enum inspect_answer boots;
    struct strings reasons; /* why not, or not all, or why that is not known */
};

/* What the manifest of a boot root, or of an image, of ours says. */
struct inspect_manifest {
    bool there;
    char *problem;                    /* why it cannot be read; NULL: it was */
    char *id, *label, *url, *version; /* NULL: not said */
    unsigned generation;              /* 0: not known */
    size_t hosts, files;
};

struct inspect_report {
    char *path;
    uint64_t size; /* of a boot root: 0 */
    struct content content;
    bool tree; /* a boot root: it has one volume, and neither partitions nor boot sectors */
    struct host_folder host;
    struct inspect_manifest manifest;

    bool mbr; /* LBA 0 ends in 55 AA */
    /* "GRUB", "GRUB (hybrid)", "isolinux", "active partition": it starts that one's; "other";
       NULL: none */
    const char *boot_code;
    bool gpt;
    const char *gpt_problem, *gpt_copy_problem; /* NULL: valid */
    char disk_guid[37];
    struct inspect_partition *partitions;
    size_t partition_count;

    struct inspect_volume *volumes;
    size_t volume_count;
    size_t iso; /* in volumes; SIZE_MAX: there is no ISO 9660 */
    struct inspect_boot *boots;
    size_t boot_count;
    /* how far BIOS would come, up to a menu; why is NULL for yes */
    enum inspect_answer bios_stick, bios_cd;
    char *bios_stick_why, *bios_cd_why;
    enum inspect_menu_kind bios_stick_kind, bios_cd_kind; /* GRUB or syslinux */
    bool needs_ldlinux;                                   /* isolinux, with ldlinux.c32 */
    size_t bios_stick_volume, bios_cd_volume;             /* syslinux: of its files */
    size_t bios_stick_menu, bios_cd_menu;                 /* in menus; SIZE_MAX: none */

    struct inspect_loader *loaders;
    size_t loader_count;
    struct inspect_menu *menus;
    size_t menu_count;
    struct inspect_entry *entries;
    size_t entry_count;

    struct inspect_verdict *verdicts;
    size_t verdict_count;
    struct strings remarks;
};

/* Looks at an image. -1, reported, only if it cannot be read. inspect_free in each case. */
int inspect_image(struct inspect_report *report, const char *path, const struct content *content);
/* Looks at a boot root, whose open folder is fd. Likewise. */
int inspect_tree(struct inspect_report *report, const char *path, int fd);
void inspect_free(struct inspect_report *report);

#endif
