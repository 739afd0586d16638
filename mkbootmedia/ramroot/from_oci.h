/*
 * from_oci: the parts of the reader of container images.
 *
 * An image is a set of files, in a folder or in a tar: either an OCI image layout (OCI Image Format
 * Specification 1.1, "Image Layout": oci-layout, index.json, blobs/sha256/HEX) or what docker save
 * writes (manifest.json, which names a configuration and layers); often both. from_oci_files finds
 * the files, from_oci_image chooses the image and lists its layers, from_oci_tree works out which
 * member of which layer is in the tree at the end, from_oci gives those members.
 */
#ifndef RAMROOT_FROM_OCI_H
#define RAMROOT_FROM_OCI_H

#include "base/content.h"

#include <archive_entry.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- from_oci_files.c: the files of an image ---- */

struct oci_file {
    char *path, *link; /* link: it is another name of the file of that path */
    int fd;            /* -1: it is a link */
    uint64_t offset, len;
};

struct oci_files {
    const char *subject; /* the image as the user typed it, for messages */
    int fd;              /* the folder or the tar; owned is not the caller's */
    bool is_folder, owned;
    struct oci_file *list; /* of a tar all; of a folder those that were asked for */
    size_t count;
};

/* As rootfs_kind.probe. */
int oci_files_probe(const char *path, int fd);
/* -1, reported; oci_files_free is due in each case. */
int oci_files_open(struct oci_files *files, const char *subject, int fd);
/* The bytes of a file: 1 there, 0 there is no such file, -1 reported. */
int oci_files_find(struct oci_files *files, const char *path, struct content *content);
void oci_files_free(struct oci_files *files); /* safe on {0} */

/* ---- from_oci_image.c: which image, which layers ---- */

struct oci_layer {
    char *name;             /* the path of its file */
    char *digest;           /* 64 hexadecimal digits; NULL: its name does not tell */
    struct content content; /* a tar, plain or compressed */
};

struct oci_layers {
    struct oci_layer *list; /* the lowest first */
    size_t count;
};

/* The layers of the one image for linux/amd64; -1, reported. */
int oci_layers_find(struct oci_layers *layers, struct oci_files *files);
void oci_layers_free(struct oci_layers *layers); /* safe on {0} */
/* The SHA-256 that a path of a file promises ("blobs/sha256/HEX", "HEX.json"), malloc'ed, or NULL.
 */
char *oci_digest_of(const char *path);

/* ---- from_oci_tree.c: what is in the tree at the end ---- */

#define OCI_NONE UINT32_MAX

/* Something with bytes or a kind of its own; several names may have it. */
struct oci_inode {
    uint16_t layer;
    uint32_t member; /* the how-manieth member of its layer it is */
    uint32_t name;   /* the first node that has it, after oci_tree_end; OCI_NONE: none is left */
};

/* What is kept of a folder; the entry only of one with extended attributes or ACLs. */
struct oci_folder {
    int64_t mtime;
    long mtime_ns;
    int64_t uid, gid;
    mode_t mode;
    struct archive_entry *entry;
};

enum oci_type { OCI_FOLDER, OCI_SYMLINK, OCI_OTHER };

/* A name in the tree. Parents have lower numbers than what is in them; the root is number 0. */
struct oci_node {
    char *name, *target; /* target: of a symbolic link */
    uint32_t parent, child, sibling, bucket;
    uint32_t what;  /* an inode, or a folder; OCI_NONE: a folder that no member names */
    uint32_t again; /* the next name of the same inode, after oci_tree_end */
    uint16_t layer; /* the last one, from 1, that named it or something in it */
    uint16_t wiped; /* the last layer whose whiteouts took what was in it */
    uint16_t depth; /* of folders above it */
    uint8_t type;
    bool gone, listed; /* listed: its folder leads to it */
};

struct oci_tree {
    struct oci_node *nodes;
    struct oci_inode *inodes; /* in the order of layers and members */
    struct oci_folder *folders;
    uint32_t *buckets;
    size_t node_count, inode_count, folder_count, bucket_count;
    uint64_t bytes; /* of names, targets and attributes */
};

void oci_tree_init(struct oci_tree *tree);
/*
 * Applies a member of a layer (from 1, rising) to the tree: OCI Image Format Specification,
 * "Filesystem Layers". NULL, or why it cannot be.
 */
const char *oci_tree_add(struct oci_tree *tree, struct archive_entry *entry, uint16_t layer,
                         uint32_t member);
/* After the last member: ties inodes to their names. */
void oci_tree_end(struct oci_tree *tree);
/* malloc'ed */
char *oci_tree_path(const struct oci_tree *tree, uint32_t node);
/* A folder as a member, for archive_entry_free; what of the node is not OCI_NONE. */
struct archive_entry *oci_tree_folder(const struct oci_tree *tree, uint32_t node);
void oci_tree_free(struct oci_tree *tree); /* safe on {0} */

#endif
