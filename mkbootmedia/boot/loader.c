/* loader: reads the table of places (efi/places) and looks what of it is there. */
#include "boot/loader.h"

#include "base/embedded.h"
#include "base/msg.h"
#include "base/run.h"
#include "base/util.h"

#include <stdlib.h>
#include <unistd.h>

enum { FAMILY, ROLE, PLATFORM, FILE_PATH, NAME, PACKAGE, COLUMNS };

struct row {
    char *column[COLUMNS];
};

struct table {
    struct row *rows;
    size_t count;
    char *text;
};

static const char *const platform_names[] = {"i386-pc", "x86_64-efi", "i386-efi"};

const char *loader_platform_name(enum loader_platform platform)
{
    return platform_names[platform];
}

const char *loader_role_name(enum loader_role role)
{
    static const char *const names[] = {"shim", "GRUB", "MokManager", "font",
                                        "iPXE", "iPXE", "iPXE",       "UKI stub"};

    return names[role];
}

static void table_read(struct table *table)
{
    char *save_line, *save_word;

    *table = (struct table){.text = xstrdup(embedded_find("efi/places")->data)};
    for (char *line = strtok_r(table->text, "\n", &save_line); line;
         line = strtok_r(NULL, "\n", &save_line)) {
        struct row row = {0};
        size_t n = 0;

        if (*line == '#')
            continue;
        for (char *word = strtok_r(line, " ", &save_word); word && n < COLUMNS;
             word = strtok_r(NULL, " ", &save_word))
            row.column[n++] = word;
        table->rows = xgrow(table->rows, table->count, sizeof *table->rows);
        table->rows[table->count++] = row;
    }
}

static void table_free(struct table *table)
{
    free(table->rows);
    free(table->text);
}

static bool is(const struct row *row, const char *role, const char *platform)
{
    return strcmp(row->column[ROLE], role) == 0 && strcmp(row->column[PLATFORM], platform) == 0;
}

/* Where to look: the request's own folders come first, for everything. */
enum pass { OWN_FOLDERS, USUAL_PLACES, PASSES };

/* A file of this name, with or without ".signed", in one of the request's own folders; or NULL. */
static char *own_path(const char *name, const struct request *request)
{
    char *plain = xstrdup(name), *path = NULL;
    char *end = strstr(plain, ".signed");

    if (end)
        *end = '\0';
    for (size_t i = 0; i < request->loader_dirs.n && !path; i++)
        for (size_t k = 0; k < 2 && !path; k++) {
            path = xasprintf("%s/%s", request->loader_dirs.v[i], k ? plain : name);
            if (access(path, F_OK) < 0) {
                free(path);
                path = NULL;
            }
        }
    free(plain);
    return path;
}

/* Where the file of a row is on this host, or NULL. */
static char *row_path(const struct row *row, const struct request *request, enum pass pass)
{
    const char *usual = row->column[FILE_PATH];

    if (pass == OWN_FOLDERS)
        return own_path(strrchr(usual, '/') + 1, request);
    return access(usual, F_OK) == 0 ? xstrdup(usual) : NULL;
}

/* A folder of modules counts only with the list that every GRUB has. */
static char *modules_path(const struct row *row, const struct request *request, enum pass pass)
{
    char *dir = row_path(row, request, pass);
    char *list = dir ? xasprintf("%s/moddep.lst", dir) : NULL;

    if (list && access(list, R_OK) != 0) {
        free(dir);
        dir = NULL;
    }
    free(list);
    return dir;
}

static char *optional(const char *column)
{
    return strcmp(column, "-") == 0 ? NULL : xstrdup(column);
}

static void find_modules(struct loaders *loaders, const struct table *table,
                         const struct request *request, enum pass pass)
{
    for (size_t i = 0; i < table->count; i++)
        for (size_t p = 0; p < PLATFORMS; p++) {
            struct loader_modules *modules = &loaders->modules[p];
            const struct row *row = &table->rows[i];

            if (modules->dir || !is(row, "modules", platform_names[p]))
                continue;
            modules->dir = modules_path(row, request, pass);
            if (!modules->dir)
                continue;
            modules->name = optional(row->column[NAME]);
            modules->package = xstrdup(row->column[PACKAGE]);
        }
}

static int take_file(struct loader_file *file, const struct row *row, const struct request *request,
                     enum pass pass)
{
    char *path = row_path(row, request, pass);
    int result = source_open(&file->file, path);

    free(path);
    if (result < 0)
        return -1;
    file->name = optional(row->column[NAME]);
    file->package = xstrdup(row->column[PACKAGE]);
    return 0;
}

static const struct row *family_row(const struct table *table, const char *family, const char *role)
{
    for (size_t i = 0; i < table->count; i++)
        if (is(&table->rows[i], role, "x86_64-efi") &&
            strcmp(table->rows[i].column[FAMILY], family) == 0)
            return &table->rows[i];
    return NULL;
}

static bool there(const struct row *row, const struct request *request, enum pass pass)
{
    char *path = row ? row_path(row, request, pass) : NULL;

    free(path);
    return path != NULL;
}

/* shim, signed GRUB and, if it is there, MokManager: all of one family, they trust each other. */
static int find_signed(struct loaders *loaders, const struct table *table,
                       const struct request *request, enum pass pass, const char *grub_role)
{
    for (size_t i = 0; i < table->count && !loaders->files[LOADER_SHIM].file.path; i++) {
        const struct row *shim = &table->rows[i];
        const char *family = shim->column[FAMILY];
        const struct row *grub = family_row(table, family, grub_role);
        const struct row *mok = family_row(table, family, "mok");

        if (!is(shim, "shim", "x86_64-efi") || !there(shim, request, pass) ||
            !there(grub, request, pass))
            continue;
        if (take_file(&loaders->files[LOADER_SHIM], shim, request, pass) < 0 ||
            take_file(&loaders->files[LOADER_GRUB], grub, request, pass) < 0)
            return -1;
        if (there(mok, request, pass))
            return take_file(&loaders->files[LOADER_MOK], mok, request, pass);
    }
    return 0;
}

/* Loaders that go with any other: the word of the table, and for what platform. */
static const struct single {
    enum loader_role role;
    const char *word, *platform;
} singles[] = {
    {LOADER_FONT, "font", "any"},
    {LOADER_UNDIONLY, "undionly", "i386-pc"},
    {LOADER_SNPONLY, "snponly", "x86_64-efi"},
    {LOADER_IPXE, "ipxe", "x86_64-efi"},
    {LOADER_STUB, "stub", "x86_64-efi"},
};

static int find_single(struct loaders *loaders, const struct table *table,
                       const struct request *request, enum pass pass, const struct single *single)
{
    struct loader_file *file = &loaders->files[single->role];

    for (size_t i = 0; i < table->count && !file->file.path; i++)
        if (is(&table->rows[i], single->word, single->platform) &&
            there(&table->rows[i], request, pass))
            return take_file(file, &table->rows[i], request, pass);
    return 0;
}

static int find_singles(struct loaders *loaders, const struct table *table,
                        const struct request *request, enum pass pass)
{
    for (size_t i = 0; i < ARRAY_LEN(singles); i++)
        if (find_single(loaders, table, request, pass, &singles[i]) < 0)
            return -1;
    return 0;
}

/* "shim-signed (debian), shim-x64 (fedora)": the packages that bring what is missing. */
static char *packages(const struct table *table, const char *role, const char *platform)
{
    struct buf text = {0};
    const char *last = "";

    for (size_t i = 0; i < table->count; i++) {
        const struct row *row = &table->rows[i];

        if (!is(row, role, platform) || strcmp(last, row->column[PACKAGE]) == 0)
            continue;
        last = row->column[PACKAGE];
        buf_printf(&text, "%s%s (%s)", text.len ? ", " : "", last, row->column[FAMILY]);
    }
    return text.data;
}

char *loader_packages(enum loader_role role)
{
    const struct single *single = singles;
    struct table table;
    char *names;

    while (single->role != role)
        single++;
    table_read(&table);
    names = packages(&table, single->word, single->platform);
    table_free(&table);
    return names;
}

static const struct need {
    enum firmware firmware;
    const char *name, *what, *role, *platform;
} media_needs[] = {
    {FIRMWARE_BIOS, "BIOS", "GRUB's modules for i386-pc", "modules", "i386-pc"},
    {FIRMWARE_UEFI, "UEFI", "a GRUB for x86_64-efi", "modules", "x86_64-efi"},
    {FIRMWARE_SECUREBOOT, "Secure Boot", "shim", "shim", "x86_64-efi"},
    {FIRMWARE_SECUREBOOT, "Secure Boot", "a signed GRUB", "grub", "x86_64-efi"},
    {FIRMWARE_IA32, "32-bit UEFI", "GRUB's modules for i386-efi", "modules", "i386-efi"},
};

static const struct need net_needs[ARRAY_LEN(media_needs)] = {
    {FIRMWARE_BIOS, "BIOS", "iPXE", "undionly", "i386-pc"},
    {FIRMWARE_UEFI, "UEFI", "iPXE", "snponly", "x86_64-efi"},
    {FIRMWARE_SECUREBOOT, "Secure Boot", "shim", "shim", "x86_64-efi"},
    {FIRMWARE_SECUREBOOT, "Secure Boot", "a signed GRUB", "netgrub", "x86_64-efi"},
    {FIRMWARE_IA32, "32-bit UEFI", "GRUB's modules for i386-efi", "modules", "i386-efi"},
};

/* Is a signed loader of this role installed, of any family? */
static bool installed(const struct table *table, const char *role, const struct request *request)
{
    for (size_t i = 0; i < table->count; i++)
        for (enum pass pass = 0; pass < PASSES; pass++)
            if (is(&table->rows[i], role, "x86_64-efi") && there(&table->rows[i], request, pass))
                return true;
    return false;
}

/* Of shim and GRUB one may be there without the other: only the other is missing then. */
static bool has(const struct loaders *loaders, const struct table *table,
                const struct request *request, const struct need *need)
{
    bool shim, grub;

    if (need->firmware != FIRMWARE_SECUREBOOT)
        return loaders->firmware & need->firmware;
    if (loaders->files[LOADER_SHIM].file.path) /* a 32-bit kernel has no use for it */
        return loaders->firmware & FIRMWARE_SECUREBOOT;
    shim = installed(table, "shim", request);
    if (strcmp(need->role, "shim") == 0)
        return shim;
    grub = installed(table, need->role, request);
    return grub && !shim;
}

static unsigned firmware_of(const struct loaders *loaders, enum kernel_arch arch, bool net)
{
    const struct loader_file *files = loaders->files;
    bool with_shim = files[LOADER_SHIM].file.path, x64 = arch == KERNEL_X86_64;
    unsigned firmware = 0;

    if (loaders->modules[PLATFORM_BIOS].dir || (net && files[LOADER_UNDIONLY].file.path))
        firmware |= FIRMWARE_BIOS;
    if (x64 && with_shim)
        firmware |= FIRMWARE_UEFI | FIRMWARE_SECUREBOOT;
    if (x64 && (loaders->modules[PLATFORM_X64].dir ||
                (net && (files[LOADER_SNPONLY].file.path || files[LOADER_IPXE].file.path))))
        firmware |= FIRMWARE_UEFI;
    if (loaders->modules[PLATFORM_IA32].dir)
        firmware |= FIRMWARE_IA32;
    return firmware;
}

/* A firmware that was asked for and cannot be served: why, and what to install. */
static int missing(const struct table *table, const struct need *need, enum kernel_arch arch)
{
    char *names;

    if (arch == KERNEL_I386 && strcmp(need->platform, "x86_64-efi") == 0)
        return msg_error("--firmware: %s: the kernel is a 32-bit one, which does not boot there",
                         need->name);
    names = packages(table, need->role, need->platform);
    msg_error("--firmware: %s: %s is not installed; install %s", need->name, need->what, names);
    free(names);
    return -1;
}

static void note_missing(const struct table *table, const struct need *need)
{
    char *names = packages(table, need->role, need->platform);

    msg_note("no boot on %s: %s is not installed; install %s", need->name, need->what, names);
    free(names);
}

/* Not one loader: one line that says what would bring each. */
static int nothing_installed(const struct table *table)
{
    char *bios = packages(table, "modules", "i386-pc");
    char *uefi = packages(table, "modules", "x86_64-efi");

    msg_error("no boot loader is installed; for BIOS install %s; for UEFI install %s", bios, uefi);
    free(bios);
    free(uefi);
    return -1;
}

/* Compares what was asked for with what there is. */
static int check_needs(struct loaders *loaders, const struct table *table,
                       const struct request *request, enum kernel_arch arch, bool net)
{
    const struct need *needs = net ? net_needs : media_needs;
    unsigned asked = request->firmware;

    loaders->firmware = firmware_of(loaders, arch, net);
    if (!loaders->firmware && !asked)
        return nothing_installed(table);
    for (size_t i = 0; i < ARRAY_LEN(media_needs); i++) {
        if (has(loaders, table, request, &needs[i]))
            continue;
        if (asked & needs[i].firmware)
            return missing(table, &needs[i], arch);
        if (!asked && arch == KERNEL_X86_64)
            note_missing(table, &needs[i]);
    }
    if (asked & FIRMWARE_SECUREBOOT)
        asked |= FIRMWARE_UEFI;
    if (asked & FIRMWARE_UEFI) /* what comes along with it */
        asked |= FIRMWARE_SECUREBOOT | FIRMWARE_IA32;
    if (asked)
        loaders->firmware &= asked;
    return 0;
}

int loaders_find(struct loaders *loaders, const struct request *request, enum kernel_arch arch,
                 bool net)
{
    struct table table;
    int result = 0;

    *loaders = (struct loaders){0};
    for (size_t i = 0; i < LOADER_ROLES; i++)
        loaders->files[i].file.fd = -1;
    table_read(&table);
    for (enum pass pass = OWN_FOLDERS; pass < PASSES && result == 0; pass++) {
        find_modules(loaders, &table, request, pass);
        result = find_signed(loaders, &table, request, pass, net ? "netgrub" : "grub");
        if (result == 0)
            result = find_singles(loaders, &table, request, pass);
    }
    if (result == 0)
        result = check_needs(loaders, &table, request, arch, net);
    for (size_t i = 0; i < LOADER_ROLES; i++)
        if (loaders->files[i].file.path)
            msg_detail("%s: %s", loader_role_name(i), loaders->files[i].file.path);
    for (size_t i = 0; i < PLATFORMS; i++)
        if (loaders->modules[i].dir)
            msg_detail("GRUB's modules for %s: %s", platform_names[i], loaders->modules[i].dir);
    table_free(&table);
    return result;
}

void loaders_free(struct loaders *loaders)
{
    for (size_t i = 0; i < LOADER_ROLES; i++) {
        if (loaders->files[i].file.path)
            source_close(&loaders->files[i].file);
        free(loaders->files[i].name);
        free(loaders->files[i].package);
    }
    for (size_t i = 0; i < PLATFORMS; i++) {
        free(loaders->modules[i].dir);
        free(loaders->modules[i].name);
        free(loaders->modules[i].package);
    }
    *loaders = (struct loaders){0};
}
