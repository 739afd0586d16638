/* net: hands every file of a plan to the tree, and the hosts' files one host after the other. */
#include "media/net.h"

#include "base/msg.h"
#include "boot/handover.h"
#include "boot/render.h"
#include "media/manifest.h"
#include "media/output.h"

#include <stdlib.h>
#include <unistd.h>

int net_check(const struct request *request)
{
    bool secure = request->firmware & FIRMWARE_SECUREBOOT;

    if (secure && request->pxe_given && request->pxe != PXE_SHIM)
        return msg_error("--pxe: %s is not signed, so it does not start under Secure Boot",
                         request->pxe == PXE_IPXE ? "iPXE" : "a GRUB from grub-mkimage");
    return 0;
}

static int add_items(struct tree *tree, const struct plan *plan)
{
    for (size_t i = 0; i < plan->item_count; i++)
        if (tree_add(tree, &plan->items[i], tree_order_of(plan->items[i].path)) < 0)
            return -1;
    return 0;
}

/* The archive of what is handed over to a host; its path becomes the host's. */
static int add_archive(struct tree *tree, const struct plan *plan, struct payload_host *host)
{
    struct buf archive = {0};
    int result;

    if (!host->asked->files.n)
        return 0;
    result = handover_archive(&archive, &host->asked->files, plan->time);
    if (result == 0) {
        struct item item = {.content = content_memory(archive.data, archive.len), .hashed = true};

        digest_content(&item.content, 0, item.digest);
        free(host->archive_path);
        host->archive_path = plan_payload_path(item.digest, "host.img");
        item.path = host->archive_path;
        tree_expect(tree, archive.len);
        result = tree_add(tree, &item, TREE_PAYLOAD);
    }
    buf_free(&archive);
    return result;
}

/* A file from memory. */
static int add_text(struct tree *tree, const char *path, const struct buf *text,
                    enum tree_order order)
{
    struct item item = {.path = (char *)path, .content = content_memory(text->data, text->len)};

    tree_expect(tree, text->len);
    return tree_add(tree, &item, order);
}

static int add_script(struct tree *tree, struct renderer *renderer, const struct scope *scope,
                      const struct payload_host *host, const char *kind)
{
    char *template = xasprintf("host.%s", kind);
    char *path = xasprintf("hosts/%s.%s", host->asked->mac, kind);
    struct buf text = {0};
    int result = renderer_render(renderer, &text, template, scope);

    if (result == 0)
        result = add_text(tree, path, &text, TREE_HOST);
    buf_free(&text);
    free(path);
    free(template);
    return result;
}

static int add_host(struct tree *tree, struct renderer *renderer, struct payload_host *host)
{
    struct scope scope;
    int result = add_archive(tree, renderer->plan, host);

    if (result < 0)
        return -1;
    renderer_host(renderer, &scope, host);
    result = add_script(tree, renderer, &scope, host, "ipxe");
    if (result == 0)
        result = add_script(tree, renderer, &scope, host, "cfg");
    scope_free(&scope);
    return result;
}

static int add_hosts(struct tree *tree, const struct plan *plan)
{
    struct renderer renderer;
    int result = 0;

    renderer_init(&renderer, plan);
    for (size_t i = 0; i < plan->payload->host_count && result == 0; i++)
        result = add_host(tree, &renderer, &plan->payload->hosts[i]);
    renderer_free(&renderer);
    return result;
}

/* The two lists of what is in the tree: one for sha256sum(1), one for programs. */
static int add_lists(struct tree *tree, const struct plan *plan)
{
    struct buf sums = {0}, manifest = {0};
    int result;

    tree_print_sums(tree, &sums);
    result = add_text(tree, "SHA256SUMS", &sums, TREE_SUMS);
    if (result == 0)
        result = manifest_print_tree(&manifest, plan, &tree->files);
    if (result == 0)
        result = add_text(tree, "manifest.json", &manifest, TREE_MANIFEST);
    buf_free(&sums);
    buf_free(&manifest);
    return result;
}

static void save_digests(struct tree *tree, const struct plan *plan)
{
    struct buf text = {0};

    if (!plan->digests.changed)
        return;
    digest_cache_print(&text, &plan->digests, 0);
    tree_put_private(tree, "digests", &text);
    buf_free(&text);
}

static void summarize(struct net_summary *summary, const struct tree *tree)
{
    *summary = (struct net_summary){.files = tree->files.count,
                                    .written = tree->staged,
                                    .dropped = tree_dropped(tree),
                                    .generation = tree->generation};
    for (size_t i = 0; i < tree->files.count; i++)
        summary->bytes += tree->files.files[i].size;
}

/* Hosts first: meanwhile grub-mkimage is at work. */
int net_write(struct tree *tree, struct plan *plan, struct net_summary *summary)
{
    bool unchanged;
    int result;

    for (size_t i = 0; i < plan->item_count; i++)
        tree_expect(tree, plan->items[i].content.len);
    if (add_hosts(tree, plan) < 0 || plan_finish(plan) < 0 || add_items(tree, plan) < 0)
        return -1;
    unchanged = tree_unchanged(tree);
    summarize(summary, tree);
    if (tree->dry_run)
        return 0;
    if (!unchanged) {
        result = add_lists(tree, plan);
        if (result == 0)
            result = tree_commit(tree, plan->request->keep);
        summary->generation = tree->generation;
        if (result < 0)
            return -1;
    }
    if (unchanged && tree_collect(tree, plan->request->keep) < 0)
        return -1;
    save_digests(tree, plan);
    return 0;
}

int net_rollback(const char *path, const struct tree_options *options, struct net_summary *summary)
{
    struct tree tree;
    int result;

    if (access(path, F_OK) < 0) /* else it would be made */
        return msg_errno(path, "going back");
    result = tree_open(&tree, path, options);
    if (result == 0)
        result = tree_rollback(&tree);
    *summary = (struct net_summary){.written = tree.staged, .generation = tree.generation};
    tree_free(&tree);
    return result;
}

const struct output output_net = {
    .name = "net",
    .kind = PLAN_NET,
    .what = "boot root for TFTP and HTTP",
    .check = net_check,
};
