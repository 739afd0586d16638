/* render, its rooms: render.c (templates), render_entry.c (menus), render_net.c (servers). */
#ifndef BOOT_RENDER_SCOPE_H
#define BOOT_RENDER_SCOPE_H

#include "boot/plan.h"
#include "boot/template.h"

/* The names of an entry, in its own scope; with the words of a host, if one is given. */
void render_entry(struct scope *scope, const struct plan *plan, const struct plan_entry *entry,
                  const struct payload_host *host);
/* Which entry boots without a choice: everywhere, or where it is not to be seen. */
void render_default(struct scope *scope, const struct plan *plan);
/* What the configurations of DHCP and HTTP servers name. */
void render_net(struct scope *scope, const struct plan *plan);

#endif
