/*
 * module_read: one module: its file, uncompressed, and what it says of itself: section .modinfo of
 * the ELF file (System V ABI), a run of "key=value" with a NUL behind each.
 *
 * libkmod would read that too, but it ends the program at a damaged file (it asserts), and these
 * files come from anywhere.
 */
#include "ramroot/modules_private.h"

#include "base/msg.h"
#include "ramroot/blob.h"

#include <archive.h>
#include <elf.h>
#include <stdlib.h>

#define CHUNK (64 * KIB)

static int unpack_fail(struct archive *archive, const char *path)
{
    const char *why = archive_error_string(archive);

    return msg_error("%s: uncompressing: %s", path, why ? why : "it is damaged");
}

static int unpack_all(struct archive *archive, struct buf *out, size_t max, const char *path)
{
    char chunk[CHUNK];
    la_ssize_t n;

    while ((n = archive_read_data(archive, chunk, sizeof chunk)) > 0) {
        if ((size_t)n > max - out->len)
            return msg_error("%s: uncompressing: it is too large", path);
        buf_add(out, chunk, (size_t)n);
    }
    return n < 0 ? unpack_fail(archive, path) : 0;
}

/* Known by its bytes, whatever its name says. */
static int unpack(const char *data, size_t len, struct buf *out, size_t max, const char *path)
{
    struct archive *archive = blob_raw_reader();
    struct archive_entry *entry;
    int result;

    if (archive_read_open_memory(archive, data, len) != ARCHIVE_OK ||
        archive_read_next_header(archive, &entry) != ARCHIVE_OK)
        result = unpack_fail(archive, path);
    else
        result = unpack_all(archive, out, max, path);
    archive_read_free(archive);
    return result;
}

static bool is_elf(const char *data, size_t len)
{
    return len >= sizeof(Elf64_Ehdr) && memcmp(data, ELFMAG, SELFMAG) == 0 &&
           data[EI_CLASS] == ELFCLASS64 && data[EI_DATA] == ELFDATA2LSB;
}

/* The module's bytes become its own, uncompressed. */
static int take_data(struct module *module, char *data, size_t len, size_t max, const char *path)
{
    struct buf out = {0};
    int result;

    module->data = data;
    module->len = len;
    if (!is_elf(data, len)) {
        result = unpack(data, len, &out, max, path);
        free(data);
        module->data = out.data;
        module->len = out.len;
        if (result < 0)
            return -1;
    }
    if (!is_elf(module->data, module->len))
        return msg_error("%s: reading: it is no kernel module for x86-64", path);
    return module->len > max ? msg_error("%s: reading: it is too large", path) : 0;
}

/* Words between blanks or commas, as names of modules. */
static void add_names(struct strings *names, const char *words)
{
    char *copy = xstrdup(words), *rest = NULL;

    for (char *word = strtok_r(copy, ", ", &rest); word; word = strtok_r(NULL, ", ", &rest)) {
        module_normalise(word);
        strings_add(names, word);
    }
    free(copy);
}

/* "pre: a b post: c": what has to be loaded before. */
static void add_soft(struct strings *soft, const char *words)
{
    char *copy = xstrdup(words), *rest = NULL;
    bool before = false;

    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        if (strcmp(word, "pre:") == 0 || strcmp(word, "post:") == 0)
            before = strcmp(word, "pre:") == 0;
        else if (before)
            add_names(soft, word);
    }
    free(copy);
}

/* As depmod writes it; what would not be one word of a line there is none. */
static void add_alias(struct strings *aliases, const char *alias)
{
    if (!*alias || alias[strcspn(alias, " \t\n")])
        return;
    strings_add(aliases, alias);
    module_normalise(aliases->v[aliases->n - 1]);
}

static void take_info(struct module *module, struct strings *soft, const char *info)
{
    if (strncmp(info, "depends=", 8) == 0)
        add_names(&module->needs, info + 8);
    else if (strncmp(info, "softdep=", 8) == 0)
        add_soft(soft, info + 8);
    else if (strncmp(info, "alias=", 6) == 0)
        add_alias(&module->aliases, info + 6);
}

/* The bytes of a section; NULL: they are not in the file. */
static const char *section_bytes(const struct module *module, const Elf64_Shdr *section)
{
    if (section->sh_offset > module->len || section->sh_size > module->len - section->sh_offset)
        return NULL;
    return module->data + section->sh_offset;
}

/* A section's header; false: it is not in the file. */
static bool get_section(const struct module *module, const Elf64_Ehdr *header, unsigned number,
                        Elf64_Shdr *section)
{
    uint64_t skip = (uint64_t)number * sizeof *section;

    if (number >= header->e_shnum || header->e_shoff > module->len ||
        module->len - header->e_shoff < skip + sizeof *section)
        return false;
    memcpy(section, module->data + header->e_shoff + skip, sizeof *section);
    return true;
}

/* The bytes of .modinfo, of which the last is NUL; NULL: there is none. */
static const char *find_info(const struct module *module, size_t *len)
{
    Elf64_Ehdr header;
    Elf64_Shdr section, names_section;
    const char *names, *info = NULL;

    memcpy(&header, module->data, sizeof header);
    if (header.e_shentsize != sizeof section ||
        !get_section(module, &header, header.e_shstrndx, &names_section))
        return NULL;
    names = section_bytes(module, &names_section);
    if (!names || !names_section.sh_size || names[names_section.sh_size - 1])
        return NULL;
    for (unsigned i = 0; !info && get_section(module, &header, i, &section); i++)
        if (section.sh_name < names_section.sh_size && section.sh_type == SHT_PROGBITS &&
            strcmp(names + section.sh_name, ".modinfo") == 0)
            info = section_bytes(module, &section);
    *len = info ? section.sh_size : 0;
    return *len && !info[*len - 1] ? info : NULL;
}

int module_read(struct module *module, struct strings *soft, char *data, size_t len, size_t max,
                const char *path)
{
    const char *info;

    if (take_data(module, data, len, max, path) < 0)
        return -1;
    info = find_info(module, &len);
    if (!info)
        return msg_error("%s: reading what it depends on: it is damaged", path);
    for (size_t at = 0; at < len; at += strlen(info + at) + 1)
        take_info(module, soft, info + at);
    return 0;
}
