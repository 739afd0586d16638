/* payload: every path of the request opened, every text checked, once. */
#include "boot/payload.h"

#include "base/msg.h"
#include "base/util.h"
#include "boot/added.h"
#include "boot/initramfs.h"

#include <stdlib.h>

/* What makes a text unfit to stand in a menu or on a kernel's command line; NULL if nothing. */
static const char *text_check(const char *text)
{
    if (has_control(text))
        return "holds a control character";
    return utf8_valid(text) ? NULL : "is not valid UTF-8";
}

const char *payload_split(struct strings *words, const char *text)
{
    struct buf word = {0};
    bool quoted = false, inside = false;
    const char *why = text_check(text);

    for (const char *p = text; !why; p++) {
        if (*p == '"') {
            quoted = !quoted;
            inside = true;
        } else if (*p && (quoted || *p != ' ')) {
            buf_add(&word, p, 1);
            inside = true;
        } else if (inside) {
            buf_add(&word, "", 0);
            strings_add(words, word.data);
            word.len = 0;
            inside = false;
        }
        if (!*p)
            break;
    }
    buf_free(&word);
    return why ? why : quoted ? "has a double quote without its partner" : NULL;
}

/* GRUB hands \, ' and " on with a \ before them, so such a character never arrives alone. */
static void warn_escapes(const char *subject, const struct strings *words)
{
    for (size_t i = 0; i < words->n; i++)
        if (strpbrk(words->v[i], "\\'"))
            msg_warn("%s: GRUB puts a \\ before each \\ and ' in: %s", subject, words->v[i]);
}

/* Bytes of the words on a command line, with blanks and quotes. */
static size_t words_len(const struct strings *words)
{
    size_t len = 0;

    for (size_t i = 0; i < words->n; i++)
        len += strlen(words->v[i]) + 3;
    return len;
}

/* Adds the words of a text that came from subject, and checks what it makes of the command line. */
static int add_text(struct strings *words, const char *text, const char *subject,
                    const struct payload_entry *entry, size_t more)
{
    const char *why = text ? payload_split(words, text) : NULL;
    size_t len = words_len(words) + more;

    if (why)
        return msg_error("%s: checking: the text %s", subject, why);
    warn_escapes(subject, words);
    if (len > entry->kernel.cmdline_size)
        return msg_error("%s: checking: %zu bytes, but %s takes at most %u", subject, len,
                         entry->kernel_file.path, entry->kernel.cmdline_size);
    return 0;
}

/* The kernel's arguments: consoles, what a root wants, then what the user wrote, which counts more.
 */
static int read_words(struct payload_entry *entry, const struct request *request)
{
    char *subject = place_name(&entry->asked->place, "cmdline");
    int result;

    for (size_t i = 0; i < request->consoles.n; i++)
        strings_printf(&entry->words, "console=%s", request->consoles.v[i]);
    if (entry->root.argument)
        strings_add(&entry->words, entry->root.argument);
    result = add_text(&entry->words, entry->asked->cmdline, subject, entry, 0);
    free(subject);
    return result;
}

static int read_kernel(struct payload_entry *entry, const char *path)
{
    struct content content;
    const char *why;

    if (entry->root.kernel.path) {
        entry->kernel_file = entry->root.kernel;
        entry->root.kernel = (struct source){.fd = -1};
        path = entry->kernel_file.path;
    } else if (source_open(&entry->kernel_file, path) < 0) {
        return -1;
    }
    content = source_content(&entry->kernel_file);
    if (kernel_read(&entry->kernel, &content, &why) < 0)
        return why ? msg_error("%s: reading the kernel: %s", path, why) : -1;
    return 0;
}

static int read_initrds(struct payload_entry *entry, const struct strings *paths)
{
    entry->initrds = xcalloc(paths->n, sizeof *entry->initrds);
    for (size_t i = 0; i < paths->n; i++) {
        struct source *source = &entry->initrds[i];
        struct content content;
        const char *format;

        if (source_open(source, paths->v[i]) < 0)
            return -1;
        entry->initrd_count++;
        content = source_content(source);
        if (initramfs_read(&format, &content) < 0)
            return -1;
        if (!format)
            msg_warn("%s: reading the initramfs: no format that Linux unpacks", source->path);
    }
    return 0;
}

/* The initramfs that was made of a root file system, or those that stay. */
static void take_initrds(struct payload_entry *entry)
{
    entry->initrds = entry->root.initrds;
    entry->initrd_count = entry->root.initrd_count;
    entry->root.initrds = NULL;
    entry->root.initrd_count = 0;
}

/* "Linux 6.1.0-44-amd64" */
static char *default_title(const struct kernel *kernel)
{
    int len = (int)strcspn(kernel->version, " ");

    return len ? xasprintf("Linux %.*s", len, kernel->version) : xstrdup("Linux");
}

static int read_title(struct payload_entry *entry)
{
    const struct request_entry *asked = entry->asked;
    const char *why = asked->title ? text_check(asked->title) : NULL;
    char *subject;

    if (!why) {
        entry->title = asked->title ? xstrdup(asked->title) : default_title(&entry->kernel);
        return 0;
    }
    subject = place_name(&asked->place, "title");
    msg_error("%s: checking: the text %s", subject, why);
    free(subject);
    return -1;
}

static int open_entry(struct payload_entry *entry, const struct request_entry *asked,
                      const struct request *request, struct payload_root *root)
{
    *entry = (struct payload_entry){.asked = asked, .firmware = asked->firmware};
    entry->kernel_file.fd = -1;
    entry->name = xstrdup(asked->name);
    if (root) {
        entry->root = *root;
        *root = (struct payload_root){0};
        take_initrds(entry);
    }
    if (read_kernel(entry, asked->kernel) < 0 ||
        (!entry->initrds && read_initrds(entry, &asked->initrds) < 0) || read_title(entry) < 0)
        return -1;
    return read_words(entry, request);
}

static int open_host(struct payload_host *host, const struct request_host *asked,
                     const struct payload *payload, size_t default_entry)
{
    const struct payload_entry *entry;
    char *subject = place_name(&asked->place, "cmdline");
    int result;

    *host = (struct payload_host){.asked = asked, .entry = default_entry};
    for (size_t i = 0; asked->entry && i < payload->entry_count; i++)
        if (strcmp(payload->entries[i].name, asked->entry) == 0)
            host->entry = i;
    entry = &payload->entries[host->entry];
    if (asked->hostname) { /* for the kernel (since 6.0), and for systemd */
        strings_printf(&host->words, "hostname=%s", asked->hostname);
        strings_printf(&host->words, "systemd.hostname=%s", asked->hostname);
    }
    result = add_text(&host->words, asked->cmdline, subject, entry, words_len(&entry->words));
    free(subject);
    return result;
}

int payload_open_hosts(struct payload *payload, const struct request *request)
{
    size_t default_entry = (size_t)(request_default_entry(request) - request->entries);

    payload->hosts = xcalloc(request->host_count, sizeof *payload->hosts);
    for (size_t i = 0; i < request->host_count; i++) {
        payload->host_count++;
        if (open_host(&payload->hosts[i], &request->hosts[i], payload, default_entry) < 0)
            return -1;
    }
    return 0;
}

int payload_open(struct payload *payload, const struct request *request, struct payload_root *roots)
{
    *payload = (struct payload){.arch = KERNEL_X86_64};
    payload->entries = xcalloc(request->entry_count, sizeof *payload->entries);
    for (size_t i = 0; i < request->entry_count; i++) {
        payload->entry_count++;
        if (open_entry(&payload->entries[i], &request->entries[i], request,
                       roots ? &roots[i] : NULL) < 0)
            return -1;
        if (payload->entries[i].kernel.arch != KERNEL_X86_64)
            payload->arch = KERNEL_I386;
    }
    return added_open(payload, &request->added);
}

void payload_add(struct payload *payload, const char *dest, const struct source *file)
{
    payload->added = xgrow(payload->added, payload->added_count, sizeof *payload->added);
    payload->added[payload->added_count++] =
        (struct payload_added){.dest = xstrdup(dest), .file = *file};
}

static time_t newer(time_t a, time_t b)
{
    return a > b ? a : b;
}

time_t payload_newest(const struct payload *payload)
{
    time_t newest = 0;

    for (size_t i = 0; i < payload->entry_count; i++) {
        const struct payload_entry *entry = &payload->entries[i];

        newest = newer(newest, entry->kernel_file.mtime);
        for (size_t k = 0; k < entry->initrd_count; k++)
            newest = newer(newest, entry->initrds[k].mtime);
    }
    for (size_t i = 0; i < payload->added_count; i++)
        newest = newer(newest, payload->added[i].file.mtime);
    return newest;
}

void payload_root_free(struct payload_root *root)
{
    if (root->kernel.path)
        source_close(&root->kernel);
    if (root->image.path)
        source_close(&root->image);
    for (size_t i = 0; i < root->initrd_count; i++)
        source_close(&root->initrds[i]);
    free(root->initrds);
    free(root->image_path);
    strings_free(&root->lines);
    *root = (struct payload_root){0};
}

static void entry_close(struct payload_entry *entry)
{
    if (entry->kernel_file.path)
        source_close(&entry->kernel_file);
    for (size_t i = 0; i < entry->initrd_count; i++)
        source_close(&entry->initrds[i]);
    free(entry->initrds);
    payload_root_free(&entry->root);
    free(entry->name);
    free(entry->title);
    strings_free(&entry->words);
}

void payload_close(struct payload *payload)
{
    for (size_t i = 0; i < payload->entry_count; i++)
        entry_close(&payload->entries[i]);
    for (size_t i = 0; i < payload->host_count; i++) {
        strings_free(&payload->hosts[i].words);
        free(payload->hosts[i].archive_path);
    }
    free(payload->hosts);
    for (size_t i = 0; i < payload->added_count; i++) {
        free(payload->added[i].dest);
        source_close(&payload->added[i].file);
    }
    free(payload->entries);
    free(payload->added);
    *payload = (struct payload){0};
}
