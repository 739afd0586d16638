/* plan: from a request and its payload to the whole medium as data. */
#include "boot/plan.h"

#include "base/embedded.h"
#include "base/msg.h"
#include "base/util.h"
#include "boot/chain.h"
#include "boot/handover.h"
#include "boot/limits.h"
#include "boot/plan_private.h"
#include "boot/render.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define TIME_MAX 253402300799 /* the end of the year 9999 */

/* SOURCE_DATE_EPOCH (reproducible-builds.org), else the newest input file. */
static int read_time(struct plan *plan)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    char *end;
    long long seconds;

    plan->time = payload_newest(plan->payload);
    if (plan->time < 0 || plan->time > TIME_MAX) /* a file system can say anything */
        plan->time = plan->time < 0 ? 0 : TIME_MAX;
    if (!epoch || !*epoch)
        return 0;
    errno = 0;
    seconds = strtoll(epoch, &end, 10);
    if (errno || *end || seconds < 0 || seconds > TIME_MAX)
        return msg_error("SOURCE_DATE_EPOCH: reading: '%s' is no number of seconds", epoch);
    plan->time = (time_t)seconds;
    return 0;
}

/* Payload files get plain names on the medium, whatever they are called on the host. */
static void name_entry(struct plan_entry *entry)
{
    const struct payload_entry *payload = entry->payload;

    entry->kernel_path = xasprintf("boot/%s/vmlinuz", payload->name);
    entry->image_path = payload->root.image.path ? payload->root.image_path : NULL;
    for (size_t i = 0; i < payload->initrd_count; i++) {
        char *path = i ? xasprintf("boot/%s/initrd%zu.img", payload->name, i + 1)
                       : xasprintf("boot/%s/initrd.img", payload->name);

        strings_add(&entry->initrd_paths, path);
        free(path);
    }
}

/* Which GRUB images have to be made: BIOS and ia32 always, x86-64 only without signed loaders. */
static bool wants_image(const struct plan *plan, enum loader_platform platform)
{
    unsigned firmware = plan->loaders.firmware;

    if (platform == PLATFORM_BIOS)
        return firmware & FIRMWARE_BIOS;
    if (platform == PLATFORM_IA32)
        return firmware & FIRMWARE_IA32;
    return firmware & FIRMWARE_UEFI && !(firmware & FIRMWARE_SECUREBOOT) &&
           !plan->request->uki_boot;
}

static int measure_images(struct plan *plan)
{
    for (size_t i = 0; i < PLATFORMS; i++)
        if (wants_image(plan, i) && grub_image_measure(&plan->images[i], grub_recipe(i, false),
                                                       plan->loaders.modules[i].dir) < 0)
            return -1;
    return 0;
}

/*
 * A GRUB of a tree would look for its menu on the server that gave it its address; beside a
 * proxyDHCP that is another one, so it is told where the tree is.
 */
int plan_start_images(struct plan *plan)
{
    bool net = plan->output == PLAN_NET;
    char *device = net ? xasprintf("(tftp,%s)", plan->net.server) : xstrdup("");
    struct buf early = {0};
    int result = net ? 0 : render(&early, "early.cfg", plan);

    for (size_t i = 0; i < PLATFORMS && result == 0; i++)
        if (plan->images[i].room)
            result = grub_image_start(&plan->images[i], grub_recipe(i, net),
                                      plan->loaders.modules[i].dir, early.data, device);
    buf_free(&early);
    free(device);
    return result;
}

/* Under Secure Boot shim decides on the kernel too; better to hear it now than at the machine. */
static int warn_unsigned(const struct plan *plan, const struct payload_entry *entry)
{
    struct content shim = source_content(&plan->loaders.files[LOADER_SHIM].file);
    struct content kernel = source_content(&entry->kernel_file);
    char why[CHAIN_WHY_LEN];
    int accepted = chain_accepts(&shim, &kernel, why);

    if (accepted == 0)
        msg_warn("%s: Secure Boot machines will refuse it: the kernel %s", entry->kernel_file.path,
                 why);
    return accepted < 0 ? -1 : 0;
}

static int check_entries(const struct plan *plan)
{
    for (size_t i = 0; i < plan->entry_count; i++) {
        const struct payload_entry *entry = plan->entries[i].payload;

        limits_warn(plan, &plan->entries[i]);
        if (plan->loaders.firmware & FIRMWARE_IA32 && !kernel_boots_ia32(&entry->kernel))
            msg_warn("%s: 32-bit UEFI will not boot it: a 64-bit kernel without CONFIG_EFI_MIXED",
                     entry->kernel_file.path);
        if (plan->loaders.firmware & FIRMWARE_SECUREBOOT &&
            warn_unsigned(plan, plan->entries[i].payload) < 0)
            return -1;
    }
    return 0;
}

static int make_medium(struct plan *plan)
{
    for (size_t i = 0; i < plan->entry_count; i++)
        name_entry(&plan->entries[i]);
    plan_add_ukis(plan);
    if (plan_add_files(plan) < 0 || measure_images(plan) < 0 || plan_identify(plan) < 0)
        return -1;
    if (plan_add_texts(plan) < 0)
        return -1;
    plan_add_images(plan);
    return plan_sort(plan);
}

int plan_make(struct plan *plan, const struct request *request, const struct payload *payload,
              enum plan_output output)
{
    bool net = output == PLAN_NET;

    *plan = (struct plan){.request = request, .payload = payload, .output = output};
    plan->label = request->label ? request->label : "MKBOOTMEDIA";
    plan->default_entry = (size_t)(request_default_entry(request) - request->entries);
    plan->entry_count = payload->entry_count;
    plan->entries = xcalloc(plan->entry_count, sizeof *plan->entries);
    for (size_t i = 0; i < plan->entry_count; i++)
        plan->entries[i].payload = &payload->entries[i];
    if (read_time(plan) < 0 || loaders_find(&plan->loaders, request, payload->arch, net) < 0 ||
        plan_make_ukis(plan) < 0)
        return -1;
    return net ? plan_make_net(plan) : make_medium(plan);
}

int plan_finish(struct plan *plan)
{
    if ((plan->output != PLAN_NET && plan_start_images(plan) < 0) || check_entries(plan) < 0)
        return -1;
    return plan_take_images(plan);
}

void plan_prefetch_versions(const struct plan *plan)
{
    const char **packages = xcalloc(plan->used_count, sizeof *packages);

    for (size_t i = 0; i < plan->used_count; i++)
        packages[i] = plan->used[i].package;
    loader_package_prefetch(packages, plan->used_count);
    free(packages);
}

struct item **plan_volume(const struct plan *plan, unsigned volume, size_t *count)
{
    struct item **items = xcalloc(plan->item_count, sizeof *items);

    *count = 0;
    for (size_t i = 0; i < plan->item_count; i++)
        if (plan->items[i].volumes & volume)
            items[(*count)++] = &plan->items[i];
    return items;
}

static bool is_file(const struct source *source, dev_t dev, ino_t ino)
{
    return source->path && source->dev == dev && source->ino == ino;
}

static bool is_path(const char *path, dev_t dev, ino_t ino)
{
    struct stat st;

    return path && stat(path, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

/* A template of the user's own folder? */
static bool is_template(const struct plan *plan, dev_t dev, ino_t ino)
{
    const char *dir = plan->request->templates;
    bool found = false;

    for (const struct embedded *file = embedded_files; dir && file->name; file++) {
        char *path = strncmp(file->name, "templates/", 10) == 0
                         ? xasprintf("%s/%s", dir, file->name + 10)
                         : NULL;

        found = found || is_path(path, dev, ino);
        free(path);
    }
    return found;
}

/* A file that was read before there was a plan, or that is named in the spec file? */
static bool is_of_request(const struct request *request, dev_t dev, ino_t ino)
{
    bool found = is_path(request->sign_key, dev, ino) || is_path(request->sign_cert, dev, ino);

    for (size_t i = 0; i < request->spec_files.n; i++)
        found = found || is_path(request->spec_files.v[i], dev, ino);
    for (size_t i = 0; i < request->host_count; i++)
        for (size_t k = 0; k < request->hosts[i].files.n; k++) {
            struct handover handover;

            if (!handover_split(&handover, request->hosts[i].files.v[k]))
                found = found || is_path(handover.file, dev, ino);
            handover_free(&handover);
        }
    return found;
}

bool plan_reads(const struct plan *plan, dev_t dev, ino_t ino)
{
    bool found = is_template(plan, dev, ino) || is_of_request(plan->request, dev, ino);

    for (size_t i = 0; i < plan->payload->entry_count; i++) {
        const struct payload_entry *entry = &plan->payload->entries[i];

        found = found || is_file(&entry->kernel_file, dev, ino);
        for (size_t k = 0; k < entry->initrd_count; k++)
            found = found || is_file(&entry->initrds[k], dev, ino);
    }
    for (size_t i = 0; i < plan->payload->added_count; i++)
        found = found || is_file(&plan->payload->added[i].file, dev, ino);
    for (size_t i = 0; i < LOADER_ROLES; i++)
        found = found || is_file(&plan->loaders.files[i].file, dev, ino);
    for (size_t i = 0; i < plan->module_count; i++)
        found = found || is_file(&plan->module_files[i], dev, ino);
    return found;
}

void plan_free(struct plan *plan)
{
    for (size_t i = 0; i < PLATFORMS; i++)
        grub_image_free(&plan->images[i]);
    for (size_t i = 0; i < plan->entry_count; i++) {
        free(plan->entries[i].kernel_path);
        strings_free(&plan->entries[i].initrd_paths);
        free(plan->entries[i].uki_path);
        if (plan->entries[i].uki.path)
            close(plan->entries[i].uki.fd);
    }
    free(plan->net.path);
    free(plan->net.server);
    free(plan->net.subnet);
    digest_cache_free(&plan->digests);
    for (size_t i = 0; i < plan->item_count; i++)
        free(plan->items[i].path);
    for (size_t i = 0; i < plan->module_count; i++)
        source_close(&plan->module_files[i]);
    for (size_t i = 0; i < plan->text_count; i++)
        buf_free(&plan->texts[i]);
    free(plan->entries);
    free(plan->items);
    free(plan->module_files);
    free(plan->texts);
    free(plan->used);
    loaders_free(&plan->loaders);
    *plan = (struct plan){0};
}
