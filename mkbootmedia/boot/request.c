/* request: its defaults and its end. */
#include "boot/request.h"

#include "base/util.h"

#include <stdlib.h>

const struct firmware_row firmwares[FIRMWARES] = {
    {FIRMWARE_BIOS, "bios", "BIOS"},
    {FIRMWARE_UEFI, "uefi", "UEFI"},
    {FIRMWARE_SECUREBOOT, "secureboot", "UEFI with Secure Boot"},
    {FIRMWARE_IA32, "ia32", "32-bit UEFI"},
};

const struct firmware_row *firmware_row(enum firmware firmware)
{
    size_t i = 0;

    while (firmwares[i].firmware != firmware)
        i++;
    return &firmwares[i];
}

char *place_name(const struct place *place, const char *key)
{
    return place->file ? xasprintf("%s:%u: %s", place->file, place->line, key)
                       : xasprintf("--%s", key);
}

void request_init(struct request *request)
{
    *request = (struct request){.timeout = 5, .keep = 3, .try = {.memory = 1024, .after = 20}};
}

struct request_entry *request_add_entry(struct request *request, const char *name)
{
    struct request_entry *entry;

    request->entries = xgrow(request->entries, request->entry_count, sizeof *request->entries);
    entry = &request->entries[request->entry_count++];
    *entry = (struct request_entry){.name = xstrdup(name)};
    return entry;
}

struct request_host *request_add_host(struct request *request)
{
    struct request_host *host;

    request->hosts = xgrow(request->hosts, request->host_count, sizeof *request->hosts);
    host = &request->hosts[request->host_count++];
    *host = (struct request_host){0};
    return host;
}

struct request_entry *request_find_entry(const struct request *request, const char *name)
{
    for (size_t i = 0; i < request->entry_count; i++)
        if (strcmp(request->entries[i].name, name) == 0)
            return &request->entries[i];
    return NULL;
}

struct request_entry *request_default_entry(const struct request *request)
{
    struct request_entry *entry =
        request->default_entry ? request_find_entry(request, request->default_entry) : NULL;

    return entry ? entry : &request->entries[0];
}

void request_root_free(struct request_root *root)
{
    char *const texts[] = {root->path,     root->mode,     root->kernel_version, root->busybox,
                           root->compress, root->hostname, root->root_password};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        free(texts[i]);
    strings_free(&root->overlays);
    strings_free(&root->ssh_keys);
    strings_free(&root->urls);
    *root = (struct request_root){0};
}

bool request_root_adjusted(const struct request_root *root)
{
    return root->mode || root->fetch || root->kernel_version || root->busybox || root->compress ||
           root->threads || root->ram_limit || root->overlays.n || root->ssh_keys.n ||
           root->urls.n || root->fstab || root->getty || root->boot || root->modules ||
           root->selinux || root->hostname || root->root_password;
}

void request_entry_free(struct request_entry *entry)
{
    free(entry->name);
    free(entry->title);
    free(entry->kernel);
    request_root_free(&entry->root);
    free(entry->cmdline);
    strings_free(&entry->initrds);
}

static void host_free(struct request_host *host)
{
    free(host->entry);
    free(host->hostname);
    free(host->cmdline);
    strings_free(&host->files);
}

void request_free(struct request *request)
{
    struct strings *const lists[] = {
        &request->spec_files, &request->consoles,      &request->loader_dirs,  &request->added,
        &request->outputs,    &request->write.devices, &request->write.serials};
    char *const texts[] = {request->default_entry,
                           request->label,
                           request->marker,
                           request->templates,
                           request->url,
                           request->server,
                           request->subnet,
                           request->interface,
                           request->server_path,
                           request->sign_key,
                           request->sign_cert,
                           request->output,
                           request->kernel_out,
                           request->root_out,
                           request->write.bmap,
                           request->try.firmware,
                           request->try.plug,
                           request->try.screenshot,
                           request->verify.manifest,
                           request->verify.signature};

    for (size_t i = 0; i < request->entry_count; i++)
        request_entry_free(&request->entries[i]);
    for (size_t i = 0; i < request->host_count; i++)
        host_free(&request->hosts[i]);
    free(request->entries);
    free(request->hosts);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        strings_free(lists[i]);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        free(texts[i]);
    *request = (struct request){0};
}
