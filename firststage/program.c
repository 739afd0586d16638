/* program: what execve(2) would find (Linux fs/binfmt_script.c, fs/binfmt_elf.c). */
#include "program.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_file(const char *path, struct trouble *why)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return trouble_errno(why, path, "looking for it");
    if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111))
        return trouble(why, "%s: not a program", path);
    return 0;
}

/* "#!/bin/sh -e" */
static int check_script(char *line, struct trouble *why)
{
    char *interpreter = line + 2 + strspn(line + 2, " \t");

    interpreter[strcspn(interpreter, " \t\n")] = '\0';
    return check_file(interpreter, why);
}

/* A 64-bit program names its loader, or is static. */
static int check_elf(int fd, const char *program, const Elf64_Ehdr *header, struct trouble *why)
{
    char loader[PATH_MAX] = "";
    Elf64_Phdr part;

    if (header->e_machine != EM_X86_64)
        return trouble(why, "%s: not for x86-64", program);
    for (unsigned i = 0; i < header->e_phnum; i++) {
        off_t at = (off_t)(header->e_phoff + i * sizeof part);

        if (pread(fd, &part, sizeof part, at) != (ssize_t)sizeof part)
            return trouble(why, "%s: damaged", program);
        if (part.p_type == PT_INTERP && part.p_filesz < sizeof loader &&
            pread(fd, loader, part.p_filesz, (off_t)part.p_offset) < 0)
            return trouble_errno(why, program, "reading");
    }
    return *loader ? check_file(loader, why) : 0;
}

/* Programs of 32 bits are left to Linux. */
static int check_format(int fd, const char *program, struct trouble *why)
{
    union {
        char text[256];
        Elf64_Ehdr elf;
    } head = {.text = ""};

    if (pread(fd, &head, sizeof head - 1, 0) < 0)
        return trouble_errno(why, program, "reading");
    if (head.text[0] == '#' && head.text[1] == '!')
        return check_script(head.text, why);
    if (memcmp(head.elf.e_ident, ELFMAG, SELFMAG) != 0)
        return trouble(why, "%s: neither ELF nor a script", program);
    return head.elf.e_ident[EI_CLASS] == ELFCLASS64 ? check_elf(fd, program, &head.elf, why) : 0;
}

int program_check(const char *folder, const char *program, struct trouble *why)
{
    int fd, code;

    if (chroot(folder) < 0 || chdir("/") < 0)
        return trouble_errno(why, folder, "entering");
    if (check_file(program, why) < 0)
        return -1;
    fd = open(program, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return trouble_errno(why, program, "opening");
    code = check_format(fd, program, why);
    close(fd);
    return code;
}

int program_run(char *const *argv, struct trouble *why)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGQUIT, SIG_DFL);
    execvp(argv[0], argv);
    return trouble_errno(why, argv[0], "starting");
}
