/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/identity_key.h"

#include "crypto/random.h"
#include "tpm/errors.h"

/* fixedTPM, fixedParent, sensitiveDataOrigin, adminWithPolicy, noDA; userWithAuth is clear: with it
 * set, an empty password would do instead of the policy (protocol.md 2.3). */
#define ATTRIBUTES_OF_ALL                                                                   \
    (TPM_FIXED_TPM | TPM_FIXED_PARENT | TPM_SENSITIVE_DATA_ORIGIN | TPM_ADMIN_WITH_POLICY | \
     TPM_NO_DA)
#define RSA_BITS 2048

void tpm_identity_template_make(struct tpm_identity_template *out, enum tpm_identity_use use,
                                struct tpm_pcr_selection selection, const struct tpm_pcr_bank *bank)
{
    out->use = use;
    tpm_pcr_policy_digest(out->policy, selection, bank);
    random_bytes(out->unique, sizeof out->unique);
}

static uint32_t attributes_of(enum tpm_identity_use use)
{
    return ATTRIBUTES_OF_ALL | (use == TPM_IDENTITY_SIGN ? TPM_SIGN : TPM_DECRYPT);
}

static void format_area(struct buf *out, const struct tpm_identity_template *identity,
                        struct slice unique)
{
    buf_append_u16_be(out, TPM_ALGORITHM_RSA);
    buf_append_u16_be(out, DIGEST_SHA256);
    buf_append_u32_be(out, attributes_of(identity->use));
    buf_append_u16_be(out, sizeof identity->policy);
    buf_append_bytes(out, identity->policy, sizeof identity->policy);
    buf_append_u16_be(out, TPM_ALGORITHM_NULL); /* symmetric */
    buf_append_u16_be(out, TPM_ALGORITHM_NULL); /* scheme */
    buf_append_u16_be(out, RSA_BITS);
    buf_append_u32_be(out, 0); /* exponent: 65537 */
    buf_append_u16_be(out, (uint16_t)unique.size);
    buf_append(out, unique);
}

void tpm_identity_template_format(struct buf *out, const struct tpm_identity_template *identity)
{
    format_area(out, identity, slice_of(identity->unique, sizeof identity->unique));
}

/* Names the first field that is not as the template has it. */
static const char *find_difference(const struct tpm_identity_template *identity,
                                   const struct tpm_public *area)
{
    uint32_t expected = attributes_of(identity->use);
    if (area->type != TPM_ALGORITHM_RSA || area->rsa_bits != RSA_BITS || area->rsa_exponent != 0)
        return "it is no RSA key of 2048 bits";
    if ((area->attributes & TPM_FIXED_TPM) == 0)
        return "fixedTPM is clear: the key could be in another TPM, too";
    if ((area->attributes & TPM_USER_WITH_AUTH) != 0)
        return "userWithAuth is set: an empty password would do instead of the policy";
    if (area->attributes != expected)
        return "its attributes are others";
    if (!slice_equal(area->policy, slice_of(identity->policy, sizeof identity->policy)))
        return "its authPolicy is another";
    return "its name algorithm, symmetric algorithm or scheme is another";
}

bool tpm_identity_key_check(struct public_key **out, const struct tpm_identity_template *identity,
                            struct slice out_public, struct error *err)
{
    struct tpm_public area;
    if (!tpm_public_parse(&area, out_public, err))
        return false;
    struct buf expected;
    buf_init(&expected, TPM_PUBLIC_SIZE_MAX);
    format_area(&expected, identity, area.rsa_modulus);
    bool equal =
        area.rsa_modulus.size == RSA_BITS / 8 && slice_equal(buf_slice(&expected), out_public);
    buf_done(&expected);
    if (!equal)
        return error_set(err, &tpm_key_altered, "protocol.md 2.3", "identity key",
                         "the TPM did not create the key that it was told to: %s",
                         find_difference(identity, &area));
    return tpm_public_key(out, &area, err);
}
