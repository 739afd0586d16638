/* output: the table of outputs, and what they share. */
#include "media/output.h"

#include "base/util.h"

#include <assert.h>

#define EARLY_MIN (256 * KIB) /* bytes: smaller contents are copied with the rest */

static const struct output *const outputs[] = {&output_usb, &output_iso, &output_net};

const struct output *output_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(outputs); i++)
        if (strcmp(outputs[i]->name, name) == 0)
            return outputs[i];
    return NULL;
}

const char *output_names(void)
{
    static char names[64];

    if (!*names)
        for (size_t i = 0; i < ARRAY_LEN(outputs); i++) {
            strcat(names, i ? ", " : "");
            strcat(names, outputs[i]->name);
        }
    return names;
}

void medium_add_partition(struct medium *medium, const struct plan *plan, const char *name,
                          const char *type, uint64_t offset, uint64_t size)
{
    size_t n = medium->partition_count++;
    const char purpose[] = {'p', 'a', 'r', 't', 'i', 't', 'i', 'o', 'n', ' ', (char)('1' + n),
                            '\0'};

    assert(n < ARRAY_LEN(medium->partitions));
    medium->guids[n] = plan_guid(plan, purpose);
    medium->partitions[n] = (struct partition){
        .name = name, .type = type, .guid = medium->guids[n].text, .offset = offset, .size = size};
}

struct region *medium_early(const struct plan *plan, size_t *count)
{
    struct region *regions = xcalloc(plan->item_count, sizeof *regions);

    *count = 0;
    for (size_t i = 0; i < plan->item_count; i++) {
        const struct item *item = &plan->items[i];

        if (item->place != PLACE_NONE && !item->room && item->content.fd >= 0 &&
            item->content.len >= EARLY_MIN)
            regions[(*count)++] = (struct region){item->place, item->content.len, item->path, false,
                                                  false,       item->content};
    }
    return regions;
}

void medium_free(struct medium *medium)
{
    if (medium->output && medium->output->free)
        medium->output->free(medium);
    image_free(&medium->image);
}
