/* SPDX-License-Identifier: Apache-2.0 */

/* Private keys and their PFX files, as a keyholder gets them from an administrator. What is
 * accepted is the same key when it is written and read again. */

#include "crypto/private_key.h"
#include "crypto/pkcs12.h"

#include "require.h"

static void check(const struct private_key *key)
{
    _cleanup_private_key_ struct private_key *again = NULL;
    _cleanup_secret_ struct secret pkcs8 = SECRET_EMPTY;
    private_key_format(&pkcs8, key);
    require(private_key_parse(&again, secret_slice(&pkcs8), NULL));
    require(slice_equal(public_key_spki(private_key_public(again)),
                        public_key_spki(private_key_public(key))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    struct slice password = slice_from_text("fuzz");
    struct error err = {0};
    _cleanup_private_key_ struct private_key *bare = NULL, *pem = NULL, *inside = NULL;
    _cleanup_certificate_ struct certificate *certificate = NULL;
    if (private_key_parse(&bare, input, &err))
        check(bare);
    if (private_key_parse_pem(&pem, input, password, &err))
        check(pem);
    if (pkcs12_parse(&inside, &certificate, input, password, &err)) {
        check(inside);
        require(slice_equal(public_key_spki(certificate_key(certificate)),
                            public_key_spki(private_key_public(inside))));
    }
    return 0;
}
