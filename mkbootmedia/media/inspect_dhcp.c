/*
 * inspect_dhcp: which file a client gets first, from dnsmasq's configuration (dnsmasq(8)):
 * dhcp-match=set:TAG,option:client-arch,NUMBER and dhcp-boot=tag:TAG,tag:!ipxe,FILE.
 */
#include "media/inspect_private.h"

#include <stdio.h>
#include <stdlib.h>

#define TAG_LEN 32

/* The values of the lines that begin with this; each is handed on with its length. */
static const char *next_value(const char *text, const char *key)
{
    size_t len = strlen(key);

    for (const char *line = text; line && *line;) {
        if (strncmp(line, key, len) == 0)
            return line + len;
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return NULL;
}

/* The path behind a URL's server, or the text itself; malloc'ed. */
static char *path_of(const char *text, size_t len)
{
    char *path = xasprintf("%.*s", (int)len, text), *host = strstr(path, "://"), *slash, *rest;

    if (!host)
        return path;
    slash = strchr(host + 3, '/');
    rest = xstrdup(slash ? slash + 1 : "");
    free(path);
    return rest;
}

/* The file for those that have this tag; NULL. */
static char *file_of(const char *text, const char *tag)
{
    char want[TAG_LEN + 8];
    size_t len = (size_t)snprintf(want, sizeof want, "tag:%s,", tag);

    for (const char *value = text; (value = next_value(value, "dhcp-boot="));
         value += strcspn(value, "\n")) {
        const char *file = value + len;

        if (strncmp(value, want, len) != 0)
            continue;
        while (strncmp(file, "tag:", 4) == 0)
            file += strcspn(file, ",\n") + (file[strcspn(file, ",\n")] == ',');
        return path_of(file, strcspn(file, ",\r\n"));
    }
    return NULL;
}

void inspect_parse_dhcp(struct inspect_dhcp *dhcp, const char *text)
{
    dhcp->there = true;
    dhcp->script = file_of(text, "ipxe");
    for (const char *value = text; (value = next_value(value, "dhcp-match=set:"));
         value += strcspn(value, "\n")) {
        char tag[TAG_LEN] = "";
        unsigned arch;

        if (sscanf(value, "%31[^,\n],option:client-arch,%u", tag, &arch) != 2 ||
            arch >= ARRAY_LEN(dhcp->first) || dhcp->first[arch])
            continue;
        dhcp->first[arch] = file_of(text, tag);
    }
}

void inspect_dhcp_free(struct inspect_dhcp *dhcp)
{
    for (size_t i = 0; i < ARRAY_LEN(dhcp->first); i++)
        free(dhcp->first[i]);
    free(dhcp->script);
    *dhcp = (struct inspect_dhcp){0};
}
