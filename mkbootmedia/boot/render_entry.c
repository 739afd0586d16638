/*
 * render_entry: what menus say of an entry, for GRUB and for iPXE: each name in the quotes of the
 * loader that will read it.
 */
#include "boot/render_scope.h"

#include "boot/quote.h"

#include <stdlib.h>

static void scope_grub(struct scope *scope, const char *name, const char *text)
{
    struct buf quoted = {0};

    quote_grub(&quoted, text);
    scope_text(scope, name, quoted.data);
    buf_free(&quoted);
}

/* A path on the medium, as GRUB's commands take it. */
static void scope_path(struct scope *scope, const char *name, const struct plan *plan,
                       const char *path)
{
    char *absolute = xasprintf("%s/%s", plan->output == PLAN_NET ? "$tree" : "", path);

    scope_text(scope, name, absolute);
    free(absolute);
}

/* Where an entry is to be seen, as conditions of each loader. */
static const struct where {
    enum firmware firmware;
    const char *grub, *ipxe;
} wheres[] = {
    {FIRMWARE_BIOS, "\"$grub_platform\" = pc", "${platform} pcbios"},
    {FIRMWARE_UEFI, "\"$grub_platform-$grub_cpu\" = efi-x86_64",
     "${platform}-${buildarch} efi-x86_64"},
    {FIRMWARE_SECUREBOOT, "\"$lockdown\" = y", NULL}, /* iPXE is not signed */
    {FIRMWARE_IA32, "\"$grub_platform-$grub_cpu\" = efi-i386", "${platform}-${buildarch} efi-i386"},
};

static void scope_wheres(struct scope *scope, const char *name, const char *ipxe_name,
                         unsigned firmware)
{
    struct buf grub = {0}, ipxe = {0};

    for (size_t i = 0; i < ARRAY_LEN(wheres); i++) {
        if (!(firmware & wheres[i].firmware))
            continue;
        buf_printf(&grub, "%s%s", grub.len ? " -o " : "", wheres[i].grub);
        if (wheres[i].ipxe)
            buf_printf(&ipxe, "%siseq %s", ipxe.len ? " || " : "", wheres[i].ipxe);
    }
    if (grub.len && !ipxe.len)
        buf_puts(&ipxe, "iseq never here");
    scope_text(scope, name, grub.len ? grub.data : "");
    scope_text(scope, ipxe_name, ipxe.len ? ipxe.data : "");
    buf_free(&grub);
    buf_free(&ipxe);
}

static void scope_ipxe(struct scope *scope, const char *name, const char *text)
{
    struct buf quoted = {0};

    quote_ipxe(&quoted, text);
    scope_text(scope, name, quoted.len ? quoted.data : "");
    buf_free(&quoted);
}

/* Words for GRUB's list of them, and for the one line that Linux splits again. */
static void add_words(struct scope *scope, struct buf *line, const struct strings *words)
{
    for (size_t i = 0; i < words->n; i++) {
        scope_grub(scope_item(scope, "words"), "word", words->v[i]);
        buf_puts(line, line->len ? " " : "");
        quote_kernel_word(line, words->v[i]);
    }
}

/* One initramfs file: for GRUB one more word, for iPXE a line of its own and a name. */
static void add_initrd(struct scope *scope, struct scope *initrds, const struct plan *plan,
                       const char *path)
{
    struct scope *image = scope_item(scope, "images");
    char *name = xasprintf("initrd%zu.img", scope_item_count(scope, "images"));

    scope_path(scope_item(initrds, "files"), "file", plan, path);
    scope_text(image, "image", name);
    scope_text(image, "image_path", path);
    free(name);
}

static void add_initrds(struct scope *scope, const struct plan *plan,
                        const struct plan_entry *entry, const struct payload_host *host)
{
    bool more = host && host->archive_path;
    struct scope *initrds;

    scope_list(scope, "initrds");
    scope_list(scope, "images");
    if (!entry->initrd_paths.n && !more)
        return;
    initrds = scope_item(scope, "initrds");
    for (size_t i = 0; i < entry->initrd_paths.n; i++)
        add_initrd(scope, initrds, plan, entry->initrd_paths.v[i]);
    if (more)
        add_initrd(scope, initrds, plan, host->archive_path);
}

/* "Debian"; of a host "node1: Debian" or "52-54-00-12-34-56: Debian" */
static char *title_of(const struct plan_entry *entry, const struct payload_host *host)
{
    const char *title = entry->payload->title;

    if (!host)
        return xstrdup(title);
    return xasprintf("%s: %s", host->asked->hostname ? host->asked->hostname : host->asked->mac,
                     title);
}

void render_default(struct scope *scope, const struct plan *plan)
{
    const struct payload_entry *first = plan->entries[plan->default_entry].payload;
    const char *fallback = "";

    for (size_t i = plan->entry_count; i-- > 0;)
        if (!plan->entries[i].payload->firmware)
            fallback = plan->entries[i].payload->name;
    scope_text(scope, "default", first->name);
    scope_wheres(scope, "default_only", "ipxe_default_only", first->firmware);
    scope_text(scope, "fallback", fallback);
}

void render_entry(struct scope *scope, const struct plan *plan, const struct plan_entry *entry,
                  const struct payload_host *host)
{
    char *title = title_of(entry, host), *loading = xasprintf("Loading %s ...", title);
    struct buf line = {0};

    scope_text(scope, "id", host ? "host" : entry->payload->name);
    scope_grub(scope, "title", title);
    scope_ipxe(scope, "ipxe_title", title);
    scope_grub(scope, "loading", loading);
    scope_path(scope, "kernel", plan, entry->kernel_path);
    scope_text(scope, "kernel_path", entry->kernel_path);
    scope_wheres(scope, "only", "ipxe_only", host ? 0 : entry->payload->firmware);
    add_initrds(scope, plan, entry, host);
    scope_list(scope, "words");
    add_words(scope, &line, &entry->payload->words);
    if (host)
        add_words(scope, &line, &host->words);
    scope_ipxe(scope, "ipxe_words", line.len ? line.data : "");
    buf_free(&line);
    free(title);
    free(loading);
}
