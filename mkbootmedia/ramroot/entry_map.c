/* entry_map: a tree of entries, which know their paths. */
#include "ramroot/entry_map.h"

#include "base/msg.h"

#include <search.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A node is an entry; what is looked for is one, too. */
static int by_path(const void *a, const void *b)
{
    return strcmp(archive_entry_pathname((struct archive_entry *)(uintptr_t)a),
                  archive_entry_pathname((struct archive_entry *)(uintptr_t)b));
}

/* What tsearch and its like are to look for. */
static struct archive_entry *make_key(const char *path)
{
    struct archive_entry *key = archive_entry_new();

    archive_entry_copy_pathname(key, path);
    return key;
}

struct archive_entry *entry_map_get(const struct entry_map *map, const char *path)
{
    struct archive_entry *key, **node;

    if (!map->root)
        return NULL;
    key = make_key(path);
    node = tfind(key, &map->root, by_path);
    archive_entry_free(key);
    return node ? *node : NULL;
}

void entry_map_put(struct entry_map *map, const char *path, struct archive_entry *entry)
{
    struct archive_entry *clone = archive_entry_clone(entry);

    archive_entry_copy_pathname(clone, path);
    entry_map_drop(map, path);
    if (!tsearch(clone, &map->root, by_path)) {
        msg_error("%s: keeping it in mind: out of memory", path);
        exit(1);
    }
}

void entry_map_drop(struct entry_map *map, const char *path)
{
    struct archive_entry *entry = entry_map_get(map, path);

    if (!entry)
        return;
    tdelete(entry, &map->root, by_path);
    archive_entry_free(entry);
}

struct walk {
    int (*look)(void *arg, struct archive_entry *entry);
    void *arg;
    int result;
};

static void look_at(const void *node, VISIT visit, void *arg)
{
    struct walk *walk = arg;

    if ((visit == postorder || visit == leaf) && walk->result == 0)
        walk->result = walk->look(walk->arg, *(struct archive_entry *const *)node);
}

int entry_map_walk(const struct entry_map *map, int (*look)(void *arg, struct archive_entry *entry),
                   void *arg)
{
    struct walk walk = {look, arg, 0};

    twalk_r(map->root, look_at, &walk);
    return walk.result;
}

static void free_entry(void *entry)
{
    archive_entry_free(entry);
}

void entry_map_free(struct entry_map *map)
{
    tdestroy(map->root, free_entry);
    map->root = NULL;
}
