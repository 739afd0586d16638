/* ramroot_boot: the first stage, what it is told, and the archive that carries the image. */
#include "ramroot/ramroot_private.h"

#include "base/msg.h"
#include "boot/newc.h"
#include "ramroot/anonymous.h"
#include "ramroot/kernel_config.h"
#include "ramroot/stage.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void describe(const struct work *work, struct buf *conf)
{
    static const char *const sources[] = {"ram", "medium", "http"};
    const struct ramroot *made = work->made;
    const struct strings *urls = &work->job->asked->urls;

    buf_printf(conf,
               "mode=%s\ncompress=%s\nsha256=%s\nsize=%llu\nunpacked=%llu\npeak=%llu\nram=%llu\n",
               made->mode, compress_name(made->compress), made->sha256,
               (unsigned long long)made->image_len, (unsigned long long)made->budget.unpacked,
               (unsigned long long)made->budget.peak, (unsigned long long)made->budget.ram);
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

int ramroot_find_modules(struct work *work, const char *folder)
{
    struct ramroot *made = work->made;

    work->purposes = MODULES_SHELL;
    if (strcmp(made->mode, "overlay") == 0)
        work->purposes |= MODULES_OVERLAY;
    if (made->delivery == DELIVERY_HTTP)
        work->purposes |= MODULES_NETWORK;
    if (made->delivery == DELIVERY_MEDIUM)
        work->purposes |= MODULES_MEDIUM;
    if (work->job->asked->modules == KEEP && work->purposes == MODULES_SHELL) /* "none" */
        return 0;
    if (!folder)
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
                               .name_len = RAMROOT_HEAD - NEWC_HEADER_LEN});
    content = content_memory(head.data, head.len);
    result = content_write(&content, fd, work->image.name, RAMROOT_ROOM);
    newc_end(&tail);
    if (result == 0 && lseek(fd, (off_t)(RAMROOT_START + work->image.len), SEEK_SET) < 0)
        result = msg_errno(work->image.name, "writing");
    if (result == 0) /* headers stand on multiples of 4 */
        result = ramroot_write(fd, work->image.name, "\0\0\0",
                               (size_t)(round_up(work->image.len, 4) - work->image.len));
    if (result == 0)
        result = ramroot_write(fd, work->image.name, tail.data, tail.len);
    buf_free(&head);
    buf_free(&tail);
    return result;
}

static int write_stage(struct work *work, int fd, struct buf *conf)
{
    const struct ramroot_job *job = work->job;
    struct stage stage = {
        .busybox = stage_find_busybox(job->asked->busybox),
        .templates = job->templates,
        .version = work->made->version,
        .modules = &work->modules,
        .purposes = work->purposes,
        .conf = conf->data,
        .extra = work->extra.len ? work->extra.data : "",
        .time = work->adjust.time,
        .compress = kernel_config_initramfs(work->config, work->made->version),
    };
    int result = stage.busybox ? 0 : -1;

    if (result == 0)
        result = stage_write(&stage, fd, anonymous_folder(), &work->made->budget.stage);
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

int ramroot_check_limit(const struct work *work)
{
    uint64_t limit = work->job->asked->ram_limit, ram = work->made->budget.ram;

    if (!limit || ram <= limit)
        return 0;
    return msg_error("%s: computing memory: it needs %.0f MiB of RAM, more than the %.0f MiB of "
                     "--ram-limit",
                     work->subject, (double)ram / MIB, (double)limit / MIB);
}

/*
 * The first stage goes before the image: where that does not fit into rootfs, Linux has unpacked
 * who says so. *start becomes its place in the image's file, which it ends at RAMROOT_ROOM.
 */
static int put_before_image(struct work *work, const struct content *stage, uint64_t *start)
{
    if (stage->len > RAMROOT_ROOM)
        return msg_error("%s: packing: the first stage is larger than %.0f MiB", work->subject,
                         (double)RAMROOT_ROOM / MIB);
    *start = RAMROOT_ROOM - round_up(stage->len, 4);
    if (content_write(stage, work->image.fd, work->image.name, *start) < 0)
        return -1;
    return wrap_image(work);
}

int ramroot_make_stage(struct work *work)
{
    struct ramroot *made = work->made;
    bool together = made->delivery == DELIVERY_LOADER;
    int fd = anonymous_file(), result = fd < 0 ? -1 : 0;
    char *name = xasprintf("%s: its %s", work->subject, together ? "initramfs" : "first stage");
    struct buf conf = {0};
    struct content stage;
    uint64_t start = 0;

    made->budget.stage = 8 * MIB; /* as good as known: what it holds is written in it */
    compute_budget(work);
    describe(work, &conf);
    if (result == 0)
        result = write_stage(work, fd, &conf);
    if (result == 0 && together) {
        stage = content_file(name, fd, (uint64_t)lseek(fd, 0, SEEK_CUR));
        result = put_before_image(work, &stage, &start);
        close(fd);
        fd = work->image.fd;
    }
    if (result == 0)
        result =
            source_take(&made->initrd, name, fd, start, (uint64_t)lseek(fd, 0, SEEK_CUR) - start);
    else if (fd >= 0 && fd != work->image.fd)
        close(fd);
    if (result == 0 && together)
        work->image.fd = -1;
    made->initrd.mtime = work->adjust.time;
    buf_free(&conf);
    free(name);
    return result;
}

int ramroot_take_image(struct work *work)
{
    struct ramroot *made = work->made;
    char *name = xasprintf("%s: its root image", work->subject);
    int result = 0;

    if (made->delivery != DELIVERY_LOADER) {
        result = source_take(&made->image, name, work->image.fd, RAMROOT_START, made->image_len);
        work->image.fd = -1;
        made->image.mtime = work->adjust.time;
    }
    free(name);
    return result;
}
