/*
 * render: a plan's texts from the templates: menus for GRUB and iPXE, early configurations, theme,
 * configurations of servers. A menu of GRUB and one of iPXE come from the same entries of the plan.
 */
#ifndef BOOT_RENDER_H
#define BOOT_RENDER_H

#include "boot/plan.h"
#include "boot/template.h"

/* All that the templates of one plan may name, filled in once, and the templates read so far. */
struct renderer {
    const struct plan *plan;
    struct scope scope;
    struct render_template *templates;
    size_t template_count;
};

void renderer_init(struct renderer *renderer, const struct plan *plan);
void renderer_free(struct renderer *renderer);

/* The names of a host, for "host.cfg" and "host.ipxe"; free them with scope_free. */
void renderer_host(const struct renderer *renderer, struct scope *scope,
                   const struct payload_host *host);

/*
 * Appends a template of the request's own folder or a built-in one ("grub.cfg"); -1, reported. host
 * is from renderer_host, or NULL.
 */
int renderer_render(struct renderer *renderer, struct buf *out, const char *name,
                    const struct scope *host);

/* All of that for a single template. */
int render(struct buf *out, const char *name, const struct plan *plan);

#endif
