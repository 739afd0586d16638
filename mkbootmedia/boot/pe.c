/* pe: headers, sections and certificates of a PE/COFF file, its Authenticode digest, signing it. */
#include "boot/pe.h"

#include "base/msg.h"
#include "base/util.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTIONS_MAX 4096 /* Windows loads 96; a bound for hostile files */
#define SBAT_MAX     (64 * KIB)

/* Offsets from the "PE\0\0" signature. */
enum {
    AT_MACHINE = 4,
    AT_SECTION_COUNT = 6,
    AT_SYMBOLS = 12,
    AT_SYMBOL_COUNT = 16,
    AT_OPTIONAL_LEN = 20,
    AT_OPTIONAL = 24,
    AT_MAGIC = AT_OPTIONAL,
    AT_HEADERS_LEN = AT_OPTIONAL + 60,
    AT_CHECKSUM = AT_OPTIONAL + 64,
    AT_SUBSYSTEM = AT_OPTIONAL + 68,
    HEADER_LEN = AT_OPTIONAL + 152,
};

#define MAGIC_PE32      0x10b
#define MAGIC_PE32_PLUS 0x20b
#define SECTION_LEN     40
#define SYMBOL_LEN      18
#define DIRECTORY_CERTS 4 /* IMAGE_DIRECTORY_ENTRY_SECURITY */
#define CERT_HEAD_LEN   8 /* WIN_CERTIFICATE: length with this head, revision, type */
#define CERT_ALIGN      8
#define CERT_PKCS7      2               /* WIN_CERT_TYPE_PKCS_SIGNED_DATA */
#define SIGNED_MAX      (4 * GIB - MIB) /* its offsets have 32 bits */

static const struct {
    uint16_t machine;
    const char *name;
} machines[] = {
    {PE_I386, "i386"},       {PE_X64, "x86-64"},      {PE_ARM, "arm"},
    {PE_AARCH64, "aarch64"}, {PE_RISCV64, "riscv64"}, {PE_LOONGARCH64, "loongarch64"},
};

const char *pe_machine_name(uint16_t machine)
{
    for (size_t i = 0; i < ARRAY_LEN(machines); i++)
        if (machines[i].machine == machine)
            return machines[i].name;
    return "unknown";
}

static bool inside(const struct pe *pe, uint64_t offset, uint64_t len)
{
    return offset <= pe->content.len && len <= pe->content.len - offset;
}

/* Copies what is there of len bytes at offset; the rest is zeros, and the file truncated. */
static int read_some(struct pe *pe, uint64_t offset, void *out, size_t len)
{
    uint64_t there = offset < pe->content.len ? pe->content.len - offset : 0;
    size_t n = there < len ? (size_t)there : len;

    memset(out, 0, len);
    if (n < len)
        pe->truncated = true;
    return n ? content_read(&pe->content, offset, out, n) : 0;
}

/* The name at an offset of the string table, which follows the symbols. */
static int long_name(struct pe *pe, const uint8_t *header, struct pe_section *section)
{
    uint64_t strings =
        get_le32(header + AT_SYMBOLS) + (uint64_t)get_le32(header + AT_SYMBOL_COUNT) * SYMBOL_LEN;
    uint64_t offset = strings + strtoul(section->name + 1, NULL, 10);
    size_t len = sizeof section->name - 1;

    if (!get_le32(header + AT_SYMBOLS) || offset >= pe->content.len)
        return 0;
    if (pe->content.len - offset < len)
        len = (size_t)(pe->content.len - offset);
    memset(section->name, 0, sizeof section->name);
    return content_read(&pe->content, offset, section->name, len);
}

static int read_section(struct pe *pe, const uint8_t *header, const uint8_t *row)
{
    struct pe_section *section;

    pe->sections = xgrow(pe->sections, pe->count, sizeof *pe->sections);
    section = &pe->sections[pe->count++];
    *section = (struct pe_section){.virtual_len = get_le32(row + 8),
                                   .address = get_le32(row + 12),
                                   .len = get_le32(row + 16),
                                   .offset = get_le32(row + 20)};
    memcpy(section->name, row, 8);
    if (section->len && !inside(pe, section->offset, section->len))
        pe->truncated = true;
    return section->name[0] == '/' ? long_name(pe, header, section) : 0;
}

static int read_sections(struct pe *pe, const uint8_t *header, uint64_t at)
{
    size_t count = get_le16(header + AT_SECTION_COUNT);
    uint8_t row[SECTION_LEN];

    at += AT_OPTIONAL + get_le16(header + AT_OPTIONAL_LEN);
    for (size_t i = 0; i < count; i++, at += SECTION_LEN) {
        if (i == SECTIONS_MAX || !inside(pe, at, SECTION_LEN)) {
            pe->truncated = true;
            break;
        }
        if (content_read(&pe->content, at, row, sizeof row) < 0 ||
            read_section(pe, header, row) < 0)
            return -1;
    }
    return 0;
}

/* The certificate table: its "address" is an offset in the file, for it is never loaded. */
static void read_directory(struct pe *pe, const uint8_t *header, uint64_t at)
{
    size_t counter = AT_OPTIONAL + (get_le16(header + AT_MAGIC) == MAGIC_PE32_PLUS ? 108 : 92);
    size_t entry = counter + 4 + 8 * DIRECTORY_CERTS;

    pe->headers_len = get_le32(header + AT_HEADERS_LEN);
    pe->checksum = at + AT_CHECKSUM;
    if (get_le32(header + counter) <= DIRECTORY_CERTS)
        return;
    pe->directory = at + entry;
    pe->certs_offset = get_le32(header + entry);
    pe->certs_len = get_le32(header + entry + 4);
    if (!pe->certs_offset)
        pe->certs_len = 0;
    if (pe->certs_len && !inside(pe, pe->certs_offset, pe->certs_len))
        pe->truncated = true;
}

int pe_open(struct pe *pe, const struct content *content)
{
    uint8_t dos[64], header[HEADER_LEN];
    uint64_t at;
    uint16_t magic;

    *pe = (struct pe){.content = *content};
    if (content->len < sizeof dos)
        return 0;
    if (content_read(content, 0, dos, sizeof dos) < 0)
        return -1;
    at = get_le32(dos + 0x3c);
    if (memcmp(dos, "MZ", 2) != 0 || !inside(pe, at, AT_OPTIONAL))
        return 0;
    if (read_some(pe, at, header, sizeof header) < 0)
        return -1;
    /* the header may be the end of a small, whole file */
    pe->truncated = !inside(pe, at, AT_OPTIONAL + get_le16(header + AT_OPTIONAL_LEN));
    magic = get_le16(header + AT_MAGIC);
    if (memcmp(header, "PE\0", 4) != 0 ||
        (magic != MAGIC_PE32 && magic != MAGIC_PE32_PLUS && !pe->truncated))
        return 0;
    pe->machine = get_le16(header + AT_MACHINE);
    pe->subsystem = get_le16(header + AT_SUBSYSTEM);
    read_directory(pe, header, at);
    return read_sections(pe, header, at) < 0 ? -1 : 1;
}

void pe_free(struct pe *pe)
{
    free(pe->sections);
    *pe = (struct pe){0};
}

bool pe_section(const struct pe *pe, const char *name, struct content *out)
{
    for (size_t i = 0; i < pe->count; i++) {
        const struct pe_section *section = &pe->sections[i];
        uint64_t len = section->len;

        if (strcmp(section->name, name) != 0 || !inside(pe, section->offset, len))
            continue;
        if (section->virtual_len && section->virtual_len < len)
            len = section->virtual_len;
        *out = content_slice(pe->content, section->offset, len);
        return true;
    }
    return false;
}

int pe_signature(const struct pe *pe, uint64_t *at, struct content *out)
{
    uint8_t head[CERT_HEAD_LEN];

    if (!inside(pe, pe->certs_offset, pe->certs_len))
        return 0;
    while (*at < pe->certs_len && pe->certs_len - *at >= sizeof head) {
        uint64_t here = *at;
        uint32_t len;

        if (content_read(&pe->content, pe->certs_offset + here, head, sizeof head) < 0)
            return -1;
        len = get_le32(head);
        if (len < sizeof head || len > pe->certs_len - here)
            return 0;
        *at = here + round_up(len, CERT_ALIGN);
        if (get_le16(head + 6) != CERT_PKCS7)
            continue;
        *out = content_slice(pe->content, pe->certs_offset + here + sizeof head, len - sizeof head);
        return 1;
    }
    return 0;
}

static int by_offset(const void *a, const void *b)
{
    const struct pe_section *x = a, *y = b;

    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Headers without the checksum and the directory entry of the certificate table (steps 3 to 7). */
static int digest_headers(const struct pe *pe, struct digest *digest)
{
    uint64_t after = pe->checksum + 4, to = pe->directory ? pe->directory : pe->headers_len;

    if (digest_add_content(digest, &pe->content, 0, pe->checksum) < 0 ||
        digest_add_content(digest, &pe->content, after, to - after) < 0)
        return -1;
    if (!pe->directory)
        return 0;
    after = pe->directory + 8;
    return digest_add_content(digest, &pe->content, after, pe->headers_len - after);
}

/* Sections in the order of their place in the file (steps 8 to 12). */
static int digest_sections(const struct pe *pe, struct digest *digest)
{
    struct pe_section *sorted = xcalloc(pe->count, sizeof *sorted);
    int result = 0;

    if (pe->count) {
        memcpy(sorted, pe->sections, pe->count * sizeof *sorted);
        qsort(sorted, pe->count, sizeof *sorted, by_offset);
    }
    for (size_t i = 0; i < pe->count && result == 0; i++)
        if (sorted[i].len)
            result = digest_add_content(digest, &pe->content, sorted[i].offset, sorted[i].len);
    free(sorted);
    return result;
}

int pe_digest(const struct pe *pe, uint8_t out[DIGEST_LEN])
{
    uint64_t least = pe->directory ? pe->directory + 8 : pe->checksum + 4;
    uint64_t hashed = pe->headers_len, end = pe->content.len - pe->certs_len;
    struct digest digest;
    int result;

    for (size_t i = 0; i < pe->count; i++)
        hashed += pe->sections[i].len;
    /* more bytes than there are means that sections overlap */
    if (pe->truncated || pe->headers_len < least || hashed > end)
        return 0;
    digest_init(&digest);
    result = digest_headers(pe, &digest);
    if (result == 0)
        result = digest_sections(pe, &digest);
    /* what follows the sections, but not the certificates (steps 13 and 14) */
    if (result == 0)
        result = digest_add_content(&digest, &pe->content, hashed, end - hashed);
    digest_final(&digest, result == 0 ? out : NULL);
    return result < 0 ? -1 : 1;
}

/* Why no signature can be appended; NULL if one can. */
static const char *why_not_signed(const struct pe *pe)
{
    if (pe->truncated)
        return "it is truncated";
    if (!pe->directory)
        return "its headers have no place for a signature";
    if (pe->certs_len && (pe->certs_offset % CERT_ALIGN || pe->content.len % CERT_ALIGN ||
                          pe->certs_offset + pe->certs_len != pe->content.len))
        return "it has signatures, but not at its end";
    if (pe->content.len > SIGNED_MAX)
        return "it is too large: an EFI program must be smaller than 4 GiB";
    return NULL;
}

/* The certificate table begins at 8 bytes; zeros before it are part of what is digested. */
static int pad_file(struct pe *pe, int fd)
{
    uint64_t len = round_up(pe->content.len, CERT_ALIGN);

    if (len != pe->content.len && ftruncate(fd, (off_t)len) < 0)
        return msg_errno(pe->content.path, "writing");
    pe->content.len = len;
    return 0;
}

static int put(const struct pe *pe, int fd, const void *data, size_t len, uint64_t offset)
{
    struct content content = content_memory(data, len);

    return content_write(&content, fd, pe->content.path, offset);
}

/* A WIN_CERTIFICATE at the end, and the header tells of it. */
static int append_signature(const struct pe *pe, int fd, const struct buf *der)
{
    uint64_t begin = pe->certs_len ? pe->certs_offset : pe->content.len;
    size_t len = CERT_HEAD_LEN + der->len, padded = (size_t)round_up(len, CERT_ALIGN);
    uint8_t *certificate = xcalloc(padded, 1), entry[8], checksum[4] = {0}; /* as in uki.c */
    int result = 0;

    put_le32(certificate, (uint32_t)len);
    put_le16(certificate + 4, 0x0200); /* WIN_CERT_REVISION_2_0 */
    put_le16(certificate + 6, CERT_PKCS7);
    memcpy(certificate + CERT_HEAD_LEN, der->data, der->len);
    put_le32(entry, (uint32_t)begin);
    put_le32(entry + 4, (uint32_t)(pe->content.len + padded - begin));
    if (put(pe, fd, certificate, padded, pe->content.len) < 0 ||
        put(pe, fd, entry, sizeof entry, pe->directory) < 0 ||
        put(pe, fd, checksum, sizeof checksum, pe->checksum) < 0)
        result = -1;
    free(certificate);
    return result;
}

static int sign_opened(struct pe *pe, int fd, const struct sign_key *key, time_t when)
{
    const char *why = why_not_signed(pe);
    uint8_t digest[DIGEST_LEN];
    struct buf der = {0};
    int result = 0;

    if (!why && pad_file(pe, fd) < 0)
        return -1;
    if (!why && (result = pe_digest(pe, digest)) == 0)
        why = "its sections overlap";
    if (why)
        return msg_error("%s: signing: %s", pe->content.path, why);
    if (result < 0 || sign_make(key, digest, when, &der) < 0)
        return -1;
    result = append_signature(pe, fd, &der);
    buf_free(&der);
    return result;
}

int pe_sign(int fd, const char *name, const struct sign_key *key, time_t when)
{
    struct content content;
    struct stat st;
    struct pe pe;
    int result;

    if (fstat(fd, &st) < 0)
        return msg_errno(name, "signing");
    content = content_file(name, fd, (uint64_t)st.st_size);
    result = pe_open(&pe, &content);
    if (result == 0)
        msg_error("%s: signing: it is no PE file", name);
    result = result == 1 ? sign_opened(&pe, fd, key, when) : -1;
    pe_free(&pe);
    return result;
}

int pe_sbat_read(const struct pe *pe, struct pe_sbat **rows, size_t *count)
{
    char *text, *line, *rest;
    struct content section;
    size_t len;

    *rows = NULL;
    *count = 0;
    if (!pe_section(pe, ".sbat", &section))
        return 0;
    len = section.len < SBAT_MAX ? (size_t)section.len : SBAT_MAX;
    text = xcalloc(len + 1, 1);
    if (content_read(&section, 0, text, len) < 0) {
        free(text);
        return -1;
    }
    for (rest = text; (line = strsep(&rest, "\r\n"));) {
        char *component = strsep(&line, ",");

        if (!*component || !line)
            continue;
        *rows = xgrow(*rows, *count, sizeof **rows);
        (*rows)[(*count)++] =
            (struct pe_sbat){xstrdup(component), (unsigned)strtoul(line, NULL, 10)};
    }
    free(text);
    return 0;
}

void pe_sbat_free(struct pe_sbat *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(rows[i].component);
    free(rows);
}
