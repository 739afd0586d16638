/*
 * all: every output of a spec file into one folder, named after the spec file: lab.conf gives
 * lab.img, lab.iso and net/, and manifest.json of all of them.
 */
#include "cli/all.h"

#include "base/msg.h"
#include "base/source.h"
#include "base/util.h"
#include "cli/make.h"
#include "media/draft.h"
#include "media/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_LEN 200 /* bytes of a manifest that say what it is of */

/* What one run makes. */
struct all {
    struct request *request;
    const char *folder;
    bool nowhere; /* a dry run, and the folder is not there */
    struct manifest manifest;
    char *name; /* of the output that is being made, within the folder */
};

/* "lab" of "/srv/lab.conf" */
static char *base_of(const char *spec)
{
    const char *slash = strrchr(spec, '/'), *base = slash ? slash + 1 : spec;
    const char *dot = strrchr(base, '.');

    return xasprintf("%.*s", dot && dot > base ? (int)(dot - base) : (int)strlen(base), base);
}

static char *name_of(const struct output *output, const char *spec)
{
    char *base = base_of(spec), *name;

    if (output->kind == PLAN_NET)
        name = xstrdup("net");
    else
        name = xasprintf("%s.%s", base, output->kind == PLAN_USB ? "img" : "iso");
    free(base);
    return name;
}

/* An output is there: its size and digest; those of a tree are its manifest's. */
static int add_output(const struct plan *plan, const struct output *output, void *arg)
{
    struct all *all = arg;
    bool tree = output->kind == PLAN_NET;
    char *path = xasprintf("%s/%s%s", all->folder, all->name, tree ? "/manifest.json" : "");
    uint8_t digest[DIGEST_LEN];
    struct source source;
    int result = source_open(&source, path);

    if (result == 0) {
        struct content content = source_content(&source);

        result = digest_content(&content, 0, digest);
        if (result == 0)
            manifest_add(&all->manifest, plan, output->name, all->name, source.size, digest);
        source_close(&source);
    }
    free(path);
    return result;
}

static int make_one(struct all *all, const char *name, const char *spec)
{
    const struct output *output = output_find(name);
    struct request *request = all->request;
    int result;

    free(request->output);
    free(all->name);
    all->name = name_of(output, spec);
    request->output = all->nowhere ? NULL : xasprintf("%s/%s", all->folder, all->name);
    result =
        make_output(request, output, request->dry_run, request->dry_run ? NULL : add_output, all);
    return result;
}

static int write_manifest(struct all *all)
{
    char *path = xasprintf("%s/manifest.json", all->folder);
    struct draft draft;
    struct buf text = {0};
    int result = draft_open(&draft, path, all->request->no_sync);

    if (result == 0)
        result = manifest_print_all(&text, &all->manifest);
    if (result == 0 && all->request->json)
        fwrite(text.data, 1, text.len, stdout);
    if (result == 0 && write(draft.fd, text.data, text.len) != (ssize_t)text.len)
        result = msg_errno(path, "writing");
    if (result == 0)
        result = draft_publish(&draft);
    draft_close(&draft);
    buf_free(&text);
    free(path);
    return result;
}

static int make_folder(struct all *all)
{
    struct stat st;

    all->nowhere = all->request->dry_run && access(all->folder, F_OK) < 0;
    if (all->nowhere || (!all->request->dry_run && mkdir(all->folder, 0777) == 0))
        return 0;
    if (stat(all->folder, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    return msg_errno(all->folder, "making the folder");
}

/* A manifest that is there already must be of such a run: not a tree's, nor anybody's. */
static int check_manifest(const struct all *all)
{
    char *path = xasprintf("%s/manifest.json", all->folder), head[HEAD_LEN + 1] = {0};
    struct source source;
    int result = 0;

    if (access(path, F_OK) == 0 && (result = source_open_any(&source, path)) == 0) {
        struct content content = source_content(&source);

        result = content_read(&content, 0, head, source.size < HEAD_LEN ? source.size : HEAD_LEN);
        if (result == 0 && !(strstr(head, "\"generator\": \"mkbootmedia\"") &&
                             strstr(head, "\"medium\": \"all\"")))
            result = msg_error("%s: writing: was not made by mkbootmedia all", path);
        source_close(&source);
    }
    free(path);
    return result;
}

static int make_all(struct all *all, const char *spec)
{
    const struct strings *outputs = &all->request->outputs;

    if (make_folder(all) < 0 || check_manifest(all) < 0)
        return EXIT_FAILURE;
    for (size_t i = 0; i < outputs->n; i++)
        if (make_one(all, outputs->v[i], spec) != 0)
            return EXIT_FAILURE;
    if (!all->request->dry_run && write_manifest(all) < 0)
        return EXIT_FAILURE;
    return 0;
}

static int check_usage(const struct command *command, const struct options *options)
{
    const struct request *request = &options->request;
    int result = 0;

    if (options->operand_count)
        return usage_error(command, "'%s': an operand that is not expected", options->operands[0]);
    if (!options->spec)
        return usage_error(command, "--spec: is missing");
    if (!request->output)
        return usage_error(command, "--output: is missing");
    if (!request->outputs.n)
        return usage_error(command, "%s names no outputs", options->spec);
    if (request->json && request->dry_run)
        return usage_error(command, "--json: a dry run makes no manifest");
    if (strcmp(request->output, "-") == 0)
        return usage_error(command, "--output: several outputs cannot go to stdout");
    for (size_t i = 0; i < request->outputs.n && result == 0; i++)
        result = make_check(command, output_find(request->outputs.v[i]), request);
    return result;
}

int all_run(const struct command *command, int argc, char **argv)
{
    struct options options;
    struct all all = {.request = &options.request};
    char *folder = NULL;
    int result = options_parse(&options, command, argc, argv);

    source_raise_limit();
    if (result == 0 && options.help)
        options_help(command, stdout);
    else if (result == 0 && (result = check_usage(command, &options)) == 0) {
        folder = xstrdup(options.request.output);
        all.folder = folder;
        result = make_all(&all, options.spec);
    }
    manifest_free(&all.manifest);
    free(all.name);
    free(folder);
    options_free(&options);
    return result;
}
