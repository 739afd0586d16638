/* inspect: opens an image, has it looked at, prints what was found. */
#include "cli/inspect.h"

#include "base/source.h"
#include "cli/inspect_print.h"
#include "media/inspect.h"

#include <stdlib.h>

static int inspect(const char *path, bool json)
{
    struct inspect_report report = {0};
    struct source source;
    struct content content;
    int result;

    if (source_open_disk(&source, path) < 0)
        return EXIT_FAILURE;
    content = source_content(&source);
    result = inspect_image(&report, path, &content);
    if (result == 0 && json)
        result = inspect_print_json(&report);
    else if (result == 0)
        inspect_print(&report);
    inspect_free(&report);
    source_close(&source);
    return result == 0 ? 0 : EXIT_FAILURE;
}

int inspect_run(const struct command *command, int argc, char **argv)
{
    struct options options;
    int result = options_parse(&options, command, argc, argv);

    if (result == 0 && options.help)
        options_help(command, stdout);
    else if (result == 0 && options.operand_count != 1)
        result = usage_error(command, "which image? one file or disk is wanted");
    else if (result == 0)
        result = inspect(options.operands[0], options.request.json);
    options_free(&options);
    return result;
}
