/*
 * rootload: brings the root image to where /init of the first stage wants it, and checks it on the
 * way. Static; it runs in the initramfs.
 *
 *   rootload check    --size N --sha256 HEX FILE
 *   rootload store    --size N --sha256 HEX --into FILE (FILE | URL...)
 *   rootload unpack   --size N --sha256 HEX --into FOLDER --compress FORMAT [--consume]
 *                     (FILE | URL...)
 *   rootload extra    --into FOLDER FILE       what the image could not hold (extra.h)
 *   rootload runnable --into FOLDER PROGRAM    will it start as init? (program.h)
 *   rootload run COMMAND...                    so that Ctrl-C ends it
 *
 *   --skip-digest    instead of --sha256
 *   --consume        give the memory of FILE back while reading: it is empty afterwards
 *   --tries N        how often all URLs are asked in vain before giving up (10)
 *   --console DEV    where to say what is done; repeatable; standard output if none
 *
 * Why it failed is the only line on standard error. Exit status: 0 done, 1 failed, 2 wrong usage.
 */
#include "extra.h"
#include "load.h"
#include "program.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRIES 10

struct request {
    const char *verb, *into, *compress;
    bool skip_digest;
    struct load load;
};

enum { SIZE = 1, SHA256, INTO, COMPRESS, CONSUME, TRIES_OPTION, CONSOLE, SKIP_DIGEST };

static const struct option options[] = {
    {"size", required_argument, NULL, SIZE},
    {"sha256", required_argument, NULL, SHA256},
    {"into", required_argument, NULL, INTO},
    {"compress", required_argument, NULL, COMPRESS},
    {"consume", no_argument, NULL, CONSUME},
    {"tries", required_argument, NULL, TRIES_OPTION},
    {"console", required_argument, NULL, CONSOLE},
    {"skip-digest", no_argument, NULL, SKIP_DIGEST},
    {0},
};

static int usage(const char *why)
{
    fprintf(stderr, "rootload: %s\n", why);
    return 2;
}

static void take_option(struct request *request, int option)
{
    switch (option) {
    case SIZE:
        request->load.source.size = strtoull(optarg, NULL, 10);
        break;
    case SHA256:
        request->load.sha256 = optarg;
        break;
    case INTO:
        request->into = optarg;
        break;
    case COMPRESS:
        request->compress = optarg;
        break;
    case CONSUME:
        request->load.source.consume = true;
        break;
    case TRIES_OPTION:
        request->load.source.http.tries = (unsigned)strtoul(optarg, NULL, 10);
        break;
    case CONSOLE:
        say_console(optarg);
        break;
    case SKIP_DIGEST:
        request->skip_digest = true;
        break;
    }
}

/* What the verb wants, and what the image comes from. NULL, or what is wrong. */
static const char *take_verb(struct request *request, char **from, int count)
{
    struct load *load = &request->load;

    if (strcmp(request->verb, "check") == 0) {
        load->doing = "checking the root image";
    } else if (strcmp(request->verb, "store") == 0) {
        load->doing = "copying the root image into RAM";
        load->file = request->into;
    } else if (strcmp(request->verb, "unpack") == 0) {
        load->doing = "unpacking the root";
        load->folder = request->into;
        load->format = decode_find(request->compress ? request->compress : "none");
        if (!load->format)
            return "--compress: zstd, xz, gzip or none";
    } else {
        return "check, store or unpack";
    }
    if (count < 1 || (!request->into && strcmp(request->verb, "check") != 0))
        return "--into or the image is missing";
    if (!load->source.size || (!load->sha256 && !request->skip_digest))
        return "--size or --sha256 is missing";
    if (strstr(from[0], "://")) {
        load->source.http.urls = from;
        load->source.http.url_count = (unsigned)count;
    } else {
        load->source.path = from[0];
    }
    return NULL;
}

int main(int argc, char **argv)
{
    static struct request request = {.load.source.http.tries = TRIES};
    static struct trouble why;
    const char *wrong;
    int option, code;

    if (argc > 2 && strcmp(argv[1], "run") == 0) { /* options are the command's */
        program_run(argv + 2, &why);
        say_trouble(&why);
        return 1;
    }
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == '?')
            return 2;
        take_option(&request, option);
    }
    if (optind >= argc)
        return usage("check, store or unpack");
    request.verb = argv[optind];
    if (strcmp(request.verb, "runnable") == 0 && request.into && optind + 2 == argc) {
        code = program_check(request.into, argv[optind + 1], &why);
    } else if (strcmp(request.verb, "extra") == 0 && request.into && optind + 2 == argc) {
        code = extra(argv[optind + 1], request.into, &why);
    } else {
        wrong = take_verb(&request, argv + optind + 1, argc - optind - 1);
        if (wrong)
            return usage(wrong);
        if (request.skip_digest)
            request.load.sha256 = NULL;
        code = load(&request.load, &why);
    }
    if (code < 0)
        say_trouble(&why);
    return code < 0;
}
