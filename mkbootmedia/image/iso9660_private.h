/*
 * iso9660_private: what the files of iso9660 share.
 *
 * One tree of nodes is seen through two hierarchies of directories: the primary one (level 3 names,
 * with Rock Ridge beside them) and Joliet's. Everything that differs between them is in a node's
 * views; file contents are common to both.
 */
#ifndef IMAGE_ISO9660_PRIVATE_H
#define IMAGE_ISO9660_PRIVATE_H

#include "base/util.h"
#include "image/iso9660.h"

#define DESCRIPTORS (16 * ISO_BLOCK) /* the first volume descriptor, ECMA-119 7.2.1 */
#define EXTENT_MAX                                                                                 \
    UINT64_C(0xfffff000) /* bytes of an extent that others follow; 32-bit, aligned                 \
                          */
#define NAME_MAX_LEN 255 /* bytes of a name, POSIX NAME_MAX */
#define ID_MAX       128 /* bytes of an identifier without its version: 64 UCS-2 units */

enum hierarchy { PRIMARY, JOLIET, HIERARCHIES };

/* A node in one hierarchy. */
struct iso9660_view {
    uint8_t *id; /* identifier without version (and without the '.' of an empty extension) */
    size_t id_len;
    /* of a folder: */
    struct iso9660_node **children; /* sorted by identifier */
    uint64_t place;                 /* first byte of its directory in the image */
    uint64_t len;                   /* bytes, a multiple of ISO_BLOCK */
    size_t number;                  /* in the path table, from 1 */
};

struct iso9660_node {
    char *name;        /* UTF-8; "" for the root */
    struct item *item; /* NULL: a folder */
    bool placed;       /* iso9660_plan has placed the item's content */
    uint32_t serial;   /* from 1 */
    size_t rest;       /* where the rest of a long name stands in its folder's continuation area */
    struct iso9660_node *parent; /* the root's is the root */
    /* of a folder: */
    const char *path; /* its path is the first path_len bytes here */
    size_t path_len;
    struct iso9660_node **children; /* in the order of their paths */
    size_t count, folder_count;
    uint64_t continuation;     /* first byte of its continuation area, right behind its directory */
    uint64_t continuation_len; /* bytes in use; 0: none */
    struct iso9660_view in[HIERARCHIES];
};

struct iso9660_layout {
    time_t time;
    struct iso9660_node **nodes; /* all; the first is the root */
    size_t count;
    struct iso9660_node **folders[HIERARCHIES]; /* in the order of the path table */
    size_t folder_count;
    uint64_t tables[HIERARCHIES][2]; /* first byte of each path table, types L and M */
    uint64_t table_len[HIERARCHIES]; /* bytes in use */
    uint64_t metadata_end;           /* first byte after descriptors, tables and directories */
};

/* iso9660_fields.c */

/* Seven bytes, ECMA-119 9.1.5, and seventeen, 8.4.26.1; both in UTC. */
void iso9660_date7(uint8_t out[7], time_t time);
void iso9660_date17(uint8_t out[17], time_t time);
/* A field of text: padded with blanks, cut where it ends; in Joliet's descriptor UCS-2. */
void iso9660_text(uint8_t *out, size_t len, const char *text, enum hierarchy h);
/* Both byte orders, ECMA-119 7.2.3 and 7.3.3. */
void iso9660_both16(uint8_t out[4], uint16_t v);
void iso9660_both32(uint8_t out[8], uint32_t v);
/* The number of the block at a place of the image. */
uint32_t iso9660_block(uint64_t place);

/* iso9660_names.c */

/*
 * The identifier that stands for name in a hierarchy, without version; returns its bytes. A number
 * over 0 goes to the end of the name, before the extension ("NAME_7.EXT"), to make it unique.
 */
size_t iso9660_id(uint8_t out[ID_MAX], const char *name, enum hierarchy h, bool folder,
                  unsigned number);
/* A character as Joliet can have it. */
uint16_t iso9660_joliet_unit(uint32_t c);

/* iso9660_tree.c */

int iso9660_tree_build(struct iso9660_layout *layout, struct item *const items[], size_t count);
void iso9660_tree_free(struct iso9660_layout *layout);

/* iso9660_dir.c */

#define ROOT_RECORD_LEN 34

/* The root's record in a volume descriptor. */
void iso9660_root_record(uint8_t out[ROOT_RECORD_LEN], const struct iso9660_layout *layout,
                         enum hierarchy h);
/* The length of a child's record without system use field. */
size_t iso9660_record_len(const struct iso9660_node *node, enum hierarchy h);
/* A folder's directory in out, unless that is NULL; returns its length. */
uint64_t iso9660_directory(uint8_t *out, const struct iso9660_layout *layout,
                           const struct iso9660_node *folder, enum hierarchy h);

/* iso9660_rockridge.c */

#define RECORD_MAX 254 /* bytes of a directory record: even, and in a byte */

enum record_kind { SELF, PARENT, CHILD };

/* Notes where the rests of its children's long names go, and how long that area is. */
void iso9660_continuation_plan(struct iso9660_node *folder);
void iso9660_continuation_write(uint8_t *out, const struct iso9660_node *folder);
/* The system use field of a record that is len bytes so far; returns how long it is. */
size_t iso9660_system_use(uint8_t *record, size_t len, time_t time, const struct iso9660_node *node,
                          enum record_kind kind);

/* iso9660_descriptor.c */

void iso9660_descriptors_write(uint8_t *out, const struct iso9660 *iso, uint64_t volume_size);
/* Bytes of a path table. */
uint64_t iso9660_path_table_len(const struct iso9660_layout *layout, enum hierarchy h);
void iso9660_path_table_write(uint8_t *out, const struct iso9660_layout *layout, enum hierarchy h,
                              bool big_endian);

#endif
