/*
 * setting_root: one value of how a root file system is made into one that runs from RAM, from its
 * text: an option of the command line, or a key of an entry in the spec file.
 *
 * Each returns NULL, or what is wrong with the text, as in setting.h; a list takes one more value
 * at a time, and NULL empties it.
 */
#ifndef BOOT_SETTING_ROOT_H
#define BOOT_SETTING_ROOT_H

#include "boot/request.h"

typedef const char *setting_root_fn(struct request_root *root, const char *value);

setting_root_fn setting_root_path, setting_root_mode, setting_root_fetch,
    setting_root_kernel_version, setting_root_busybox, setting_root_compress, setting_root_threads,
    setting_root_ram_limit, setting_root_fstab, setting_root_selinux, setting_root_getty,
    setting_root_boot, setting_root_modules, setting_root_hostname, setting_root_password;
/* Lists. */
setting_root_fn setting_root_overlay, setting_root_ssh_key;

#endif
