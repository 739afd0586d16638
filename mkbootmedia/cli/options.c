/* options: parsing, help and completion from one table. */
#include "cli/options.h"

#include "base/msg.h"
#include "base/util.h"
#include "boot/setting.h"
#include "boot/setting_root.h"
#include "boot/spec.h"

#include <assert.h>
#include <getopt.h>
#include <stdlib.h>

#define IMAGES (CMD_USB | CMD_ISO | CMD_PLAN)
#define TREES  (CMD_NET | CMD_PLAN | CMD_ALL)
#define BOOT   (IMAGES | CMD_NET | CMD_UPDATE)
#define WRITES (CMD_WRITE | CMD_USB | CMD_ISO)
#define OPENS  (WRITES | CMD_UPDATE)
#define ROOT   (BOOT | CMD_RAMROOT)
#define MAKE   (CMD_USB | CMD_ISO | CMD_NET | CMD_ALL | CMD_RAMROOT)
#define ALL    (BOOT | CMD_ALL | CMD_INSPECT | CMD_RAMROOT | CMD_DEVICES | CMD_WRITE | CMD_VERIFY)

static const char *set_quiet(struct request *request, const char *value)
{
    (void)request, (void)value;
    msg_level.quiet = true;
    return NULL;
}

static const char *set_verbose(struct request *request, const char *value)
{
    (void)request, (void)value;
    msg_level.verbose = true;
    return NULL;
}

static const char *set_version(struct request *request, const char *value)
{
    (void)request, (void)value;
    printf("mkbootmedia %s\n", VERSION);
    exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* Options that are not settings of a request: the parser knows them by these. */
static const char *set_spec(struct request *request, const char *value)
{
    (void)request, (void)value;
    return NULL;
}

static const char *set_help(struct request *request, const char *value)
{
    (void)request, (void)value;
    return NULL;
}

static const struct option_row {
    const char *name;
    char letter;
    const char *value; /* as --help shows it; NULL: takes none */
    unsigned commands;
    setting_fn *set;
    const char *help;
    bool list;                 /* its first use puts away what the spec file has */
    setting_root_fn *set_root; /* in place of set: of the default entry's RAM root */
} rows[] = {
    {"kernel", 'k', "FILE", ROOT, setting_kernel, "kernel (bzImage)", false, NULL},
    {"initrd", 'i', "FILE", BOOT, setting_initrd, "initramfs; repeatable, loaded in order", true,
     NULL},
    {"root", 'r', "ROOTFS", BOOT, NULL,
     "run this tree from RAM: folder, archive, image, - for stdin", false, setting_root_path},
    {"mode", 0, "MODE", ROOT, NULL, "tmpfs (default): all in RAM; overlay: compressed in RAM",
     false, setting_root_mode},
    {"compress", 0, "FORMAT", ROOT, NULL, "of the root image: zstd, xz, gzip, none", false,
     setting_root_compress},
    {"threads", 0, "N", ROOT, NULL, "threads that compress (default: one a processor)", false,
     setting_root_threads},
    {"ram-limit", 0, "SIZE", ROOT, NULL, "fail if it needs more memory than this (2G)", false,
     setting_root_ram_limit},
    {"fetch", 0, "URL", ROOT, NULL, "the first stage gets the root image, not the loader", false,
     setting_root_fetch},
    {"kernel-version", 0, "VERSION", ROOT, NULL, "which kernel of the tree (default: the newest)",
     false, setting_root_kernel_version},
    {"overlay", 0, "DIR", ROOT, NULL, "lay a folder or archive over the tree; repeatable", true,
     setting_root_overlay},
    {"fstab", 0, "WORD", ROOT, NULL, "/etc/fstab: clear (default) of disks, or keep", false,
     setting_root_fstab},
    {"selinux", 0, "WORD", ROOT, NULL, "keep (default), permissive, disabled", false,
     setting_root_selinux},
    {"getty", 0, "WORD", ROOT, NULL, "noclear (default) leaves the screen as it is, or keep", false,
     setting_root_getty},
    {"hostname", 0, "NAME", ROOT, NULL, "host name of the tree", false, setting_root_hostname},
    {"root-password", 0, "WORD", ROOT, NULL, "password:TEXT, file:PATH, hash:CRYPT or locked",
     false, setting_root_password},
    {"ssh-key", 0, "FILE", ROOT, NULL, "public keys for root; repeatable", true,
     setting_root_ssh_key},
    {"boot", 0, "WORD", ROOT, NULL, "/boot and other modules: drop (default) or keep", false,
     setting_root_boot},
    {"modules", 0, "WORD", ROOT, NULL, "need (default) or none: the kernel's may be missing", false,
     setting_root_modules},
    {"busybox", 0, "FILE", ROOT, NULL, "a static BusyBox for the first stage", false,
     setting_root_busybox},
    {"kernel-out", 0, "FILE", CMD_RAMROOT, setting_kernel_out, "write the kernel there", false,
     NULL},
    {"root-out", 0, "FILE", CMD_RAMROOT, setting_root_out,
     "write the root image there (with --fetch)", false, NULL},
    {"cmdline", 0, "TEXT", ROOT, setting_cmdline, "kernel arguments", false, NULL},
    {"title", 0, "TEXT", BOOT, setting_title, "menu title (default: the kernel's version)", false,
     NULL},
    {"spec", 'f', "FILE", BOOT | CMD_ALL, set_spec, "many entries and hosts from a file", false,
     NULL},
    {"label", 0, "TEXT", BOOT | CMD_ALL, setting_label, "volume label (default: MKBOOTMEDIA)",
     false, NULL},
    {"timeout", 0, "SECONDS", BOOT | CMD_ALL, setting_timeout,
     "menu time-out (default 5; -1 waits for ever)", false, NULL},
    {"console", 0, "DEV", BOOT | CMD_ALL, setting_console,
     "tty0, ttyS0,115200: kernel and menu; repeatable", true, NULL},
    {"add", 0, "FILE:/DEST", BOOT | CMD_ALL, setting_add,
     "put a file or folder on the medium; repeatable", true, NULL},
    {"firmware", 0, "LIST", BOOT | CMD_ALL, setting_firmware,
     "bios,uefi,secureboot,ia32 (default: all that the loaders allow)", true, NULL},
    {"loaders", 0, "DIR", BOOT | CMD_ALL, setting_loaders,
     "look for boot loaders here first; repeatable", true, NULL},
    {"templates", 0, "DIR", ROOT | CMD_ALL, setting_templates, "override built-in templates", false,
     NULL},
    {"size", 0, "SIZE", CMD_USB | CMD_PLAN | CMD_ALL, setting_size,
     "make the stick image this large (4G, 500M)", false, NULL},
    {"data", 0, "SIZE", CMD_USB | CMD_PLAN | CMD_ALL, setting_data,
     "add a partition for data (4G, 4G:exfat; default ext4)", false, NULL},
    {"hybrid", 0, "LAYOUT", CMD_ISO | CMD_PLAN | CMD_ALL, setting_hybrid,
     "partition table of the ISO: auto, gpt or isohybrid", false, NULL},
    {"uki", 0, NULL, BOOT | CMD_ALL, setting_uki, "make a UKI of each entry too", false, NULL},
    {"uki-boot", 0, NULL, BOOT | CMD_ALL, setting_uki_boot,
     "as --uki, and UEFI starts the default entry's", false, NULL},
    {"sign-key", 0, "FILE", BOOT | CMD_ALL, setting_sign_key,
     "sign UKIs and the manifest with this key (PEM)", false, NULL},
    {"sign-cert", 0, "FILE", BOOT | CMD_ALL, setting_sign_cert, "and this certificate (PEM)", false,
     NULL},
    {"url", 0, "URL", TREES, setting_url, "where the tree will be served over HTTP", false, NULL},
    {"server", 0, "ADDR", TREES, setting_server, "for the snippets: the server's IPv4 address",
     false, NULL},
    {"subnet", 0, "CIDR", TREES, setting_subnet, "for the snippets: the network of the clients",
     false, NULL},
    {"interface", 0, "IF", TREES, setting_interface, "for the snippets: the server's interface",
     false, NULL},
    {"server-path", 0, "DIR", TREES, setting_server_path,
     "for the snippets: where the tree will be on the server", false, NULL},
    {"pxe", 0, "LOADER", TREES, setting_pxe,
     "what PXE clients get first: ipxe (default), grub or shim", false, NULL},
    {"keep", 0, "N", TREES, setting_keep, "generations of the tree to keep (default 3)", false,
     NULL},
    {"rollback", 0, NULL, CMD_NET, setting_rollback, "go back to the generation before", false,
     NULL},
    {"output", 'o', "PATH", MAKE, setting_output, "the output; - is stdout (usb, iso)", false,
     NULL},
    {"write", 0, "DEVICE", CMD_USB | CMD_ISO, setting_write,
     "write it to this disk at once, as write does; repeatable", true, NULL},
    {"bmap", 0, NULL, CMD_USB | CMD_ISO, setting_make_map,
     "write a map of the image to PATH.bmap, for write and bmaptool", false, NULL},
    {"manifest", 0, NULL, CMD_USB | CMD_ISO, setting_make_manifest,
     "write the image's manifest to PATH.manifest.json, too", false, NULL},
    {"yes", 'y', NULL, WRITES, setting_yes, "do not ask: what is on the disks is lost", false,
     NULL},
    {"serial", 0, "SERIAL", OPENS, setting_serial,
     "write to no disk with another serial number; repeatable", true, NULL},
    {"verify", 0, "HOW", WRITES, setting_verify,
     "read back what was written (mapped), all zeros too (full), or none", false, NULL},
    {"bmap", 0, "FILE", CMD_WRITE, setting_map, "the image's map (default: IMAGE.bmap, if there)",
     false, NULL},
    {"allow-fixed", 0, NULL, OPENS, setting_allow_fixed, "write to disks that are built in, too",
     false, NULL},
    {"allow-file", 0, NULL, OPENS, setting_allow_file,
     "write to files, which act as disks of their size", false, NULL},
    {"manifest", 0, "FILE", CMD_VERIFY, setting_manifest,
     "compare with this one, not with the one inside", false, NULL},
    {"signed-by", 0, "FILE", CMD_VERIFY, setting_signed_by,
     "the key of this certificate (PEM) must have signed the manifest", false, NULL},
    {"firmware", 0, "FIRMWARE", CMD_TRY, setting_try_firmware,
     "bios (default), uefi, secureboot, ia32, aarch64", false, NULL},
    {"memory", 0, "SIZE", CMD_TRY, setting_memory, "of the machine (default 1G)", false, NULL},
    {"as", 0, "PLUG", CMD_TRY, setting_try_plug, "plug it in as usb, cd or disk", false, NULL},
    {"screenshot", 0, "FILE", CMD_TRY, setting_screenshot, "take a picture (PNG), and end", false,
     NULL},
    {"after", 0, "SECONDS", CMD_TRY, setting_after, "when to take it (default 20)", false, NULL},
    {"no-kvm", 0, NULL, CMD_TRY, setting_no_kvm, "emulate the processor, too", false, NULL},
    {"dry-run", 0, NULL, MAKE | CMD_WRITE | CMD_UPDATE, setting_dry_run,
     "check and lay out, write nothing", false, NULL},
    {"no-sync", 0, NULL, MAKE, setting_no_sync, "do not wait for the disk", false, NULL},
    {"json", 0, NULL, ALL, setting_json, "one JSON document on stdout", false, NULL},
    {"quiet", 'q', NULL, ALL | CMD_TRY, set_quiet, "no notes, no progress", false, NULL},
    {"verbose", 'v', NULL, ALL | CMD_TRY, set_verbose, "more details", false, NULL},
    {"version", 0, NULL, ALL | CMD_TRY | CMD_COMPLETION, set_version, "the program's version",
     false, NULL},
    {"help", 'h', NULL, ALL | CMD_TRY | CMD_COMPLETION, set_help, "this help", false, NULL},
};

int usage_error(const struct command *command, const char *format, ...)
{
    va_list ap;
    char *text;

    va_start(ap, format);
    text = xvasprintf(format, ap);
    va_end(ap);
    msg_error("%s: %s (see mkbootmedia %s --help)", command->name, text, command->name);
    free(text);
    return EXIT_USAGE;
}

/* --fetch may stand without its URL. */
static int takes(const struct option_row *row)
{
    if (row->set_root == setting_root_fetch)
        return optional_argument;
    return row->value ? required_argument : no_argument;
}

/* The URL of --fetch may be a word of its own: whatever else stands there is no URL. */
static char *late_value(const struct option_row *row, int argc, char **argv)
{
    if (optarg || takes(row) != optional_argument || optind >= argc ||
        strncmp(argv[optind], "http://", 7) != 0)
        return optarg;
    return argv[optind++];
}

/* The table in getopt_long's form; val is the row's number + 256, which is no letter. */
static void make_getopt(const struct command *command, struct option *longs, struct buf *shorts)
{
    buf_puts(shorts, ":"); /* a missing value is told apart from an unknown option */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!(rows[i].commands & command->bit))
            continue;
        *longs++ = (struct option){rows[i].name, takes(&rows[i]), NULL, (int)i + 256};
        if (rows[i].letter)
            buf_printf(shorts, "%c%s", rows[i].letter, rows[i].value ? ":" : "");
    }
    *longs = (struct option){0};
}

static const struct option_row *row_of(int c)
{
    if (c >= 256)
        return &rows[c - 256];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].letter == c)
            return &rows[i];
    return NULL;
}

/* What is wrong with one result of getopt_long: 0, or EXIT_USAGE with a message. */
static int check(const struct command *command, const struct option_row *row, int c, char **argv)
{
    if (c == ':')
        return usage_error(command, "--%s: needs a value (%s)", row->name, row->value);
    if (c == '?' && optopt >= 256)
        return usage_error(command, "--%s: takes no value", rows[optopt - 256].name);
    if (c == '?' && optopt)
        return usage_error(command, "-%c: no such option", optopt);
    if (c == '?')
        return usage_error(command, "%s: no such option", argv[optind - 1]);
    return 0;
}

/* What one walk over the arguments does with each of them; 0, or an exit status. */
typedef int take_fn(struct options *options, const struct command *command,
                    const struct option_row *row);

/* The first walk: everything is an option that there is; is there a spec file? */
static int take_first(struct options *options, const struct command *command,
                      const struct option_row *row)
{
    if (row->set == set_spec && optarg && !*optarg)
        return usage_error(command, "--spec: '' is empty");
    if (row->set == set_help)
        options->help = true;
    if (row->set == set_version)
        set_version(NULL, NULL);
    if (row->set == set_spec)
        options->spec = optarg;
    return 0;
}

static const char *set(struct options *options, const struct option_row *row, const char *value)
{
    struct request *request = &options->request;

    return row->set_root ? row->set_root(&request_default_entry(request)->root, value)
                         : row->set(request, value);
}

static int take_second(struct options *options, const struct command *command,
                       const struct option_row *row)
{
    bool *used = &options->used[row - rows];
    const char *why;

    if (row->list && !*used)
        set(options, row, NULL);
    *used = true;
    why = set(options, row, optarg);
    return why ? usage_error(command, "--%s: '%s' %s", row->name, optarg, why) : 0;
}

static int walk(struct options *options, const struct command *command, int argc, char **argv,
                take_fn *take)
{
    struct option longs[ARRAY_LEN(rows) + 1];
    struct buf shorts = {0};
    int c, result = 0;

    static_assert(ARRAY_LEN(rows) <= OPTIONS_MAX, "options.used has room for each row");
    make_getopt(command, longs, &shorts);
    optind = 0;
    opterr = 0;
    while (result == 0 && (c = getopt_long(argc, argv, shorts.data, longs, NULL)) != -1) {
        const struct option_row *row = row_of(c == ':' ? optopt : c);

        result = check(command, row, c, argv);
        if (result == 0) {
            optarg = late_value(row, argc, argv);
            result = take(options, command, row);
        }
    }
    buf_free(&shorts);
    return result;
}

/* Options of entries have one to speak of, also when no spec file names any. */
static int read_request(struct options *options)
{
    if (options->spec && spec_read(&options->request, options->spec) < 0)
        return EXIT_FAILURE;
    if (!options->request.entry_count)
        request_add_entry(&options->request, "linux");
    return 0;
}

bool options_given(const struct options *options, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (options->used[i] && strcmp(rows[i].name, name) == 0)
            return true;
    return false;
}

int options_parse(struct options *options, const struct command *command, int argc, char **argv)
{
    int result;

    *options = (struct options){0};
    request_init(&options->request);
    result = walk(options, command, argc, argv, take_first);
    if (result == 0 && options->help)
        return 0;
    if (result == 0)
        result = read_request(options);
    if (result == 0)
        result = walk(options, command, argc, argv, take_second);
    options->operands = argv + optind;
    options->operand_count = argc - optind;
    return result;
}

void options_free(struct options *options)
{
    request_free(&options->request);
}

void options_help(const struct command *command, FILE *out)
{
    fprintf(out, "usage: mkbootmedia %s %s\n\n%s\n\n", command->name, command->operands,
            command->help);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct option_row *row = &rows[i];
        char *text;

        if (!(row->commands & command->bit))
            continue;
        text = xasprintf("%c%c%s --%s%s%s", row->letter ? '-' : ' ',
                         row->letter ? row->letter : ' ', row->letter ? "," : " ", row->name,
                         row->value ? " " : "", row->value ? row->value : "");
        fprintf(out, "  %-24s %s\n", text, row->help);
        free(text);
    }
}

static bool names_file(const struct option_row *row)
{
    return row->value && (strncmp(row->value, "FILE", 4) == 0 || strcmp(row->value, "PATH") == 0);
}

/* "-a|--all|..." of the options of which a question is true; for a case of the script. */
static void print_pattern(FILE *out, bool files)
{
    const char *bar = "        ";

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (files ? !names_file(&rows[i]) : !rows[i].value || strcmp(rows[i].value, "DIR") != 0)
            continue;
        fprintf(out, "%s--%s", bar, rows[i].name);
        if (rows[i].letter)
            fprintf(out, "|-%c", rows[i].letter);
        bar = "|";
    }
    fprintf(out, ")\n");
}

void options_completion(const struct command *commands, FILE *out)
{
    fputs("# bash completion for mkbootmedia; made by `mkbootmedia completion`\n"
          "_mkbootmedia()\n{\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=\n"
          "    case $prev in\n",
          out);
    print_pattern(out, true);
    fputs("            mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n", out);
    print_pattern(out, false);
    fputs("            mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); return ;;\n"
          "        --firmware) words='bios uefi secureboot ia32' ;;\n"
          "        --hybrid) words='auto gpt isohybrid' ;;\n"
          "        --pxe) words='ipxe grub shim' ;;\n"
          "        --mode) words='tmpfs overlay' ;;\n"
          "        --compress) words='zstd xz gzip none' ;;\n"
          "        --fstab) words='keep clear' ;;\n"
          "        --selinux) words='keep permissive disabled' ;;\n"
          "        --getty) words='keep noclear' ;;\n"
          "        --boot) words='keep drop' ;;\n"
          "        --modules) words='need none' ;;\n"
          "        *) case ${COMP_WORDS[1]} in\n",
          out);
    for (const struct command *command = commands; command->name; command++) {
        fprintf(out, "            %s) words='", command->name);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
            if (rows[i].commands & command->bit)
                fprintf(out, "--%s ", rows[i].name);
        fprintf(out, "%s' ;;\n", command->bit == CMD_PLAN ? "usb iso net" : "");
    }
    fputs("        esac ;;\n    esac\n    if [ \"$COMP_CWORD\" = 1 ]; then words='", out);
    for (const struct command *command = commands; command->name; command++)
        fprintf(out, "%s ", command->name);
    fputs("--help --version'; fi\n"
          "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
          "    if [ \"${COMP_WORDS[1]}\" = inspect ] && [[ $cur != -* ]]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
          "    fi\n"
          "}\ncomplete -o filenames -F _mkbootmedia mkbootmedia\n",
          out);
}
