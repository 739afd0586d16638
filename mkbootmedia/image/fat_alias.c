/*
 * fat_alias: an 8.3 alias for every name of a folder, unique in it, in time proportional to the
 * number of names: a hash map knows the aliases taken, and for every shortened base the next number
 * to try ("GRUBFO" + "CFG" -> 3).
 *
 * Names that are 8.3 already keep their name, whatever the others are called.
 */
#include "image/fat_private.h"

#include "base/msg.h"

#include <stdlib.h>
#include <string.h>

/* Keys are aliases, or a base padded with NUL (which no alias has) and an extension. */
struct slot {
    uint8_t key[FAT_ALIAS_LEN];
    uint32_t value; /* 0: an empty slot */
};

struct map {
    struct slot *slots;
    size_t room, count; /* room: a power of two, or 0 */
};

static struct slot *slot_of(const struct map *map, const uint8_t key[FAT_ALIAS_LEN])
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < FAT_ALIAS_LEN; i++)
        hash = (hash ^ key[i]) * 16777619u;
    for (size_t at = hash;; at++) {
        struct slot *slot = &map->slots[at & (map->room - 1)];

        if (!slot->value || memcmp(slot->key, key, FAT_ALIAS_LEN) == 0)
            return slot;
    }
}

static void grow(struct map *map)
{
    struct map larger = {.room = map->room ? 2 * map->room : 64, .count = map->count};

    larger.slots = xcalloc(larger.room, sizeof *larger.slots);
    for (size_t i = 0; i < map->room; i++)
        if (map->slots[i].value)
            *slot_of(&larger, map->slots[i].key) = map->slots[i];
    free(map->slots);
    *map = larger;
}

/* The value of a key, which is entered with first if it is new; *is_new may be NULL. */
static uint32_t *value_of(struct map *map, const uint8_t *key, uint32_t first, bool *is_new)
{
    struct slot *slot;

    if (2 * (map->count + 1) > map->room)
        grow(map);
    slot = slot_of(map, key);
    if (is_new)
        *is_new = !slot->value;
    if (!slot->value) {
        memcpy(slot->key, key, FAT_ALIAS_LEN);
        slot->value = first;
        map->count++;
    }
    return &slot->value;
}

/* Takes an alias with a tail of so many digits (10 is the first of two); false: none left. */
static bool take_tail(struct map *map, uint8_t alias[FAT_ALIAS_LEN], uint32_t first, size_t digits)
{
    uint8_t key[FAT_ALIAS_LEN], base[FAT_ALIAS_LEN];
    size_t len = 7 - digits;
    bool is_new = false;

    memcpy(base, alias, FAT_ALIAS_LEN);
    memcpy(key, alias, FAT_ALIAS_LEN);
    while (len > 0 && key[len - 1] == ' ')
        len--;
    memset(key + len, '\0', 7 - len);
    key[7] = (uint8_t)(0x80 + digits); /* a base of its own for each number of digits */
    while (!is_new) {
        uint32_t *next = value_of(map, key, first, NULL), number = *next;

        if (number == 10 * first)
            return false;
        *next = number + 1;
        memcpy(alias, base, FAT_ALIAS_LEN);
        fat_alias_tail(alias, number);
        value_of(map, alias, 1, &is_new);
    }
    return true;
}

/* A folder has at most FAT_FOLDER_MAX entries, so six digits are always enough. */
static void take_any_tail(struct map *map, uint8_t alias[FAT_ALIAS_LEN])
{
    uint8_t base[FAT_ALIAS_LEN];
    uint32_t first = 1;

    memcpy(base, alias, FAT_ALIAS_LEN);
    for (size_t digits = 1; digits <= 6; digits++, first *= 10) {
        memcpy(alias, base, FAT_ALIAS_LEN);
        if (take_tail(map, alias, first, digits))
            return;
    }
    abort(); /* fat_tree has counted the entries */
}

struct folded {
    uint16_t *units;
    size_t len;
    const struct fat_node *node;
};

static int by_folded_name(const void *a, const void *b)
{
    const struct folded *x = a, *y = b;

    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    return memcmp(x->units, y->units, x->len * sizeof *x->units);
}

static struct folded fold(const struct fat_node *node)
{
    struct folded folded = {.len = utf16_from_utf8(node->name, NULL, 0), .node = node};

    folded.units = xcalloc(folded.len, sizeof *folded.units);
    utf16_from_utf8(node->name, folded.units, folded.len);
    for (size_t i = 0; i < folded.len; i++)
        folded.units[i] = fat_fold(folded.units[i]);
    return folded;
}

/* FAT keeps the case of a name but does not tell names apart by it. */
static int check_same(const struct fat *fat, const struct fat_node *folder)
{
    struct folded *all = NULL;
    size_t n = 0;
    int result = 0;

    for (size_t i = folder->first_child; i; i = fat->nodes[i].next) {
        all = xgrow(all, n, sizeof *all);
        all[n++] = fold(&fat->nodes[i]);
    }
    if (n)
        qsort(all, n, sizeof *all, by_folded_name);
    for (size_t i = 1; i < n && result == 0; i++) {
        const struct fat_node *x = all[i - 1].node, *y = all[i].node;

        if (by_folded_name(&all[i - 1], &all[i]) == 0)
            result = msg_error("%.*s: naming it in FAT: %.*s has the same name there (FAT does not "
                               "tell upper from lower case)",
                               (int)y->path_len, y->path, (int)x->path_len, x->path);
    }
    for (size_t i = 0; i < n; i++)
        free(all[i].units);
    free(all);
    return result;
}

int fat_alias_folder(struct fat *fat, const struct fat_node *folder)
{
    struct map map = {0};

    if (check_same(fat, folder) < 0)
        return -1;
    for (size_t i = folder->first_child; i; i = fat->nodes[i].next)
        if (fat_alias_basis(fat->nodes[i].name, fat->nodes[i].alias) != FAT_FIT_TAIL)
            value_of(&map, fat->nodes[i].alias, 1, NULL);
    for (size_t i = folder->first_child; i; i = fat->nodes[i].next) {
        struct fat_node *node = &fat->nodes[i];

        if (fat_alias_basis(node->name, node->alias) == FAT_FIT_TAIL)
            take_any_tail(&map, node->alias);
    }
    free(map.slots);
    return 0;
}
