/* setting_write: how disks are written. */
#include "boot/setting.h"

#include "base/util.h"

static const char *append(struct strings *list, const char *value)
{
    if (!value)
        strings_free(list);
    else if (!*value)
        return "is empty";
    else
        strings_add(list, value);
    return NULL;
}

const char *setting_write(struct request *request, const char *value)
{
    return append(&request->write.devices, value);
}

const char *setting_serial(struct request *request, const char *value)
{
    return append(&request->write.serials, value);
}

const char *setting_verify(struct request *request, const char *value)
{
    static const char *const words[] = {"mapped", "full", "none"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(value, words[i]) == 0) {
            request->write.verify = (enum verify)i;
            return NULL;
        }
    return "is none of mapped, full, none";
}

const char *setting_map(struct request *request, const char *value)
{
    return setting_text(&request->write.bmap, value);
}

const char *setting_make_map(struct request *request, const char *value)
{
    return setting_flag(&request->write.make_bmap, value);
}

const char *setting_make_manifest(struct request *request, const char *value)
{
    return setting_flag(&request->write.make_manifest, value);
}

const char *setting_manifest(struct request *request, const char *value)
{
    return setting_text(&request->verify.manifest, value);
}

const char *setting_signed_by(struct request *request, const char *value)
{
    return setting_text(&request->verify.signature, value);
}

const char *setting_yes(struct request *request, const char *value)
{
    return setting_flag(&request->write.yes, value);
}

const char *setting_allow_fixed(struct request *request, const char *value)
{
    return setting_flag(&request->write.allow_fixed, value);
}

const char *setting_allow_file(struct request *request, const char *value)
{
    return setting_flag(&request->write.allow_file, value);
}
