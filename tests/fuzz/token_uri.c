/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#11 URIs: what is taken for one names a token or a key, and no PIN and no module. */
#include "keyholder/token_uri.h"

#include <string.h>

#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[TOKEN_URI_MAX + 2];
    struct error err = {0};
    if (size >= sizeof text)
        return 0;
    memcpy(text, data, size);
    text[size] = 0;
    bool token = token_uri_check_token(text, &err);
    require(token || err.code != NULL);
    bool key = token_uri_check_key(text, NULL);
    require(!token || !key);
    require((!token && !key) || strchr(text, '?') == NULL);
    require(key || !token_uri_may_match(text, "pkcs11:token=alpha;slot-id=1"));
    require(token || !token_uri_may_match("pkcs11:token=alpha;object=a", text));
    return 0;
}
