/* options: parsing, help and completion from one table. */
#include "cli/options.h"

#include "base/msg.h"
#include "base/util.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#define BOOT (CMD_USB | CMD_ISO | CMD_PLAN)
#define MAKE (CMD_USB | CMD_ISO)
#define ALL  (BOOT | CMD_INSPECT)

/* Sets one option; NULL, or what is wrong with its value. */
typedef const char *set_fn(struct options *options, const char *value);

static void replace(char **place, const char *value)
{
    free(*place);
    *place = xstrdup(value);
}

static const char *set_kernel(struct options *options, const char *value)
{
    replace(&options->request.entries[0].kernel, value);
    return NULL;
}

static const char *set_initrd(struct options *options, const char *value)
{
    strings_add(&options->request.entries[0].initrds, value);
    return NULL;
}

static const char *set_cmdline(struct options *options, const char *value)
{
    replace(&options->request.entries[0].cmdline, value);
    return NULL;
}

static const char *set_title(struct options *options, const char *value)
{
    replace(&options->request.entries[0].title, value);
    return *value ? NULL : "is empty";
}

static const char *set_label(struct options *options, const char *value)
{
    replace(&options->request.label, value);
    return NULL;
}

static const char *set_timeout(struct options *options, const char *value)
{
    char *end;

    errno = 0;
    options->request.timeout = strtol(value, &end, 10);
    if (errno || end == value || *end || options->request.timeout < -1 ||
        options->request.timeout > 86400)
        return "is not a number of seconds from -1 (wait for ever) to 86400";
    return NULL;
}

static const char *set_console(struct options *options, const char *value)
{
    strings_add(&options->request.consoles, value);
    return NULL;
}

static const char *set_add(struct options *options, const char *value)
{
    strings_add(&options->request.added, value);
    return NULL;
}

static const char *set_firmware(struct options *options, const char *value)
{
    for (const char *p = value;; p++) {
        size_t len = strcspn(p, ","), i = 0;

        while (i < FIRMWARES && (strncmp(firmwares[i].word, p, len) != 0 || firmwares[i].word[len]))
            i++;
        if (i == FIRMWARES)
            return "is not a list of bios, uefi, secureboot, ia32";
        options->request.firmware |= firmwares[i].firmware;
        p += len;
        if (!*p)
            return NULL;
    }
}

static const char *set_loaders(struct options *options, const char *value)
{
    strings_add(&options->request.loader_dirs, value);
    return NULL;
}

static const char *set_templates(struct options *options, const char *value)
{
    replace(&options->request.templates, value);
    return NULL;
}

static const char *set_hybrid(struct options *options, const char *value)
{
    static const char *const words[] = {"auto", "gpt", "isohybrid"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(words[i], value) == 0) {
            options->request.hybrid = (enum hybrid)i;
            return NULL;
        }
    return "is not auto, gpt or isohybrid";
}

static const char *set_size(struct options *options, const char *value)
{
    static const char units[] = "KMGT";
    char *end;
    const char *unit;
    unsigned long long n;
    unsigned shift = 0;

    errno = 0;
    n = strtoull(value, &end, 10);
    unit = *end ? strchr(units, *end) : NULL;
    if (unit) {
        shift = 10 * (unsigned)(unit - units + 1);
        end++;
    }
    if (errno || *value < '0' || *value > '9' || *end || n == 0 || n > (UINT64_C(1) << 46 >> shift))
        return "is not a size such as 4G (K, M, G, T are powers of 1024; at most 64T)";
    options->request.size = (uint64_t)n << shift;
    return NULL;
}

static const char *set_output(struct options *options, const char *value)
{
    replace(&options->request.output, value);
    return *value ? NULL : "is empty";
}

static const char *set_dry_run(struct options *options, const char *value)
{
    (void)value;
    options->request.dry_run = true;
    return NULL;
}

static const char *set_no_sync(struct options *options, const char *value)
{
    (void)value;
    options->request.no_sync = true;
    return NULL;
}

static const char *set_json(struct options *options, const char *value)
{
    (void)value;
    options->request.json = true;
    return NULL;
}

static const char *set_quiet(struct options *options, const char *value)
{
    (void)options, (void)value;
    msg_level.quiet = true;
    return NULL;
}

static const char *set_verbose(struct options *options, const char *value)
{
    (void)options, (void)value;
    msg_level.verbose = true;
    return NULL;
}

static const char *set_help(struct options *options, const char *value)
{
    (void)value;
    options->help = true;
    return NULL;
}

static const char *set_version(struct options *options, const char *value)
{
    (void)options, (void)value;
    printf("mkbootmedia %s\n", VERSION);
    exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

static const struct option_row {
    const char *name;
    char letter;
    const char *value; /* as --help shows it; NULL: takes none */
    unsigned commands;
    set_fn *set;
    const char *help;
} rows[] = {
    {"kernel", 'k', "FILE", BOOT, set_kernel, "kernel (bzImage)"},
    {"initrd", 'i', "FILE", BOOT, set_initrd, "initramfs; repeatable, loaded in order"},
    {"cmdline", 0, "TEXT", BOOT, set_cmdline, "kernel arguments"},
    {"title", 0, "TEXT", BOOT, set_title, "menu title (default: the kernel's version)"},
    {"label", 0, "TEXT", BOOT, set_label, "volume label (default: MKBOOTMEDIA)"},
    {"timeout", 0, "SECONDS", BOOT, set_timeout, "menu time-out (default 5; -1 waits for ever)"},
    {"console", 0, "DEV", BOOT, set_console, "tty0, ttyS0,115200: kernel and menu; repeatable"},
    {"add", 0, "FILE:/DEST", BOOT, set_add, "put a file or folder on the medium; repeatable"},
    {"firmware", 0, "LIST", BOOT, set_firmware,
     "bios,uefi,secureboot,ia32 (default: all that the loaders allow)"},
    {"loaders", 0, "DIR", BOOT, set_loaders, "look for boot loaders here first; repeatable"},
    {"templates", 0, "DIR", BOOT, set_templates, "override built-in templates"},
    {"size", 0, "SIZE", CMD_USB | CMD_PLAN, set_size, "make the stick image this large (4G, 500M)"},
    {"hybrid", 0, "LAYOUT", CMD_ISO | CMD_PLAN, set_hybrid,
     "partition table of the ISO: auto, gpt or isohybrid"},
    {"output", 'o', "PATH", MAKE, set_output, "the output; - is stdout"},
    {"dry-run", 0, NULL, MAKE, set_dry_run, "check and lay out, write nothing"},
    {"no-sync", 0, NULL, MAKE, set_no_sync, "do not wait for the disk"},
    {"json", 0, NULL, ALL, set_json, "one JSON document on stdout"},
    {"quiet", 'q', NULL, ALL, set_quiet, "no notes, no progress"},
    {"verbose", 'v', NULL, ALL, set_verbose, "more details"},
    {"version", 0, NULL, ALL | CMD_COMPLETION, set_version, "the program's version"},
    {"help", 'h', NULL, ALL | CMD_COMPLETION, set_help, "this help"},
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

/* The table in getopt_long's form; val is the row's number + 256, which is no letter. */
static void make_getopt(const struct command *command, struct option *longs, struct buf *shorts)
{
    buf_puts(shorts, ":"); /* a missing value is told apart from an unknown option */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!(rows[i].commands & command->bit))
            continue;
        *longs++ = (struct option){rows[i].name, rows[i].value ? 1 : 0, NULL, (int)i + 256};
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

/* One result of getopt_long: 0, or EXIT_USAGE with a message. */
static int take(struct options *options, const struct command *command, int c, char **argv)
{
    const struct option_row *row = row_of(c == ':' ? optopt : c);
    const char *why;

    if (c == ':')
        return usage_error(command, "--%s: needs a value (%s)", row->name, row->value);
    if (c == '?' && optopt >= 256)
        return usage_error(command, "--%s: takes no value", rows[optopt - 256].name);
    if (c == '?' && optopt)
        return usage_error(command, "-%c: no such option", optopt);
    if (c == '?')
        return usage_error(command, "%s: no such option", argv[optind - 1]);
    why = row->set(options, optarg);
    return why ? usage_error(command, "--%s: '%s' %s", row->name, optarg, why) : 0;
}

int options_parse(struct options *options, const struct command *command, int argc, char **argv)
{
    struct option longs[ARRAY_LEN(rows) + 1];
    struct buf shorts = {0};
    int c, result = 0;

    *options = (struct options){0};
    request_init(&options->request);
    make_getopt(command, longs, &shorts);
    optind = 0;
    opterr = 0;
    while (result == 0 && (c = getopt_long(argc, argv, shorts.data, longs, NULL)) != -1)
        result = take(options, command, c, argv);
    options->operands = argv + optind;
    options->operand_count = argc - optind;
    buf_free(&shorts);
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
          "        *) case ${COMP_WORDS[1]} in\n",
          out);
    for (const struct command *command = commands; command->name; command++) {
        fprintf(out, "            %s) words='", command->name);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
            if (rows[i].commands & command->bit)
                fprintf(out, "--%s ", rows[i].name);
        fprintf(out, "%s' ;;\n", command->bit == CMD_PLAN ? "usb iso" : "");
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
