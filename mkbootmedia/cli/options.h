/*
 * options: the one table of options, from which come parsing, --help and shell completion.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "boot/request.h"

#include <stdio.h>

#define EXIT_USAGE  2
#define OPTIONS_MAX 128

/* Commands as bits: which options each of them has. */
enum command_bit {
    CMD_USB = 1,
    CMD_ISO = 2,
    CMD_PLAN = 4,
    CMD_INSPECT = 8,
    CMD_COMPLETION = 16,
    CMD_NET = 32,
    CMD_ALL = 64,
    CMD_RAMROOT = 128,
    CMD_DEVICES = 256,
    CMD_WRITE = 512,
    CMD_TRY = 1024,
    CMD_VERIFY = 2048,
    CMD_UPDATE = 4096,
};

struct command {
    const char *name;
    enum command_bit bit;
    const char *operands; /* as --help shows them */
    const char *help;     /* one line */
    int (*run)(const struct command *command, int argc, char **argv);
};

struct options {
    struct request request;
    const char *spec;       /* --spec FILE; NULL: none */
    bool used[OPTIONS_MAX]; /* rows of the table that were used */
    char **operands;
    int operand_count;
    bool help;
};

/*
 * Parses the arguments of a command (argv[0] is its name). A spec file is read
 * first, so that the command line wins. Returns 0, EXIT_USAGE with a message that names the option,
 * or EXIT_FAILURE, reported, for a spec file that cannot be used. --help is left to the caller.
 * Free with options_free in each case.
 */
int options_parse(struct options *options, const struct command *command, int argc, char **argv);
void options_free(struct options *options);
/* Was this option on the command line? */
bool options_given(const struct options *options, const char *name);

void options_help(const struct command *command, FILE *out);
/* A bash completion script for these commands, which end with a row without a name. */
void options_completion(const struct command *commands, FILE *out);

/* Reports wrong usage; returns EXIT_USAGE. */
int usage_error(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
