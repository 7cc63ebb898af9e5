/* SPDX-License-Identifier: Apache-2.0 */

/* Public keys in all their forms. What is accepted is the same key when it is read again in the one
 * form that we write. */

#include "crypto/public_key.h"

#include "require.h"

static void read_again(const struct public_key *key)
{
    _cleanup_public_key_ struct public_key *again = NULL;
    require(public_key_parse(&again, public_key_spki(key), NULL));
    require(slice_equal(public_key_spki(again), public_key_spki(key)));
    require(memcmp(public_key_digest(again), public_key_digest(key), 32) == 0);
    require(public_key_type(again) == public_key_type(key));
    require(public_key_bits(again) == public_key_bits(key));
}

static void use(const struct public_key *key)
{
    static const uint8_t bytes[64];
    struct error err = {0};
    enum signature_algorithm algorithm = public_key_type(key) == PUBLIC_KEY_RSA
                                             ? SIGNATURE_RSA_PKCS1_SHA256
                                             : SIGNATURE_ECDSA_SHA256;
    require(!public_key_verify(key, algorithm, slice_of(bytes, 1), slice_of(bytes, sizeof bytes),
                               &err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    _cleanup_public_key_ struct public_key *key = NULL;
    if (!public_key_parse_file(&key, slice_of(data, size), &err)) {
        require(key == NULL && err.code != NULL);
        return 0;
    }
    read_again(key);
    use(key);
    return 0;
}
