/* try: a machine from the command line. */
#include "cli/try.h"

#include "base/util.h"
#include "media/machine.h"

#include <stdlib.h>

/* What --as says; -1: nothing that there is. */
static int find_plug(const char *word)
{
    static const char *const words[] = {"auto", "usb", "cd", "disk"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (!word || strcmp(words[i], word) == 0)
            return (int)i;
    return -1;
}

static int try(const struct command *command, const struct options *options)
{
    const struct request_try *asked = &options->request.try;
    struct machine machine = {.path = options->operands[0],
                              .firmware = asked->firmware ? asked->firmware : "bios",
                              .memory = asked->memory,
                              .screenshot = asked->screenshot,
                              .after = asked->after,
                              .no_kvm = asked->no_kvm};
    int plug = find_plug(asked->plug);

    if (!machine_has_firmware(machine.firmware))
        return usage_error(command, "--firmware: '%s' is none of %s", machine.firmware,
                           machine_firmwares());
    if (plug < 0)
        return usage_error(command, "--as: '%s' is none of usb, cd, disk", asked->plug);
    machine.plug = (enum machine_plug)plug;
    return machine_run(&machine) < 0 ? EXIT_FAILURE : 0;
}

int try_command(const struct command *command, int argc, char **argv)
{
    struct options options;
    int result = options_parse(&options, command, argc, argv);

    if (result == 0 && options.help)
        options_help(command, stdout);
    else if (result == 0 && options.operand_count != 1)
        result = usage_error(command, "which image or boot root? one is wanted");
    else if (result == 0)
        result = try(command, &options);
    options_free(&options);
    return result;
}
