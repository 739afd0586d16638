/* setting_try: the machine that what was made is tried in. */
#include "boot/setting.h"

#include "base/util.h"

#include <errno.h>
#include <stdlib.h>

const char *setting_try_firmware(struct request *request, const char *value)
{
    return setting_text(&request->try.firmware, value);
}

const char *setting_try_plug(struct request *request, const char *value)
{
    return setting_text(&request->try.plug, value);
}

const char *setting_screenshot(struct request *request, const char *value)
{
    return setting_text(&request->try.screenshot, value);
}

const char *setting_memory(struct request *request, const char *value)
{
    uint64_t bytes = 0;
    const char *why = setting_bytes(&bytes, value);

    if (!why && (bytes < 16 * MIB || bytes > 1024 * GIB))
        why = "is no size of a memory";
    request->try.memory = (unsigned long)(bytes / MIB);
    return why;
}

const char *setting_after(struct request *request, const char *value)
{
    char *end;
    unsigned long seconds;

    errno = 0;
    seconds = strtoul(value, &end, 10);
    if (*value < '0' || *value > '9' || *end || errno || seconds > 86400)
        return "is not a number of seconds";
    request->try.after = seconds;
    return NULL;
}

const char *setting_no_kvm(struct request *request, const char *value)
{
    return setting_flag(&request->try.no_kvm, value);
}
