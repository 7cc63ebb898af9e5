/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/signer_key.h"

#include "base/hex.h"
#include "keyholder/errors.h"

bool attestation_signer_key_load(const struct attestation_signer_key_reference *reference,
                                 struct error *err)
{
    char name[2 * KEY_ID_SIZE + 1];
    _cleanup_buf_ struct buf sealed;
    buf_init(&sealed, KEYHOLDER_SEALED_MAX);
    hex_format(slice_of(public_key_digest(reference->public_key), KEY_ID_SIZE), name);
    return store_get(reference->store, STORE_KEY, name, &sealed, NULL, err) &&
           keyholder_load(reference->keyholder, buf_slice(&sealed), NULL, err);
}

static bool sign(void *context, enum signature_algorithm algorithm, struct slice message,
                 struct buf *out, struct error *err)
{
    const struct attestation_signer_key_reference *reference = context;
    const uint8_t *id = public_key_digest(reference->public_key);
    struct error first = {0};
    if (keyholder_sign(reference->keyholder, id, algorithm, message, out, &first))
        return true;
    if (first.code == &keyholder_key_unknown)
        return attestation_signer_key_load(reference, err) &&
               keyholder_sign(reference->keyholder, id, algorithm, message, out, err);
    if (err != NULL)
        *err = first;
    return false;
}

struct signer attestation_signer_key_signer(struct attestation_signer_key_reference *reference)
{
    return (struct signer){.sign = sign, .context = reference, .public_key = reference->public_key};
}
