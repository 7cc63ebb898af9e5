/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsctl/key_file.h"

#include <stdio.h>

#include "base/base64.h"
#include "base/file.h"
#include "crypto/errors.h"

#define KEY_FILE_MAX (64 * 1024)

/* The text between a PEM block's lines; false when there is no such block. */
static bool find_block(struct slice *inside, const char *text, const char *label)
{
    char begin[64], end[64];
    snprintf(begin, sizeof begin, "-----BEGIN %s-----", label);
    snprintf(end, sizeof end, "-----END %s-----", label);
    const char *from = strstr(text, begin);
    const char *to = from != NULL ? strstr(from, end) : NULL;
    if (to == NULL)
        return false;
    from += strlen(begin);
    *inside = slice_of(from, (size_t)(to - from));
    return true;
}

bool key_file_read(struct public_key **out, const char *path, struct error *err)
{
    _cleanup_buf_ struct buf file, der;
    buf_init(&file, KEY_FILE_MAX);
    buf_init(&der, KEY_FILE_MAX);
    if (!file_read(&file, path, err))
        return false;
    const char *text = buf_text(&file);
    struct slice inside;
    if (strstr(text, "PRIVATE KEY-----") != NULL)
        return error_set(err, &crypto_key_malformed, NULL, path,
                         "this is a private key, which must not leave its host: ask for the "
                         "public one (hgs host key --out FILE)");
    if (!find_block(&inside, text, "PUBLIC KEY") && !find_block(&inside, text, "CERTIFICATE"))
        return public_key_parse_any(out, buf_slice(&file), err) || error_name_object(err, path);
    return (base64_parse_spaced(&der, inside, err) &&
            public_key_parse_any(out, buf_slice(&der), err)) ||
           error_name_object(err, path);
}
