/* update: what the stick has, and what the command line says, become its new content. */
#include "cli/update.h"

#include "base/msg.h"
#include "cli/make.h"
#include "cli/plan_print.h"
#include "cli/progress.h"
#include "media/beside.h"
#include "media/manifest_image.h"
#include "media/stick.h"
#include "media/update.h"
#include "media/write_open.h"
#include "ramroot/roots.h"

#include <inttypes.h>
#include <stdlib.h>

struct work {
    struct request *request;
    char *path;
    struct device_list list;
    struct write_target target;
    struct stick stick;
    struct payload_root *roots;
    struct payload payload;
    struct plan plan;
    struct medium_onto onto;
    struct medium medium;
    struct manifest_image manifest;
};

static void work_free(struct work *work)
{
    manifest_image_free(&work->manifest);
    medium_free(&work->medium);
    plan_free(&work->plan);
    payload_close(&work->payload);
    roots_free(work->roots, work->request->entry_count);
    stick_free(&work->stick);
    write_close(&work->target);
    device_list_free(&work->list);
}

static int open_stick(struct work *work)
{
    const struct device *device;

    if (device_list_of(&work->list, &work->path, 1) < 0 ||
        write_open(&work->target, work->path, &work->request->write, &work->list, &device) < 0)
        return -1;
    if (stick_open(&work->stick, work->path, work->target.is_file ? 0 : work->target.sector_size) <
        0)
        return -1;
    work->target.sector_size = work->stick.sector_size;
    return 0;
}

static int make_payload(struct work *work, const struct stick_given *given)
{
    struct request *request = work->request;

    if (stick_request(&work->stick, request, given) < 0 ||
        roots_make(&work->roots, request, PLAN_USB) < 0)
        return -1;
    if (!given->spec && stick_roots(&work->stick, request, work->roots) < 0)
        return -1;
    if (payload_open(&work->payload, request, work->roots) < 0)
        return -1;
    return stick_added(&work->stick, &work->payload);
}

/* Everything but the writing. */
static int lay_out(struct work *work)
{
    struct plan *plan = &work->plan;
    struct medium *medium = &work->medium;

    if (output_usb.check(work->request) < 0 ||
        plan_make(plan, work->request, &work->payload, PLAN_USB) < 0 ||
        manifest_image_begin(&work->manifest, plan) < 0)
        return -1;
    stick_places(&work->stick, plan, &work->onto);
    medium->output = &output_usb;
    medium->onto = &work->onto;
    if (output_usb.place(plan, medium) < 0)
        return -1;
    manifest_image_start(&work->manifest);
    if (output_usb.start(medium) < 0 || plan_finish(plan) < 0 ||
        output_usb.finish(plan, medium) < 0)
        return -1;
    if (manifest_image_finish(&work->manifest, medium) < 0)
        return -1;
    return stick_check(&work->stick, plan);
}

static int check_files(const void *manifest)
{
    return manifest_image_check(manifest);
}

/* What stands beside an image file tells of it as it was. */
static int withdraw(const struct work *work)
{
    struct beside beside;
    int result;

    if (!work->target.is_file)
        return 0;
    beside_init(&beside, work->path, work->request);
    result = beside_withdraw(&beside, &work->plan);
    beside_free(&beside);
    return result;
}

static int write_stick(struct work *work)
{
    struct progress progress;
    struct update update = {.target = &work->target,
                            .image = &work->medium.image,
                            .progress = progress_show,
                            .progress_arg = &progress,
                            .check = check_files,
                            .check_arg = &work->manifest};
    int result;

    progress_init(&progress, work->path, work->request->json);
    result = update_run(&update);
    progress_end(&progress);
    if (result == 0 && !work->request->json)
        msg_note("%s: updated: %.1f MiB written and read back", work->path,
                 (double)work->target.written / MIB);
    return result;
}

static int update(struct work *work, const struct stick_given *given)
{
    const struct request *request = work->request;

    if (open_stick(work) < 0 || make_payload(work, given) < 0 || lay_out(work) < 0)
        return -1;
    if (!request->dry_run && (withdraw(work) < 0 || write_stick(work) < 0))
        return -1;
    if (request->json)
        return plan_print_json(&work->plan, &work->medium, &output_usb);
    if (request->dry_run && !msg_level.quiet)
        plan_print(&work->plan, &work->medium, &output_usb);
    return 0;
}

static int check_usage(const struct command *command, const struct options *options)
{
    if (options->operand_count != 1)
        return usage_error(command, "which stick? one disk is wanted");
    return make_check_given(command, &options->request);
}

int update_command(const struct command *command, int argc, char **argv)
{
    struct options options;
    int result = options_parse(&options, command, argc, argv);

    source_raise_limit();
    if (result == 0 && options.help) {
        options_help(command, stdout);
    } else if (result == 0) {
        result = check_usage(command, &options);
    }
    if (result == 0 && !options.help) {
        struct work work = {.request = &options.request,
                            .path = options.operands[0],
                            .target = {.fd = -1},
                            .stick = {.disk.fd = -1}};
        struct stick_given given = {.spec = options.spec != NULL,
                                    .timeout = options_given(&options, "timeout")};

        result = update(&work, &given) < 0 ? EXIT_FAILURE : 0;
        work_free(&work);
    }
    options_free(&options);
    return result;
}
