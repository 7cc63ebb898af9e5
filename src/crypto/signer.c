/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/signer.h"

static bool sign(void *context, enum signature_algorithm algorithm, struct slice message,
                 struct buf *out, struct error *err)
{
    const struct private_key *key = context;
    /* First, because signature_digest takes no number that is none. */
    if (!public_key_allows_signature(private_key_public(key), algorithm, err))
        return false;
    struct digest digest;
    digest_compute(&digest, signature_digest(algorithm), message);
    return private_key_sign_digest(out, key, algorithm, digest_slice(&digest), err);
}

struct signer signer_of_key(const struct private_key *key)
{
    return (struct signer){sign, (void *)key, private_key_public(key)};
}

enum signature_algorithm signer_algorithm(const struct public_key *key)
{
    switch (public_key_type(key)) {
    case PUBLIC_KEY_P256:
        return SIGNATURE_ECDSA_SHA256;
    case PUBLIC_KEY_P384:
        return SIGNATURE_ECDSA_SHA384;
    default:
        return SIGNATURE_RSA_PKCS1_SHA256;
    }
}
