/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/library.h"

#include <openssl/crypto.h>

#include "base/buf.h"
#include "crypto/openssl.h"
#include "crypto/private_key.h"
#include "crypto/random.h"

void library_prepare(void)
{
    if (OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS |
                                OPENSSL_INIT_ADD_ALL_CIPHERS | OPENSSL_INIT_ADD_ALL_DIGESTS,
                            NULL) != 1)
        openssl_abort("initialisation");
    uint8_t sample[DIGEST_SHA256_SIZE];
    random_bytes(sample, sizeof sample);
    digest_sha256(sample, slice_of(sample, sizeof sample));
    /* Making a key goes through all that signing and verifying need: it does both. */
    _cleanup_private_key_ struct private_key *key = NULL;
    struct error err;
    if (!private_key_generate(&key, PRIVATE_KEY_P256, &err))
        openssl_abort(err.message);
}
