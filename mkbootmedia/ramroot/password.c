/* password: SHA-512 crypt, which every Linux with a shadow file knows. */
#include "ramroot/password.h"

#include "base/digest.h"
#include "base/msg.h"

#include <crypt.h>
#include <stdio.h>
#include <string.h>

#define SALT_DIGITS 16

static int hash_password(struct buf *field, const char *password, const char *subject)
{
    struct crypt_data data = {0};
    struct digest digest;
    uint8_t sum[DIGEST_LEN];
    char setting[32];
    const char *hash;

    digest_init(&digest);
    digest_add(&digest, "mkbootmedia salt", 16);
    digest_add(&digest, password, strlen(password));
    digest_final(&digest, sum);
    snprintf(setting, sizeof setting, "$6$%.*s", SALT_DIGITS, digest_hex(sum).text);
    hash = crypt_r(password, setting, &data);
    if (!hash || *hash == '*')
        return msg_errno(subject, "hashing the password");
    buf_puts(field, hash);
    return 0;
}

static int read_password(struct buf *field, const char *path)
{
    char line[1024];
    FILE *file = fopen(path, "re");
    bool read = file && fgets(line, sizeof line, file);

    if (!file)
        return msg_errno(path, "reading the password");
    fclose(file);
    if (read)
        line[strcspn(line, "\r\n")] = '\0';
    if (!read || !*line)
        return msg_error("%s: reading the password: its first line is empty", path);
    return hash_password(field, line, path);
}

int password_field(struct buf *field, const char *text)
{
    if (strcmp(text, "locked") == 0)
        buf_puts(field, "!*");
    else if (strncmp(text, "hash:", 5) == 0)
        buf_puts(field, text + 5);
    else if (strncmp(text, "file:", 5) == 0)
        return read_password(field, text + 5);
    else
        return hash_password(field, text + 9, "--root-password");
    return 0;
}
