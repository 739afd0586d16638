/* quote: GRUB's quotes, iPXE's escapes, Linux's quotes. */
#include "boot/quote.h"

void quote_grub(struct buf *out, const char *text)
{
    buf_puts(out, "'");
    for (; *text; text++)
        if (*text == '\'')
            buf_puts(out, "'\\''");
        else
            buf_add(out, text, 1);
    buf_puts(out, "'");
}

const char *quote_ipxe_check(const char *text)
{
    return strstr(text, "${") ? "holds '${', which iPXE would take for a setting" : NULL;
}

static bool plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("_./:=,@+-~()", c));
}

void quote_ipxe(struct buf *out, const char *text)
{
    while (*text) {
        size_t len = 0;

        while (plain(text[len]))
            len++;
        buf_add(out, text, len);
        text += len;
        if (*text)
            buf_printf(out, "%%%02X", (unsigned char)*text++);
    }
}

void quote_kernel_word(struct buf *out, const char *word)
{
    const char *value = strchr(word, '=');
    size_t name = value ? (size_t)(value - word) + 1 : 0;

    if (*word && !strchr(word, ' ')) {
        buf_puts(out, word);
        return;
    }
    if (memchr(word, ' ', name)) /* a blank in the name: quoted as a whole */
        name = 0;
    buf_add(out, word, name);
    buf_printf(out, "\"%s\"", word + name);
}
