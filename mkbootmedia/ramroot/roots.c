/* roots: a job for each entry that has a root, and its result. */
#include "ramroot/roots.h"

#include "ramroot/adjust.h"
#include "ramroot/ramroot.h"

#include <stdlib.h>

/* What GRUB on BIOS and UEFI, and iPXE, load in any case: see boot/limits.c. */
#define LOADER_MAX (768 * MIB)

static enum delivery delivery_of(const struct request_entry *entry, enum plan_output output)
{
    if (!entry->root.fetch)
        return DELIVERY_LOADER;
    return output == PLAN_NET || entry->root.urls.n ? DELIVERY_HTTP : DELIVERY_MEDIUM;
}

static double mib(uint64_t bytes)
{
    return (double)bytes / MIB;
}

static void describe(struct payload_root *root, const struct ramroot *made)
{
    static const char *const ways[] = {"brought by the boot loader", "read from the medium",
                                       "fetched over HTTP"};
    struct strings *lines = &root->lines;

    strings_printf(lines, "%s, %s: image %.1f MiB, %s", made->mode, compress_name(made->compress),
                   mib(made->image_len), ways[made->delivery]);
    strings_printf(lines, "%zu files, %.1f MiB unpacked; first stage %.1f MiB with %zu modules",
                   made->files, mib(made->budget.unpacked), mib(made->budget.stage), made->modules);
    if (ramroot_argument(made))
        strings_printf(lines, "kernel argument %s: else its image may take half of the RAM only",
                       ramroot_argument(made));
    strings_printf(lines, "memory: %.0f MiB at the peak; the least that boots has %.0f MiB",
                   mib(made->budget.peak), mib(made->budget.ram));
}

/* What was made becomes the payload's. */
static void hand_over(struct payload_root *root, struct ramroot *made,
                      const struct request_root *asked)
{
    root->kernel = made->kernel;
    root->initrds = xcalloc(1, sizeof *root->initrds);
    root->initrds[root->initrd_count++] = made->initrd;
    root->image = made->image;
    root->image_path = made->image_path;
    root->memory = (struct payload_memory){made->image_len, made->budget.unpacked,
                                           made->budget.peak, made->budget.ram};
    root->mode = made->mode;
    root->argument = ramroot_argument(made);
    memcpy(root->sha256, made->sha256, sizeof root->sha256);
    describe(root, made);
    adjust_describe(asked, &root->lines);
    made->kernel.path = made->initrd.path = made->image.path = NULL;
    made->image_path = NULL;
}

static int make(struct payload_root *root, const struct request *request,
                const struct request_entry *entry, enum delivery delivery, bool medium_if_large)
{
    struct ramroot_job job = {
        .asked = &entry->root,
        .kernel = entry->kernel,
        .name = entry->name,
        .cmdline = entry->cmdline,
        .templates = request->templates,
        .delivery = delivery,
        .medium_if_large = medium_if_large,
        .loader_max = LOADER_MAX,
        .url = request->url,
    };
    struct ramroot made;
    int result = ramroot_make(&made, &job);

    if (result == 0)
        hand_over(root, &made, &entry->root);
    ramroot_free(&made);
    return result;
}

int roots_make(struct payload_root **roots, const struct request *request, enum plan_output output)
{
    *roots = xcalloc(request->entry_count, sizeof **roots);
    for (size_t i = 0; i < request->entry_count; i++) {
        const struct request_entry *entry = &request->entries[i];

        if (entry->root.path &&
            make(&(*roots)[i], request, entry, delivery_of(entry, output), output != PLAN_NET) < 0)
            return -1;
    }
    return 0;
}

int roots_make_one(struct payload_root *root, const struct request *request,
                   const struct request_entry *entry, bool fetch)
{
    return make(root, request, entry, fetch ? DELIVERY_HTTP : DELIVERY_LOADER, false);
}

void roots_free(struct payload_root *roots, size_t count)
{
    for (size_t i = 0; roots && i < count; i++)
        payload_root_free(&roots[i]);
    free(roots);
}
