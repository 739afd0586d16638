/* mkbootmedia: the command table, nothing else. */
#include "base/msg.h"
#include "base/util.h"
#include "cli/all.h"
#include "cli/devices.h"
#include "cli/inspect.h"
#include "cli/make.h"
#include "cli/options.h"
#include "cli/ramroot.h"
#include "cli/try.h"
#include "cli/update.h"
#include "cli/verify.h"
#include "cli/write.h"

#include <locale.h>
#include <stdlib.h>

static int completion_run(const struct command *command, int argc, char **argv);

static const struct command commands[] = {
    {"usb", CMD_USB, "-k KERNEL [-i INITRD]... [OPTION]... -o lab.img",
     "Make a disk image for sticks that boots on BIOS and UEFI.", make_run},
    {"iso", CMD_ISO, "-k KERNEL [-i INITRD]... [OPTION]... -o lab.iso",
     "Make a hybrid ISO, for CD and stick, that boots on BIOS and UEFI.", make_run},
    {"net", CMD_NET, "-k KERNEL [-i INITRD]... --url URL [OPTION]... -o DIR",
     "Make a boot root for TFTP and HTTP, with settings for DHCP and HTTP servers.", make_run},
    {"ramroot", CMD_RAMROOT, "ROOTFS [OPTION]... -o root.img",
     "Make an initramfs that runs a root file system from RAM.", ramroot_run},
    {"all", CMD_ALL, "-f lab.conf [OPTION]... -o DIR", "Make every output that a spec file names.",
     all_run},
    {"plan", CMD_PLAN, "-k KERNEL [-i INITRD]... [OPTION]... usb|iso|net",
     "Print what would be made; write nothing.", make_run},
    {"inspect", CMD_INSPECT, "IMAGE|DEVICE|DIR",
     "Show what an image or boot root holds, which firmware will boot it, and why not.",
     inspect_run},
    {"devices", CMD_DEVICES, "", "List the disks that may be written, and why others may not.",
     devices_run},
    {"write", CMD_WRITE, "[OPTION]... IMAGE DEVICE...",
     "Write an image to sticks and disks, and read it back.", write_command},
    {"verify", CMD_VERIFY, "[OPTION]... IMAGE|DEVICE|DIR",
     "Compare an image, a disk or a boot root with its manifest, byte for byte.", verify_command},
    {"update", CMD_UPDATE, "DEVICE [OPTION]...",
     "Give a stick new content beside the old, which boots until the new is whole.",
     update_command},
    {"try", CMD_TRY, "[OPTION]... IMAGE|DIR",
     "Boot an image, a disk or a boot root in QEMU, its console on the terminal.", try_command},
    {"completion", CMD_COMPLETION, "", "Print a completion script for bash.", completion_run},
    {0},
};

static int completion_run(const struct command *command, int argc, char **argv)
{
    struct options options;
    int result = options_parse(&options, command, argc, argv);

    if (result == 0 && options.help)
        options_help(command, stdout);
    else if (result == 0 && options.operand_count)
        result = usage_error(command, "'%s': an operand that is not expected", options.operands[0]);
    else if (result == 0)
        options_completion(commands, stdout);
    options_free(&options);
    return result;
}

static int help(FILE *out)
{
    fprintf(out, "usage: mkbootmedia COMMAND [OPTION]...\n\n"
                 "Boot media from a kernel and an initramfs.\n\n");
    for (const struct command *command = commands; command->name; command++)
        fprintf(out, "  %-11s %s\n", command->name, command->help);
    fprintf(out, "\nmkbootmedia COMMAND --help tells of a command's options.\n");
    return out == stdout ? 0 : EXIT_USAGE;
}

static int run(int argc, char **argv)
{
    if (argc < 2)
        return help(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0)
        return help(stdout);
    if (strcmp(argv[1], "--version") == 0) {
        printf("mkbootmedia %s\n", VERSION);
        return 0;
    }
    for (const struct command *command = commands; command->name; command++)
        if (strcmp(command->name, argv[1]) == 0)
            return command->run(command, argc - 1, argv + 1);
    msg_error("%s: no such command (see mkbootmedia --help)", argv[1]);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    int result;

    setlocale(LC_CTYPE, "C.UTF-8"); /* names in archives are bytes, or UTF-8, whoever runs this */
    result = run(argc, argv);

    if (fflush(stdout) == 0 && !ferror(stdout))
        return result;
    msg_errno("standard output", "writing");
    return EXIT_FAILURE;
}
