/*
 * setting: one value of a request, from its text: the same for an option of the command line and
 * for a key of the spec file.
 *
 * Each takes a request and a text and returns NULL, or what is wrong with the text, in words that
 * follow it ("is not a number of seconds ..."). A list takes one more value at a time; NULL as text
 * empties it, so that the command line can win over the spec file.
 */
#ifndef BOOT_SETTING_H
#define BOOT_SETTING_H

#include "boot/request.h"

typedef const char *setting_fn(struct request *request, const char *value);

/* Of the default entry. */
setting_fn setting_kernel, setting_initrd, setting_cmdline, setting_title;

setting_fn setting_default, setting_label, setting_timeout, setting_templates, setting_hybrid,
    setting_size, setting_data, setting_output, setting_kernel_out, setting_root_out;
/* Lists. */
setting_fn setting_console, setting_add, setting_firmware, setting_loaders, setting_outputs;

/* Of a tree. */
setting_fn setting_url, setting_server, setting_subnet, setting_interface, setting_server_path,
    setting_pxe, setting_keep;
setting_fn setting_sign_key, setting_sign_cert;

/* Of disks that are written. */
setting_fn setting_write, setting_serial, setting_verify, setting_map, setting_make_map,
    setting_make_manifest, setting_manifest, setting_signed_by, setting_yes, setting_allow_fixed,
    setting_allow_file;

/* Of a try. */
setting_fn setting_try_firmware, setting_try_plug, setting_memory, setting_screenshot,
    setting_after, setting_no_kvm;

/* Flags: "true" and "false" (also yes and no, on and off); NULL is true. */
setting_fn setting_rollback, setting_uki, setting_uki_boot, setting_dry_run, setting_json,
    setting_no_sync;

const char *setting_flag(bool *flag, const char *value);
/* A text that is not empty. */
const char *setting_text(char **place, const char *value);
/* "4G", "500M" -> bytes. */
const char *setting_bytes(uint64_t *bytes, const char *value);
/* Adds the firmware of a list of words ("bios,uefi") to a mask. */
const char *setting_firmware_words(unsigned *mask, const char *words);
/* The name of an entry, which is also a label of iPXE's, an id of GRUB's and a file's name. */
const char *setting_entry_name_check(const char *name);
const char *setting_hostname_check(const char *name);
/* The address of a network card in any usual form; mac becomes "52-54-00-12-34-56". */
const char *setting_mac(char mac[18], const char *text);

#endif
