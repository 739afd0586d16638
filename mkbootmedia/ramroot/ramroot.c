/* ramroot: the way through, from a source to files that boot. */
#include "ramroot/ramroot_private.h"

#include "base/digest.h"
#include "base/msg.h"
#include "boot/newc.h"
#include "boot/plan.h"
#include "ramroot/anonymous.h"

#include <stdlib.h>
#include <unistd.h>

#define BYTES_MAX (64 * GIB) /* of a tree, where no --ram-limit says otherwise */
#define IMAGE_MAX NEWC_FILE_MAX

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
    int fd = anonymous_file();

    if (fd < 0)
        return -1;
    work->settings = (struct image_settings){
        .compress = work->compress ? work->compress : COMPRESS_ZSTD,
        .threads = asked->threads ? asked->threads : processors(),
    };
    work->image = (struct root_image){.kind = find_kind(asked->mode),
                                      .settings = &work->settings,
                                      .fd = fd,
                                      .name = anonymous_folder(),
                                      .start = RAMROOT_START,
                                      .extra = &work->extra};
    if (lseek(fd, RAMROOT_START, SEEK_SET) < 0)
        return msg_errno(work->image.name, "writing");
    return work->image.kind->begin(&work->image);
}

/* A member that goes into the image. */
int ramroot_put(struct work *work, struct member *member)
{
    named_acls_member(&work->named_acls, member, work->layer);
    work->made->files++;
    work->made->budget.unpacked += budget_file(member_bytes(member));
    return work->image.kind->add(&work->image, member);
}

static int take(struct work *work, struct member *member)
{
    int wanted;

    if (work->layer != work->tree.next_overlay)
        spool_forget_places(&work->collect.spool);
    work->layer = work->tree.next_overlay;
    spool_forget_place(&work->collect.spool, archive_entry_pathname(member->entry));
    wanted = collect_member(&work->collect, member);
    if (wanted == 1)
        wanted = adjust_member(&work->adjust, member);
    return wanted == 1 ? ramroot_put(work, member) : wanted;
}

/* A file that is added goes where the tree's links lead: in some trees root is a link. What is
 * there was not known as what is changed while it came. */
static int put_added(struct work *work, struct member *member)
{
    const struct guard *guard = &work->tree.guard;
    char *path = guard_resolve(guard, archive_entry_pathname(member->entry), false);
    enum guard_type there = guard_type(guard, path);
    int result = 0;

    if (there == GUARD_SYMLINK || there == GUARD_OTHER)
        result = msg_error("%s: %s: changing it: is behind a symbolic link", work->subject, path);
    archive_entry_copy_pathname(member->entry, path);
    free(path);
    spool_forget_place(&work->collect.spool, archive_entry_pathname(member->entry));
    if (result < 0 || (there == GUARD_FOLDER && archive_entry_filetype(member->entry) == AE_IFDIR))
        return result;
    return ramroot_put(work, member);
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
        result = put_added(work, &member);
    return result;
}

static int end_image(struct work *work)
{
    struct content content = {
        .path = work->image.name, .fd = work->image.fd, .offset = RAMROOT_START};
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

static int finish(struct work *work)
{
    char *folder;
    int result = ramroot_check_init(work);

    if (result == 0)
        result = ramroot_find_kernel(work);
    if (result == 0)
        result = ramroot_check_format(work);
    if (result != 0)
        return result;
    work->made->kernel.mtime = work->adjust.time;
    folder = collect_modules(&work->collect, work->made->version);
    if (ramroot_check_modules(work, folder) < 0 || ramroot_put_modules(work, folder) < 0 ||
        end_image(work) < 0 || named_acls_end(&work->named_acls, work->subject, &work->extra) < 0 ||
        decide(work) < 0 || ramroot_find_modules(work, folder) < 0 || ramroot_make_stage(work) < 0)
        result = -1;
    free(folder);
    if (result == 0)
        result = ramroot_take_image(work);
    return result == 0 ? ramroot_check_limit(work) : -1;
}

static void work_free(struct work *work)
{
    if (work->image.kind)
        work->image.kind->free(&work->image);
    if (work->image.fd >= 0)
        close(work->image.fd);
    tree_stream_close(&work->tree);
    collect_free(&work->collect);
    modules_free(&work->modules);
    adjust_free(&work->adjust);
    named_acls_free(&work->named_acls);
    buf_free(&work->extra);
    free(work->config);
}

/* 0; -1, reported; 1: the kernel reads no image of this format, but one in *compress. */
static int make(struct ramroot *ramroot, const struct ramroot_job *job, enum compress *compress)
{
    const char *path = job->asked->path;
    struct work work = {.job = job,
                        .made = ramroot,
                        .subject = strcmp(path, "-") == 0 ? "standard input" : path,
                        .compress = *compress,
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
    *compress = work.compress;
    work_free(&work);
    return result;
}

int ramroot_make(struct ramroot *ramroot, const struct ramroot_job *job)
{
    const char *asked = job->asked->compress;
    enum compress compress = asked ? (enum compress)compress_find(asked) : COMPRESS_AUTO;
    int result = make(ramroot, job, &compress);

    if (result != 1)
        return result;
    ramroot_free(ramroot);
    result = make(ramroot, job, &compress);
    return result == 1 ? msg_error("%s: packing: changed while it was read", job->asked->path)
                       : result;
}

const char *ramroot_argument(const struct ramroot *ramroot)
{
    bool stays = strcmp(ramroot->mode, image_squashfs.mode) == 0;

    return ramroot->delivery == DELIVERY_LOADER && stays ? "rootfstype=ramfs" : NULL;
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
