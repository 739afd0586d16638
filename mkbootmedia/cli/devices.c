/*
 * devices: what may be written, what only with --allow-fixed, and why the rest may not.
 */
#include "cli/devices.h"

#include "base/msg.h"
#include "base/util.h"
#include "cli/device_print.h"
#include "cli/json.h"
#include "cli/text.h"
#include "media/device.h"

#include <stdlib.h>

static const char *const states[] = {"free", "fixed", "barred"};

static json_t *device_json(const struct device *device)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:o, s:i, s:b, s:b, s:o, s:s, s:o}",
                     "path", device->path, "name", device->name, "by_id", json_text(device->by_id),
                     "vendor", json_text(device->vendor), "model", json_text(device->model),
                     "serial", json_text(device->serial), "bus", device->bus, "size",
                     json_number(device->size), "sector_size", (int)device->sector_size,
                     "removable", device->removable, "read_only", device->read_only, "contents",
                     json_text(device->contents), "state", states[device->state], "why_not",
                     json_text(device->why));
}

static int print_json(const struct device_list *list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(array, device_json(&list->devices[i]));
    return json_print(json_pack("{s:o}", "devices", array));
}

static size_t print_state(const struct device_list *list, enum device_state state,
                          const char *headline)
{
    size_t n = 0;

    for (size_t i = 0; i < list->count; i++)
        if (list->devices[i].state == state) {
            if (!n++ && headline)
                text_put(stdout, "%s\n", headline);
            device_print(stdout, &list->devices[i]);
        }
    return n;
}

/* Drives without a medium and the like would fill the screen: only with -v. */
static bool worth_a_line(const struct device *device)
{
    return device->state == DEVICE_BARRED && (device->size || msg_level.verbose);
}

static void print_barred(const struct device_list *list)
{
    bool any = false;

    for (size_t i = 0; i < list->count; i++)
        if (worth_a_line(&list->devices[i])) {
            if (!any)
                text_put(stdout, "Not to be written:\n");
            any = true;
            text_put(stdout, "%s  %s  %s\n", list->devices[i].path,
                     disk_text(list->devices[i].size).text, list->devices[i].why);
        }
}

static void print(const struct device_list *list)
{
    if (!print_state(list, DEVICE_FREE, NULL))
        puts("No stick or card that may be written is plugged in.");
    print_state(list, DEVICE_FIXED, "With --allow-fixed only, as they are not removable:");
    if (!msg_level.quiet)
        print_barred(list);
}

int devices_run(const struct command *command, int argc, char **argv)
{
    struct options options;
    struct device_list list = {0};
    int result = options_parse(&options, command, argc, argv);

    if (result == 0 && options.help) {
        options_help(command, stdout);
    } else if (result == 0 && options.operand_count) {
        result = usage_error(command, "'%s': an operand that is not expected", options.operands[0]);
    } else if (result == 0) {
        result = device_list(&list, "");
        if (result == 0 && options.request.json)
            result = print_json(&list);
        else if (result == 0)
            print(&list);
        result = result < 0 ? EXIT_FAILURE : 0;
    }
    device_list_free(&list);
    options_free(&options);
    return result;
}
