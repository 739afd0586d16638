/* loader_version: asks the package manager of this host, once for all packages. */
#include "boot/loader.h"

#include "base/run.h"
#include "base/util.h"

#include <stdlib.h>

/* What is known already; a version is NULL where no manager knows the package. */
static struct known {
    char *package, *version;
} * known;
static size_t known_count;

static const struct known *find(const char *package)
{
    for (size_t i = 0; i < known_count; i++)
        if (strcmp(known[i].package, package) == 0)
            return &known[i];
    return NULL;
}

static void add(const char *package, const char *version)
{
    known = xgrow(known, known_count, sizeof *known);
    known[known_count++] = (struct known){xstrdup(package), version ? xstrdup(version) : NULL};
}

/* "PACKAGE VERSION" lines, of one manager for all packages of a list that ends with NULL. */
static void ask_all(const char *const *packages, size_t count)
{
    const char **argv = xcalloc(count + 6, sizeof *argv);
    struct buf out = {0};
    char *save = NULL;
    size_t n = 0;

    for (const char *const *p =
             (const char *const[]){"dpkg-query", "-W", "-f", "${Package} ${Version}\\n", NULL};
         *p; p++)
        argv[n++] = *p;
    memcpy(argv + n, packages, count * sizeof *argv);
    if (run_output(argv, &out) == 0 || out.len) /* it fails if it does not know one of them */
        for (char *line = strtok_r(out.data, "\n", &save); line;
             line = strtok_r(NULL, "\n", &save)) {
            char *blank = strchr(line, ' ');

            if (!blank)
                continue;
            *blank = '\0';
            if (!find(line))
                add(line, blank + 1);
        }
    buf_free(&out);
    free(argv);
}

static void ask_one(const char *package)
{
    const char *const ask[][6] = {
        {"rpm", "-q", "--qf", "%{VERSION}-%{RELEASE}", package, NULL},
        {"pacman", "-Q", package, NULL},
    };
    bool found = false;

    for (size_t i = 0; i < ARRAY_LEN(ask) && !found; i++) {
        struct buf out = {0};

        found = run_output(ask[i], &out) == 0 && out.len;
        if (found) {
            out.data[strcspn(out.data, "\n")] = '\0';
            add(package, out.data);
        }
        buf_free(&out);
    }
    if (!found)
        add(package, NULL);
}

void loader_package_prefetch(const char *const *packages, size_t count)
{
    const char **unknown = xcalloc(count + 1, sizeof *unknown);
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        if (!find(packages[i]))
            unknown[n++] = packages[i];
    if (n)
        ask_all(unknown, n);
    free(unknown);
}

const char *loader_package_version(const char *package)
{
    if (!find(package))
        ask_all(&package, 1);
    if (!find(package))
        ask_one(package);
    return find(package)->version;
}
