/* verify: finds the manifest, and has the medium compared. */
#include "media/verify_private.h"

#include "base/msg.h"
#include "base/sign_cms.h"

#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

void verify_fault_at(struct verify_report *report, const char *what, uint64_t offset, uint64_t len,
                     const char *why)
{
    verify_fault(report, what, why);
    report->faults[report->fault_count - 1].placed = true;
    report->faults[report->fault_count - 1].offset = offset;
    report->faults[report->fault_count - 1].len = len;
}

void verify_fault(struct verify_report *report, const char *what, const char *why)
{
    report->faults = xgrow(report->faults, report->fault_count, sizeof *report->faults);
    report->faults[report->fault_count++] =
        (struct verify_fault){.what = xstrdup(what), .why = xstrdup(why)};
}

/* The manifest beside an image; 0: there is none. */
static int read_beside(struct verify_report *report, const char *path)
{
    char *beside = xasprintf("%s.manifest.json", path);
    int result = access(beside, F_OK) < 0                       ? 0
                 : manifest_read(&report->manifest, beside) < 0 ? -1
                                                                : 1;

    report->found = "beside";
    free(beside);
    return result;
}

/* Inside it, else beside it. */
static int find_manifest(struct verify_report *report, const char *path,
                         const struct content *content)
{
    struct buf text = {0};
    const char *why = NULL;
    char *name = xasprintf("in %s", path);
    int result = verify_find(&text, path, content);

    report->found = "inside";
    if (result == 1) /* which takes the text */
        result = manifest_parse(&report->manifest, name, text, &why);
    else
        buf_free(&text);
    free(name);
    if (why)
        verify_fault(report, "manifest", why);
    if (result != 0)
        return result;
    manifest_doc_free(&report->manifest);
    result = read_beside(report, path);
    if (result == 0)
        return why ? msg_error("%s: verifying: its manifest %s", path, why)
                   : msg_error("%s: verifying: there is no manifest in it, nor beside it", path);
    return result;
}

static int verify_file(struct verify_report *report, const char *path,
                       const struct verify_options *options)
{
    struct source source;
    struct content content;
    int result;

    if (source_open_disk(&source, path) < 0)
        return -1;
    ioctl(source.fd, BLKFLSBUF, 0); /* of a disk what is on it is wanted, not what was written */
    content = source_content(&source);
    result = options->manifest ? 0 : find_manifest(report, path, &content);
    if (result >= 0)
        result = verify_image(report, path, &content, options);
    source_close(&source);
    return result;
}

static int verify_folder(struct verify_report *report, const char *path,
                         const struct verify_options *options)
{
    char *inside = xasprintf("%s/manifest.json", path);
    int result = 0;

    if (!options->manifest) {
        report->found = "inside";
        result = manifest_read(&report->manifest, inside);
    }
    free(inside);
    return result < 0 ? -1 : verify_tree(report, path, options);
}

int verify_run(struct verify_report *report, const char *path, const struct verify_options *options)
{
    struct stat st;

    *report = (struct verify_report){.found = "given"};
    if (options->signature && sign_cms_certificate(options->signature) < 0)
        return -1;
    if (stat(path, &st) < 0)
        return msg_errno(path, "opening");
    if (options->manifest && manifest_read(&report->manifest, options->manifest) < 0)
        return -1;
    return S_ISDIR(st.st_mode) ? verify_folder(report, path, options)
                               : verify_file(report, path, options);
}

void verify_free(struct verify_report *report)
{
    for (size_t i = 0; i < report->fault_count; i++) {
        free(report->faults[i].what);
        free(report->faults[i].why);
    }
    free(report->faults);
    free(report->signer);
    strings_free(&report->remarks);
    manifest_doc_free(&report->manifest);
    *report = (struct verify_report){0};
}
