/* plan_uki: a Unified Kernel Image for each entry, made in a file that has no name. */
#include "boot/plan_private.h"

#include "base/msg.h"
#include "base/sign_make.h"
#include "boot/quote.h"
#include "boot/pe.h"
#include "boot/uki.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* An unnamed file, in the folder of the output if it can be, so that blocks can be shared. */
static int open_unnamed(const struct request *request)
{
    const char *output = request->output ? request->output : "", *slash = strrchr(output, '/');
    char *folder = slash ? xasprintf("%.*s", (int)(slash - output) + 1, output) : xstrdup(".");
    const char *places[] = {folder, getenv("TMPDIR"), "/var/tmp", "/tmp"};
    int fd = -1;

    for (size_t i = 0; i < ARRAY_LEN(places) && fd < 0; i++)
        if (places[i])
            fd = open(places[i], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    free(folder);
    return fd < 0 ? msg_errno("UKI", "making a temporary file") : fd;
}

static void print_words(struct buf *line, const struct strings *words)
{
    buf_puts(line, "");
    for (size_t i = 0; i < words->n; i++) {
        buf_puts(line, i ? " " : "");
        quote_kernel_word(line, words->v[i]);
    }
}

/* Fields of os-release(5), by which boot menus know a UKI. */
static void print_osrel(struct buf *osrel, const struct payload_entry *payload)
{
    buf_printf(osrel, "ID=%s\nPRETTY_NAME=\"", payload->name);
    for (const char *p = payload->title; *p; p++)
        buf_printf(osrel, "%s%c", strchr("\"\\$`", *p) ? "\\" : "", *p);
    buf_puts(osrel, "\"\n");
}

static int write_uki(const struct plan *plan, const struct payload_entry *payload, int fd)
{
    struct content *initrds = xcalloc(payload->initrd_count, sizeof *initrds);
    struct buf line = {0}, osrel = {0};
    char *uname =
        xasprintf("%.*s", (int)strcspn(payload->kernel.version, " "), payload->kernel.version);
    int result;

    for (size_t i = 0; i < payload->initrd_count; i++)
        initrds[i] = source_content(&payload->initrds[i]);
    print_words(&line, &payload->words);
    print_osrel(&osrel, payload);
    result = uki_write(&(struct uki){.stub = source_content(&plan->loaders.files[LOADER_STUB].file),
                                     .kernel = source_content(&payload->kernel_file),
                                     .initrds = initrds,
                                     .initrd_count = payload->initrd_count,
                                     .cmdline = line.data,
                                     .osrel = osrel.data,
                                     .uname = uname,
                                     .name = payload->title},
                       fd);
    free(initrds);
    free(uname);
    buf_free(&line);
    buf_free(&osrel);
    return result;
}

/* Is it what UEFI is to start from a medium? In a tree DHCP says that. */
static bool is_first(const struct plan *plan, const struct plan_entry *entry)
{
    return plan->request->uki_boot && plan->output != PLAN_NET &&
           entry == &plan->entries[plan->default_entry];
}

static int make_uki(struct plan *plan, struct plan_entry *entry, const struct sign_key *key)
{
    struct stat st;
    int fd = open_unnamed(plan->request);

    if (fd < 0)
        return -1;
    entry->uki = content_file(entry->payload->title, fd, 0); /* the plan closes it */
    if (write_uki(plan, entry->payload, fd) < 0 ||
        (key->key && pe_sign(fd, entry->payload->title, key, plan->time) < 0))
        return -1;
    if (fstat(fd, &st) < 0)
        return msg_errno("UKI", "reading");
    entry->uki.len = (uint64_t)st.st_size;
    entry->uki_path = is_first(plan, entry) ? xstrdup("EFI/BOOT/BOOTX64.EFI")
                                            : xasprintf("EFI/Linux/%s.efi", entry->payload->name);
    return 0;
}

static int check(const struct plan *plan)
{
    const struct request *request = plan->request;
    char *packages;

    if (request->uki_boot && !request->sign_key && request->firmware & FIRMWARE_SECUREBOOT)
        return msg_error("--uki-boot: a UKI without --sign-key does not start under Secure Boot");
    if (!(plan->loaders.firmware & FIRMWARE_UEFI))
        return msg_error("--uki: making a UKI: the medium is not for UEFI x86-64");
    if (plan->loaders.files[LOADER_STUB].file.path)
        return 0;
    packages = loader_packages(LOADER_STUB);
    msg_error("--uki: the stub linuxx64.efi.stub is not installed; install %s", packages);
    free(packages);
    return -1;
}

int plan_make_ukis(struct plan *plan)
{
    const struct request *request = plan->request;
    struct sign_key key = {0};
    int result = 0;

    if (!request->uki)
        return 0;
    if (check(plan) < 0)
        return -1;
    if (request->uki_boot && !request->sign_key && plan->output != PLAN_NET)
        plan->loaders.firmware &= ~(unsigned)FIRMWARE_SECUREBOOT;
    if (request->sign_key && sign_key_open(&key, request->sign_key, request->sign_cert) < 0)
        return -1;
    for (size_t i = 0; i < plan->entry_count && result == 0; i++)
        result = make_uki(plan, &plan->entries[i], &key);
    sign_key_free(&key);
    return result;
}

void plan_add_ukis(struct plan *plan)
{
    for (size_t i = 0; i < plan->entry_count; i++) {
        const struct plan_entry *entry = &plan->entries[i];
        const struct loader_file *stub = &plan->loaders.files[LOADER_STUB];

        if (!entry->uki_path)
            continue;
        plan_add_item(plan, entry->uki_path, entry->uki, ON_ESP | ON_ROOT);
        plan_add_used(plan, (struct plan_loader){"UKI", "x86_64-efi", stub->file.path,
                                                 stub->package, entry->uki_path});
    }
}
