/*
 * kernel_ikconfig: the configuration that a kernel carries within itself (CONFIG_IKCONFIG; Linux
 * kernel/configs.c, scripts/extract-ikconfig).
 */
#ifndef RAMROOT_KERNEL_IKCONFIG_H
#define RAMROOT_KERNEL_IKCONFIG_H

#include "base/content.h"

/* From a bzImage; the text, malloc'ed. NULL: it has none, or in a form that is not known. */
char *kernel_ikconfig(const struct content *content);

#endif
