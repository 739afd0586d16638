/*
 * verify_image: one pass over the image, in order: what is of a file or a region goes into its
 * digest, what is of neither has to be zero, what is spare is not read.
 */
#include "media/verify_private.h"

#include "base/msg.h"
#include "base/sign_cms.h"
#include "media/manifest.h"

#include <inttypes.h>
#include <stdlib.h>

#define CHUNK         (1 * MIB)
#define SIGNATURE_MAX (1 * MIB)
#define ADDED_MAX     100   /* files that are named at most */
#define DEPTH_MAX     32    /* folders in folders */
#define FOLDERS       10000 /* that are looked into: folders of a hostile image have no end */

/* A stretch of bytes of the image that is compared as one. */
struct stretch {
    uint64_t offset, len;
    const struct manifest_piece *piece; /* NULL: zeros */
};

struct walk {
    struct verify_report *report;
    const struct verify_options *options;
    struct verify_view view;
    struct stretch *runs;
    size_t run_count;
    size_t spare; /* the first spare range that does not end before the runs */
    uint64_t total;
    char *chunk;
    bool tables_differ; /* a region of the file system does */
};

static void add_run(struct walk *walk, uint64_t offset, uint64_t end,
                    const struct manifest_piece *piece)
{
    if (end <= offset)
        return;
    walk->runs = xgrow(walk->runs, walk->run_count, sizeof *walk->runs);
    walk->runs[walk->run_count++] = (struct stretch){offset, end - offset, piece};
    walk->total += end - offset;
}

/* What is between two pieces is zero, but for what is spare. */
static void add_gap(struct walk *walk, uint64_t offset, uint64_t end)
{
    const struct manifest_doc *doc = &walk->report->manifest;

    for (; walk->spare < doc->spare_count && doc->spare[walk->spare].offset < end; walk->spare++) {
        const struct image_range *spare = &doc->spare[walk->spare];
        uint64_t spare_end = spare->offset + spare->len;

        add_run(walk, offset, spare->offset, NULL);
        offset = spare_end > offset ? spare_end : offset;
        if (spare_end > end) /* the next gap may have more of it */
            break;
    }
    add_run(walk, offset, end, NULL);
}

static void make_runs(struct walk *walk)
{
    const struct manifest_doc *doc = &walk->report->manifest;
    uint64_t end = 0;

    for (size_t i = 0; i < doc->count; i++) {
        const struct manifest_piece *piece = &doc->pieces[i];

        if (!piece->placed)
            continue;
        add_gap(walk, end, piece->offset);
        end = piece->offset + piece->len;
        add_run(walk, piece->offset, end, piece);
    }
    add_gap(walk, end, doc->size);
}

static bool all_zero(const char *data, size_t len)
{
    return len == 0 || (data[0] == 0 && memcmp(data, data + 1, len - 1) == 0);
}

static bool is_manifest(const struct manifest_piece *piece)
{
    return !piece->summed && strcmp(piece->path, MANIFEST_PATH) == 0;
}

/* Reads a run: 1: it is as it should be; 0: it is not; -1, reported. */
static int compare(struct walk *walk, const struct stretch *run)
{
    const struct manifest_doc *doc = &walk->report->manifest;
    struct digest digest = {0};
    uint8_t sum[DIGEST_LEN];
    bool same = true;

    if (run->piece && run->piece->summed)
        digest_init(&digest);
    for (uint64_t at = 0; at < run->len; at += CHUNK) {
        size_t n = run->len - at < CHUNK ? (size_t)(run->len - at) : CHUNK;

        if (verify_view_read(&walk->view, run->offset + at, walk->chunk, n) < 0) {
            digest_final(&digest, NULL);
            return -1;
        }
        image_ranges_clear(doc->changing, doc->changing_count, run->offset + at, walk->chunk, n);
        if (digest.state)
            digest_add(&digest, walk->chunk, n);
        else if (!run->piece)
            same = same && all_zero(walk->chunk, n);
        else if (is_manifest(run->piece))
            same =
                same && at + n <= doc->text.len && memcmp(walk->chunk, doc->text.data + at, n) == 0;
        walk->report->bytes += n;
        if (walk->options->progress)
            walk->options->progress(walk->options->progress_arg, walk->report->bytes, walk->total);
    }
    if (digest.state)
        digest_final(&digest, sum);
    return run->piece && run->piece->summed ? memcmp(sum, run->piece->digest, sizeof sum) == 0
                                            : same;
}

static void tell(struct walk *walk, const struct stretch *run)
{
    const struct manifest_piece *piece = run->piece;

    walk->tables_differ = walk->tables_differ || (piece && piece->kind == MANIFEST_REGION);
    verify_fault_at(walk->report, piece ? piece->path : "zeros", run->offset, run->len,
                    piece ? "differs" : "are not zero");
}

static int compare_all(struct walk *walk)
{
    for (size_t i = 0; i < walk->run_count; i++) {
        const struct stretch *run = &walk->runs[i];
        int same = compare(walk, run);

        if (same < 0)
            return -1;
        if (same == 0)
            tell(walk, run);
        if (run->piece && run->piece->kind == MANIFEST_REGION)
            walk->report->regions++;
        else if (run->piece)
            walk->report->files++;
    }
    return 0;
}

/* What find_added looks into. */
struct search {
    struct verify_report *report;
    const struct volume *volume;
    unsigned folders;
};

/* Files that the manifest does not name: somebody has put them there, which changes the tables. */
static int find_added(struct search *search, const struct entry *folder, const char *path,
                      int depth)
{
    struct verify_report *report = search->report;
    struct folder list = {0};
    int result = search->folders++ < FOLDERS ? volume_list(search->volume, folder, &list) : 0;

    for (size_t i = 0; i < list.count && result == 0 && report->remarks.n < ADDED_MAX; i++) {
        const struct entry *entry = &list.list[i];
        char *name = xasprintf("%s%s%s", path, *path ? "/" : "", entry->name);

        if (entry->folder && depth < DEPTH_MAX)
            result = find_added(search, entry, name, depth + 1);
        else if (!entry->folder && !manifest_piece(&report->manifest, name))
            strings_printf(&report->remarks, "%s: was added", name);
        free(name);
    }
    folder_free(&list);
    return result;
}

static int explain(struct walk *walk, const struct content *content)
{
    struct verify_volume volume;
    int result = verify_volume(&volume, walk->view.path, content);

    if (result == 1)
        result = find_added(&(struct search){.report = walk->report, .volume = &volume.volume},
                            NULL, "", 0);
    return result;
}

static int check_bytes(struct walk *walk, const struct manifest_piece *piece, const char *der)
{
    struct verify_report *report = walk->report;
    const struct manifest_doc *doc = &report->manifest;
    struct sign_cms_signer signer;
    const char *why;
    int result = sign_cms_check(der, (size_t)piece->len, doc->text.data, doc->text.len,
                                walk->options->signature, &signer, &why);

    if (result == 0 && !why &&
        (!doc->signed_by || strcmp(digest_hex(signer.certificate).text, doc->signed_by) != 0))
        why = "has not the certificate that the manifest names";
    if (result == 0 && why)
        verify_fault_at(report, MANIFEST_SIGNATURE, piece->offset, piece->len, why);
    else if (result == 0)
        report->signer = xstrdup(signer.name ? signer.name : "?");
    sign_cms_signer_free(&signer);
    return result;
}

/* The signature over the manifest: whose it is, and whether it holds. */
static int check_signature(struct walk *walk)
{
    struct verify_report *report = walk->report;
    const struct manifest_piece *piece = manifest_piece(&report->manifest, MANIFEST_SIGNATURE);
    const char *why = NULL;
    char *der;
    int result;

    if (!piece)
        why = walk->options->signature ? "is missing" : NULL;
    else if (!piece->len || piece->len > SIGNATURE_MAX)
        why = "has not the size of a signature";
    if (why)
        verify_fault(report, MANIFEST_SIGNATURE, why);
    if (!piece || why)
        return 0;
    der = xcalloc((size_t)piece->len, 1);
    result = verify_view_read(&walk->view, piece->offset, der, (size_t)piece->len);
    if (result == 0)
        result = check_bytes(walk, piece, der);
    free(der);
    return result;
}

static int walk_image(struct walk *walk, const struct content *content)
{
    make_runs(walk);
    if (compare_all(walk) < 0 || check_signature(walk) < 0)
        return -1;
    return walk->tables_differ ? explain(walk, content) : 0;
}

int verify_image(struct verify_report *report, const char *path, const struct content *content,
                 const struct verify_options *options)
{
    struct walk walk = {.report = report, .options = options};
    int result;

    if (!report->manifest.size)
        return msg_error("%s: verifying: the manifest %s is not of an image", path,
                         report->manifest.name);
    if (content->len < report->manifest.size) {
        verify_fault_at(report, path, content->len, report->manifest.size - content->len,
                        "is cut short: this is missing");
        return 0;
    }
    walk.chunk = xrealloc(NULL, CHUNK);
    result = verify_view_open(&walk.view, path, content, report->manifest.size, report);
    if (result == 0)
        result = walk_image(&walk, content);
    verify_view_free(&walk.view);
    free(walk.runs);
    free(walk.chunk);
    return result;
}
