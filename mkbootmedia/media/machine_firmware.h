/* machine_firmware: what QEMU's firmware descriptors say. */
#ifndef MEDIA_MACHINE_FIRMWARE_H
#define MEDIA_MACHINE_FIRMWARE_H

#include <stdbool.h>

struct machine_firmware {
    char *code, *vars; /* files; vars is a template */
    bool smm;          /* it wants system management mode */
};

/*
 * Finds UEFI for an architecture ("x86_64", "i386", "aarch64"), with or without Microsoft's keys
 * enrolled and Secure Boot on. dirs: colon-separated folders of descriptors, those of the first
 * count most. False: there is none.
 */
bool machine_firmware_find(struct machine_firmware *firmware, const char *dirs,
                           const char *architecture, bool secure);
void machine_firmware_free(struct machine_firmware *firmware);

#endif
