/* stick_request: what a stick's manifest says of its menu, as if the user had asked for it. */
#include "media/stick_private.h"

#include "base/msg.h"
#include "base/sign_cms.h"
#include "boot/quote.h"
#include "boot/setting.h"
#include "image/fat.h"
#include "media/manifest.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static const json_t *menu_of(const struct stick *stick)
{
    return json_object_get(stick->manifest.json, "menu");
}

/* Words of firmware, ored; false: one of them is none. */
static bool get_firmware(const json_t *array, unsigned *firmware)
{
    json_t *word;
    size_t i;

    json_array_foreach(array, i, word)
    {
        const char *text = json_string_value(word);

        if (!text || strchr(text, ',') || setting_firmware_words(firmware, text))
            return false;
    }
    return true;
}

/* Words that are made anew: of consoles, and of a root that runs from RAM. */
static bool is_made(const struct stick *stick, const json_t *entry, const char *word)
{
    const char *argument = stick_text(json_object_get(entry, "root"), "argument");
    json_t *console;
    size_t i;

    if (strcmp(word, argument) == 0)
        return true;
    if (strncmp(word, "console=", 8) != 0)
        return false;
    json_array_foreach(json_object_get(menu_of(stick), "consoles"), i, console)
    {
        if (json_is_string(console) && strcmp(word + 8, json_string_value(console)) == 0)
            return true;
    }
    return false;
}

static char *cmdline_of(const struct stick *stick, const json_t *entry)
{
    struct buf line = {0};
    json_t *word;
    size_t i;

    buf_puts(&line, "");
    json_array_foreach(json_object_get(entry, "arguments"), i, word)
    {
        if (!json_is_string(word) || is_made(stick, entry, json_string_value(word)))
            continue;
        buf_puts(&line, line.len ? " " : "");
        quote_kernel_word(&line, json_string_value(word));
    }
    return line.data;
}

static void replace(char **text, char **with)
{
    if (!*with)
        return;
    free(*text);
    *text = *with;
    *with = NULL;
}

/* What the command line says goes to the entry that the stick starts by itself. */
static void apply(struct request_entry *entry, struct request_entry *asked)
{
    replace(&entry->kernel, &asked->kernel);
    replace(&entry->cmdline, &asked->cmdline);
    replace(&entry->title, &asked->title);
    strings_free(&entry->initrds);
    entry->initrds = asked->initrds;
    asked->initrds = (struct strings){0};
    entry->root = asked->root;
    asked->root = (struct request_root){0};
}

static int add_entry(const struct stick *stick, struct request *request, const json_t *row)
{
    const char *name = stick_text(row, "name");
    struct request_entry *entry;

    if (setting_entry_name_check(name) || request_find_entry(request, name))
        return stick_refuse(stick, "the name of an entry");
    entry = request_add_entry(request, name);
    entry->cmdline = cmdline_of(stick, row);
    entry->title = stick_flag(row, "titled") ? xstrdup(stick_text(row, "title")) : NULL;
    return get_firmware(json_object_get(row, "firmware"), &entry->firmware)
               ? 0
               : stick_refuse(stick, "firmware");
}

static int add_entries(const struct stick *stick, struct request *request)
{
    const char *first = stick_text(menu_of(stick), "default");
    struct request_entry *asked = request->entries, *entry;
    json_t *row;
    size_t i;
    int result = 0;

    request->entries = NULL;
    request->entry_count = 0;
    json_array_foreach(json_object_get(stick->manifest.json, "entries"), i, row)
    {
        if (result == 0)
            result = add_entry(stick, request, row);
    }
    entry = request_find_entry(request, first);
    if (result == 0 && !entry)
        result = stick_refuse(stick, "the default entry");
    if (result == 0) {
        apply(entry, asked);
        free(request->default_entry);
        request->default_entry = xstrdup(first);
    }
    request_entry_free(asked);
    free(asked);
    return result;
}

static int fill_consoles(const struct stick *stick, struct request *request)
{
    json_t *console;
    size_t i;

    if (request->consoles.n)
        return 0;
    json_array_foreach(json_object_get(menu_of(stick), "consoles"), i, console)
    {
        if (!json_is_string(console) || setting_console(request, json_string_value(console)))
            return stick_refuse(stick, "consoles");
    }
    return 0;
}

static int fill_timeout(const struct stick *stick, struct request *request)
{
    const json_t *timeout = json_object_get(menu_of(stick), "timeout");
    char text[32];

    snprintf(text, sizeof text, "%lld", (long long)json_integer_value(timeout));
    if (!json_is_integer(timeout) || setting_timeout(request, text))
        return stick_refuse(stick, "the time-out");
    return 0;
}

static int fill_menu(const struct stick *stick, struct request *request,
                     const struct stick_given *given)
{
    const json_t *menu = menu_of(stick);

    if (!given->timeout && fill_timeout(stick, request) < 0)
        return -1;
    if (!request->firmware && !get_firmware(json_object_get(menu, "firmware"), &request->firmware))
        return stick_refuse(stick, "firmware");
    request->uki = request->uki || stick_flag(menu, "uki");
    request->uki_boot = request->uki_boot || stick_flag(menu, "uki_boot");
    return fill_consoles(stick, request);
}

/* Label and marker. GRUB's core images find the stick by the marker, the old one, too. */
static int fill_names(const struct stick *stick, struct request *request)
{
    const char *label = stick_text(stick->manifest.json, "label");
    const char *marker = stick_text(menu_of(stick), "marker");
    size_t digits = 0;

    if (!*marker)
        return msg_error("%s: updating: was made by a version that knew no updates: write it anew",
                         stick->path);
    if (fat_label_check(label))
        return stick_refuse(stick, "the label");
    if (!request->label)
        request->label = xstrdup(label);
    if (strncmp(marker, ".disk/", 6) == 0)
        while (digits < 16 && isxdigit((unsigned char)marker[6 + digits]))
            digits++;
    if (digits != 16 || strcmp(marker + 6 + digits, ".mkbootmedia") != 0)
        return stick_refuse(stick, "the file that GRUB searches for");
    request->marker = xstrdup(marker);
    return 0;
}

/* What stays will be signed anew, so it has to be what was signed. */
static int check_signature(const struct stick *stick, const char *certificate)
{
    const struct buf *text = &stick->manifest.text;
    struct buf der = {0};
    struct file file;
    struct sign_cms_signer signer = {0};
    const char *why = NULL;
    int result = volume_open_file(&stick->volume, MANIFEST_SIGNATURE, &file);

    if (result == 1 && file.content.len <= MIB) {
        der.data = xcalloc((size_t)file.content.len + 1, 1);
        der.len = (size_t)file.content.len;
        result = content_read(&file.content, 0, der.data, der.len);
    } else if (result >= 0) {
        result = 0;
        why = "is not there";
    }
    if (result == 0 && !why)
        result =
            sign_cms_check(der.data, der.len, text->data, text->len, certificate, &signer, &why);
    if (result == 0 && why)
        result = msg_error("%s: updating: the signature over its manifest %s", stick->path, why);
    sign_cms_signer_free(&signer);
    buf_free(&der);
    file_free(&file);
    return result;
}

static int check_signed(const struct stick *stick, const struct request *request,
                        const struct stick_given *given)
{
    bool was_signed = stick_flag(menu_of(stick), "signed");

    if (was_signed && !request->sign_key)
        return msg_error("%s: updating: its manifest is signed: --sign-key and --sign-cert are "
                         "missing",
                         stick->path);
    if (given->spec || !request->sign_key)
        return 0;
    if (was_signed)
        return check_signature(stick, request->sign_cert);
    msg_warn("%s: what stays on it was not signed before, and will be", stick->path);
    return 0;
}

int stick_request(const struct stick *stick, struct request *request,
                  const struct stick_given *given)
{
    if (check_signed(stick, request, given) < 0 || fill_names(stick, request) < 0)
        return -1;
    if (given->spec)
        return 0;
    return fill_menu(stick, request, given) < 0 ? -1 : add_entries(stick, request);
}
