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

/* What is somewhere in the head of each; a signature is a sequence of DER. */
static const struct {
    const char *suffix, *mark;
} kinds[] = {
    [BESIDE_MAP] = {".bmap", "<bmap version="},
    [BESIDE_MANIFEST] = {".manifest.json", "\"generator\": \"mkbootmedia\""},
    [BESIDE_SIGNATURE] = {".manifest.json.p7s", "\x30\x82"},
};

void beside_init(struct beside *beside, const struct request *request)
{
    const bool wanted[] = {
        [BESIDE_MAP] = request->write.make_bmap,
        [BESIDE_MANIFEST] = request->write.make_manifest,
        [BESIDE_SIGNATURE] = request->write.make_manifest && request->sign_key,
    };

    for (size_t i = 0; i < BESIDE_KINDS; i++)
        beside->files[i] = (struct beside_file){
            .path = xasprintf("%s%s", request->output, kinds[i].suffix),
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

/* Does a file look like what its name says? Somebody else's stays, and what the plan reads. */
static bool is_stale(const char *path, const char *mark, const struct plan *plan)
{
    char head[HEAD_LEN];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    ssize_t len = -1;

    if (fd < 0)
        return false;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && !plan_reads(plan, st.st_dev, st.st_ino))
        len = read(fd, head, sizeof head);
    close(fd);
    return len > 0 && memmem(head, (size_t)len, mark, strlen(mark));
}

int beside_withdraw(const struct beside *beside, const struct plan *plan)
{
    for (size_t i = 0; i < BESIDE_KINDS; i++) {
        const struct beside_file *file = &beside->files[i];
        /* behind a symbolic link, which stays, if there will be a new one */
        const char *path = file->draft.fd >= 0 ? file->draft.path : file->path;

        if (!is_stale(path, kinds[i].mark, plan))
            continue;
        if (unlink(path) < 0 && errno != ENOENT)
            return msg_errno(path, "removing what is of the image before");
        if (!file->wanted)
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
