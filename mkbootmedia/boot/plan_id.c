/* plan_id: what makes a medium itself, as numbers: content first, never the clock or the host. */
#include "boot/plan_private.h"

#include "base/util.h"
#include "boot/render.h"

#include <stdio.h>

#define WHOLE_MAX   (256 * KIB) /* bytes: files up to that are read whole */
#define SAMPLE_LEN  (32 * KIB)
#define SAMPLE_STEP 16 /* samples between head and tail */

/* Size and bytes of a file; of a large one head, tail and samples: compressed data ends in sums. */
static int add_sampled(struct digest *digest, const struct content *content)
{
    uint8_t len[8];
    uint64_t last = content->len - SAMPLE_LEN;

    put_le64(len, content->len);
    digest_add(digest, len, sizeof len);
    if (content->len <= WHOLE_MAX)
        return digest_add_content(digest, content, 0, content->len);
    for (uint64_t i = 0; i <= SAMPLE_STEP; i++) {
        uint64_t n = i == 0 || i == SAMPLE_STEP ? SAMPLE_LEN : 4 * KIB;

        if (digest_add_content(digest, content, last / SAMPLE_STEP * i, n) < 0)
            return -1;
    }
    return digest_add_content(digest, content, last, SAMPLE_LEN);
}

static void add_text(struct digest *digest, const char *text)
{
    digest_add(digest, text, strlen(text) + 1);
}

static void add_number(struct digest *digest, int64_t number)
{
    uint8_t bytes[8];

    put_le64(bytes, (uint64_t)number);
    digest_add(digest, bytes, sizeof bytes);
}

static void add_strings(struct digest *digest, const struct strings *strings)
{
    add_number(digest, (int64_t)strings->n);
    for (size_t i = 0; i < strings->n; i++)
        add_text(digest, strings->v[i]);
}

/* What the templates make of the plan, as long as there is no marker. */
static int add_texts(struct digest *digest, const struct plan *plan)
{
    static const char *const names[] = {"grub.cfg", "theme.txt", "early.cfg", "esp.cfg"};
    struct buf text = {0};
    int result = 0;

    for (size_t i = 0; i < ARRAY_LEN(names) && result == 0; i++)
        result = render(&text, names[i], plan);
    if (result == 0)
        add_text(digest, text.data);
    buf_free(&text);
    return result;
}

static void add_menu(struct digest *digest, const struct plan *plan)
{
    add_text(digest, "mkbootmedia plan 1");
    add_number(digest, plan->output);
    add_number(digest, plan->time);
    add_number(digest, plan->request->timeout);
    add_number(digest, plan->loaders.firmware);
    add_text(digest, plan->label);
    add_number(digest, plan->request->hybrid);
    add_number(digest, (int64_t)plan->request->size);
    add_number(digest, (int64_t)plan->request->data_size);
    add_number(digest, plan->request->data_fs);
    for (size_t i = 0; i < PLATFORMS; i++)
        add_number(digest, (int64_t)plan->images[i].room);
    add_strings(digest, &plan->request->consoles);
    for (size_t i = 0; i < plan->entry_count; i++) {
        const struct plan_entry *entry = &plan->entries[i];

        add_text(digest, entry->payload->title);
        add_text(digest, entry->kernel_path);
        add_strings(digest, &entry->initrd_paths);
        add_strings(digest, &entry->payload->words);
    }
}

int plan_identify(struct plan *plan)
{
    struct digest digest;
    int result = 0;

    digest_init(&digest);
    add_menu(&digest, plan);
    result = add_texts(&digest, plan);
    for (size_t i = 0; i < plan->item_count && result == 0; i++) {
        add_text(&digest, plan->items[i].path);
        result = add_sampled(&digest, &plan->items[i].content);
    }
    digest_final(&digest, plan->id);
    if (plan->request->marker) /* what GRUB searches for stays, so that an older one finds it too */
        snprintf(plan->marker, sizeof plan->marker, "%s", plan->request->marker);
    else
        snprintf(plan->marker, sizeof plan->marker, ".disk/%.16s.mkbootmedia",
                 digest_hex(plan->id).text);
    return result;
}

/* SHA-256 of the id and a purpose: as many independent numbers as are needed. */
static void derive(const struct plan *plan, const char *purpose, uint8_t out[DIGEST_LEN])
{
    struct digest digest;

    digest_init(&digest);
    digest_add(&digest, plan->id, sizeof plan->id);
    add_text(&digest, purpose);
    digest_final(&digest, out);
}

struct plan_guid plan_guid(const struct plan *plan, const char *purpose)
{
    struct plan_guid guid;
    uint8_t b[DIGEST_LEN];

    derive(plan, purpose, b);
    b[6] = (uint8_t)(0x80 | (b[6] & 0x0f)); /* version 8 */
    b[8] = (uint8_t)(0x80 | (b[8] & 0x3f)); /* variant of RFC 9562 */
    snprintf(guid.text, sizeof guid.text,
             "%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
    return guid;
}

uint32_t plan_number(const struct plan *plan, const char *purpose)
{
    uint8_t b[DIGEST_LEN];
    uint32_t number;

    derive(plan, purpose, b);
    number = get_le32(b);
    return number ? number : 1;
}
