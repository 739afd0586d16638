/*
 * pax_binary: adds hdrcharset=BINARY to the pax extended headers of a tar that streams by.
 *
 *   header x | records, padding || header | data, padding || ... || zeros
 *   size + 21  ... hdrcharset=BINARY
 *   checksum
 */
#include "ramroot/pax_binary.h"

#include <assert.h>
#include <stdio.h>

#define BLOCK       512
#define PAYLOAD_MAX 1048576 /* bytes that libarchive takes in a header that is not a member's */
#define RECORD      "21 hdrcharset=BINARY\n"
#define RECORD_LEN  (sizeof(RECORD) - 1)

static_assert(RECORD_LEN == 21, "a record counts itself");

/* The header block, ustar and GNU (POSIX.1-2017, pax, "ustar Interchange Format"; tar.h of GNU). */
struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, linkname[100];
    char magic[6], version[2], uname[32], gname[32], major[8], minor[8];
    char prefix[41];         /* ustar: 155 bytes; GNU: times and others */
    char sparse[96];         /* GNU: the first four pairs of the map; empty: no map */
    char extended, rest[29]; /* GNU: blocks with more of the map follow */
};
static_assert(sizeof(struct header) == BLOCK, "a header is a block");

#define EXTENDED_MORE 504 /* in a block of the map: as extended */

enum { FORMAT_NONE, FORMAT_OLD, FORMAT_USTAR, FORMAT_GNU, FORMAT_PAX };
enum { PATH_UNKNOWN, PATH_SLASH, PATH_OTHER };

#define NOT_A_SIZE UINT64_MAX

/* Digits after blanks. Negative or too large: NOT_A_SIZE. */
static uint64_t number_digits(const char *p, size_t len, unsigned base)
{
    uint64_t n = 0;
    bool negative;

    for (; len && (*p == ' ' || *p == '\t'); len--)
        p++;
    negative = len && *p == '-';
    if (negative) {
        p++;
        len--;
    }
    for (; len && *p >= '0' && *p < (char)('0' + base); p++, len--) {
        n = n * base + (uint64_t)(*p - '0');
        if (n >= INT64_MAX / base)
            return NOT_A_SIZE;
    }
    return negative && n ? NOT_A_SIZE : n;
}

/* The size of a header: octal, or the bytes of the number themselves, marked by the first bit. */
static uint64_t header_size(const struct header *header)
{
    const uint8_t *p = (const uint8_t *)header->size;
    uint64_t n = p[0] & 0x7f;

    if (!(p[0] & 0x80))
        return number_digits(header->size, sizeof header->size, 8);
    if (p[0] & 0x40)
        return NOT_A_SIZE;
    for (size_t i = 1; i < sizeof header->size; i++) {
        if (n >> 55)
            return NOT_A_SIZE;
        n = n << 8 | p[i];
    }
    return n < INT64_MAX ? n : NOT_A_SIZE;
}

/* The sum of a header's bytes, the checksum's own taken as blanks. */
static unsigned header_sum(const struct header *header, int *with_sign)
{
    const char *p = (const char *)header;
    unsigned sum = 0;
    int signed_sum = 0;

    for (size_t i = 0; i < BLOCK; i++) {
        sum += (uint8_t)p[i];
        signed_sum += (int8_t)p[i];
    }
    for (size_t i = 0; i < sizeof header->checksum; i++) {
        sum += ' ' - (unsigned)(uint8_t)header->checksum[i];
        signed_sum += ' ' - (int8_t)header->checksum[i];
    }
    *with_sign = signed_sum;
    return sum;
}

/* Is its checksum right? Old programs took bytes as signed. */
static bool header_is_whole(const struct header *header)
{
    uint64_t want = number_digits(header->checksum, sizeof header->checksum, 8);
    int with_sign;

    for (size_t i = 0; i < sizeof header->checksum; i++) {
        char c = header->checksum[i];

        if (c && c != ' ' && (c < '0' || c > '7'))
            return false;
    }
    return want == header_sum(header, &with_sign) ||
           (with_sign >= 0 && want == (uint64_t)with_sign);
}

static bool is_zero(const char *block)
{
    return !block[0] && memcmp(block, block + 1, BLOCK - 1) == 0;
}

/* How many bytes at p are looked at together: a block, with its payload if that has to be known. */
static size_t unit_len(const struct pax_binary *pax, const char *p, size_t len)
{
    const struct header *header = (const struct header *)p;
    uint64_t size;

    if (len < BLOCK || pax->extension)
        return BLOCK;
    if (header->type != 'x' && header->type != 'X' && header->type != 'L')
        return BLOCK;
    if (!header_is_whole(header))
        return BLOCK;
    size = header_size(header);
    return size > PAYLOAD_MAX ? BLOCK : BLOCK + (size_t)round_up(size, BLOCK);
}

static unsigned path_end(const char *path, size_t len)
{
    len = strnlen(path, len);
    return len && path[len - 1] == '/' ? PATH_SLASH : PATH_OTHER;
}

static unsigned header_path_end(const struct header *header, unsigned format)
{
    bool prefix = format != FORMAT_OLD && format != FORMAT_GNU && header->prefix[0];

    if (prefix && !header->name[0])
        return PATH_SLASH;
    return path_end(header->name, sizeof header->name);
}

struct record {
    const char *key, *value; /* not ended by NUL */
    size_t key_len, value_len;
};

/* Moves *p and *left past a record ("LEN KEY=VALUE\n", LEN of all that); -1: it is none. */
static int record_next(const char **p, size_t *left, struct record *record)
{
    size_t len = 0, at = 0;
    const char *equals;

    for (; at < *left && (*p)[at] >= '0' && (*p)[at] <= '9'; at++) {
        len = len * 10 + (size_t)((*p)[at] - '0');
        if (len > *left)
            return -1;
    }
    if (at >= *left || (*p)[at++] != ' ' || len <= at || (*p)[len - 1] != '\n')
        return -1;
    record->key = *p + at;
    equals = memchr(record->key, '=', len - at);
    if (!equals || equals == record->key)
        return -1;
    record->key_len = (size_t)(equals - record->key);
    record->value = equals + 1;
    record->value_len = strnlen(equals + 1, (size_t)(*p + len - 1 - record->value));
    *p += len;
    *left -= len;
    return 0;
}

static bool record_is(const struct record *record, const char *key)
{
    return record->key_len == strlen(key) && memcmp(record->key, key, record->key_len) == 0;
}

static bool record_says(const struct record *record, const char *value)
{
    return record->value_len == strlen(value) &&
           memcmp(record->value, value, record->value_len) == 0;
}

static unsigned record_path_end(const struct record *record)
{
    return record->value_len ? path_end(record->value, record->value_len) : PATH_UNKNOWN;
}

/* An extended header: what it says of the next member. Is a record to be added? */
static bool enter_extended(struct pax_binary *pax, const char *payload, size_t left)
{
    /* to one without records, nothing: libarchive takes it for the one before, too */
    bool fits = left && left + RECORD_LEN <= PAYLOAD_MAX, binary = false;
    unsigned path = PATH_UNKNOWN, sparse_name = PATH_UNKNOWN;
    struct record record;

    pax->sized = false;
    while (left && !pax->through) {
        if (record_next(&payload, &left, &record) < 0) {
            pax->through = true;
        } else if (record_is(&record, "size")) {
            pax->size = number_digits(record.value, record.value_len, 10);
            pax->sized = true;
            pax->through = pax->size == NOT_A_SIZE;
        } else if (record_is(&record, "hdrcharset")) {
            binary = record_says(&record, "BINARY");
        } else if (record_is(&record, "path")) {
            path = record_path_end(&record);
        } else if (record_is(&record, "GNU.sparse.name")) {
            sparse_name = record_path_end(&record);
        }
    }
    /* of several headers the first one names the member */
    if (pax->path_end == PATH_UNKNOWN)
        pax->path_end = sparse_name != PATH_UNKNOWN ? sparse_name : path;
    return fits && !binary && !pax->through;
}

/* Has a hard link data? In pax it may; elsewhere its size is its target's. */
static bool link_has_data(const struct header *header, unsigned format)
{
    char mode = header->mode[0];

    if (format == FORMAT_PAX)
        return true;
    if (format != FORMAT_USTAR)
        return false;
    /* how libarchive finds that it is no header of ustar after all */
    return memcmp(header->magic, "ustar", 6) != 0 || memcmp(header->version, "00", 2) != 0 ||
           (mode && mode != (char)0xff && mode != ' ' && (mode < '0' || mode > '7'));
}

/* What libarchive names the format once it has seen this member's header. */
static unsigned member_format(unsigned format, const struct header *header)
{
    static_assert(offsetof(struct header, version) == offsetof(struct header, magic) + 6, "adjoin");

    if (memcmp(header->magic, "ustar ", 6) == 0 && memcmp(header->version, " ", 2) == 0)
        return FORMAT_GNU;
    if (memcmp(header->magic, "ustar", 5) != 0)
        return FORMAT_OLD;
    return format == FORMAT_PAX ? FORMAT_PAX : FORMAT_USTAR;
}

static void enter_member(struct pax_binary *pax, const struct header *header)
{
    uint64_t size = header_size(header);
    bool regular = header->type != 'D' && header->type != 'M';

    if (size == NOT_A_SIZE) {
        pax->through = true;
        return;
    }
    pax->format = member_format(pax->format, header);
    if (header->type == '1') {
        regular = size != 0;
        if (!link_has_data(header, pax->format))
            size = 0;
    } else if (header->type >= '2' && header->type <= '6') {
        regular = false;
        size = 0;
    }
    if (pax->sized)
        size = pax->size;
    if (pax->path_end == PATH_UNKNOWN)
        pax->path_end = header_path_end(header, pax->format);
    /* a folder of an old archive */
    if (regular && pax->path_end == PATH_SLASH)
        size = 0;
    pax->skip = round_up(size, BLOCK);
    pax->extension = pax->format == FORMAT_GNU && header->sparse[0] && header->extended;
    pax->sized = false;
    pax->path_end = PATH_UNKNOWN;
}

/* A header that says something of the next member. Is a record to be added? */
static bool enter_special(struct pax_binary *pax, const struct header *header)
{
    uint64_t size = header_size(header);
    const char *payload = (const char *)(header + 1);

    if (header->type != 'K' && header->type != 'L')
        pax->format = FORMAT_PAX;
    if (size > PAYLOAD_MAX) {
        pax->through = true;
        return false;
    }
    if (header->type == 'x' || header->type == 'X')
        return enter_extended(pax, payload, (size_t)size);
    if (header->type != 'L')
        pax->skip = round_up(size, BLOCK);
    else if (pax->path_end == PATH_UNKNOWN)
        pax->path_end = path_end(payload, (size_t)size);
    return false;
}

/* Goes past a unit. Is a record to be added? */
static bool enter(struct pax_binary *pax, const char *p)
{
    const struct header *header = (const struct header *)p;

    if (pax->extension) {
        pax->extension = p[EXTENDED_MORE] != 0;
        return false;
    }
    if (is_zero(p) || !header_is_whole(header)) {
        pax->through = true;
        return false;
    }
    switch (header->type) {
    case 'x':
    case 'X':
    case 'g':
    case 'A':
    case 'K':
    case 'L':
        return enter_special(pax, header);
    case 'V': /* the name of a volume, without data whatever it says */
        return false;
    default:
        enter_member(pax, header);
        return false;
    }
}

/* Puts the record behind the others of the header in held. */
static void add_record(struct buf *held)
{
    static const char zeros[BLOCK];
    struct header *header = (struct header *)held->data;
    size_t size = (size_t)header_size(header);
    int with_sign;

    held->len = BLOCK + size;
    buf_add(held, RECORD, RECORD_LEN);
    size += RECORD_LEN;
    buf_add(held, zeros, (size_t)(round_up(size, BLOCK) - size));
    header = (struct header *)held->data;
    snprintf(header->size, sizeof header->size, "%011o", (unsigned)size);
    memset(header->checksum, ' ', sizeof header->checksum);
    snprintf(header->checksum, sizeof header->checksum - 1, "%06o",
             header_sum(header, &with_sign) & 0777777);
}

static size_t take(struct pax_binary *pax, size_t len)
{
    pax->in += len;
    pax->in_len -= len;
    return len;
}

/* Makes held a whole unit; false: there is not enough. */
static bool fill(struct pax_binary *pax)
{
    for (;;) {
        size_t want = unit_len(pax, pax->held.data, pax->held.len);
        size_t n = want - pax->held.len;

        if (n == 0)
            return true;
        if (pax->in_len == 0)
            return false;
        n = n < pax->in_len ? n : pax->in_len;
        buf_add(&pax->held, pax->in, n);
        take(pax, n);
    }
}

/* Looks at what was given from `done` on. How much further does it pass unchanged? */
static size_t pass(struct pax_binary *pax, size_t done)
{
    const char *p = pax->in + done;
    size_t left = pax->in_len - done, len;

    if (pax->through)
        return left;
    if (pax->skip && !pax->extension) {
        len = pax->skip < left ? (size_t)pax->skip : left;
        pax->skip -= len;
        return len;
    }
    len = unit_len(pax, p, left);
    /* an extended header is looked at when it is the first thing */
    if (left < len || (done && !pax->extension && (p[156] == 'x' || p[156] == 'X')))
        return 0;
    if (enter(pax, p)) {
        buf_add(&pax->held, p, len);
        return 0;
    }
    return len;
}

void pax_binary_give(struct pax_binary *pax, const void *data, size_t len)
{
    assert(pax->in_len == 0);
    pax->in = data;
    pax->in_len = len;
}

static size_t take_held(struct pax_binary *pax, bool changed, const void **run)
{
    if (changed)
        add_record(&pax->held);
    pax->taken = true;
    *run = pax->held.data;
    return pax->held.len;
}

size_t pax_binary_take(struct pax_binary *pax, const void **run)
{
    size_t done = 0, len;

    if (pax->taken)
        pax->held.len = 0;
    pax->taken = false;
    if (pax->held.len)
        return fill(pax) ? take_held(pax, enter(pax, pax->held.data), run) : 0;
    while (done < pax->in_len && (len = pass(pax, done)))
        done += len;
    if (done) {
        *run = pax->in;
        return take(pax, done);
    }
    if (pax->held.len) {
        take(pax, pax->held.len);
        return take_held(pax, true, run);
    }
    buf_add(&pax->held, pax->in, pax->in_len);
    take(pax, pax->in_len);
    return 0;
}

size_t pax_binary_rest(struct pax_binary *pax, const void **run)
{
    assert(pax->in_len == 0);
    return pax->taken ? 0 : take_held(pax, false, run);
}

bool pax_binary_is_cut(const struct pax_binary *pax)
{
    return !pax->through;
}

void pax_binary_free(struct pax_binary *pax)
{
    buf_free(&pax->held);
    *pax = (struct pax_binary){0};
}
