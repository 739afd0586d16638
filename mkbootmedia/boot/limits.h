/*
 * limits: can the loaders of a plan load an entry at all? What a single stage, kernel and
 * initramfs, may be in size depends on the loader, and on the firmware's memory.
 */
#ifndef BOOT_LIMITS_H
#define BOOT_LIMITS_H

#include "boot/plan.h"

/* Warns, with the arithmetic, of an entry that is too large for a loader of the plan. */
void limits_warn(const struct plan *plan, const struct plan_entry *entry);

#endif
