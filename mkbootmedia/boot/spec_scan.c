/*
 * spec_scan: what libconfuse takes without a word and a user does not mean: a quote, comment or
 * section without its end, and ${NAME}, for which it would put in a variable of the environment.
 * Comments are made blank, for libconfuse 3.3 counts a line too many for each of them.
 */
#include "boot/spec_scan.h"

#include "base/msg.h"
#include "base/util.h"

struct scan {
    const char *path;
    char *text, *p;
    unsigned line, opened; /* where it is; where the innermost open thing began */
    size_t depth;          /* of sections and lists */
};

static int fail(const struct scan *scan, unsigned line, const char *why)
{
    return msg_error("%s:%u: reading: %s", scan->path, line, why);
}

static void step(struct scan *scan, size_t n)
{
    for (; n && *scan->p; n--)
        scan->line += *scan->p++ == '\n';
}

static int blank_out(struct scan *scan, size_t n)
{
    for (char *p = scan->p; p < scan->p + n; p++)
        if (*p != '\n')
            *p = ' ';
    step(scan, n);
    return 0;
}

/* Does something begin here? In a word, as that of http://, slashes are no comment. */
static bool starts(const struct scan *scan, const char *what)
{
    char before = scan->p == scan->text ? '\n' : scan->p[-1];

    return strncmp(scan->p, what, strlen(what)) == 0 && strchr(" \t\r\n={}()+,'\"", before);
}

static int blank_comment(struct scan *scan)
{
    const char *end = strstr(scan->p + 2, "*/");

    return end ? blank_out(scan, (size_t)(end + 2 - scan->p))
               : fail(scan, scan->line, "a comment without its end");
}

static bool is_variable(const char *p)
{
    return p[0] == '$' && p[1] == '{';
}

static int refuse_variable(const struct scan *scan)
{
    return fail(scan, scan->line,
                "'${': no variables here; a text that holds it stands in single quotes");
}

static int skip_quoted(struct scan *scan)
{
    unsigned line = scan->line;
    char quote = *scan->p;

    for (step(scan, 1); *scan->p != quote; step(scan, *scan->p == '\\' ? 2 : 1)) {
        if (!*scan->p)
            return fail(scan, line, "a quote without its end");
        if (quote == '"' && is_variable(scan->p))
            return refuse_variable(scan);
    }
    step(scan, 1);
    return 0;
}

static int scan_next(struct scan *scan)
{
    if (*scan->p == '#' || starts(scan, "//"))
        return blank_out(scan, strcspn(scan->p, "\n"));
    if (starts(scan, "/*"))
        return blank_comment(scan);
    if (*scan->p == '"' || *scan->p == '\'')
        return skip_quoted(scan);
    if (is_variable(scan->p))
        return refuse_variable(scan);
    if (*scan->p == '{') {
        scan->opened = scan->line;
        scan->depth++;
    } else if (*scan->p == '}' && scan->depth) {
        scan->depth--;
    }
    step(scan, 1);
    return 0;
}

int spec_scan(const char *path, char *text)
{
    struct scan scan = {.path = path, .text = text, .p = text, .line = 1};

    while (*scan.p)
        if (scan_next(&scan) < 0)
            return -1;
    return scan.depth ? fail(&scan, scan.opened, "a '{' without its '}'") : 0;
}
