/*
 * parttab: a GUID partition table with its MBR, made by libfdisk on a memfd of the image's size;
 * what libfdisk has written there becomes regions. Ids are always given by the caller; nothing is
 * aligned.
 *
 * Layout: UEFI 2.10 chapter 5 (LBA 0 MBR, LBA 1 header, LBA 2-33 entries, the copy at the end).
 */
#ifndef IMAGE_PARTTAB_H
#define IMAGE_PARTTAB_H

#include "image/region.h"

#define MBR_CODE_LEN      440 /* bytes of boot code at the start of LBA 0 */
#define GPT_BACKUP_LEN    (33 * SECTOR)
#define GPT_TYPE_ESP      "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
#define GPT_TYPE_BIOSBOOT "21686148-6449-6E6F-744E-656564454649"
#define GPT_TYPE_DATA     "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
#define GPT_TYPE_LINUX    "0FC63DAF-8483-4772-8E79-3D69D8477DE4"

struct partition {
    const char *name;
    const char *type;  /* GUID as text */
    const char *guid;  /* GUID as text */
    uint64_t offset;   /* bytes from the start of the image */
    uint64_t size;     /* bytes */
    unsigned number;   /* from 1; 0: its place in the table */
    const char *attrs; /* as libfdisk writes them; NULL: none */
    bool data;         /* what is in it will be the user's, not ours */
};

enum mbr_style {
    MBR_PROTECTIVE,   /* one 0xEE entry, as UEFI asks */
    MBR_FORCE_ACTIVE, /* and an active entry of type 0 over sector 0, for BIOSes that ask for one */
    MBR_ISOHYBRID,    /* real MBR entries (active type 0 over the whole, 0xEF for the ESP) beside a
                         GPT that is thereby not valid, as isohybrid makes it */
};

struct parttab {
    const char *disk_guid;   /* as text */
    uint32_t disk_signature; /* of the MBR */
    enum mbr_style style;
    const uint8_t *boot_code; /* MBR_CODE_LEN bytes, or NULL for none */
    const struct partition *partitions;
    size_t count;
};

/* Adds table and copy to an image that will have size bytes (a multiple of SECTOR). */
int parttab_write(const struct parttab *table, uint64_t size, struct image *image);

/* The partitions of a disk. */
struct parttab_list {
    struct partition *partitions; /* by number; the texts are the list's */
    size_t count;
    char *disk_guid;
};

/*
 * Reads the GPT of a disk of size bytes from its first len bytes, for messages called disk. 1:
 * there is one; 0: there is none that is valid; -1, reported. Free the list in each case.
 */
int parttab_read(struct parttab_list *list, const char *disk, uint64_t size, unsigned sector_size,
                 const uint8_t *head, size_t len);
/* The same of a disk that can be read: of a damaged table the copy at its end is taken. */
int parttab_read_disk(struct parttab_list *list, const struct content *disk, unsigned sector_size);
void parttab_list_free(struct parttab_list *list);

/* What fits a table to a disk. */
struct parttab_fit {
    uint64_t image_size, disk_size; /* bytes */
    unsigned sector_size;           /* of the disk, bytes */
    uint8_t *tail;                  /* malloc'ed: the copy of the GPT; NULL: nothing changes */
    size_t tail_len;
    uint64_t tail_offset; /* on the disk: at its end */
};

/*
 * An image's GPT was made for a disk of its own size. Changes head, the first len bytes of the
 * image (1 MiB at least), so that the copy is at the end of a larger disk, or anew for one with
 * sectors of 4096 bytes; boot code and the rest of the MBR stay. An image without a valid GPT stays
 * as it is. -1, reported as an error of the disk: its sectors are too large for the image's
 * partitions.
 */
int parttab_fit(struct parttab_fit *fit, const char *disk, uint8_t *head, size_t len);

#endif
