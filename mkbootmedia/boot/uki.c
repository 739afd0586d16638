/*
 * uki: systemd's stub with sections added. Its headers are changed in memory, all else is copied.
 *
 *     headers | stub's sections | .osrel | .uname | .cmdline | .linux | .initrd
 *
 * Each section begins at the file alignment and, in memory, at a page; what lies between is left as
 * holes of the file. What a linker has put behind the stub's sections (symbols) is left out.
 */
#include "boot/uki.h"

#include "base/msg.h"
#include "base/util.h"
#include "boot/pe.h"

#include <stdlib.h>
#include <unistd.h>

#define ADDED       5          /* sections, at most */
#define HEADERS_MAX (64 * KIB) /* the stub's are 1 KiB */
#define PAGE        UINT64_C(4096)
#define ROW_LEN     40          /* of the section table */
#define READ_DATA   0x40000040u /* IMAGE_SCN_CNT_INITIALIZED_DATA, IMAGE_SCN_MEM_READ */
#define PE32_PLUS   0x20b

/* Offsets from the "PE\0\0" signature (Microsoft, "PE Format"). */
enum {
    AT_SECTION_COUNT = 6,
    AT_SYMBOLS = 12,
    AT_SYMBOL_COUNT = 16,
    AT_OPTIONAL_LEN = 20,
    AT_OPTIONAL = 24,
    AT_DATA_LEN = AT_OPTIONAL + 8, /* SizeOfInitializedData */
    AT_ALIGN = AT_OPTIONAL + 32,   /* of sections in memory */
    AT_FILE_ALIGN = AT_OPTIONAL + 36,
    AT_IMAGE_LEN = AT_OPTIONAL + 56,
    AT_CHECKSUM = AT_OPTIONAL + 64,
    OPTIONAL_LEN = 112, /* without the data directories */
};

struct part {
    struct content content;
    uint64_t offset; /* in the file to write */
};

struct layout {
    uint8_t *head, *pe, *row; /* headers; "PE\0\0" in them; the next free row of sections */
    uint64_t head_len;
    uint64_t align, file_align;
    uint64_t len, image_len; /* so far: bytes of the file, and in memory */
    uint64_t data_len;       /* SizeOfInitializedData */
    struct part *parts;
    size_t count;
};

/* What a message calls it. */
static const char *called(const struct content *content, const char *what)
{
    return content->path ? content->path : what;
}

static bool is_power(uint64_t n)
{
    return n && !(n & (n - 1));
}

/* Where in the headers row i of the section table is: it follows the optional header. */
static size_t row_at(const struct layout *layout, size_t i)
{
    return (size_t)(layout->pe - layout->head) + AT_OPTIONAL +
           get_le16(layout->pe + AT_OPTIONAL_LEN) + i * ROW_LEN;
}

/* The place for our rows, behind the stub's; false if something is there, or the headers end. */
static bool find_room(struct layout *layout)
{
    static const uint8_t zeros[ADDED * ROW_LEN];
    size_t at = row_at(layout, get_le16(layout->pe + AT_SECTION_COUNT));

    if (at + sizeof zeros > layout->head_len || memcmp(layout->head + at, zeros, sizeof zeros) != 0)
        return false;
    layout->row = layout->head + at;
    return true;
}

/*
 * Where the stub's sections end, in the file and in memory; false if one begins in the headers. The
 * last one is made to end where ours begin: no signature covers what is between two sections.
 */
static bool find_ends(struct layout *layout, const struct pe *stub)
{
    size_t last = stub->count;

    layout->len = layout->head_len;
    layout->image_len = get_le32(layout->pe + AT_IMAGE_LEN);
    for (size_t i = 0; i < stub->count; i++) {
        const struct pe_section *section = &stub->sections[i];
        uint64_t len = section->virtual_len > section->len ? section->virtual_len : section->len;

        if (section->len && section->offset < layout->head_len)
            return false;
        if (section->address + len > layout->image_len)
            layout->image_len = section->address + len;
        if (section->len && section->offset + section->len > layout->len) {
            layout->len = section->offset + section->len;
            last = i;
        }
    }
    if (last < stub->count)
        put_le32(
            layout->head + row_at(layout, last) + 16,
            (uint32_t)(round_up(layout->len, layout->file_align) - stub->sections[last].offset));
    return true;
}

/* Why a PE file cannot be the stub; NULL if it can. */
static const char *why_no_stub(const struct pe *stub)
{
    struct content kernel;

    if (stub->machine != PE_X64 || stub->subsystem != PE_EFI_APPLICATION)
        return "it is no EFI program for x86-64";
    if (stub->truncated)
        return "it is truncated";
    if (stub->certs_len)
        return "it is signed, and nothing can be added to a signed file; take the unsigned stub";
    if (pe_section(stub, ".linux", &kernel))
        return "it has a kernel already (a .linux section)";
    if (stub->headers_len > HEADERS_MAX || stub->headers_len > stub->content.len ||
        stub->headers_len < stub->checksum - AT_CHECKSUM + AT_OPTIONAL + OPTIONAL_LEN)
        return "its SizeOfHeaders cannot be true";
    return NULL;
}

/* The same, about what the headers say. */
static const char *why_no_headers(struct layout *layout, const struct pe *stub)
{
    layout->align = get_le32(layout->pe + AT_ALIGN);
    layout->file_align = get_le32(layout->pe + AT_FILE_ALIGN);
    layout->data_len = get_le32(layout->pe + AT_DATA_LEN);
    if (get_le16(layout->pe + AT_OPTIONAL) != PE32_PLUS)
        return "it is no EFI program for x86-64";
    if (!is_power(layout->align) || !is_power(layout->file_align))
        return "its sections are not aligned to a power of two";
    if (!find_room(layout))
        return "its section table has no room for five more";
    if (!find_ends(layout, stub))
        return "a section overlaps its headers";
    return NULL;
}

static void add_part(struct layout *layout, struct content content, uint64_t offset)
{
    layout->parts[layout->count++] = (struct part){content, offset};
}

/* Reads the headers and checks all that is relied upon later. */
static int read_stub(struct layout *layout, const struct pe *stub)
{
    const char *why = why_no_stub(stub);

    if (!why) {
        layout->head_len = stub->headers_len;
        layout->head = xcalloc(layout->head_len, 1);
        if (content_read(&stub->content, 0, layout->head, layout->head_len) < 0)
            return -1;
        layout->pe = layout->head + stub->checksum - AT_CHECKSUM;
        why = why_no_headers(layout, stub);
    }
    if (why)
        return msg_error("%s: adding a kernel: %s", called(&stub->content, "stub"), why);
    add_part(layout, content_memory(layout->head, layout->head_len), 0);
    add_part(layout, content_slice(stub->content, layout->head_len, layout->len - layout->head_len),
             layout->head_len);
    return 0;
}

static int take_stub(struct layout *layout, const struct content *content)
{
    struct pe stub;
    int result = pe_open(&stub, content);

    if (result == 0)
        msg_error("%s: adding a kernel: it is no PE file", called(content, "stub"));
    result = result == 1 ? read_stub(layout, &stub) : -1;
    pe_free(&stub);
    return result;
}

/* The stub has the firmware load the kernel, so the kernel must be an EFI program itself. */
static int check_kernel(const struct content *kernel)
{
    struct pe pe;
    int result = pe_open(&pe, kernel);
    bool good = result == 1 && pe.machine == PE_X64 && pe.subsystem == PE_EFI_APPLICATION;

    pe_free(&pe);
    if (result >= 0 && !good)
        msg_error("%s: making a unified kernel image: it has no EFI stub for x86-64",
                  called(kernel, "kernel"));
    return good ? 0 : -1;
}

/* One section of several contents, each of which begins at a multiple of unit. */
static void add_section(struct layout *layout, const char *name, const struct content *contents,
                        size_t count, uint64_t unit)
{
    uint64_t offset = round_up(layout->len, layout->file_align);
    uint64_t address = round_up(layout->image_len, layout->align > PAGE ? layout->align : PAGE);
    uint64_t len = 0, file_len;

    for (size_t i = 0; i < count; i++) {
        add_part(layout, contents[i], offset + len);
        len = round_up(len + contents[i].len, unit);
    }
    file_len = round_up(len, layout->file_align);
    memcpy(layout->row, name, strlen(name));
    /* what does not fit into 32 bits is refused before anything is written */
    put_le32(layout->row + 8, (uint32_t)len);
    put_le32(layout->row + 12, (uint32_t)address);
    put_le32(layout->row + 16, (uint32_t)file_len);
    put_le32(layout->row + 20, (uint32_t)offset);
    put_le32(layout->row + 36, READ_DATA);
    put_le16(layout->pe + AT_SECTION_COUNT,
             (uint16_t)(get_le16(layout->pe + AT_SECTION_COUNT) + 1));
    layout->row += ROW_LEN;
    layout->len = offset + file_len;
    layout->image_len = address + len;
    layout->data_len += file_len;
}

static void add_text(struct layout *layout, const char *name, const char *text)
{
    struct content content;

    if (!text || !*text)
        return;
    content = content_memory(text, strlen(text));
    add_section(layout, name, &content, 1, 1);
}

static void add_sections(struct layout *layout, const struct uki *uki)
{
    add_text(layout, ".osrel", uki->osrel);
    add_text(layout, ".uname", uki->uname);
    /* without a .cmdline the stub takes any arguments from outside, under Secure Boot too */
    add_text(layout, ".cmdline", uki->cmdline && !*uki->cmdline ? " " : uki->cmdline);
    add_section(layout, ".linux", &uki->kernel, 1, 1);
    if (uki->initrd_count)
        add_section(layout, ".initrd", uki->initrds, uki->initrd_count, 4);
}

/*
 * The sums over all sections. The checksum becomes 0, "not computed": firmware does not look at
 * it, it is no part of the signed digest, and it would mean to read the whole file once more.
 */
static int finish_headers(struct layout *layout, const struct uki *uki)
{
    uint64_t most;

    layout->image_len = round_up(layout->image_len, layout->align);
    most = layout->image_len > layout->len ? layout->image_len : layout->len;
    if (most > UINT32_MAX || layout->data_len > UINT32_MAX)
        return msg_error("%s: making a unified kernel image: it would have %llu bytes, and an EFI "
                         "program must be smaller than 4 GiB",
                         uki->name, (unsigned long long)most);
    put_le32(layout->pe + AT_IMAGE_LEN, (uint32_t)layout->image_len);
    put_le32(layout->pe + AT_DATA_LEN, (uint32_t)layout->data_len);
    put_le32(layout->pe + AT_SYMBOLS, 0);
    put_le32(layout->pe + AT_SYMBOL_COUNT, 0);
    put_le32(layout->pe + AT_CHECKSUM, 0);
    return 0;
}

static int write_parts(const struct layout *layout, const char *name, int fd)
{
    if (ftruncate(fd, (off_t)layout->len) < 0)
        return msg_errno(name, "writing");
    for (size_t i = 0; i < layout->count; i++)
        if (content_write(&layout->parts[i].content, fd, name, layout->parts[i].offset) < 0)
            return -1;
    return 0;
}

int uki_write(const struct uki *uki, int fd)
{
    struct layout layout = {.parts = xcalloc(uki->initrd_count + ADDED + 2, sizeof(struct part))};
    int result = check_kernel(&uki->kernel);

    if (result == 0)
        result = take_stub(&layout, &uki->stub);
    if (result == 0) {
        add_sections(&layout, uki);
        result = finish_headers(&layout, uki);
    }
    if (result == 0)
        result = write_parts(&layout, uki->name, fd);
    free(layout.parts);
    free(layout.head);
    return result;
}
