/* verify: has a medium compared, and says what differs. */
#include "cli/verify.h"

#include "base/msg.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "media/verify.h"

#include <inttypes.h>
#include <stdlib.h>

static int print_json(const struct verify_report *report, const char *path)
{
    const struct manifest_doc *manifest = &report->manifest;
    json_t *faults = json_array();

    for (size_t i = 0; i < report->fault_count; i++) {
        const struct verify_fault *fault = &report->faults[i];

        json_array_append_new(
            faults,
            json_pack("{s:o, s:o, s:o, s:s}", "what", json_text(fault->what), "offset",
                      fault->placed ? json_number(fault->offset) : json_null(), "size",
                      fault->placed ? json_number(fault->len) : json_null(), "why", fault->why));
    }
    return json_print(json_pack(
        "{s:o, s:b, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "path", json_text(path),
        "same", report->fault_count == 0, "manifest", report->found, "medium",
        json_text(manifest->medium), "id", json_text(manifest->id), "version",
        json_text(manifest->version), "signer", json_text(report->signer), "files",
        json_number(report->files), "regions", json_number(report->regions), "bytes",
        json_number(report->bytes), "faults", faults, "remarks", json_texts(&report->remarks)));
}

/* One line each, on standard error as any error. */
static void print_fault(const char *path, const struct verify_fault *fault)
{
    if (fault->placed)
        msg_error("%s: verifying: %s %s (%" PRIu64 " bytes at %" PRIu64 ")", path, fault->what,
                  fault->why, fault->len, fault->offset);
    else
        msg_error("%s: verifying: %s %s", path, fault->what, fault->why);
}

static void print(const struct verify_report *report, const char *path)
{
    for (size_t i = 0; i < report->fault_count; i++)
        print_fault(path, &report->faults[i]);
    if (msg_level.quiet)
        return;
    for (size_t i = 0; i < report->remarks.n; i++)
        text_put(stdout, "%s: %s\n", path, report->remarks.v[i]);
    if (report->fault_count)
        return;
    text_put(stdout, "%s: as it was made: %zu files, %zu regions, %" PRIu64 " bytes compared", path,
             report->files, report->regions, report->bytes);
    if (report->signer)
        text_put(stdout, "; signed by %s", report->signer);
    text_put(stdout, "\n");
}

static int verify(const struct options *options)
{
    const struct request *request = &options->request;
    const char *path = options->operands[0];
    struct progress progress;
    struct verify_options how = {.manifest = request->verify.manifest,
                                 .signature = request->verify.signature,
                                 .progress = progress_show,
                                 .progress_arg = &progress};
    struct verify_report report;
    int result;

    progress_init(&progress, path, request->json);
    result = verify_run(&report, path, &how);
    progress_end(&progress);
    if (result == 0 && request->json)
        result = print_json(&report, path);
    else if (result == 0)
        print(&report, path);
    if (result == 0 && report.fault_count)
        result = -1;
    verify_free(&report);
    return result < 0 ? EXIT_FAILURE : 0;
}

int verify_command(const struct command *command, int argc, char **argv)
{
    struct options options;
    int result = options_parse(&options, command, argc, argv);

    if (result == 0 && options.help)
        options_help(command, stdout);
    else if (result == 0 && options.operand_count != 1)
        result = usage_error(command, "which image, disk or boot root? one is wanted");
    else if (result == 0)
        result = verify(&options);
    options_free(&options);
    return result;
}
