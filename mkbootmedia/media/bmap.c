/*
 * bmap: the room for expat, which reads maps; writing one is a few lines.
 *
 *     <bmap version="2.0">
 *         <ImageSize> 8192 </ImageSize>
 *         <BlockSize> 4096 </BlockSize>
 *         <BmapFileChecksum> SHA-256 of this file with 64 zeros in this place </BmapFileChecksum>
 *         <BlockMap>
 *             <Range chksum="SHA-256 of the bytes"> 0-1 </Range>
 */
#include "media/bmap.h"

#include "base/msg.h"
#include "base/source.h"

#include <ctype.h>
#include <expat.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX  (64 * MIB) /* bytes: a map of half a million ranges */
#define BLOCK_MAX MIB

struct reader {
    XML_Parser parser;
    struct bmap *bmap;
    struct buf text; /* of the element that is open */
    struct bmap_range range;
    uint64_t block;
    char sum[2 * DIGEST_LEN + 1]; /* of the file, as it says */
    long sum_at;                  /* byte of the file where that text begins */
    bool checked_type;
    char *why; /* it is no map that can be used */
};

static void refuse(struct reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void refuse(struct reader *reader, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    if (!reader->why)
        reader->why = xvasprintf(format, ap);
    va_end(ap);
    XML_StopParser(reader->parser, XML_FALSE);
}

static void on_start(void *arg, const char *name, const char **attributes)
{
    struct reader *reader = arg;

    reader->text.len = 0;
    reader->range = (struct bmap_range){0};
    for (; *attributes; attributes += 2) {
        if (strcmp(name, "bmap") == 0 && strcmp(attributes[0], "version") == 0 &&
            strncmp(attributes[1], "2.", 2) != 0)
            refuse(reader, "it has version %s, not 2.0", attributes[1]);
        if (strcmp(name, "Range") == 0 && strcmp(attributes[0], "chksum") == 0) {
            reader->range.summed = digest_from_hex(reader->range.digest, attributes[1]);
            if (!reader->range.summed)
                refuse(reader, "a checksum is no SHA-256");
        }
    }
    if (strcmp(name, "BmapFileChecksum") == 0)
        reader->sum_at = XML_GetCurrentByteIndex(reader->parser);
}

static void on_text(void *arg, const char *text, int len)
{
    struct reader *reader = arg;

    buf_add(&reader->text, text, (size_t)len);
}

/* The text of an element without the blanks around it. */
static char *trim(struct buf *text)
{
    char *begin, *end;

    buf_add(text, "", 0);
    begin = text->data ? text->data : (char *)"";
    end = begin + text->len;
    while (begin < end && isspace((unsigned char)*begin))
        begin++;
    while (end > begin && isspace((unsigned char)end[-1]))
        *--end = '\0';
    return begin;
}

static uint64_t number(struct reader *reader, const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);

    if (!isdigit((unsigned char)*text) || *end || value > INT64_MAX)
        refuse(reader, "'%s' is no number", text);
    return value;
}

/* "3-7" or "3": blocks, in ascending order. */
static void add_range(struct reader *reader, char *text)
{
    struct bmap *bmap = reader->bmap;
    struct bmap_range range = reader->range;
    char *dash = strchr(text, '-');
    uint64_t first, last, before = 0;

    if (dash)
        *dash = '\0';
    first = number(reader, text);
    last = dash ? number(reader, dash + 1) : first;
    if (bmap->count)
        before = bmap->ranges[bmap->count - 1].offset + bmap->ranges[bmap->count - 1].len;
    if (reader->why || !reader->block || !bmap->size) {
        refuse(reader, "its sizes are missing");
        return;
    }
    if (last < first || first < before / reader->block ||
        last >= divide_up(bmap->size, reader->block)) {
        refuse(reader, "blocks %" PRIu64 " to %" PRIu64 " are out of order or out of the image",
               first, last);
        return;
    }
    range.offset = first * reader->block;
    range.len = (last + 1) * reader->block - range.offset;
    if (range.len > bmap->size - range.offset)
        range.len = bmap->size - range.offset;
    bmap->ranges = xgrow(bmap->ranges, bmap->count, sizeof *bmap->ranges);
    bmap->ranges[bmap->count++] = range;
}

static void on_end(void *arg, const char *name)
{
    struct reader *reader = arg;
    char *text = trim(&reader->text);

    if (strcmp(name, "ImageSize") == 0) {
        reader->bmap->size = number(reader, text);
    } else if (strcmp(name, "BlockSize") == 0) {
        reader->block = number(reader, text);
        if (reader->block < SECTOR || reader->block > BLOCK_MAX || reader->block % SECTOR)
            refuse(reader, "blocks of %s bytes are none", text);
    } else if (strcmp(name, "ChecksumType") == 0) {
        if (strcmp(text, "sha256") != 0)
            refuse(reader, "its checksums are %s, not sha256", text);
    } else if (strcmp(name, "BmapFileChecksum") == 0) {
        snprintf(reader->sum, sizeof reader->sum, "%s", text);
    } else if (strcmp(name, "Range") == 0) {
        add_range(reader, text);
    }
    reader->text.len = 0;
}

/* The map's own checksum, which is computed with zeros in its place. */
static void check_sum(struct reader *reader, char *data, size_t len)
{
    char *at =
        memmem(data + reader->sum_at, len - (size_t)reader->sum_at, reader->sum, 2 * DIGEST_LEN);
    struct digest digest;
    uint8_t is[DIGEST_LEN], should[DIGEST_LEN];

    if (!digest_from_hex(should, reader->sum) || !at) {
        refuse(reader, "its own checksum is missing");
        return;
    }
    memset(at, '0', 2 * DIGEST_LEN);
    digest_init(&digest);
    digest_add(&digest, data, len);
    digest_final(&digest, is);
    if (memcmp(is, should, sizeof is) != 0)
        refuse(reader, "it is damaged: its own checksum is wrong");
}

static int parse(struct bmap *bmap, const char *path, char *data, size_t len)
{
    struct reader reader = {.parser = XML_ParserCreate(NULL), .bmap = bmap};
    int result = 0;

    if (!reader.parser)
        return msg_error("%s: reading: out of memory", path);
    XML_SetUserData(reader.parser, &reader);
    XML_SetElementHandler(reader.parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader.parser, on_text);
    if (XML_Parse(reader.parser, data, (int)len, XML_TRUE) == XML_STATUS_ERROR)
        refuse(&reader, "line %lu: %s", XML_GetCurrentLineNumber(reader.parser),
               XML_ErrorString(XML_GetErrorCode(reader.parser)));
    if (!reader.why && !bmap->size)
        refuse(&reader, "it is no map of blocks");
    if (!reader.why)
        check_sum(&reader, data, len);
    if (reader.why)
        result = msg_error("%s: reading the map: %s", path, reader.why);
    XML_ParserFree(reader.parser);
    buf_free(&reader.text);
    free(reader.why);
    return result;
}

int bmap_read(struct bmap *bmap, const char *path)
{
    struct source source;
    struct content content;
    char *data;
    int result;

    *bmap = (struct bmap){0};
    if (source_open(&source, path) < 0)
        return -1;
    content = source_content(&source);
    if (content.len > FILE_MAX) {
        source_close(&source);
        return msg_error("%s: reading the map: it is larger than %.0f MiB", path,
                         (double)FILE_MAX / MIB);
    }
    data = xcalloc(1, content.len + 1);
    result = content_read(&content, 0, data, content.len);
    if (result == 0)
        result = parse(bmap, path, data, content.len);
    free(data);
    source_close(&source);
    return result;
}

void bmap_free(struct bmap *bmap)
{
    free(bmap->ranges);
    *bmap = (struct bmap){0};
}

/* What of the image has to be on a disk, in whole blocks. */
static void find_ranges(struct bmap *bmap, const struct image *image)
{
    for (size_t i = 0; i < image->count; i++) {
        const struct region *region = &image->regions[i];
        struct bmap_range *last = bmap->count ? &bmap->ranges[bmap->count - 1] : NULL;
        uint64_t from = round_down(region->offset, BMAP_BLOCK);
        uint64_t to = round_up(region->offset + region->len, BMAP_BLOCK);

        if (region->spare)
            continue;
        if (to > image->size)
            to = image->size;
        if (last && from <= last->offset + last->len) {
            last->len = to - last->offset;
            continue;
        }
        bmap->ranges = xgrow(bmap->ranges, bmap->count, sizeof *bmap->ranges);
        bmap->ranges[bmap->count++] = (struct bmap_range){.offset = from, .len = to - from};
    }
}

static int sum_range(struct bmap_range *range, const struct image *image, uint8_t *chunk)
{
    struct digest digest;
    int result = 0;

    digest_init(&digest);
    for (uint64_t at = 0; at < range->len && result == 0; at += MIB) {
        uint64_t n = range->len - at < MIB ? range->len - at : MIB;

        result = image_read(image, range->offset + at, chunk, n);
        if (result == 0)
            digest_add(&digest, chunk, n);
    }
    digest_final(&digest, range->digest);
    return result;
}

static void print_range(struct buf *out, const struct bmap_range *range)
{
    uint64_t first = range->offset / BMAP_BLOCK;
    uint64_t last = (range->offset + range->len - 1) / BMAP_BLOCK;

    buf_printf(out, "        <Range chksum=\"%s\"> %" PRIu64, digest_hex(range->digest).text,
               first);
    if (last > first)
        buf_printf(out, "-%" PRIu64, last);
    buf_puts(out, " </Range>\n");
}

static void print(struct buf *out, const struct bmap *bmap)
{
    size_t begin = out->len, sum_at;
    uint64_t mapped = 0;
    struct digest digest;
    uint8_t sum[DIGEST_LEN];

    for (size_t i = 0; i < bmap->count; i++)
        mapped += divide_up(bmap->ranges[i].len, BMAP_BLOCK);
    buf_puts(out, "<?xml version=\"1.0\" ?>\n<bmap version=\"2.0\">\n");
    buf_printf(out, "    <ImageSize> %" PRIu64 " </ImageSize>\n", bmap->size);
    buf_printf(out, "    <BlockSize> %" PRIu64 " </BlockSize>\n", BMAP_BLOCK);
    buf_printf(out, "    <BlocksCount> %" PRIu64 " </BlocksCount>\n",
               divide_up(bmap->size, BMAP_BLOCK));
    buf_printf(out, "    <MappedBlocksCount> %" PRIu64 " </MappedBlocksCount>\n", mapped);
    buf_puts(out, "    <ChecksumType> sha256 </ChecksumType>\n    <BmapFileChecksum> ");
    sum_at = out->len;
    for (size_t i = 0; i < 2 * DIGEST_LEN; i++)
        buf_puts(out, "0");
    buf_puts(out, " </BmapFileChecksum>\n    <BlockMap>\n");
    for (size_t i = 0; i < bmap->count; i++)
        print_range(out, &bmap->ranges[i]);
    buf_puts(out, "    </BlockMap>\n</bmap>\n");
    digest_init(&digest);
    digest_add(&digest, out->data + begin, out->len - begin);
    digest_final(&digest, sum);
    memcpy(out->data + sum_at, digest_hex(sum).text, 2 * DIGEST_LEN);
}

int bmap_print(struct buf *out, const struct image *image)
{
    struct bmap bmap = {.size = image->size};
    uint8_t *chunk = xrealloc(NULL, MIB);
    int result = 0;

    find_ranges(&bmap, image);
    for (size_t i = 0; i < bmap.count && result == 0; i++)
        result = sum_range(&bmap.ranges[i], image, chunk);
    if (result == 0)
        print(out, &bmap);
    free(chunk);
    bmap_free(&bmap);
    return result;
}
