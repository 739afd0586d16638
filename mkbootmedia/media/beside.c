/* beside: drafts of what tells of an image; what told of the image before it goes. */
#include "media/beside.h"

#include "base/msg.h"
#include "base/util.h"
#include "media/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_LEN 4096 /* bytes that tell whether a file is one of these */

/* What is somewhere in the head of each; a signature begins with it, as a sequence of DER. */
static const struct {
    const char *suffix, *mark;
} kinds[] = {
    [BESIDE_MAP] = {".bmap", "<bmap version="},
    [BESIDE_MANIFEST] = {".manifest.json", "\"generator\": \"mkbootmedia\""},
    [BESIDE_SIGNATURE] = {".manifest.json.p7s", "\x30\x82"},
};

void beside_init(struct beside *beside, const char *image, const struct request *request)
{
    const bool wanted[] = {
        [BESIDE_MAP] = request->write.make_bmap,
        [BESIDE_MANIFEST] = request->write.make_manifest,
        [BESIDE_SIGNATURE] = request->write.make_manifest && request->sign_key,
    };

    for (size_t i = 0; i < BESIDE_KINDS; i++)
        beside->files[i] = (struct beside_file){
            .path = xasprintf("%s%s", image, kinds[i].suffix),
            .wanted = wanted[i],
            .draft = {.fd = -1, .folder_fd = -1},
        };
}

int beside_check(const struct beside *beside)
{
    for (size_t i = 0; i < BESIDE_KINDS; i++)
        if (beside->files[i].wanted && sink_check(beside->files[i].path) < 0)
            return -1;
    return 0;
}

int beside_draft(struct beside *beside, enum beside_kind kind, struct content content, bool no_sync)
{
    struct beside_file *file = &beside->files[kind];

    if (draft_open(&file->draft, file->path, no_sync) < 0)
        return -1;
    return content_write(&content, file->draft.fd, file->path, 0);
}

int beside_flush(struct beside *beside)
{
    for (size_t i = 0; i < BESIDE_KINDS; i++)
        if (beside->files[i].draft.fd >= 0 && draft_flush(&beside->files[i].draft) < 0)
            return -1;
    return 0;
}

/* Where it is: behind a symbolic link, which stays, if there will be a new one. */
static const char *place_of(const struct beside_file *file)
{
    return file->draft.fd >= 0 ? file->draft.path : file->path;
}

/*
 * Does a file look like what its name says? 1: yes; 0: no, or there is none: somebody else's stays,
 * and what the plan reads; -1, reported.
 */
static int looks_so(const struct beside_file *file, enum beside_kind kind, const struct plan *plan)
{
    const char *path = place_of(file), *mark = kinds[kind].mark;
    char head[HEAD_LEN];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool reads;
    struct stat st;
    ssize_t len;

    if (fd < 0 && (stat(path, &st) < 0 || !S_ISREG(st.st_mode)))
        return 0;
    if (fd < 0)
        return msg_errno(path, "reading, for it may be of the image before");
    len = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read(fd, head, sizeof head) : 0;
    reads = len > 0 && plan_reads(plan, st.st_dev, st.st_ino);
    close(fd);
    if (len <= 0 || reads)
        return 0;
    if (kind == BESIDE_SIGNATURE)
        return (size_t)len > strlen(mark) && memcmp(head, mark, strlen(mark)) == 0;
    return memmem(head, (size_t)len, mark, strlen(mark)) != NULL;
}

/* A signature belongs to its manifest: if that stays, it does. */
static int find_stale(const struct beside *beside, const struct plan *plan, int stale[BESIDE_KINDS])
{
    for (size_t i = 0; i < BESIDE_KINDS; i++) {
        stale[i] = looks_so(&beside->files[i], i, plan);
        if (stale[i] < 0)
            return -1;
    }
    if (!stale[BESIDE_MANIFEST] && access(beside->files[BESIDE_MANIFEST].path, F_OK) == 0)
        stale[BESIDE_SIGNATURE] = false;
    return 0;
}

int beside_withdraw(const struct beside *beside, const struct plan *plan)
{
    int stale[BESIDE_KINDS];

    if (find_stale(beside, plan, stale) < 0)
        return -1;
    for (size_t i = 0; i < BESIDE_KINDS; i++) {
        const char *path = place_of(&beside->files[i]);

        if (!stale[i])
            continue;
        if (unlink(path) < 0 && errno != ENOENT)
            return msg_errno(path, "removing what is of the image before");
        if (!beside->files[i].wanted)
            msg_note("%s: removed: it is of the image before", path);
    }
    return 0;
}

int beside_publish(struct beside *beside)
{
    for (size_t i = 0; i < BESIDE_KINDS; i++)
        if (beside->files[i].draft.fd >= 0 && draft_publish(&beside->files[i].draft) < 0)
            return -1;
    return 0;
}

void beside_free(struct beside *beside)
{
    for (size_t i = 0; i < BESIDE_KINDS; i++) {
        if (beside->files[i].path)
            draft_close(&beside->files[i].draft);
        free(beside->files[i].path);
    }
    *beside = (struct beside){0};
}
