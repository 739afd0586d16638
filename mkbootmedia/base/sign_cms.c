/* sign_cms: by libcrypto. */
#include "base/sign_cms.h"

#include "base/msg.h"

#include <openssl/cms.h>
#include <openssl/err.h>

#define FLAGS (CMS_BINARY | CMS_DETACHED | CMS_NOATTR | CMS_NOSMIMECAP)

int sign_cms(const struct sign_key *key, const void *data, size_t len, struct buf *der)
{
    BIO *bio = BIO_new_mem_buf(data, (int)len);
    CMS_ContentInfo *cms = bio ? CMS_sign(key->certificate, key->key, NULL, bio, FLAGS) : NULL;
    unsigned char *bytes = NULL;
    int made = cms ? i2d_CMS_ContentInfo(cms, &bytes) : -1;

    CMS_ContentInfo_free(cms);
    BIO_free(bio);
    if (made < 0) {
        msg_error("libcrypto: signing: %s", ERR_reason_error_string(ERR_peek_last_error()));
        ERR_clear_error();
        return -1;
    }
    buf_add(der, bytes, (size_t)made);
    OPENSSL_free(bytes);
    return 0;
}
