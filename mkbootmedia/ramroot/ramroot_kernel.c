/* ramroot_kernel: what a tree has to have to be booted, and what of it was put aside on the way. */
#include "ramroot/ramroot_private.h"

#include "base/msg.h"
#include "boot/kernel.h"
#include "ramroot/anonymous.h"
#include "ramroot/kernel_config.h"
#include "ramroot/kernel_ikconfig.h"

#include <elf.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define INIT_DEFAULT "sbin/init"

/* What will be started first: a path without '/' at its start. */
static char *init_path(const char *cmdline)
{
    const char *at = cmdline ? strstr(cmdline, "init=/") : NULL;

    if (!at || (at > cmdline && at[-1] != ' '))
        return xstrdup(INIT_DEFAULT);
    return xasprintf("%.*s", (int)strcspn(at + 6, " \""), at + 6);
}

int ramroot_check_init(struct work *work)
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

int ramroot_write(int fd, const char *name, const char *data, size_t len)
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
    name = xasprintf("%s: /%s", work->subject, found.file->path);
    if (fd >= 0 && ramroot_write(fd, name, data, len) == 0)
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
    if (result == 0)
        work->config = collect_config(&work->collect, work->made->version);
    if (result == 0 && !work->config)
        work->config = kernel_ikconfig(&content);
    if (own.fd >= 0)
        source_close(&own);
    return result;
}

int ramroot_find_kernel(struct work *work)
{
    spool_sort(&work->collect.spool);
    if (!work->job->kernel && take_kernel(work) < 0)
        return -1;
    return read_kernel(work);
}

static bool is_lasting(const char *path)
{
    struct stat st;

    return strcmp(path, "-") != 0 && stat(path, &st) == 0 &&
           (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
}

static bool are_lasting(const struct strings *paths)
{
    for (size_t i = 0; i < paths->n; i++)
        if (!is_lasting(paths->v[i]))
            return false;
    return true;
}

/* Can all of it be read once more? */
static bool can_repeat(const struct request_root *asked)
{
    static const char file[] = "file:";
    const char *password = asked->root_password;

    if (password && strncmp(password, file, strlen(file)) == 0 &&
        !is_lasting(password + strlen(file)))
        return false;
    return is_lasting(asked->path) && are_lasting(&asked->overlays) &&
           are_lasting(&asked->ssh_keys);
}

int ramroot_check_format(struct work *work)
{
    enum compress best = kernel_config_squashfs(work->config, work->made->version);
    const struct request_root *asked = work->job->asked;

    if (work->image.kind != &image_squashfs)
        return 0;
    if (best == COMPRESS_NONE)
        return msg_error(
            "%s: packing: its kernel reads no squashfs in zstd, gzip or xz; use --mode "
            "tmpfs",
            work->subject);
    if (asked->compress || best == work->settings.compress || !can_repeat(asked))
        return kernel_config_squashfs_check(work->config, work->settings.compress, work->subject);
    work->compress = best;
    return 1;
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

int ramroot_put_modules(struct work *work, const char *folder)
{
    struct spool *spool = &work->collect.spool;
    struct replay replay = {0};
    struct member member;
    int result = 0;

    spool_forget_places(spool);
    for (size_t i = 0; i < spool->count && result == 0; i++) {
        const struct spooled *spooled = &spool->members[i];
        const char *path = spooled->path;

        if (!is_kept(work, path, folder))
            continue;
        result = replay_begin(&replay, spool, spooled, path, &member);
        if (result == 0)
            result = ramroot_put(work, &member);
    }
    replay_free(&replay);
    return result;
}

int ramroot_check_modules(struct work *work, const char *folder)
{
    if (folder || work->job->asked->modules == KEEP)
        return 0;
    return msg_error("%s: looking for kernel modules: there is no /lib/modules/%s (--modules none "
                     "does without)",
                     work->subject, work->made->version);
}
