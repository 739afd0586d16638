/*
 * guard: looks at every member before anything else does, and remembers what has been where.
 *
 * A path must stay in the tree: no "..", nothing absolute, nothing through a symbolic link or a
 * file; a hard link names an earlier file; a name is there once. Paths are remembered as 64-bit
 * hashes (8 bytes a member), so memory is bounded by GUARD_MEMBERS_MAX, whatever the archive says.
 */
#ifndef RAMROOT_GUARD_H
#define RAMROOT_GUARD_H

#include "base/strings.h"

#include <archive_entry.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUARD_MEMBERS_MAX 4000000

enum guard_type { GUARD_NOTHING, GUARD_FOLDER, GUARD_SYMLINK, GUARD_OTHER };

struct guard {
    uint64_t *slots; /* hash with its low three bits replaced by the type; 0: free */
    size_t room, count;
    uint64_t bytes, bytes_max; /* of contents so far, and how many are too many */
    struct strings links;      /* pairs: path of a symbolic link near the root, target */
};

void guard_init(struct guard *guard, uint64_t bytes_max);
/*
 * Is this member of subject fit to be in the tree? It is remembered. over: it comes from a layer
 * above, so that it may take the place of a member that is there. -1, reported.
 */
int guard_member(struct guard *guard, struct archive_entry *entry, const char *subject, bool over);
/* What is wrong with the form of a path; NULL: nothing. */
const char *guard_path_check(const char *path);
/* Counts len bytes more; -1, reported, when they are too many. */
int guard_bytes(struct guard *guard, uint64_t len, const char *subject);
enum guard_type guard_type(const struct guard *guard, const char *path);
/*
 * A path with the symbolic links in it followed, as far as they are known (in the two topmost
 * levels of folders): "lib/x" -> "usr/lib/x" where lib is a link to usr/lib; malloc'ed. whole: the
 * last part too.
 */
char *guard_resolve(const struct guard *guard, const char *path, bool whole);
void guard_free(struct guard *guard);
/* Is it a folder that is there only because members are in it? */
bool guard_is_implied(const struct guard *guard, const char *path);

#endif
