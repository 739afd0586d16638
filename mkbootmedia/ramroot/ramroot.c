/* ramroot: the way through, from a source to files that boot. */
#include "ramroot/ramroot.h"

#include "base/digest.h"
#include "base/msg.h"
#include "boot/kernel.h"
#include "boot/newc.h"
#include "boot/plan.h"
#include "ramroot/adjust.h"
#include "ramroot/anonymous.h"
#include "ramroot/collect.h"
#include "ramroot/image.h"
#include "ramroot/kernel_config.h"
#include "ramroot/modules.h"
#include "ramroot/stage.h"
#include "ramroot/tree.h"

#include <elf.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRAP         UINT64_C(512) /* bytes before the image: the header of an archive */
#define BYTES_MAX    (64 * GIB)    /* of a tree, where no --ram-limit says otherwise */
#define IMAGE_MAX    NEWC_FILE_MAX
#define INIT_DEFAULT "sbin/init"

/* All that one run holds. */
struct work {
    const struct ramroot_job *job;
    struct ramroot *made;
    const char *subject; /* the source, for messages */
    struct tree_stream tree;
    struct collect collect;
    struct adjust adjust;
    struct image_settings settings;
    struct root_image image;
    struct modules modules;
    unsigned purposes;
    struct buf extra; /* what the image could not hold */
};

static const struct root_image_kind *const kinds[] = {&image_tarball, &image_squashfs};

const char *ramroot_mode_check(const char *mode)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i]->mode, mode) == 0)
            return NULL;
    return "is neither tmpfs nor overlay";
}

static const struct root_image_kind *find_kind(const char *mode)
{
    for (size_t i = 0; mode && i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i]->mode, mode) == 0)
            return kinds[i];
    return kinds[0];
}

static unsigned processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1 ? 1 : n > 64 ? 64 : (unsigned)n;
}

static int begin(struct work *work)
{
    const struct request_root *asked = work->job->asked;
    int compress = asked->compress ? compress_find(asked->compress) : COMPRESS_ZSTD;
    int fd = anonymous_file();

    if (fd < 0)
        return -1;
    work->settings = (struct image_settings){
        .compress = (enum compress)compress,
        .threads = asked->threads ? asked->threads : processors(),
    };
    work->image = (struct root_image){.kind = find_kind(asked->mode),
                                      .settings = &work->settings,
                                      .fd = fd,
                                      .name = anonymous_folder(),
                                      .start = WRAP,
                                      .extra = &work->extra};
    if (lseek(fd, WRAP, SEEK_SET) < 0)
        return msg_errno(work->image.name, "writing");
    return work->image.kind->begin(&work->image);
}

/* Bytes of a member that are no hole. */
static uint64_t data_of(const struct member *member)
{
    la_int64_t offset, len;
    uint64_t sum = 0;

    if (!member->block)
        return 0;
    if (archive_entry_sparse_reset(member->entry) == 0)
        return (uint64_t)archive_entry_size(member->entry);
    while (archive_entry_sparse_next(member->entry, &offset, &len) == 0)
        sum += (uint64_t)len;
    return sum;
}

/* A member that goes into the image. */
static int put(struct work *work, struct member *member)
{
    work->made->files++;
    work->made->budget.unpacked += budget_file(data_of(member));
    return work->image.kind->add(&work->image, member);
}

static int take(struct work *work, struct member *member)
{
    int wanted = collect_member(&work->collect, member);

    if (wanted == 1)
        wanted = adjust_member(&work->adjust, member);
    return wanted == 1 ? put(work, member) : wanted;
}

static int stream(struct work *work)
{
    const struct request_root *asked = work->job->asked;
    struct tree_source source = {asked->path, &asked->overlays,
                                 asked->ram_limit ? asked->ram_limit : BYTES_MAX};
    struct member member;
    int result = tree_stream_open(&work->tree, &source);

    while (result == 0 && (result = tree_stream_next(&work->tree, &member)) == 1)
        result = take(work, &member);
    while (result == 0 && (result = adjust_more(&work->adjust, &member)) == 1)
        result = put(work, &member);
    return result;
}

/* What will be started first: a path without '/' at its start. */
static char *init_path(const char *cmdline)
{
    const char *at = cmdline ? strstr(cmdline, "init=/") : NULL;

    if (!at || (at > cmdline && at[-1] != ' '))
        return xstrdup(INIT_DEFAULT);
    return xasprintf("%.*s", (int)strcspn(at + 6, " \""), at + 6);
}

static int check_init(struct work *work)
{
    char *path = init_path(work->job->cmdline);
    char *real = guard_resolve(&work->tree.guard, path, true);
    enum guard_type type = guard_type(&work->tree.guard, real);
    int result = 0;

    if (type != GUARD_OTHER && type != GUARD_SYMLINK)
        result = msg_error("%s: looking for what is started: there is no /%s", work->subject, path);
    else if (work->collect.machine && work->collect.machine != EM_X86_64 &&
             work->collect.machine != EM_386)
        result = msg_error("%s: looking for what is started: /%s is for another architecture than "
                           "x86-64 (ELF machine %u)",
                           work->subject, work->collect.machine_path, work->collect.machine);
    free(path);
    free(real);
    return result;
}

static int write_all(int fd, const char *name, const char *data, size_t len)
{
    struct content content = content_memory(data, len);
    off_t at = lseek(fd, 0, SEEK_CUR);

    if (content_write(&content, fd, name, (uint64_t)at) < 0)
        return -1;
    return lseek(fd, at + (off_t)len, SEEK_SET) < 0 ? msg_errno(name, "writing") : 0;
}

/* The tree's kernel, as a file of its own. */
static int take_kernel(struct work *work)
{
    const struct ramroot_job *job = work->job;
    struct collect_kernel found;
    char *data, *name;
    size_t len;
    int fd, result = -1;

    if (collect_kernel(&work->collect, job->asked->kernel_version, work->subject, &found) < 0)
        return -1;
    data = spool_read(&work->collect.spool, found.file, &len);
    fd = data ? anonymous_file() : -1;
    name = xasprintf("%s: /%s", work->subject, archive_entry_pathname(found.file->entry));
    if (fd >= 0 && write_all(fd, name, data, len) == 0)
        result = source_take(&work->made->kernel, name, fd, 0, len);
    else if (fd >= 0)
        close(fd);
    free(data);
    free(name);
    free(found.version);
    return result;
}

static int read_kernel(struct work *work)
{
    const struct ramroot_job *job = work->job;
    struct source own = {.fd = -1};
    const struct source *source = &work->made->kernel;
    struct content content;
    struct kernel kernel;
    const char *why = NULL;
    int result;

    if (job->kernel) {
        if (source_open(&own, job->kernel) < 0)
            return -1;
        source = &own;
    }
    content = source_content(source);
    result = kernel_read(&kernel, &content, &why);
    if (result < 0 && why)
        msg_error("%s: reading the kernel: %s", source->path, why);
    else if (result == 0 && kernel.arch != KERNEL_X86_64)
        result = msg_error("%s: reading the kernel: a RAM root needs one for x86-64", source->path);
    else if (result == 0)
        work->made->version = xasprintf("%.*s", (int)strcspn(kernel.version, " "), kernel.version);
    if (own.fd >= 0)
        source_close(&own);
    return result;
}

static int find_kernel(struct work *work)
{
    spool_sort(&work->collect.spool);
    if (!work->job->kernel && take_kernel(work) < 0)
        return -1;
    return read_kernel(work);
}

static int put_spooled(struct work *work, const struct spooled *spooled);

/* A member that was put aside and is wanted after all. */
struct replay {
    struct work *work;
    char *data;
    size_t len;
    bool given;
};

static int give(struct member *member, const void **data, size_t *len, uint64_t *offset)
{
    struct replay *replay = member->arg;

    if (replay->given || !replay->len)
        return 0;
    replay->given = true;
    *data = replay->data;
    *len = replay->len;
    *offset = 0;
    return 1;
}

static int put_spooled(struct work *work, const struct spooled *spooled)
{
    struct replay replay = {.work = work};
    struct member member = {.entry = spooled->entry, .arg = &replay};
    int result;

    if (archive_entry_filetype(spooled->entry) == AE_IFREG &&
        !archive_entry_hardlink(spooled->entry)) {
        replay.data = spool_read(&work->collect.spool, spooled, &replay.len);
        if (!replay.data)
            return -1;
        member.block = give;
    }
    result = put(work, &member);
    free(replay.data);
    return result;
}

/* /boot, and modules of other kernels, are of no use to a system that was booted without them. */
static bool is_kept(const struct work *work, const char *path, const char *folder)
{
    size_t len = folder ? strlen(folder) : 0;

    if (strncmp(path, "boot/", 5) == 0)
        return work->job->asked->boot == KEEP;
    if (work->job->asked->boot == KEEP)
        return true;
    return folder && strncmp(path, folder, len) == 0 && (!path[len] || path[len] == '/') &&
           strcmp(path + len, "/vmlinuz") != 0;
}

static int put_modules(struct work *work, const char *folder)
{
    const struct spool *spool = &work->collect.spool;

    for (size_t i = 0; i < spool->count; i++) {
        const char *path = archive_entry_pathname(spool->members[i].entry);

        if (is_kept(work, path, folder) && put_spooled(work, &spool->members[i]) < 0)
            return -1;
    }
    return 0;
}

static int check_modules(struct work *work, const char *folder)
{
    if (folder || work->job->asked->modules == KEEP)
        return 0;
    return msg_error("%s: looking for kernel modules: there is no /lib/modules/%s (--modules none "
                     "does without)",
                     work->subject, work->made->version);
}

static int end_image(struct work *work)
{
    struct content content = {.path = work->image.name, .fd = work->image.fd, .offset = WRAP};
    uint8_t digest[DIGEST_LEN];

    if (work->image.kind->end(&work->image) < 0)
        return -1;
    content.len = work->image.len;
    if (digest_content(&content, 0, digest) < 0)
        return -1;
    work->made->image_len = work->image.len;
    memcpy(work->made->sha256, digest_hex(digest).text, sizeof work->made->sha256);
    work->made->image_path =
        work->made->delivery == DELIVERY_HTTP ? plan_payload_path(digest, "root.img") : NULL;
    return 0;
}

/* Who brings the image: known once its size is. */
static int decide(struct work *work)
{
    struct ramroot *made = work->made;
    const struct ramroot_job *job = work->job;
    uint64_t len = made->image_len;

    if (made->delivery == DELIVERY_LOADER && job->medium_if_large && len > job->loader_max) {
        msg_note("%s: the root image has %.0f MiB, more than boot loaders are sure to load: the "
                 "first stage reads it from the medium",
                 work->subject, (double)len / MIB);
        made->delivery = DELIVERY_MEDIUM;
    }
    if (made->delivery == DELIVERY_LOADER && len > IMAGE_MAX)
        return msg_error(
            "%s: packing: the root image has %.0f MiB, more than a file of an initramfs "
            "can have (4095); --fetch does without that",
            work->subject, (double)len / MIB);
    if (made->delivery == DELIVERY_MEDIUM)
        made->image_path = xasprintf("boot/%s/root-%.16s.img", job->name, made->sha256);
    return 0;
}

static void describe(const struct work *work, struct buf *conf)
{
    static const char *const sources[] = {"ram", "medium", "http"};
    const struct ramroot *made = work->made;
    const struct strings *urls = &work->job->asked->urls;

    buf_printf(conf, "mode=%s\ncompress=%s\nsha256=%s\nsize=%llu\nunpacked=%llu\nram=%llu\n",
               made->mode, compress_name(made->compress), made->sha256,
               (unsigned long long)made->image_len, (unsigned long long)made->budget.unpacked,
               (unsigned long long)made->budget.ram);
    buf_printf(conf, "source=%s\n", sources[made->delivery]);
    if (made->delivery == DELIVERY_LOADER)
        buf_puts(conf, "path=/root.img\n");
    if (made->delivery == DELIVERY_MEDIUM)
        buf_printf(conf, "path=%s\n", made->image_path);
    for (size_t i = 0; made->delivery == DELIVERY_HTTP && i < urls->n; i++)
        buf_printf(conf, "url=%s\n", urls->v[i]);
    if (made->delivery == DELIVERY_HTTP && work->job->url)
        buf_printf(conf, "url=%s/%s\n", work->job->url, made->image_path);
}

static int find_modules(struct work *work, const char *folder)
{
    struct ramroot *made = work->made;

    if (strcmp(made->mode, "overlay") == 0)
        work->purposes |= MODULES_OVERLAY;
    if (made->delivery == DELIVERY_HTTP)
        work->purposes |= MODULES_NETWORK;
    if (made->delivery == DELIVERY_MEDIUM)
        work->purposes |= MODULES_MEDIUM;
    if (!folder || !work->purposes)
        return 0;
    if (modules_find(&work->modules, &work->collect.spool, folder, work->purposes, work->subject) <
        0)
        return -1;
    made->modules = work->modules.count;
    return 0;
}

/* The image as a member of an archive of its own: Linux unpacks it as it is. */
static int wrap_image(struct work *work)
{
    struct buf head = {0}, tail = {0};
    int fd = work->image.fd, result;
    struct content content;

    /* the name has more room than it needs, so that what comes behind it has a fixed place */
    newc_member(&head, "root.img",
                &(struct newc){.number = 1,
                               .mode = S_IFREG | 0600,
                               .time = work->adjust.time,
                               .size = work->image.len,
                               .name_len = WRAP - NEWC_HEADER_LEN});
    content = content_memory(head.data, head.len);
    result = content_write(&content, fd, work->image.name, 0);
    buf_add(&tail, "\0\0\0", (size_t)(round_up(work->image.len, 4) - work->image.len));
    newc_member(&tail, NEWC_TRAILER, &(struct newc){0});
    newc_pad(&tail, NEWC_UNIT);
    if (result == 0 && lseek(fd, (off_t)(WRAP + work->image.len), SEEK_SET) < 0)
        result = msg_errno(work->image.name, "writing");
    if (result == 0)
        result = write_all(fd, work->image.name, tail.data, tail.len);
    buf_free(&head);
    buf_free(&tail);
    return result;
}

static int write_stage(struct work *work, int fd, struct buf *conf)
{
    const struct ramroot_job *job = work->job;
    char *config = collect_config(&work->collect, work->made->version);
    struct stage stage = {
        .busybox = stage_find_busybox(job->asked->busybox),
        .templates = job->templates,
        .version = work->made->version,
        .modules = &work->modules,
        .purposes = work->purposes,
        .conf = conf->data,
        .extra = work->extra.len ? work->extra.data : "",
        .time = work->adjust.time,
        .compress = kernel_config_initramfs(config, work->made->version),
    };
    int result = stage.busybox ? 0 : -1;

    if (result == 0 && work->image.kind == &image_squashfs)
        result = kernel_config_squashfs(config, work->made->compress, work->subject);
    if (result == 0)
        result = stage_write(&stage, fd, anonymous_folder(), &work->made->budget.stage);
    free(config);
    return result;
}

static void compute_budget(struct work *work)
{
    struct budget *budget = &work->made->budget;

    budget->image = work->made->image_len;
    budget->by_loader = work->made->delivery == DELIVERY_LOADER;
    budget->tmpfs = work->image.kind == &image_tarball;
    budget_compute(budget);
}

static int check_limit(const struct work *work)
{
    uint64_t limit = work->job->asked->ram_limit, ram = work->made->budget.ram;

    if (!limit || ram <= limit)
        return 0;
    return msg_error("%s: computing memory: it needs %.0f MiB of RAM, more than the %.0f MiB of "
                     "--ram-limit",
                     work->subject, (double)ram / MIB, (double)limit / MIB);
}

/* The first stage: into the image's file behind it, or into one of its own. */
static int make_stage(struct work *work)
{
    struct ramroot *made = work->made;
    bool together = made->delivery == DELIVERY_LOADER;
    struct buf conf = {0};
    int fd = together ? work->image.fd : anonymous_file(), result = fd < 0 ? -1 : 0;
    char *name = xasprintf("%s: its %s", work->subject, together ? "initramfs" : "first stage");

    made->budget.stage = 8 * MIB; /* as good as known: what it holds is written in it */
    compute_budget(work);
    describe(work, &conf);
    if (result == 0 && together)
        result = wrap_image(work);
    if (result == 0)
        result = write_stage(work, fd, &conf);
    if (result == 0)
        result = source_take(&made->initrd, name, fd, 0, (uint64_t)lseek(fd, 0, SEEK_CUR));
    else if (fd >= 0 && !together)
        close(fd);
    if (result == 0 && together)
        work->image.fd = -1;
    made->initrd.mtime = work->adjust.time;
    buf_free(&conf);
    free(name);
    return result;
}

static int take_image(struct work *work)
{
    struct ramroot *made = work->made;
    char *name = xasprintf("%s: its root image", work->subject);
    int result = 0;

    if (made->delivery != DELIVERY_LOADER) {
        result = source_take(&made->image, name, work->image.fd, WRAP, made->image_len);
        work->image.fd = -1;
        made->image.mtime = work->adjust.time;
    }
    free(name);
    return result;
}

static int finish(struct work *work)
{
    char *folder;
    int result = check_init(work);

    if (result == 0)
        result = find_kernel(work);
    if (result < 0)
        return -1;
    work->made->kernel.mtime = work->adjust.time;
    folder = collect_modules(&work->collect, work->made->version);
    if (check_modules(work, folder) < 0 || put_modules(work, folder) < 0 || end_image(work) < 0 ||
        decide(work) < 0 || find_modules(work, folder) < 0 || make_stage(work) < 0)
        result = -1;
    free(folder);
    if (result == 0)
        result = take_image(work);
    return result == 0 ? check_limit(work) : -1;
}

int ramroot_make(struct ramroot *ramroot, const struct ramroot_job *job)
{
    const char *path = job->asked->path;
    struct work work = {.job = job,
                        .made = ramroot,
                        .subject = strcmp(path, "-") == 0 ? "standard input" : path,
                        .tree = {.rootfs.fd = -1},
                        .collect = {.spool.fd = -1},
                        .image = {.fd = -1}};
    int result;

    *ramroot = (struct ramroot){
        .delivery = job->delivery, .kernel.fd = -1, .initrd.fd = -1, .image.fd = -1};
    result = adjust_begin(&work.adjust, job->asked, work.subject);
    if (result == 0)
        result = begin(&work);
    if (result == 0) {
        ramroot->mode = work.image.kind->mode;
        ramroot->compress = work.settings.compress;
        result = stream(&work);
    }
    if (result == 0)
        result = finish(&work);
    if (work.image.kind)
        work.image.kind->free(&work.image);
    if (work.image.fd >= 0)
        close(work.image.fd);
    tree_stream_close(&work.tree);
    collect_free(&work.collect);
    modules_free(&work.modules);
    adjust_free(&work.adjust);
    buf_free(&work.extra);
    return result;
}

void ramroot_free(struct ramroot *ramroot)
{
    struct source *const sources[] = {&ramroot->kernel, &ramroot->initrd, &ramroot->image};

    for (size_t i = 0; i < ARRAY_LEN(sources); i++)
        if (sources[i]->path)
            source_close(sources[i]);
    free(ramroot->image_path);
    free(ramroot->version);
    *ramroot = (struct ramroot){0};
}
