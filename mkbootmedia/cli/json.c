/* json: texts of any bytes, numbers, and the document on stdout. */
#include "cli/json.h"

#include "base/msg.h"
#include "base/util.h"

json_t *json_text(const char *text)
{
    json_t *value = text ? json_string(text) : json_null();
    struct buf fixed = {0};

    if (value)
        return value;
    while (*text) {
        const char *from = text;

        if (utf8_next(&text) == 0xfffd)
            buf_puts(&fixed, "\xef\xbf\xbd");
        else
            buf_add(&fixed, from, (size_t)(text - from));
    }
    value = json_string(fixed.data);
    buf_free(&fixed);
    return value;
}

json_t *json_texts(const struct strings *strings)
{
    json_t *array = json_array();

    for (size_t i = 0; i < strings->n; i++)
        json_array_append_new(array, json_text(strings->v[i]));
    return array;
}

json_t *json_number(uint64_t number)
{
    return json_integer((json_int_t)number);
}

int json_print(json_t *document)
{
    int result;

    if (!document)
        return msg_error("internal error: the JSON document could not be made");
    result = json_dumpf(document, stdout, JSON_INDENT(2));
    json_decref(document);
    return result < 0 || putchar('\n') == EOF ? -1 : 0;
}
