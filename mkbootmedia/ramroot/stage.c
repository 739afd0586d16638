/* stage: packs the first stage as a newc archive. */
#include "ramroot/stage.h"

#include "base/embedded.h"
#include "base/msg.h"
#include "base/source.h"
#include "boot/initramfs.h"
#include "boot/newc.h"

#include <elf.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define BUSYBOX_MAX (64 * MIB)
#define INIT_MAX    MIB

/* The archive while it grows. */
struct pack {
    struct buf out;
    unsigned number;
    time_t time;
};

static void add(struct pack *pack, const char *name, unsigned mode, const void *data, size_t len)
{
    newc_member(&pack->out, name, &(struct newc){++pack->number, mode, pack->time, len, 0, 0});
    buf_add(&pack->out, data, len);
    newc_pad(&pack->out, 4);
}

static void add_folder(struct pack *pack, const char *name)
{
    add(pack, name, S_IFDIR | 0755, "", 0);
}

static void add_text(struct pack *pack, const char *name, const char *text)
{
    add(pack, name, S_IFREG | 0644, text, strlen(text));
}

static void add_link(struct pack *pack, const char *name, const char *target)
{
    add(pack, name, S_IFLNK | 0777, target, strlen(target));
}

/* An ELF file that no dynamic loader has to load (System V ABI: no PT_INTERP). */
static const char *static_check(const char *data, size_t len)
{
    Elf64_Ehdr header;

    if (len < sizeof header || memcmp(data, ELFMAG, SELFMAG) != 0)
        return "is no program";
    memcpy(&header, data, sizeof header);
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != EM_X86_64)
        return "is not for x86-64";
    for (unsigned i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr part;
        uint64_t at = header.e_phoff + (uint64_t)i * sizeof part;

        if (at > len || sizeof part > len - at)
            return "is damaged";
        memcpy(&part, data + at, sizeof part);
        if (part.p_type == PT_INTERP)
            return "needs shared libraries; Debian's package busybox-static has one that does not";
    }
    return NULL;
}

const char *stage_find_busybox(const char *asked)
{
    static const char *const places[] = {"/bin/busybox", "/usr/bin/busybox", "/sbin/busybox.static",
                                         "/bin/busybox.static", "/usr/lib/busybox/busybox"};

    if (asked)
        return asked;
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (access(places[i], R_OK) == 0)
            return places[i];
    msg_error("busybox: looking for it: not found; install busybox-static, or name one with "
              "--busybox");
    return NULL;
}

/* A file of the host, whole, malloc'ed. */
static char *read_file(const char *path, uint64_t max, size_t *len)
{
    struct source source;
    struct content content;
    char *data = NULL;

    if (source_open(&source, path) < 0)
        return NULL;
    content = source_content(&source);
    *len = (size_t)source.size;
    if (source.size > max) {
        msg_error("%s: reading: larger than %.0f MiB", path, (double)max / MIB);
    } else {
        data = xcalloc(1, *len + 1);
        if (content_read(&content, 0, data, *len) < 0) {
            free(data);
            data = NULL;
        }
    }
    source_close(&source);
    return data;
}

static int add_busybox(struct pack *pack, const char *path)
{
    size_t len;
    char *data = read_file(path, BUSYBOX_MAX, &len);
    const char *why = data ? static_check(data, len) : NULL;

    if (data && !why) {
        add(pack, "bin/busybox", S_IFREG | 0755, data, len);
        add_link(pack, "bin/sh", "busybox");
    }
    free(data);
    return why ? msg_error("%s: reading BusyBox: %s", path, why) : data ? 0 : -1;
}

/* The user's own init, or ours. */
static int add_init(struct pack *pack, const char *folder)
{
    const struct embedded *ours = embedded_find("templates/init");
    char *path = folder ? xasprintf("%s/init", folder) : NULL, *text = NULL;
    size_t len;
    int result = 0;

    if (path && access(path, F_OK) == 0) {
        text = read_file(path, INIT_MAX, &len);
        result = text ? 0 : -1;
        if (text)
            add(pack, "init", S_IFREG | 0755, text, len);
    } else {
        add(pack, "init", S_IFREG | 0755, ours->data, ours->len);
    }
    free(text);
    free(path);
    return result;
}

/* "kernel/fs/overlayfs": each folder of a path once, as paths come sorted by name of module. */
static void add_folders_of(struct pack *pack, struct strings *done, const char *root,
                           const char *path)
{
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        char *folder = xasprintf("%s/%.*s", root, (int)(slash - path), path);
        bool there = false;

        for (size_t i = 0; i < done->n && !there; i++)
            there = strcmp(done->v[i], folder) == 0;
        if (!there) {
            strings_add(done, folder);
            add_folder(pack, folder);
        }
        free(folder);
    }
}

static void add_modules(struct pack *pack, const struct stage *stage)
{
    const struct modules *modules = stage->modules;
    char *root = xasprintf("lib/modules/%s", stage->version), *name;
    struct strings done = {0};
    struct buf dep = {0}, alias = {0};

    add_folder(pack, root);
    for (size_t i = 0; i < modules->count; i++) {
        const struct module *module = &modules->list[i];

        add_folders_of(pack, &done, root, module->path);
        name = xasprintf("%s/%s", root, module->path);
        add(pack, name, S_IFREG | 0644, module->data, module->len);
        free(name);
    }
    modules_dep(modules, &dep);
    modules_alias(modules, &alias);
    name = xasprintf("%s/modules.dep", root);
    add(pack, name, S_IFREG | 0644, dep.data, dep.len);
    free(name);
    name = xasprintf("%s/modules.alias", root);
    add(pack, name, S_IFREG | 0644, alias.data, alias.len);
    free(name);
    buf_free(&dep);
    buf_free(&alias);
    strings_free(&done);
    free(root);
}

/* The modules that are loaded whatever hardware there is. */
static const char *first_modules(const struct stage *stage)
{
    return stage->purposes & MODULES_OVERLAY ? "squashfs\nloop\noverlay\n" : "";
}

static int fill(struct pack *pack, const struct stage *stage)
{
    static const char *const folders[] = {"bin",     "dev",  "etc", "lib", "lib/modules",
                                          "newroot", "proc", "run", "sys", "tmp"};
    const struct embedded *rootload = embedded_find("firststage/rootload");

    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        add_folder(pack, folders[i]);
    newc_member(&pack->out, "dev/console",
                &(struct newc){++pack->number, S_IFCHR | 0600, pack->time, 0, makedev(5, 1), 0});
    if (add_busybox(pack, stage->busybox) < 0 || add_init(pack, stage->templates) < 0)
        return -1;
    add(pack, "bin/rootload", S_IFREG | 0755, rootload->data, rootload->len);
    add_text(pack, "etc/mkbootmedia.extra", stage->extra);
    add_text(pack, "etc/modules", first_modules(stage));
    add_modules(pack, stage);
    newc_end(&pack->out);
    return 0;
}

/* What the image is and wants, as an archive of its own that is not compressed: who has the file
 * can read it (initramfs_find). */
static int write_conf(const struct stage *stage, int fd, const char *name)
{
    struct pack pack = {.time = stage->time};
    struct content content;
    off_t at = lseek(fd, 0, SEEK_CUR);
    int result;

    add_folder(&pack, "etc");
    add_text(&pack, INITRAMFS_CONF, stage->conf);
    newc_end(&pack.out);
    content = content_memory(pack.out.data, pack.out.len);
    result = content_write(&content, fd, name, (uint64_t)at);
    if (result == 0 && lseek(fd, at + (off_t)pack.out.len, SEEK_SET) < 0)
        result = msg_errno(name, "writing");
    buf_free(&pack.out);
    return result;
}

int stage_write(const struct stage *stage, int fd, const char *name, uint64_t *unpacked)
{
    struct pack pack = {.time = stage->time};
    struct compressor compressor = {0};
    int result = fill(&pack, stage);

    if (result == 0)
        result = write_conf(stage, fd, name);
    if (result == 0)
        result = compressor_begin(&compressor, stage->compress, 0, 1, fd, name);
    if (result == 0)
        result = compressor_add(&compressor, pack.out.data, pack.out.len);
    if (result == 0)
        result = compressor_end(&compressor);
    *unpacked = pack.out.len;
    compressor_free(&compressor);
    buf_free(&pack.out);
    return result;
}
