/*
 * inspect: what is on a finished image, and which firmware will boot it, as data
 * (cli/inspect_print.h prints it).
 *
 * Everything is read from the image's bytes by our own readers, whoever made it. Facts go into the
 * report; what is wrong becomes a reason of a verdict, what is odd becomes a remark. Followed is
 * the way that our own media boot: GRUB from boot sectors or El Torito, EFI/BOOT on a FAT volume,
 * shim, GRUB's menu in boot/grub/grub.cfg, kernel and initramfs files. Where a foreign medium goes
 * another way, the verdict is "unknown".
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
    char *where;          /* "partition 2", "El Torito image 2", "the whole image" */
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

/* A file of EFI/BOOT. */
struct inspect_loader {
    char *path;
    size_t volume; /* in volumes */
    uint64_t len;
    const char *kind; /* "shim", "GRUB", ..; NULL: not known */
    bool pe, truncated;
    uint16_t machine;
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
    enum inspect_state state; /* unknown: the path has variables in it */
    uint64_t len;
};

/* A root that our first stage brings into RAM, as its initramfs says. Sizes are bytes. */
struct inspect_root {
    bool there;
    char mode[16], compress[16], source[16]; /* "overlay", "zstd", "medium" */
    uint64_t image, unpacked, peak, ram; /* of the image; in a tmpfs; the least RAM that boots */
};

struct inspect_entry {
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

struct inspect_verdict {
    enum firmware firmware;
    bool cd; /* else: on a stick */
    enum inspect_answer boots;
    struct strings reasons; /* why not, or not all */
};

struct inspect_report {
    char *path;
    uint64_t size;
    struct content content;

    bool mbr;              /* LBA 0 ends in 55 AA */
    const char *boot_code; /* "GRUB", "GRUB (hybrid)", "isolinux", "other"; NULL: none */
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
    /* how far BIOS would come, up to GRUB's menu; why is NULL for yes */
    enum inspect_answer bios_stick, bios_cd;
    char *bios_stick_why, *bios_cd_why;

    struct inspect_loader *loaders;
    size_t loader_count;
    char *menu; /* path of GRUB's menu; NULL: there is none */
    size_t menu_volume;
    char *marker; /* a file that the menu searches for and that is not there; else NULL */
    struct inspect_entry *entries;
    size_t entry_count;

    struct inspect_verdict *verdicts;
    size_t verdict_count;
    struct strings remarks;
};

/* Looks at an image. -1, reported, only if it cannot be read. inspect_free in each case. */
int inspect_image(struct inspect_report *report, const char *path, const struct content *content);
void inspect_free(struct inspect_report *report);

#endif
