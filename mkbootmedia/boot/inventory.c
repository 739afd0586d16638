/* inventory: libcsv cuts the rows; here columns get their meaning. The one room for libcsv. */
#include "boot/inventory.h"

#include "base/msg.h"
#include "base/source.h"
#include "base/util.h"
#include "boot/setting.h"

#include <csv.h>
#include <stdlib.h>

#define FILE_MAX    (256 * MIB)
#define COLUMNS_MAX 64

enum column { MAC, HOSTNAME, ENTRY, CMDLINE, COLUMNS };

static const char *const names[COLUMNS] = {"mac", "hostname", "entry", "cmdline"};

/* Where the parser is. */
struct reading {
    struct request *request;
    struct place place;
    enum column columns[COLUMNS_MAX]; /* what each field of a row is */
    size_t column_count;              /* 0: the first line has not been seen */
    char *fields[COLUMNS_MAX];
    size_t field_count;
    bool failed;
};

static void fail(struct reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void fail(struct reading *reading, const char *format, ...)
{
    va_list ap;
    char *text;

    if (reading->failed)
        return;
    va_start(ap, format);
    text = xvasprintf(format, ap);
    va_end(ap);
    msg_error("%s:%u: reading: %s", reading->place.file, reading->place.line, text);
    free(text);
    reading->failed = true;
}

static void take_field(void *data, size_t len, void *arg)
{
    struct reading *reading = arg;

    if (reading->field_count == COLUMNS_MAX)
        return fail(reading, "more than %d fields", COLUMNS_MAX);
    if (len && memchr(data, '\0', len))
        return fail(reading, "a field holds a NUL byte");
    reading->fields[reading->field_count++] = xasprintf("%.*s", (int)len, len ? (char *)data : "");
}

/* The first line: which column is where. */
static void take_names(struct reading *reading)
{
    bool seen[COLUMNS] = {false};

    for (size_t i = 0; i < reading->field_count; i++) {
        size_t column = 0;

        while (column < COLUMNS && strcasecmp(names[column], reading->fields[i]) != 0)
            column++;
        if (column == COLUMNS)
            return fail(reading, "no such column '%s'; there are mac, hostname, entry, cmdline",
                        reading->fields[i]);
        if (seen[column])
            return fail(reading, "the column '%s' is there twice", names[column]);
        seen[column] = true;
        reading->columns[i] = (enum column)column;
    }
    if (!seen[MAC])
        return fail(reading, "the first line does not name a column 'mac'");
    reading->column_count = reading->field_count;
}

static char *text_or_null(const char *text)
{
    return *text ? xstrdup(text) : NULL;
}

static void take_host(struct reading *reading)
{
    struct request_host *host = request_add_host(reading->request);
    const char *why = NULL;

    host->place = reading->place;
    for (size_t i = 0; i < reading->field_count && !why; i++) {
        const char *text = reading->fields[i];

        switch (reading->columns[i]) {
        case MAC:
            why = setting_mac(host->mac, text);
            break;
        case HOSTNAME:
            host->hostname = text_or_null(text);
            why = *text ? setting_hostname_check(text) : NULL;
            break;
        case ENTRY:
            host->entry = text_or_null(text);
            break;
        default:
            host->cmdline = text_or_null(text);
        }
        if (why)
            fail(reading, "%s: '%s' %s", names[reading->columns[i]], text, why);
    }
}

static void take_row(int end, void *arg)
{
    struct reading *reading = arg;
    bool empty = reading->field_count == 1 && !*reading->fields[0];

    (void)end;
    if (!reading->failed && reading->field_count && !empty) {
        if (!reading->column_count)
            take_names(reading);
        else if (reading->field_count != reading->column_count)
            fail(reading, "%zu fields, but the first line names %zu", reading->field_count,
                 reading->column_count);
        else
            take_host(reading);
    }
    for (size_t i = 0; i < reading->field_count; i++)
        free(reading->fields[i]);
    reading->field_count = 0;
}

/* Feeds the parser a line at a time, so that every row knows where it stands. */
static void parse(struct reading *reading, struct csv_parser *parser, const char *text, size_t len)
{
    bool open = false; /* within a row of more than one line */

    for (size_t at = 0, line = 1; at < len && !reading->failed; line++) {
        const char *newline = memchr(text + at, '\n', len - at);
        size_t n = newline ? (size_t)(newline - text) + 1 - at : len - at;

        if (!open)
            reading->place.line = (unsigned)line;
        if (csv_parse(parser, text + at, n, take_field, take_row, reading) != n)
            fail(reading, "%s", csv_strerror(csv_error(parser)));
        at += n;
        open = reading->field_count > 0 || parser->quoted;
    }
    if (!reading->failed && csv_fini(parser, take_field, take_row, reading) != 0)
        fail(reading, "a quoted field without its end");
    if (!reading->failed && !reading->column_count)
        fail(reading, "the first line, which names the columns, is missing");
}

static int read_all(struct buf *text, const struct source *source)
{
    struct content content = source_content(source);

    if (source->size > FILE_MAX)
        return msg_error("%s: reading: larger than 256 MiB", source->path);
    text->data = xcalloc(1, source->size + 1);
    text->len = source->size;
    return content_read(&content, 0, text->data, text->len);
}

int inventory_read(struct request *request, const char *path)
{
    struct reading reading = {.request = request};
    struct source source;
    struct csv_parser parser;
    struct buf text = {0};
    size_t bom;
    int result;

    if (source_open(&source, path) < 0)
        return -1;
    strings_add(&request->spec_files, path);
    reading.place = (struct place){request->spec_files.v[request->spec_files.n - 1], 1};
    result = read_all(&text, &source);
    source_close(&source);
    if (result == 0 && csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
        result = msg_error("%s: reading: out of memory", path);
    if (result == 0) {
        bom = text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
        parse(&reading, &parser, text.data + bom, text.len - bom);
        take_row(0, &reading); /* what an error has left */
        csv_free(&parser);
    }
    buf_free(&text);
    return result < 0 || reading.failed ? -1 : 0;
}
