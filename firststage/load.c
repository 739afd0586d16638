/*
 * load: starts the threads, reads the source, and says whose trouble was the cause.
 */
#include "load.h"

#include "unpack.h"

#define OPENSSL_SUPPRESS_DEPRECATED /* the low level needs no providers: 1 MB less */
#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { DIGEST, BODY }; /* readers of the image */

struct work {
    struct load *load;
    struct flow image, tar;
    struct unpack unpack;
    struct trouble source, digest, decode, write;
};

static void *run_digest(void *arg)
{
    unsigned char sum[SHA256_DIGEST_LENGTH];
    char hex[2 * sizeof sum + 1];
    struct work *work = arg;
    const void *bytes;
    SHA256_CTX sha;
    size_t len;

    SHA256_Init(&sha);
    while ((bytes = flow_get(&work->image, DIGEST, &len)))
        SHA256_Update(&sha, bytes, len);
    SHA256_Final(sum, &sha);
    for (size_t i = 0; i < sizeof sum; i++)
        snprintf(hex + 2 * i, 3, "%02x", sum[i]);
    if (!flow_broken(&work->image) && strcasecmp(hex, work->load->sha256))
        trouble(&work->digest,
                "the root image is damaged, or another one: its SHA-256 is %s, and must be %s", hex,
                work->load->sha256);
    flow_leave(&work->image, DIGEST);
    return NULL;
}

/* If the bytes are bad, the digest will tell: the source is read to its end. */
static void *run_decode(void *arg)
{
    struct work *work = arg;

    decode(work->load->format, &work->image, BODY, &work->tar, &work->decode);
    return NULL;
}

static void *run_unpack(void *arg)
{
    struct work *work = arg;

    unpack(&work->unpack, &work->write);
    if (work->unpack.writing_failed)
        flow_break(&work->image);
    return NULL;
}

static int store(struct work *work, int fd)
{
    const char *bytes;
    size_t len;

    while ((bytes = flow_get(&work->image, BODY, &len)))
        for (size_t done = 0; done < len;) {
            ssize_t put = write(fd, bytes + done, len - done);

            if (put < 0 && errno != EINTR)
                return trouble_errno(&work->write, work->load->file, "writing");
            done += put > 0 ? (size_t)put : 0;
        }
    return 0;
}

static void *run_store(void *arg)
{
    struct work *work = arg;
    int fd = open(work->load->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0)
        trouble_errno(&work->write, work->load->file, "creating");
    else if (store(work, fd) == 0 && fsync(fd) < 0)
        trouble_errno(&work->write, work->load->file, "writing");
    if (fd >= 0)
        close(fd);
    if (work->write.text[0])
        flow_break(&work->image);
    flow_leave(&work->image, BODY);
    return NULL;
}

/* The calling thread's part. Slots are filled before they go on: a network brings small pieces. */
static void read_source(struct work *work)
{
    struct source *source = &work->load->source;
    ssize_t got = 1;
    char *slot;

    while (got > 0 && (slot = flow_space(&work->image))) {
        size_t len = 0;

        while (len < FLOW_SLOT &&
               (got = source_read(source, slot + len, FLOW_SLOT - len, &work->source)) > 0)
            len += (size_t)got;
        flow_put(&work->image, len);
        say_progress(work->load->doing, source->offset, source->size);
    }
    if (got < 0)
        flow_break(&work->image);
    else
        flow_end(&work->image);
}

static unsigned start(struct work *work, pthread_t *threads)
{
    struct load *load = work->load;
    bool compressed = load->folder && load->format->begin;
    void *(*run[])(void *) = {
        load->sha256 ? run_digest : NULL,
        compressed ? run_decode : NULL,
        load->folder ? run_unpack : NULL,
        load->file ? run_store : NULL,
    };
    unsigned count = 0;

    work->unpack = (struct unpack){
        .flow = compressed ? &work->tar : &work->image, .reader = BODY, .folder = load->folder};
    flow_leave(&work->tar, DIGEST);
    if (!load->sha256)
        flow_leave(&work->image, DIGEST);
    if (!load->folder && !load->file)
        flow_leave(&work->image, BODY);
    for (size_t i = 0; i < sizeof run / sizeof *run; i++)
        if (run[i] && pthread_create(&threads[count], NULL, run[i], work) == 0)
            count++;
        else if (run[i])
            trouble(&work->source, "no more threads");
    return count;
}

int load(struct load *load, struct trouble *why)
{
    struct work work = {.load = load};
    const struct trouble *causes[] = {&work.source, &work.digest, &work.decode, &work.write};
    pthread_t threads[4];
    unsigned count;

    if (source_open(&load->source, why) < 0)
        return -1;
    flow_init(&work.image);
    flow_init(&work.tar);
    count = start(&work, threads);
    if (work.source.text[0])
        flow_break(&work.image);
    read_source(&work);
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    source_close(&load->source);
    flow_free(&work.image);
    flow_free(&work.tar);
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
        if (causes[i]->text[0])
            return trouble(why, "%s", causes[i]->text);
    return 0;
}
