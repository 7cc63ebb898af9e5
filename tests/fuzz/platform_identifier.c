/* SPDX-License-Identifier: Apache-2.0 */

/* A platform identifier as an administrator got it from anybody: what is accepted has one key, and
 * is the same when it is written and read again. */

#include "attestation/platform_identifier.h"
#include "crypto/public_key.h"

#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct platform_identifier identifier, again;
    struct error err = {0};
    if (!platform_identifier_parse(&identifier, slice_of(data, size), &err)) {
        require(err.code != NULL);
        return 0;
    }
    struct public_key *key = NULL;
    require(public_key_parse(&key, buf_slice(&identifier.key), NULL));
    public_key_free(&key);
    require(strlen(identifier.name) < sizeof identifier.name);
    if (identifier.endorsement_key.size + identifier.certificate.size > 0) {
        _cleanup_buf_ struct buf text;
        buf_init(&text, PLATFORM_IDENTIFIER_SIZE_MAX);
        platform_identifier_format(&text, &identifier);
        require(platform_identifier_parse(&again, buf_slice(&text), NULL));
        require(slice_equal(buf_slice(&again.key), buf_slice(&identifier.key)));
        platform_identifier_done(&again);
    }
    platform_identifier_done(&identifier);
    return 0;
}
