/* grub_image: runs grub-mkimage with the module lists of efi/; reads moddep.lst. */
#include "boot/grub_image.h"

#include "base/embedded.h"
#include "base/msg.h"
#include "base/source.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGE_HEADERS  (64 * KIB) /* boot sectors, unpacker, PE header, early configuration */
#define MODULE_HEADERS 64

const struct grub_recipe *grub_recipe(enum loader_platform platform, bool net)
{
    static const struct grub_recipe recipes[2][PLATFORMS] = {
        {{"i386-pc", "efi/i386-pc.core", "/boot/grub"},
         {"x86_64-efi", "efi/efi.modules", "/boot/grub"},
         {"i386-efi", "efi/efi.modules", "/boot/grub"}},
        {{"i386-pc-pxe", "efi/pxe.modules", "/grub"},
         {"x86_64-efi", "efi/efinet.modules", "/grub"},
         {"i386-efi", "efi/efinet.modules", "/grub"}},
    };

    return &recipes[net][platform];
}

/* The words of an embedded list, without its comments. */
static void list_words(struct strings *words, const char *name)
{
    for (const char *p = embedded_find(name)->data; *p; p += strcspn(p, "\n"), p += *p == '\n') {
        char *word = xasprintf("%.*s", (int)strcspn(p, "\n"), p);

        if (*word && *word != '#')
            strings_add(words, word);
        free(word);
    }
}

/* moddep.lst as text; each line is "module: needed needed". */
static int read_deps(struct buf *deps, const char *dir)
{
    char *path = xasprintf("%s/moddep.lst", dir);
    struct source source;
    int result = source_open(&source, path);

    free(path);
    if (result < 0)
        return -1;
    if (source.size > MIB) {
        result = msg_error("%s: reading: too large to be a list of modules", source.path);
    } else {
        struct content content = source_content(&source);

        deps->data = xrealloc(NULL, source.size + 2);
        deps->len = source.size + 1;
        deps->data[0] = '\n'; /* every line, the first too, begins after a newline */
        deps->data[deps->len] = '\0';
        result = content_read(&content, 0, deps->data + 1, source.size);
    }
    source_close(&source);
    return result;
}

static bool contains(const struct strings *list, const char *word)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->v[i], word) == 0)
            return true;
    return false;
}

/* Appends what a module needs, as far as it is not yet in the list. */
static void add_needed(struct strings *list, const char *module, const struct buf *deps)
{
    char *key = xasprintf("\n%s:", module), *save = NULL, *line;
    const char *found = strstr(deps->data, key);

    if (found) {
        found += strlen(key);
        line = xasprintf("%.*s", (int)strcspn(found, "\n"), found);
        for (char *word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save))
            if (!contains(list, word))
                strings_add(list, word);
        free(line);
    }
    free(key);
}

/* The modules of an embedded list and all that they depend on. */
static int modules_with_needed(struct strings *modules, const char *list, const char *dir)
{
    struct buf deps = {0};
    int result = read_deps(&deps, dir);

    list_words(modules, list);
    for (size_t i = 0; result == 0 && i < modules->n; i++) /* grows while it is walked */
        add_needed(modules, modules->v[i], &deps);
    buf_free(&deps);
    return result;
}

static uint64_t file_len(const char *dir, const char *name, const char *suffix)
{
    char *path = xasprintf("%s/%s%s", dir, name, suffix);
    struct stat st;
    uint64_t len = stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;

    free(path);
    return len;
}

/* All that goes into an image, unpacked, and room for headers: more than it will be. */
int grub_image_measure(struct grub_image *image, const struct grub_recipe *recipe, const char *dir)
{
    struct strings modules = {0};
    int result = modules_with_needed(&modules, recipe->list, dir);

    image->room = file_len(dir, "kernel", ".img") + IMAGE_HEADERS;
    for (size_t i = 0; i < modules.n; i++)
        image->room += file_len(dir, modules.v[i], ".mod") + MODULE_HEADERS;
    strings_free(&modules);
    return result;
}

static int memfd_with(const char *name, const char *text)
{
    int fd = run_memfd(name);
    size_t len = strlen(text);

    if (fd >= 0 && write(fd, text, len) != (ssize_t)len) {
        msg_errno(name, "writing");
        close(fd);
        fd = -1;
    }
    return fd;
}

int grub_image_start(struct grub_image *image, const struct grub_recipe *recipe, const char *dir,
                     const char *early, const char *device)
{
    char *prefix = xasprintf("%s%s", device, recipe->prefix);
    struct strings modules = {0};
    struct run_path config, out;
    const char **argv;
    size_t n = 0;
    int result;

    image->early_fd = early ? memfd_with("early.cfg", early) : -1;
    image->fd = run_memfd(recipe->format);
    if (image->fd < 0 || (early && image->early_fd < 0)) {
        free(prefix);
        return -1;
    }
    list_words(&modules, recipe->list);
    config = run_path(image->early_fd);
    out = run_path(image->fd);
    argv = xcalloc(modules.n + 12, sizeof *argv);
    for (const char *const *p = (const char *const[]){"grub-mkimage", "-O", recipe->format, "-d",
                                                      dir, "-p", prefix, "-o", out.name, NULL};
         *p; p++)
        argv[n++] = *p;
    if (early) {
        argv[n++] = "-c";
        argv[n++] = config.name;
    }
    memcpy(argv + n, modules.v, modules.n * sizeof *argv);
    result = run_start(&image->run, argv);
    free(prefix);
    free(argv);
    strings_free(&modules);
    return result;
}

int grub_image_wait(struct grub_image *image)
{
    struct stat st;

    if (!image->run.pid)
        return 0;
    if (run_wait(&image->run) < 0)
        return -1;
    if (fstat(image->fd, &st) < 0 || st.st_size == 0)
        return msg_error("grub-mkimage: making an image: it is empty");
    if ((uint64_t)st.st_size > image->room)
        return msg_error("grub-mkimage: making an image: larger than all that is in it");
    image->content = content_file("the image of grub-mkimage", image->fd, (uint64_t)st.st_size);
    return 0;
}

void grub_image_free(struct grub_image *image)
{
    if (image->run.pid)
        run_wait(&image->run);
    if (image->early_fd > 0)
        close(image->early_fd);
    if (image->fd > 0)
        close(image->fd);
    *image = (struct grub_image){.early_fd = -1, .fd = -1};
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int grub_modules(struct strings *files, const char *dir)
{
    static const char *const lists[] = {"command.lst",  "crypto.lst",  "fs.lst",       "moddep.lst",
                                        "parttool.lst", "partmap.lst", "terminal.lst", "video.lst"};
    struct strings modules = {0};
    int result = modules_with_needed(&modules, "efi/i386-pc.modules", dir);

    qsort(modules.v, modules.n, sizeof *modules.v, by_text);
    for (size_t i = 0; i < modules.n; i++) {
        char *name = xasprintf("%s.mod", modules.v[i]);

        strings_add(files, name);
        free(name);
    }
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        strings_add(files, lists[i]);
    strings_free(&modules);
    return result;
}
