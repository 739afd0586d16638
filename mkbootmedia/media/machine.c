/* machine: QEMU's arguments, and its monitor for the screenshot. */
#include "media/machine.h"

#include "base/content.h"
#include "base/msg.h"
#include "base/run.h"
#include "base/source.h"
#include "base/strings.h"
#include "media/machine_firmware.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DESCRIPTORS "/etc/qemu/firmware:/usr/share/qemu/firmware"
#define ISO_MAGIC   32769 /* byte where "CD001" stands */

static const struct kind {
    const char *word, *program, *package;
    const char *architecture; /* of its UEFI; NULL: a BIOS, which QEMU has */
    const char *firmware;     /* the package that brings it */
    bool secure;
    const char *loader; /* what a boot root gives first over TFTP */
} kinds[] = {
    {"bios", "qemu-system-x86_64", "qemu-system-x86", NULL, NULL, false, "grub/i386-pc/core.0"},
    {"uefi", "qemu-system-x86_64", "qemu-system-x86", "x86_64", "ovmf", false,
     "grub/x86_64-efi/core.efi"},
    {"secureboot", "qemu-system-x86_64", "qemu-system-x86", "x86_64", "ovmf", true, "shimx64.efi"},
    {"ia32", "qemu-system-x86_64", "qemu-system-x86", "i386", "ovmf-ia32", false,
     "grub/i386-efi/core.efi"},
    {"aarch64", "qemu-system-aarch64", "qemu-system-arm", "aarch64", "qemu-efi-aarch64", false,
     NULL},
};

static const struct kind *find_kind(const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].word, word) == 0)
            return &kinds[i];
    return NULL;
}

bool machine_has_firmware(const char *word)
{
    return find_kind(word);
}

const char *machine_firmwares(void)
{
    static char words[64];

    if (!*words)
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
            strcat(words, i ? ", " : "");
            strcat(words, kinds[i].word);
        }
    return words;
}

/* A value of QEMU's options: a comma in it is written twice. */
static char *escape(const char *text)
{
    struct buf escaped = {0};

    buf_puts(&escaped, "");
    for (; *text; text++)
        buf_printf(&escaped, "%s%c", *text == ',' ? "," : "", *text);
    return escaped.data;
}

/* The firmware's variables, in a copy that it may change. */
static int copy_vars(const char *path)
{
    struct source source;
    struct content content;
    int fd;

    if (source_open(&source, path) < 0)
        return -1;
    fd = run_memfd("variables");
    content = source_content(&source);
    if (fd >= 0 && content_write(&content, fd, "variables", 0) < 0) {
        close(fd);
        fd = -1;
    }
    source_close(&source);
    return fd;
}

static int add_firmware(const struct kind *kind, struct strings *arguments)
{
    struct machine_firmware firmware;
    char *code;
    int fd;

    if (!kind->architecture) {
        strings_add(arguments, "-machine");
        strings_add(arguments, "q35");
        return 0;
    }
    if (!machine_firmware_find(&firmware, DESCRIPTORS, kind->architecture, kind->secure))
        return msg_error("--firmware %s: starting: QEMU has no such firmware; it is in the package "
                         "%s",
                         kind->word, kind->firmware);
    fd = copy_vars(firmware.vars);
    code = escape(firmware.code);
    strings_add(arguments, "-machine");
    strings_add(arguments, strcmp(kind->architecture, "aarch64") == 0 ? "virt"
                           : firmware.smm                             ? "q35,smm=on"
                                                                      : "q35");
    if (firmware.smm) {
        strings_add(arguments, "-global");
        strings_add(arguments, "driver=cfi.pflash01,property=secure,value=on");
        strings_add(arguments, "-global");
        strings_add(arguments, "ICH9-LPC.disable_s3=1");
    }
    strings_add(arguments, "-drive");
    strings_printf(arguments, "if=pflash,unit=0,format=raw,readonly=on,file=%s", code);
    strings_add(arguments, "-drive");
    strings_printf(arguments, "if=pflash,unit=1,format=raw,file=%s", run_path(fd).name);
    free(code);
    machine_firmware_free(&firmware);
    return fd < 0 ? -1 : 0;
}

static bool is_iso(const char *path)
{
    char magic[5] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool iso = fd >= 0 && pread(fd, magic, sizeof magic, ISO_MAGIC) == sizeof magic &&
               memcmp(magic, "CD001", sizeof magic) == 0;

    if (fd >= 0)
        close(fd);
    return iso;
}

static void add_medium(const struct machine *machine, struct strings *arguments)
{
    enum machine_plug plug = machine->plug;
    char *path = escape(machine->path);

    if (plug == MACHINE_AUTO)
        plug = is_iso(machine->path) ? MACHINE_CD : MACHINE_USB;
    if (plug == MACHINE_USB) {
        strings_add(arguments, "-device");
        strings_add(arguments, "qemu-xhci");
    }
    strings_add(arguments, "-drive");
    strings_printf(arguments, "if=none,id=medium,format=raw,file=%s,%s", path,
                   plug == MACHINE_CD ? "media=cdrom,readonly=on" : "snapshot=on");
    strings_add(arguments, "-device");
    strings_add(arguments, plug == MACHINE_USB ? "usb-storage,drive=medium,removable=on,bootindex=0"
                           : plug == MACHINE_CD ? "ide-cd,drive=medium,bus=ide.0,bootindex=0"
                                                : "ide-hd,drive=medium,bus=ide.0,bootindex=0");
    free(path);
}

/* QEMU gives out addresses and files: 10.0.2.2 is the server. */
static int add_network(const struct machine *machine, const struct kind *kind,
                       struct strings *arguments)
{
    char *real = realpath(machine->path, NULL), *folder, *loader;
    int there;

    if (!real || !kind->loader) {
        free(real);
        return msg_error("%s: starting: a boot root has nothing for %s", machine->path, kind->word);
    }
    loader = xasprintf("%s/%s", real, kind->loader);
    there = access(loader, R_OK);
    folder = escape(real);
    strings_add(arguments, "-nic");
    strings_printf(arguments, "user,model=virtio-net-pci,tftp=%s,bootfile=%s%s", folder,
                   kind->loader, kind->architecture ? ",romfile=" : "");
    if (there < 0)
        msg_error("%s: starting: has no %s, which %s machines get first over TFTP", machine->path,
                  kind->loader, kind->word);
    free(folder);
    free(loader);
    free(real);
    return there;
}

static void add_rest(const struct machine *machine, const struct kind *kind, int monitor,
                     struct strings *arguments)
{
    static const char *const accelerators[] = {"-accel", "kvm", "-accel", "tcg"};
    bool kvm = access("/dev/kvm", R_OK | W_OK) == 0 && !machine->no_kvm &&
               strcmp(kind->program, "qemu-system-x86_64") == 0;

    for (size_t i = kvm ? 0 : 2; i < ARRAY_LEN(accelerators); i++)
        strings_add(arguments, accelerators[i]);
    strings_add(arguments, "-m");
    strings_printf(arguments, "%lu", machine->memory);
    strings_add(arguments, "-display");
    strings_add(arguments, "none");
    strings_add(arguments, "-serial");
    strings_add(arguments, monitor < 0 ? "mon:stdio" : "stdio");
    strings_add(arguments, "-no-reboot");
    if (monitor < 0)
        return;
    strings_add(arguments, "-no-shutdown"); /* what is on the screen stays there */
    strings_add(arguments, "-chardev");
    strings_printf(arguments, "socket,id=monitor,fd=%d", monitor);
    strings_add(arguments, "-mon");
    strings_add(arguments, "monitor,mode=control");
}

/* QEMU's answer to a command (QMP): events are passed over. -1, reported. */
static int read_answer(FILE *in, const char *doing)
{
    char *line = NULL;
    size_t room = 0;
    int result = 1;

    while (result > 0 && getline(&line, &room, in) > 0) {
        json_t *answer = json_loads(line, 0, NULL);
        const json_t *error = json_object_get(answer, "error");
        const char *why = json_string_value(json_object_get(error, "desc"));

        if (error)
            result = msg_error("QEMU: %s: %s", doing, why ? why : "it failed");
        else if (json_object_get(answer, "return"))
            result = 0;
        json_decref(answer);
    }
    free(line);
    return result <= 0 ? result : msg_error("QEMU: %s: it has ended", doing);
}

static int command(int monitor, FILE *in, json_t *request, const char *doing)
{
    char *text = json_dumps(request, JSON_COMPACT);
    size_t len = strlen(text);
    bool sent = send(monitor, text, len, MSG_NOSIGNAL) == (ssize_t)len;

    free(text);
    json_decref(request);
    return sent ? read_answer(in, doing) : msg_error("QEMU: %s: it has ended", doing);
}

/* After a while, one picture, and the end. */
static int take_picture(const struct machine *machine, int monitor)
{
    FILE *in = fdopen(monitor, "r");
    int result = -1;

    if (!in)
        return msg_errno("QEMU", "opening its monitor");
    sleep((unsigned)machine->after);
    if (command(monitor, in, json_pack("{s:s}", "execute", "qmp_capabilities"),
                "opening its monitor") == 0)
        result = command(monitor, in,
                         json_pack("{s:s, s:{s:s, s:s}}", "execute", "screendump", "arguments",
                                   "filename", machine->screenshot, "format", "png"),
                         "taking a screenshot");
    if (result == 0)
        command(monitor, in, json_pack("{s:s}", "execute", "quit"), "ending");
    fclose(in);
    return result;
}

/* Without a picture QEMU takes the place of this program: whoever ends the one ends the other. */
static int start(const struct kind *kind, char **arguments, bool stay, pid_t *pid)
{
    *pid = stay ? fork() : 0;
    if (*pid < 0)
        return msg_errno(kind->program, "starting");
    if (*pid)
        return 0;
    if (stay)
        prctl(PR_SET_PDEATHSIG, SIGTERM);
    execvp(kind->program, arguments);
    msg_error("%s: starting: %s (package %s)", kind->program, strerror(errno), kind->package);
    if (stay)
        _exit(EXIT_FAILURE);
    return -1;
}

static int wait_for(const struct kind *kind, pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return msg_errno(kind->program, "waiting for it");
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1; /* it has said why */
}

static int run(const struct machine *machine, const struct kind *kind, struct strings *arguments,
               const int monitors[2])
{
    pid_t pid;

    arguments->v = xgrow(arguments->v, arguments->n, sizeof *arguments->v);
    arguments->v[arguments->n] = NULL;
    if (start(kind, arguments->v, machine->screenshot, &pid) < 0)
        return -1;
    close(monitors[1]); /* QEMU has it: with QEMU ends what can be read */
    if (take_picture(machine, monitors[0]) < 0) {
        kill(pid, SIGTERM);
        wait_for(kind, pid);
        return -1;
    }
    return wait_for(kind, pid);
}

int machine_run(const struct machine *machine)
{
    const struct kind *kind = find_kind(machine->firmware);
    struct strings arguments = {0};
    struct stat st;
    int monitors[2] = {-1, -1}, result;

    if (stat(machine->path, &st) < 0)
        return msg_errno(machine->path, "opening");
    if (machine->screenshot && socketpair(AF_UNIX, SOCK_STREAM, 0, monitors) < 0)
        return msg_errno("QEMU", "making its monitor");
    strings_add(&arguments, kind->program);
    result = add_firmware(kind, &arguments);
    if (result == 0 && S_ISDIR(st.st_mode))
        result = add_network(machine, kind, &arguments);
    else if (result == 0)
        add_medium(machine, &arguments);
    if (result == 0) {
        if (monitors[0] >= 0)
            fcntl(monitors[0], F_SETFD, FD_CLOEXEC);
        add_rest(machine, kind, monitors[1], &arguments);
        result = run(machine, kind, &arguments, monitors);
    }
    strings_free(&arguments);
    return result;
}
