/*
 * named_acl: ACLs that name users and groups but not their numbers (as GNU tar writes them). The
 * tree's own etc/passwd and etc/group say which those are; as they may come later, such ACLs travel
 * beside the image (ramroot/extra.h). So do those with numbers that libarchive cannot write.
 */
#ifndef RAMROOT_NAMED_ACL_H
#define RAMROOT_NAMED_ACL_H

#include "base/util.h"
#include "ramroot/entry_map.h"
#include "ramroot/member.h"

struct named_acls {
    struct buf passwd, group; /* the texts, as far as they have come */
    struct buf *text;         /* which of them is coming */
    struct member inner;      /* the member that brings it */
    struct entry_map aside;   /* paths and ACLs */
};

/* Looks at a member on its way into the image, and takes such ACLs from it. over: it may take the
 * place of another. */
void named_acls_member(struct named_acls *acls, struct member *member, bool over);
/* Once all members have been: appends the ACLs, with numbers. -1, reported: a name is not known. */
int named_acls_end(struct named_acls *acls, const char *subject, struct buf *extra);
void named_acls_free(struct named_acls *acls); /* safe on {0} */

#endif
