/* plan_items: every file that goes on the medium, and where. */
#include "boot/plan_private.h"

#include "base/embedded.h"
#include "base/msg.h"
#include "boot/render.h"

#include <stdlib.h>

void plan_add_item(struct plan *plan, const char *path, struct content content, unsigned volumes)
{
    plan->items = xgrow(plan->items, plan->item_count, sizeof *plan->items);
    plan->items[plan->item_count++] = (struct item){
        .path = xstrdup(path), .content = content, .volumes = volumes, .place = PLACE_NONE};
}

void plan_add_text(struct plan *plan, const char *path, struct buf text, unsigned volumes)
{
    plan->texts = xgrow(plan->texts, plan->text_count, sizeof *plan->texts);
    plan->texts[plan->text_count++] = text;
    plan_add_item(plan, path, content_memory(text.data, text.len), volumes);
}

void plan_add_used(struct plan *plan, struct plan_loader used)
{
    plan->used = xgrow(plan->used, plan->used_count, sizeof *plan->used);
    plan->used[plan->used_count++] = used;
}

char *plan_add_late(struct plan *plan, const char *path, size_t len)
{
    struct buf text = {0};

    text.data = xcalloc(len + 1, 1);
    text.len = len;
    plan_add_text(plan, path, text, ON_ROOT);
    return plan_sort(plan) < 0 ? NULL : text.data;
}

static void add_payload(struct plan *plan)
{
    for (size_t i = 0; i < plan->entry_count; i++) {
        struct plan_entry *entry = &plan->entries[i];
        const struct payload_entry *payload = entry->payload;

        plan_add_item(plan, entry->kernel_path, source_content(&payload->kernel_file), ON_ROOT);
        for (size_t k = 0; k < payload->initrd_count; k++)
            plan_add_item(plan, entry->initrd_paths.v[k], source_content(&payload->initrds[k]),
                          ON_ROOT);
        if (entry->image_path)
            plan_add_item(plan, entry->image_path, source_content(&payload->root.image), ON_ROOT);
    }
    for (size_t i = 0; i < plan->payload->added_count; i++)
        plan_add_item(plan, plan->payload->added[i].dest,
                      source_content(&plan->payload->added[i].file), ON_ROOT);
}

/* shim starts the GRUB beside it, and MokManager when it refuses something. Never fbx64.efi: on a
 * removable medium it would write boot entries into the machine. */
static void add_signed(struct plan *plan)
{
    for (size_t i = LOADER_SHIM; i <= LOADER_MOK; i++) {
        const struct loader_file *file = &plan->loaders.files[i];
        char *path;

        if (!file->file.path)
            continue;
        path = xasprintf("EFI/BOOT/%s", file->name);
        plan_add_item(plan, path, source_content(&file->file), ON_ESP | ON_ROOT);
        free(path);
        plan_add_used(plan,
                      (struct plan_loader){loader_role_name(i), "x86_64-efi", file->file.path,
                                           file->package, plan->items[plan->item_count - 1].path});
    }
}

/* A file of GRUB's modules folder, kept open by the plan; the content stays valid with it. */
static int open_module(struct plan *plan, const char *name, struct content *content)
{
    struct source source;
    char *path = xasprintf("%s/%s", plan->loaders.modules[PLATFORM_BIOS].dir, name);
    int result = source_open_any(&source, path);

    free(path);
    if (result < 0)
        return -1;
    plan->module_files = xgrow(plan->module_files, plan->module_count, sizeof *plan->module_files);
    plan->module_files[plan->module_count++] = source;
    *content = source_content(&source);
    return 0;
}

static int add_modules(struct plan *plan)
{
    struct strings names = {0};
    struct content content;
    int result = grub_modules(&names, plan->loaders.modules[PLATFORM_BIOS].dir);

    for (size_t i = 0; i < names.n && result == 0; i++) {
        char *path = xasprintf("boot/grub/i386-pc/%s", names.v[i]);

        result = open_module(plan, names.v[i], &content);
        if (result == 0)
            plan_add_item(plan, path, content, ON_ROOT);
        free(path);
    }
    strings_free(&names);
    return result;
}

static int add_bios(struct plan *plan)
{
    const struct loader_modules *modules = &plan->loaders.modules[PLATFORM_BIOS];

    if (plan->output == PLAN_ISO && open_module(plan, "cdboot.img", &plan->bios_cdboot) < 0)
        return -1;
    if (open_module(plan, plan->output == PLAN_ISO ? "boot_hybrid.img" : "boot.img",
                    &plan->bios_boot) < 0)
        return -1;
    plan_add_used(plan,
                  (struct plan_loader){"GRUB", "i386-pc", modules->dir, modules->package, NULL});
    return add_modules(plan);
}

int plan_add_files(struct plan *plan)
{
    const struct loader_file *font = &plan->loaders.files[LOADER_FONT];

    add_payload(plan);
    if (plan->loaders.firmware & FIRMWARE_SECUREBOOT && !plan->request->uki_boot)
        add_signed(plan);
    if (font->file.path)
        plan_add_item(plan, "boot/grub/fonts/unicode.pf2", source_content(&font->file), ON_ROOT);
    return plan->loaders.firmware & FIRMWARE_BIOS ? add_bios(plan) : 0;
}

int plan_add_rendered(struct plan *plan, const char *path, const char *name, unsigned volumes)
{
    struct buf text = {0};

    if (render(&text, name, plan) < 0) {
        buf_free(&text);
        return -1;
    }
    plan_add_text(plan, path, text, volumes);
    return 0;
}

/*
 * Where a GRUB that firmware has started looks first, when the menu is elsewhere: on an ISO's ESP,
 * and beside itself, for some distributions build their signed GRUB so.
 */
static int add_esp_config(struct plan *plan)
{
    bool on_esp = plan->output == PLAN_ISO && plan->loaders.firmware & ~(unsigned)FIRMWARE_BIOS;

    if (on_esp && plan_add_rendered(plan, "boot/grub/grub.cfg", "esp.cfg", ON_ESP) < 0)
        return -1;
    if (!(plan->loaders.firmware & FIRMWARE_SECUREBOOT))
        return 0;
    return plan_add_rendered(plan, "EFI/BOOT/grub.cfg", "esp.cfg", ON_ESP | ON_ROOT);
}

static void add_theme_pictures(struct plan *plan)
{
    for (const struct embedded *file = embedded_files; file->name; file++) {
        char *path;

        if (strncmp(file->name, "theme/", 6) != 0)
            continue;
        path = xasprintf("boot/grub/%s", file->name);
        plan_add_item(plan, path, content_memory(file->data, file->len), ON_ROOT);
        free(path);
    }
}

int plan_add_texts(struct plan *plan)
{
    struct buf marker = {0}, info = {0};

    buf_printf(&marker, "%s\n", digest_hex(plan->id).text);
    plan_add_text(plan, plan->marker, marker, ON_ROOT);
    buf_printf(&info, "%s\n", plan->label);
    plan_add_text(plan, ".disk/info", info, ON_ROOT);
    add_theme_pictures(plan);
    if (plan_add_rendered(plan, "boot/grub/grub.cfg", "grub.cfg", ON_ROOT) < 0 ||
        plan_add_rendered(plan, "boot/grub/theme/theme.txt", "theme.txt", ON_ROOT) < 0)
        return -1;
    if (plan->output == PLAN_ISO &&
        plan_add_rendered(plan, "boot/grub/loopback.cfg", "loopback.cfg", ON_ROOT) < 0)
        return -1;
    return add_esp_config(plan);
}

/* Where the image for a platform goes. */
static char *image_path(const struct plan *plan, enum loader_platform platform)
{
    if (plan->output == PLAN_NET)
        return xasprintf("grub/%s/core.%s", loader_platform_name(platform),
                         platform == PLATFORM_BIOS ? "0" : "efi");
    return xasprintf("EFI/BOOT/%s", plan->loaders.modules[platform].name);
}

void plan_add_images(struct plan *plan)
{
    for (size_t i = plan->output == PLAN_NET ? PLATFORM_BIOS : PLATFORM_X64; i < PLATFORMS; i++) {
        const struct loader_modules *modules = &plan->loaders.modules[i];
        char *path;

        if (!plan->images[i].room)
            continue;
        path = image_path(plan, i);
        plan_add_item(plan, path, content_memory(NULL, 0), ON_ESP | ON_ROOT);
        plan->items[plan->item_count - 1].room = plan->images[i].room;
        free(path);
        plan_add_used(plan, (struct plan_loader){"GRUB", loader_platform_name(i), modules->dir,
                                                 modules->package,
                                                 plan->items[plan->item_count - 1].path});
    }
}

int plan_take_images(struct plan *plan)
{
    for (size_t i = 0; i < PLATFORMS; i++) {
        bool item = plan->output == PLAN_NET || i != PLATFORM_BIOS;
        char *path = item ? image_path(plan, i) : NULL;
        int result = grub_image_wait(&plan->images[i]);

        for (size_t k = 0; path && k < plan->item_count; k++)
            if (plan->items[k].room && strcmp(plan->items[k].path, path) == 0)
                plan->items[k].content = plan->images[i].content;
        free(path);
        if (result < 0)
            return -1;
    }
    plan->bios_core = plan->images[PLATFORM_BIOS].content;
    return 0;
}

static int by_path(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    int order = strcmp(x->path, y->path);

    return order ? order : (int)x->volumes - (int)y->volumes;
}

/* Upper and lower case are the same to FAT, and to firmware. */
static int by_path_without_case(const void *a, const void *b)
{
    return strcasecmp((*(struct item *const *)a)->path, (*(struct item *const *)b)->path);
}

/* Does a file of the sorted list have the name of a folder that this path needs? */
static bool is_in_file(struct item *const *items, size_t count, const char *path)
{
    bool found = false;

    for (const char *slash = strchr(path, '/'); slash && !found; slash = strchr(slash + 1, '/')) {
        struct item key = {.path = xasprintf("%.*s", (int)(slash - path), path)};
        struct item *const key_item = &key;

        found = slash[1] && bsearch(&key_item, items, count, sizeof *items, by_path_without_case);
        free(key.path);
    }
    return found;
}

static int check_paths(const struct plan *plan, unsigned volume)
{
    size_t count;
    struct item **items = plan_volume(plan, volume, &count);
    int result = 0;

    qsort(items, count, sizeof *items, by_path_without_case);
    for (size_t i = 0; i < count && result == 0; i++)
        if ((i && strcasecmp(items[i - 1]->path, items[i]->path) == 0) ||
            is_in_file(items, count, items[i]->path))
            result =
                msg_error("%s: adding to the medium: two files want this path", items[i]->path);
    free(items);
    return result;
}

int plan_sort(struct plan *plan)
{
    qsort(plan->items, plan->item_count, sizeof *plan->items, by_path);
    return check_paths(plan, ON_ROOT) < 0 || check_paths(plan, ON_ESP) < 0 ? -1 : 0;
}
