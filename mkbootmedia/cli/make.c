/* make: usb, iso and net write a medium; plan prints what they would write. One way through. */
#include "cli/make.h"

#include "base/msg.h"
#include "base/source.h"
#include "base/util.h"
#include "cli/plan_print.h"
#include "cli/progress.h"
#include "cli/write.h"
#include "media/beside.h"
#include "media/bmap.h"
#include "media/manifest_image.h"
#include "media/net.h"
#include "media/output.h"
#include "media/sink.h"
#include "ramroot/roots.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* All that one run holds, from what was asked to the bytes. */
struct work {
    const struct request *request;
    const struct output *output;
    struct payload_root *roots; /* of entries that run from RAM */
    struct payload payload;
    struct plan plan;
    struct medium medium;
    struct manifest_image manifest; /* of an image */
    struct beside beside;           /* likewise */
    bool one_of_many;               /* somebody else tells of it */
    struct tree tree;
    struct progress progress;
};

static void work_free(struct work *work)
{
    tree_free(&work->tree);
    beside_free(&work->beside);
    manifest_image_free(&work->manifest);
    medium_free(&work->medium);
    plan_free(&work->plan);
    payload_close(&work->payload);
    roots_free(work->roots, work->request->entry_count);
}

static bool to_stdout(const struct request *request)
{
    return request->output && strcmp(request->output, "-") == 0;
}

int make_check_given(const struct command *command, const struct request *request)
{
    const struct request_entry *entry = request_default_entry(request);

    if (!entry->root.path && request_root_adjusted(&entry->root))
        return usage_error(command,
                           "--root: is missing, and --mode, --fetch and their like are for it");
    if (entry->root.path && entry->initrds.n)
        return usage_error(command, "--initrd: --root makes the initramfs");
    if (!request->sign_key != !request->sign_cert)
        return usage_error(command, "--sign-%s: is missing", request->sign_key ? "cert" : "key");
    return 0;
}

int make_check(const struct command *command, const struct output *output,
               const struct request *request)
{
    const struct request_entry *entry = request_default_entry(request);
    int result;

    if (!entry->kernel && !entry->root.path)
        return usage_error(command, "--kernel: is missing");
    result = make_check_given(command, request);
    if (result != 0)
        return result;
    if (output->kind == PLAN_NET && !request->url)
        return usage_error(command, "--url: is missing: where will the tree be served?");
    if (request->sign_key && !request->uki && output->kind == PLAN_NET)
        return usage_error(command, "--sign-key: is for UKIs, but --uki is missing");
    return 0;
}

/* What is missing from the command line, or contradicts itself. */
static int check_usage(const struct command *command, const struct output *output,
                       const struct request *request)
{
    int result = make_check(command, output, request);

    if (result != 0 || command->bit == CMD_PLAN)
        return result;
    if (request->output && request->write.devices.n)
        return usage_error(command, "--write: --output has it written to a file");
    if (request->write.make_bmap && (!request->output || to_stdout(request)))
        return usage_error(command, "--bmap: stands beside a file");
    if (request->write.make_manifest && (!request->output || to_stdout(request)))
        return usage_error(command, "--manifest: stands beside a file");
    if (request->write.devices.n)
        return 0;
    if (!request->output && !request->dry_run)
        return usage_error(command, "--output: is missing");
    if (to_stdout(request) && output->kind == PLAN_NET)
        return usage_error(command, "--output: a tree cannot go to stdout");
    if (to_stdout(request) && request->json)
        return usage_error(command, "--json: the image goes to stdout, so the document cannot");
    if (to_stdout(request) && !request->dry_run && isatty(STDOUT_FILENO))
        return usage_error(command, "--output: stdout is a terminal");
    return 0;
}

/* Is it an image that is written to a file? */
static bool to_file(const struct work *work)
{
    const struct request *request = work->request;

    return request->output && !to_stdout(request) && work->output->kind != PLAN_NET;
}

/* Before any work: can the output be there, and what stands beside it? */
static int check_output(struct work *work)
{
    const struct request *request = work->request;

    if (!to_file(work))
        return 0;
    beside_init(&work->beside, request->output, request);
    return sink_check(request->output) < 0 ? -1 : beside_check(&work->beside);
}

static bool is_read(const struct plan *plan, const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && plan_reads(plan, st.st_dev, st.st_ino);
}

/* Neither an old output nor the temporary name beside it may be a file that is to be read. */
static int check_input(const struct plan *plan, const char *path)
{
    char *name = draft_name(path);
    int result = 0;

    if (is_read(plan, path))
        result = msg_error("%s: writing: is one of the input files", path);
    else if (is_read(plan, name))
        result =
            msg_error("%s: writing: %s, its temporary name, is one of the input files", path, name);
    free(name);
    return result;
}

static int check_inputs(const struct work *work)
{
    if (!to_file(work))
        return 0;
    for (size_t i = 0; i < BESIDE_KINDS; i++)
        if (work->beside.files[i].wanted &&
            check_input(&work->plan, work->beside.files[i].path) < 0)
            return -1;
    return check_input(&work->plan, work->request->output);
}

static int check_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? msg_errno(path, "opening the folder") : close(fd);
}

/* A folder that is not there would be as good as none: the built-in would be taken, silently. */
static int check_folders(const struct request *request)
{
    for (size_t i = 0; i < request->loader_dirs.n; i++)
        if (check_folder(request->loader_dirs.v[i]) < 0)
            return -1;
    return request->templates ? check_folder(request->templates) : 0;
}

/* Hosts have scripts of their own in a tree; a stick does not know where it is plugged in. */
static int prepare_hosts(struct work *work)
{
    const struct request *request = work->request;

    if (work->output->kind == PLAN_NET)
        return payload_open_hosts(&work->payload, request);
    if (request->host_count && !work->one_of_many)
        msg_note("%s: settings of hosts are for net only", work->output->name);
    return 0;
}

/* A tree that is to be written, or looked at in a dry run, is opened before there is a plan. */
static int open_tree(struct work *work, bool print)
{
    const struct request *request = work->request;
    struct tree_options options = {request->no_sync, request->dry_run, progress_show,
                                   &work->progress};

    if (work->output->kind != PLAN_NET || !request->output || (print && !request->dry_run))
        return 0;
    return tree_open(&work->tree, request->output, &options);
}

static int prepare(struct work *work, bool print)
{
    const struct request *request = work->request;
    const struct output *output = work->output;

    if (output->check(request) < 0 || check_output(work) < 0 || check_folders(request) < 0 ||
        roots_make(&work->roots, request, output->kind) < 0 ||
        payload_open(&work->payload, request, work->roots) < 0 || prepare_hosts(work) < 0 ||
        open_tree(work, print) < 0)
        return -1;
    if (plan_make(&work->plan, request, &work->payload, output->kind) < 0 || check_inputs(work) < 0)
        return -1;
    work->medium.output = output;
    if (!output->place) /* a tree is laid out as it is written */
        return 0;
    return manifest_image_begin(&work->manifest, &work->plan) < 0
               ? -1
               : output->place(&work->plan, &work->medium);
}

/* All that the image still lacks once its files have their places. */
static int complete(struct work *work)
{
    const struct output *output = work->output;

    if (!output->place) /* a tree is laid out as it is written */
        return plan_finish(&work->plan);
    if (output->start(&work->medium) < 0 || plan_finish(&work->plan) < 0)
        return -1;
    return output->finish(&work->plan, &work->medium);
}

/* The same with its manifest, which is read while the rest of the image comes into being. */
static int complete_all(struct work *work)
{
    manifest_image_start(&work->manifest);
    return complete(work) < 0 ? -1 : manifest_image_finish(&work->manifest, &work->medium);
}

static int draft_map(struct work *work)
{
    struct buf text = {0};
    int result = bmap_print(&text, &work->medium.image);

    if (result == 0)
        result = beside_draft(&work->beside, BESIDE_MAP, content_memory(text.data, text.len),
                              work->request->no_sync);
    buf_free(&text);
    return result;
}

static int draft_manifest(struct work *work)
{
    const struct manifest_image *manifest = &work->manifest;
    bool no_sync = work->request->no_sync;
    int result = beside_draft(&work->beside, BESIDE_MANIFEST,
                              content_memory(manifest->text, manifest->room), no_sync);

    if (result == 0 && manifest->signature)
        result =
            beside_draft(&work->beside, BESIDE_SIGNATURE,
                         content_memory(manifest->signature, manifest->signature_len), no_sync);
    return result;
}

/* All under their names: at no moment does what tells of one image stand beside another. */
static int publish(struct work *work, struct sink *sink)
{
    if (sink_flush(sink) < 0 || beside_flush(&work->beside) < 0 ||
        beside_withdraw(&work->beside, &work->plan) < 0 || sink_publish(sink) < 0)
        return -1;
    return beside_publish(&work->beside);
}

/* Contents are copied while the rest of the image comes into being. */
static int write_file(struct work *work, const struct sink_options *options)
{
    const struct request *request = work->request;
    struct sink sink;
    size_t count;
    struct region *early = medium_early(&work->plan, &count);
    int result = sink_begin(&sink, request->output, work->medium.size, early, count, options);

    if (result == 0)
        result = complete_all(work);
    if (result == 0 && request->write.make_bmap)
        result = draft_map(work);
    if (result == 0 && request->write.make_manifest)
        result = draft_manifest(work);
    if (result == 0)
        result = sink_end(&sink, &work->medium.image);
    if (result == 0)
        result = manifest_image_check(&work->manifest);
    if (result == 0)
        result = publish(work, &sink);
    sink_free(&sink);
    return result;
}

static void tell(const struct request *request, const struct net_summary *summary)
{
    if (request->json)
        return;
    if (request->dry_run)
        msg_note("%s: %zu files, %zu of them would be new, %zu would be dropped", request->output,
                 summary->files, summary->written, summary->dropped);
    else if (!summary->written && !summary->dropped)
        msg_note("%s: unchanged: generation %u, %zu files", request->output, summary->generation,
                 summary->files);
    else
        msg_note("%s: generation %u: %zu files, %zu of them new, %zu dropped", request->output,
                 summary->generation, summary->files, summary->written, summary->dropped);
}

static int write_tree(struct work *work)
{
    struct net_summary summary;

    if (net_write(&work->tree, &work->plan, &summary) < 0)
        return -1;
    tell(work->request, &summary);
    return 0;
}

/* Onto disks or into a pipe, where nothing can be taken back. */
static int write_through(struct work *work, const struct sink_options *options)
{
    const struct request *request = work->request;
    const struct image *image = &work->medium.image;
    int result = complete_all(work);

    if (result == 0 && !request->output)
        result = write_medium(request, image, work->output->name);
    else if (result == 0)
        result = sink_stream(image, STDOUT_FILENO, "standard output", options);
    return result < 0 ? -1 : manifest_image_check(&work->manifest);
}

static int write_output(struct work *work)
{
    const struct request *request = work->request;
    struct sink_options options = {request->no_sync, progress_show, &work->progress};

    if (work->output->kind == PLAN_NET)
        return write_tree(work);
    if (request->output && !to_stdout(request))
        return write_file(work, &options);
    return write_through(work, &options);
}

/* A dry run of a tree, or onto disks, looks at what is there. */
static int look(struct work *work)
{
    if (work->output->kind == PLAN_NET && work->request->dry_run && work->request->output)
        return write_tree(work);
    if (complete(work) < 0)
        return -1;
    return work->request->write.devices.n
               ? write_medium(work->request, &work->medium.image, work->output->name)
               : 0;
}

static int run(struct work *work, bool print)
{
    const struct request *request = work->request;
    int result;

    if (!print)
        progress_init(&work->progress, request->output, request->json);
    result = prepare(work, print);
    if (result == 0)
        result = print ? look(work) : write_output(work);
    if (!print)
        progress_end(&work->progress);
    if (result < 0)
        return EXIT_FAILURE;
    if (request->write.devices.n) /* which has told of it */
        return 0;
    if (request->json && !work->one_of_many)
        return plan_print_json(&work->plan, &work->medium, work->output) < 0 ? EXIT_FAILURE : 0;
    if (print && !msg_level.quiet)
        plan_print(&work->plan, &work->medium, work->output);
    return 0;
}

/* The output that a command makes, or that its only operand names. */
static int find_output(const struct command *command, const struct options *options,
                       const struct output **output)
{
    const char *operand = options->operand_count ? options->operands[0] : NULL;

    if (command->bit != CMD_PLAN && operand)
        return usage_error(command, "'%s': an operand that is not expected", operand);
    if (command->bit == CMD_PLAN && options->operand_count != 1)
        return usage_error(command, "which output? one of %s", output_names());
    *output = output_find(operand ? operand : command->name);
    if (!*output)
        return usage_error(command, "'%s': no such output; it is one of %s", operand,
                           output_names());
    if (options->spec) /* which may speak of several outputs */
        return 0;
    if ((*output)->kind != PLAN_USB && options->request.size)
        return usage_error(command, "--size: is for usb only");
    if ((*output)->kind != PLAN_USB && options->request.data_size)
        return usage_error(command, "--data: is for usb only");
    if ((*output)->kind != PLAN_ISO && options->request.hybrid != HYBRID_AUTO)
        return usage_error(command, "--hybrid: is for iso only");
    return 0;
}

static int rollback(const struct command *command, const struct request *request)
{
    struct tree_options options = {request->no_sync, request->dry_run, NULL, NULL};
    struct net_summary summary;

    if (!request->output)
        return usage_error(command, "--output: is missing");
    if (request->json)
        return usage_error(command, "--json: going back has no document");
    if (net_rollback(request->output, &options, &summary) < 0)
        return EXIT_FAILURE;
    msg_note("%s: %s generation %u", request->output,
             request->dry_run ? "would go back to" : "back at", summary.generation);
    return 0;
}

int make_output(const struct request *request, const struct output *output, bool print,
                made_fn *made, void *arg)
{
    struct work work = {.request = request, .output = output, .one_of_many = arg};
    int result = run(&work, print);

    if (result == 0 && made && made(&work.plan, output, arg) < 0)
        result = EXIT_FAILURE;
    work_free(&work);
    return result;
}

int make_run(const struct command *command, int argc, char **argv)
{
    struct options options;
    const struct request *request = &options.request;
    const struct output *output = NULL;
    int result = options_parse(&options, command, argc, argv);

    source_raise_limit();
    if (result == 0 && options.help) {
        options_help(command, stdout);
        options_free(&options);
        return 0;
    }
    if (result == 0)
        result = find_output(command, &options, &output);
    if (result == 0 && request->rollback) {
        result = rollback(command, request);
    } else if (result == 0) {
        result = check_usage(command, output, request);
        if (result == 0)
            result = make_output(request, output, command->bit == CMD_PLAN || request->dry_run,
                                 NULL, NULL);
    }
    options_free(&options);
    return result;
}
