/* digest_cache: lines of "digest device inode size mtime ctime". */
#include "boot/digest_cache.h"

#include "base/msg.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define LINE_MAX_LEN 256
#define TICK         INT64_C(20000000)   /* nanoseconds; the clock of Linux has at most 10 ms */
#define COARSE_TICK  INT64_C(2000000000) /* FAT */

/* What tells one state of a file from another. */
struct state {
    uint64_t dev, ino, size; /* size with the zeros */
    int64_t mtime, ctime;    /* nanoseconds */
};

struct digest_row {
    struct state state;
    char digest[2 * DIGEST_LEN + 1];
    bool used;
};

static int64_t nanoseconds(struct timespec time)
{
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static bool same(const struct state *a, const struct state *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->mtime == b->mtime &&
           a->ctime == b->ctime;
}

static void add(struct digest_cache *cache, const struct digest_row *row)
{
    cache->rows = xgrow(cache->rows, cache->count, sizeof *cache->rows);
    cache->rows[cache->count++] = *row;
}

void digest_cache_read(struct digest_cache *cache, const char *path)
{
    FILE *file = fopen(path, "re");
    char line[LINE_MAX_LEN];
    uint8_t digest[DIGEST_LEN];

    *cache = (struct digest_cache){0};
    while (file && fgets(line, sizeof line, file)) {
        struct digest_row row = {0};

        if (sscanf(line, "%64[0-9a-f] %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNd64,
                   row.digest, &row.state.dev, &row.state.ino, &row.state.size, &row.state.mtime,
                   &row.state.ctime) == 6 &&
            digest_from_hex(digest, row.digest))
            add(cache, &row);
    }
    if (file)
        fclose(file);
}

static struct digest_row *find(struct digest_cache *cache, const struct state *state)
{
    for (size_t i = 0; i < cache->count; i++)
        if (same(&cache->rows[i].state, state))
            return &cache->rows[i];
    return NULL;
}

static int read_state(struct state *state, const struct source *source)
{
    struct stat st;

    if (fstat(source->fd, &st) < 0)
        return msg_errno(source->path, "reading");
    *state = (struct state){st.st_dev, st.st_ino, (uint64_t)st.st_size, nanoseconds(st.st_mtim),
                            nanoseconds(st.st_ctim)};
    return 0;
}

/* Nanoseconds since a file was written last. */
static int64_t age_of(const struct state *state)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return nanoseconds(now) - state->ctime;
}

/* Does its file system count in seconds (FAT, some NFS)? */
static bool is_coarse(const struct state *state)
{
    return state->ctime % 1000000000 == 0;
}

/*
 * A write within the tick of the file system's clock in which the file was written last would not
 * show. Waits until that tick is over; false if it is too long to wait for.
 */
static bool settle(const struct state *state)
{
    int64_t age = age_of(state);

    if (is_coarse(state) || age < 0)
        return age > COARSE_TICK;
    if (age < TICK)
        nanosleep(&(struct timespec){0, TICK - age}, NULL);
    return true;
}

static struct timespec ctime_of(const struct state *state)
{
    return (struct timespec){state->ctime / 1000000000, state->ctime % 1000000000};
}

int digest_cache_get(struct digest_cache *cache, const struct source *source, uint64_t pad,
                     uint8_t digest[DIGEST_LEN], struct timespec *changed)
{
    struct content content = source_content(source);
    struct digest_row *known, row = {.used = true};
    bool settled;

    if (read_state(&row.state, source) < 0)
        return -1;
    row.state.size += pad;
    *changed = ctime_of(&row.state);
    known = find(cache, &row.state);
    if (known) {
        known->used = true;
        return digest_from_hex(digest, known->digest) ? 0 : msg_error("internal error: a digest");
    }
    settled = settle(&row.state);
    if (digest_content(&content, pad, digest) < 0)
        return -1;
    if (settled) {
        strcpy(row.digest, digest_hex(digest).text);
        add(cache, &row);
        cache->changed = true;
    }
    return 0;
}

static void print_row(struct buf *out, const struct digest_row *row)
{
    const struct state *s = &row->state;

    buf_printf(out, "%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 "\n", row->digest,
               s->dev, s->ino, s->size, s->mtime, s->ctime);
}

void digest_cache_print(struct buf *out, const struct digest_cache *cache, size_t others)
{
    for (size_t i = 0; i < cache->count; i++)
        if (cache->rows[i].used)
            print_row(out, &cache->rows[i]);
    for (size_t i = 0; i < cache->count && others; i++) /* what was used last stands first */
        if (!cache->rows[i].used) {
            print_row(out, &cache->rows[i]);
            others--;
        }
}

void digest_cache_free(struct digest_cache *cache)
{
    free(cache->rows);
    *cache = (struct digest_cache){0};
}
