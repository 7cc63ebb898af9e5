/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/certificate_proof.h"

#include "admin/errors.h"
#include "crypto/random.h"

#define PROOF_SIZE 32

/* Signs something and verifies it with the certificate. */
static bool prove_signing(const struct keyprotection_certificate *certificate,
                          struct keyholder *keyholder, struct slice message, struct error *err)
{
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, 2048);
    const struct public_key *key = certificate_key(certificate->certificate);
    return keyholder_sign(keyholder, certificate->key_id, SIGNATURE_RSA_PKCS1_SHA256, message,
                          &signature, err) &&
           public_key_verify(key, SIGNATURE_RSA_PKCS1_SHA256, message, buf_slice(&signature), err);
}

/* Encrypts something to the certificate and has it decrypted. */
static bool prove_decryption(const struct keyprotection_certificate *certificate,
                             struct keyholder *keyholder, enum encryption_algorithm algorithm,
                             struct slice message, struct error *err)
{
    _cleanup_buf_ struct buf ciphertext;
    _cleanup_secret_ struct secret plain = SECRET_EMPTY;
    buf_init(&ciphertext, 2048);
    const struct public_key *key = certificate_key(certificate->certificate);
    if (!public_key_encrypt(&ciphertext, key, algorithm, message, err) ||
        !keyholder_decrypt(keyholder, certificate->key_id, algorithm, buf_slice(&ciphertext),
                           &plain, err))
        return false;
    return secret_equal(secret_slice(&plain), message) ||
           error_set(err, &admin_unhealthy, NULL, "private key",
                     "it does not decrypt its own text");
}

/* By what its key knows: a token's may know SHA-1 alone. */
static bool prove_encryption(const struct keyprotection_certificate *certificate,
                             struct keyholder *keyholder, struct slice message, struct error *err)
{
    bool only_sha1 = certificate_abilities_only_sha1(&certificate->abilities);
    return prove_decryption(certificate, keyholder,
                            only_sha1 ? ENCRYPTION_RSA_OAEP_SHA1 : ENCRYPTION_RSA_OAEP_SHA256,
                            message, err);
}

bool certificate_proof(const struct keyprotection_certificate *certificate,
                       struct keyholder *keyholder, struct error *err)
{
    uint8_t random[PROOF_SIZE];
    random_bytes(random, sizeof random);
    struct slice message = slice_of(random, sizeof random);
    return certificate->type == KEYPROTECTION_ENCRYPTION
               ? prove_encryption(certificate, keyholder, message, err)
               : prove_signing(certificate, keyholder, message, err);
}
