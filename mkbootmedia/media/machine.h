/*
 * machine: a virtual machine that boots what was made: QEMU with the firmware that is asked for.
 *
 * Firmware is found as QEMU's packages describe it (docs/interop/firmware.json of QEMU:
 * /usr/share/qemu/firmware), so no distribution's paths are known here. Nothing is written: media
 * are opened as snapshots, firmware's variables are a copy in memory.
 */
#ifndef MEDIA_MACHINE_H
#define MEDIA_MACHINE_H

#include <stdbool.h>

enum machine_plug { MACHINE_AUTO, MACHINE_USB, MACHINE_CD, MACHINE_DISK };

struct machine {
    const char *path;     /* image, device, or folder of a boot root */
    const char *firmware; /* "bios", "uefi", ...; see machine_firmwares */
    enum machine_plug plug;
    unsigned long memory;   /* MiB */
    const char *screenshot; /* PNG; NULL: none, it runs until it is switched off */
    unsigned long after;    /* seconds until the screenshot, and the end */
    bool no_kvm;            /* without the processor's help, although it is there */
};

/* "bios, uefi, ..." */
const char *machine_firmwares(void);
bool machine_has_firmware(const char *word);

/*
 * Runs it: its serial line is standard input and output (Ctrl-A X ends it). -1, reported: QEMU or
 * the firmware is missing, the boot root has no loader for it, QEMU failed.
 */
int machine_run(const struct machine *machine);

#endif
