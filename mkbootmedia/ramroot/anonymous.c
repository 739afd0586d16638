/* anonymous: O_TMPFILE, and where a file system has not got that, a name that is removed at once.
 */
#include "ramroot/anonymous.h"

#include "base/msg.h"
#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

const char *anonymous_folder(void)
{
    const char *folder = getenv("TMPDIR");

    return folder && *folder ? folder : "/var/tmp";
}

int anonymous_file(void)
{
    const char *folder = anonymous_folder();
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    char *name;

    if (fd >= 0)
        return fd;
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)
        return msg_errno(folder, "making a temporary file");
    name = xasprintf("%s/mkbootmedia.XXXXXX", folder);
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0)
        unlink(name);
    else
        msg_errno(folder, "making a temporary file");
    free(name);
    return fd;
}
