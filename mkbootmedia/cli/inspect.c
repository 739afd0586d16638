/* inspect: opens an image or a boot root, has it looked at, prints what was found. */
#include "cli/inspect.h"

#include "base/source.h"
#include "cli/inspect_print.h"
#include "media/inspect.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int print(const struct inspect_report *report, bool json)
{
    if (json)
        return inspect_print_json(report);
    inspect_print(report);
    return 0;
}

static int inspect_file(const char *path, bool json)
{
    struct inspect_report report = {0};
    struct source source;
    struct content content;
    int result;

    if (source_open_disk(&source, path) < 0)
        return EXIT_FAILURE;
    content = source_content(&source);
    result = inspect_image(&report, path, &content);
    if (result == 0)
        result = print(&report, json);
    inspect_free(&report);
    source_close(&source);
    return result == 0 ? 0 : EXIT_FAILURE;
}

static int inspect_folder(const char *path, int fd, bool json)
{
    struct inspect_report report = {0};
    int result = inspect_tree(&report, path, fd);

    if (result == 0)
        result = print(&report, json);
    inspect_free(&report);
    return result == 0 ? 0 : EXIT_FAILURE;
}

static int inspect(const char *path, bool json)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), result;

    if (fd < 0)
        return inspect_file(path, json);
    result = inspect_folder(path, fd, json);
    close(fd);
    return result;
}

int inspect_run(const struct command *command, int argc, char **argv)
{
    struct options options;
    int result = options_parse(&options, command, argc, argv);

    if (result == 0 && options.help)
        options_help(command, stdout);
    else if (result == 0 && options.operand_count != 1)
        result = usage_error(command, "which image? one file, disk or boot root is wanted");
    else if (result == 0)
        result = inspect(options.operands[0], options.request.json);
    options_free(&options);
    return result;
}
