/* ramroot: a root file system becomes an initramfs, and on request its kernel and root image. */
#include "cli/ramroot.h"

#include "base/msg.h"
#include "cli/json.h"
#include "boot/setting_root.h"
#include "media/draft.h"
#include "media/sink.h"
#include "ramroot/roots.h"

#include <stdlib.h>
#include <unistd.h>

/* A file that is to be written. */
struct part {
    const char *path; /* NULL: it is not */
    const struct source *source;
    struct draft draft;
};

#define PARTS 3

static int check_usage(const struct command *command, const struct options *options)
{
    const struct request *request = &options->request;
    const struct request_root *root = &request->entries[0].root;

    if (options->operand_count != 1)
        return usage_error(command, options->operand_count ? "one root file system is wanted"
                                                           : "which root file system?");
    if (!request->output && !request->dry_run)
        return usage_error(command, "--output: is missing");
    if (request->output && strcmp(request->output, "-") == 0)
        return usage_error(command, "--output: an initramfs cannot go to stdout");
    if (root->fetch && !root->urls.n)
        return usage_error(command, "--fetch: from what URL?");
    if (root->fetch && !request->root_out && !request->dry_run)
        return usage_error(command,
                           "--root-out: is missing: where shall the root image be written?");
    if (!root->fetch && request->root_out)
        return usage_error(command, "--root-out: is for --fetch");
    return 0;
}

static int check_parts(struct part *parts)
{
    for (size_t i = 0; i < PARTS; i++)
        if (parts[i].path && sink_check(parts[i].path) < 0)
            return -1;
    return 0;
}

/* All of them are written before the first gets its name. */
static int write_parts(struct part *parts, bool no_sync)
{
    for (size_t i = 0; i < PARTS; i++) {
        struct part *part = &parts[i];
        struct content content;

        if (!part->path || !part->source->path)
            continue;
        content = source_content(part->source);
        if (draft_open(&part->draft, part->path, no_sync) < 0 ||
            content_write(&content, part->draft.fd, part->path, 0) < 0)
            return -1;
    }
    for (size_t i = 0; i < PARTS; i++)
        if (parts[i].draft.fd >= 0 && draft_publish(&parts[i].draft) < 0)
            return -1;
    return 0;
}

static void tell(const struct payload_root *root, const char *output)
{
    for (size_t i = 0; i < root->lines.n; i++)
        msg_note("%s: %s", output, root->lines.v[i]);
}

static int tell_json(const struct payload_root *root, const struct request *request)
{
    const struct payload_memory *memory = &root->memory;

    return json_print(json_pack("{s:o, s:s, s:s, s:I, s:I, s:I, s:I, s:o}", "output",
                                json_text(request->output), "mode", root->mode, "sha256",
                                root->sha256, "image", (json_int_t)memory->image, "unpacked",
                                (json_int_t)memory->unpacked, "peak", (json_int_t)memory->peak,
                                "ram", (json_int_t)memory->ram, "notes", json_texts(&root->lines)));
}

static int make(const struct options *options)
{
    const struct request *request = &options->request;
    const struct request_entry *entry = &request->entries[0];
    struct payload_root root = {0};
    struct part parts[PARTS] = {
        {request->kernel_out, &root.kernel, {.fd = -1, .folder_fd = -1}},
        {request->root_out, &root.image, {.fd = -1, .folder_fd = -1}},
        {request->output, NULL, {.fd = -1, .folder_fd = -1}},
    };
    struct source own = {.fd = -1};
    int result = check_parts(parts);

    if (result == 0)
        result = roots_make_one(&root, request, entry, entry->root.fetch);
    parts[2].source = root.initrds;
    if (result == 0 && request->kernel_out && entry->kernel) {
        result = source_open(&own, entry->kernel);
        parts[0].source = &own;
    }
    if (result == 0 && !request->dry_run)
        result = write_parts(parts, request->no_sync);
    if (result == 0 && request->json)
        result = tell_json(&root, request);
    else if (result == 0)
        tell(&root, request->output ? request->output : "RAM root");
    for (size_t i = 0; i < PARTS; i++)
        draft_close(&parts[i].draft);
    if (own.fd >= 0)
        source_close(&own);
    payload_root_free(&root);
    return result < 0 ? EXIT_FAILURE : 0;
}

int ramroot_run(const struct command *command, int argc, char **argv)
{
    struct options options;
    int result = options_parse(&options, command, argc, argv);

    if (result == 0 && options.help)
        options_help(command, stdout);
    else if (result == 0 && (result = check_usage(command, &options)) == 0) {
        const char *why = setting_root_path(&options.request.entries[0].root, options.operands[0]);

        result = why ? usage_error(command, "'%s' %s", options.operands[0], why) : make(&options);
    }
    options_free(&options);
    return result;
}
