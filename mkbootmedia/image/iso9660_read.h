/*
 * iso9660_read: looks into an ISO 9660 file system, whoever made it.
 *
 * Names come from Rock Ridge if it is there, else from Joliet, else they are the plain ones without
 * ";1". Layout: ECMA-119, IEEE P1281 and P1282, Joliet. Nothing in it is believed: what lies beyond
 * the end is left out, folders end after FOLDER_MAX entries.
 */
#ifndef IMAGE_ISO9660_READ_H
#define IMAGE_ISO9660_READ_H

#include "image/folder.h"

struct iso9660_volume {
    struct content content;
    uint64_t block;   /* bytes of a logical block */
    uint64_t size;    /* bytes, as the descriptor says */
    uint64_t catalog; /* first byte of El Torito's boot catalog; 0: none */
    char label[33], publisher[129], application[129];
    bool rock_ridge, joliet; /* is there; Joliet's names are used without Rock Ridge */
    size_t skip;             /* SUSP: bytes before the first field of a record */
    struct entry root;       /* name NULL */
};

/* 1: it is an ISO 9660 file system; 0: it is not; -1, reported. There is nothing to free. */
int iso9660_read_open(struct iso9660_volume *volume, const struct content *content);
/* Adds what a folder lists (NULL: the root folder), without "." and "..". -1, reported. */
int iso9660_read_list(const struct iso9660_volume *volume, const struct entry *folder,
                      struct folder *out);
/* 1: the file is one run of bytes, *out; 0: it is in pieces, or passes the end. */
int iso9660_read_extent(const struct iso9660_volume *volume, const struct entry *file,
                        struct content *out);

#endif
