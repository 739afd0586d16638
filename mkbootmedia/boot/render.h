/*
 * render: a plan's texts from the templates: the GRUB menu, the early configurations, the theme.
 *
 * This is the one place where a text that came from outside is quoted for GRUB's language.
 */
#ifndef BOOT_RENDER_H
#define BOOT_RENDER_H

#include "boot/plan.h"

/* Renders a template of the request's own folder or a built-in one ("grub.cfg"); -1, reported. */
int render(struct buf *out, const char *name, const struct plan *plan);

/* text as one word of GRUB's script language, whatever it holds: 'it'\''s'. */
void render_quote(struct buf *out, const char *text);

#endif
