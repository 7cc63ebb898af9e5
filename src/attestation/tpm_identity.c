/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/tpm_identity.h"

#include "attestation/errors.h"

#define RSA1_MAGIC 0x31415352u /* BCRYPT_RSAPUBLIC_MAGIC, "RSA1" */
#define BLOB_MAX 2048

static struct slice without_zeros(struct slice number)
{
    while (number.size > 0 && number.data[0] == 0)
        number = slice_of(number.data + 1, number.size - 1);
    return number;
}

static size_t bits_of(struct slice modulus)
{
    return modulus.size == 0 ? 0 : 8 * modulus.size - (size_t)(__builtin_clz(modulus.data[0]) - 24);
}

/* By way of the form in which Windows writes such keys. */
static bool make_key(struct public_key **out, const struct eventlog_vsm_key *key, const char *name,
                     struct error *err)
{
    struct error why = {0};
    struct slice exponent = without_zeros(key->exponent), modulus = without_zeros(key->modulus);
    _cleanup_buf_ struct buf blob;
    buf_init(&blob, BLOB_MAX);
    if (exponent.size == 0 || modulus.size == 0)
        return error_set(err, &attestation_identity_key, "MS-HGSA 2.2.2.23", name,
                         "the event log has no such key");
    buf_append_u32_le(&blob, RSA1_MAGIC);
    buf_append_u32_le(&blob, (uint32_t)bits_of(modulus));
    buf_append_u32_le(&blob, (uint32_t)exponent.size);
    buf_append_u32_le(&blob, (uint32_t)modulus.size);
    buf_append_u32_le(&blob, 0);
    buf_append_u32_le(&blob, 0);
    buf_append(&blob, exponent);
    buf_append(&blob, modulus);
    if (buf_ok(&blob, name, &why) && public_key_parse_any(out, buf_slice(&blob), &why))
        return true;
    return error_set(err, &attestation_identity_key, "MS-HGSA 2.2.2.23", name, "%s", why.message);
}

bool attestation_tpm_identity_may_sign(const struct attestation_evidence *evidence, bool protected,
                                       bool allow_unprotected, struct error *err)
{
    bool signing = false;
    for (size_t i = 0; i < evidence->requested_count; i++)
        signing = signing || evidence->requested[i] == ATTESTATION_RESULT_SIGNING_CERTIFICATE;
    return !signing || protected || allow_unprotected ||
           error_set(err, &attestation_content_refused, "protocol.md 2.4", "RequestedContent",
                     "a signing certificate needs a measured VSM_IDKS_INFO key of Windows, and "
                     "virtual secure mode running");
}

bool attestation_tpm_identity_measured(struct attestation_evidence *evidence,
                                       const struct eventlog_claims *claims, bool allow_unprotected,
                                       struct error *err)
{
    evidence->signing_key_protected =
        claims->vsm_idks.exponent.size > 0 &&
        claims->claims[EVENTLOG_CLAIM_VSM_RUNNING].value == EVENTLOG_GOOD;
    if (!attestation_tpm_identity_may_sign(evidence, evidence->signing_key_protected,
                                           allow_unprotected, err))
        return false;
    for (size_t i = 0; i < evidence->requested_count; i++) {
        bool signing = evidence->requested[i] == ATTESTATION_RESULT_SIGNING_CERTIFICATE;
        if (!make_key(&evidence->identity_keys[i], signing ? &claims->vsm_idks : &claims->vsm_idk,
                      signing ? "VSM_IDKS_INFO" : "VSM_IDK_INFO", err))
            return false;
    }
    return true;
}
