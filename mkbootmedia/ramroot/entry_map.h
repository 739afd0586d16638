/*
 * entry_map: entries by their paths, one for each, in the order of the bytes of those.
 */
#ifndef RAMROOT_ENTRY_MAP_H
#define RAMROOT_ENTRY_MAP_H

#include <archive_entry.h>

/* {0} is an empty one. */
struct entry_map {
    void *root; /* tsearch(3) */
};

/* A clone of the entry, with this path, instead of what the path had. */
void entry_map_put(struct entry_map *map, const char *path, struct archive_entry *entry);
/* The entry of that path, the map's; NULL: none. */
struct archive_entry *entry_map_get(const struct entry_map *map, const char *path);
void entry_map_drop(struct entry_map *map, const char *path);
/* Calls look with each entry until it does not return 0, and returns that. */
int entry_map_walk(const struct entry_map *map, int (*look)(void *arg, struct archive_entry *entry),
                   void *arg);
void entry_map_free(struct entry_map *map);

#endif
