/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/endorsement_key.h"

#include "crypto/certificate.h"
#include "crypto/der.h"
#include "crypto/errors.h"
#include "tpm/errors.h"

/* What an endorsement key's attributes must be, and in words why (protocol.md 2.3). */
static const struct {
    uint32_t attribute;
    bool set;
    const char *words;
} demands[] = {
    {TPM_RESTRICTED, true, "restricted is clear: its holder could have anything decrypted"},
    {TPM_DECRYPT, true, "decrypt is clear: nothing can be encrypted to it"},
    {TPM_FIXED_TPM, true, "fixedTPM is clear: it could be in another TPM, too"},
    {TPM_FIXED_PARENT, true, "fixedParent is clear: it could be moved to another parent"},
    {TPM_SIGN, false, "sign is set: an endorsement key does not sign"},
};

static bool check_attributes(const struct tpm_public *area, struct error *err)
{
    for (size_t i = 0; i < sizeof demands / sizeof demands[0]; i++)
        if (((area->attributes & demands[i].attribute) != 0) != demands[i].set)
            return error_set(err, &tpm_endorsement_attributes, "protocol.md 2.3", NULL,
                             "the public area is not one of an endorsement key (attributes "
                             "0x%08x): %s",
                             area->attributes, demands[i].words);
    if (area->name_algorithm == DIGEST_SHA1)
        return error_set(err, &tpm_endorsement_attributes, "protocol.md 2.3", NULL,
                         "the public area's name algorithm is SHA-1; use SHA-256 or stronger");
    if (area->symmetric == TPM_ALGORITHM_NULL || area->scheme != TPM_ALGORITHM_NULL)
        return error_set(err, &tpm_endorsement_attributes, "TPM 2.0 Part 2, 12.2.3", NULL,
                         "the public area is not one of a storage key: it needs a symmetric "
                         "algorithm and no scheme");
    return true;
}

static bool of_public(struct tpm_endorsement_key *out, const struct tpm_public *area,
                      struct error *err)
{
    struct public_key *key = NULL;
    if (!check_attributes(area, err) || !tpm_public_key(&key, area, err))
        return false;
    *out = (struct tpm_endorsement_key){key, area->name_algorithm, true};
    return true;
}

/* A TPM2B_PUBLIC begins with its size, a TPMT_PUBLIC with a small number. */
static bool is_sized(struct slice bytes)
{
    struct reader reader = reader_of(bytes);
    return reader_u16_be(&reader) == reader.rest.size && !reader.failed;
}

static bool is_area(struct slice bytes)
{
    struct reader reader = reader_of(bytes);
    uint16_t type = reader_u16_be(&reader);
    return type == TPM_ALGORITHM_RSA || type == TPM_ALGORITHM_ECC;
}

bool tpm_endorsement_key_parse(struct tpm_endorsement_key *out, struct slice bytes,
                               struct error *err)
{
    struct tpm_public area;
    bool parsed = is_sized(bytes) || !is_area(bytes) ? tpm_public_parse_sized(&area, bytes, err)
                                                     : tpm_public_parse(&area, bytes, err);
    return parsed && of_public(out, &area, err);
}

void tpm_endorsement_key_from_key(struct tpm_endorsement_key *out, struct public_key *key)
{
    bool small = public_key_type(key) == PUBLIC_KEY_P256 ||
                 (public_key_type(key) == PUBLIC_KEY_RSA && public_key_bits(key) <= 2048);
    *out = (struct tpm_endorsement_key){public_key_ref(key), small ? DIGEST_SHA256 : DIGEST_SHA384,
                                        false};
}

static bool parse_certified(struct public_key **out, struct slice der, struct error *err)
{
    _cleanup_certificate_ struct certificate *certificate = NULL;
    if (!certificate_parse_endorsement(&certificate, der, err))
        return false;
    *out = public_key_ref(certificate_key(certificate));
    return true;
}

/* A certificate is what is not of a SubjectPublicKeyInfo's form at all. */
static bool parse_der(struct public_key **out, struct slice der, struct error *err)
{
    struct error first = {0};
    if (public_key_parse_endorsement(out, der, &first))
        return true;
    if (first.code == &crypto_key_malformed)
        return parse_certified(out, der, err);
    if (err != NULL)
        *err = first;
    return false;
}

bool tpm_endorsement_key_parse_any(struct tpm_endorsement_key *out, struct slice bytes,
                                   struct error *err)
{
    if (is_sized(bytes) || is_area(bytes))
        return tpm_endorsement_key_parse(out, bytes, err);
    bool blob = bytes.size >= 4 && memcmp(bytes.data, "RSA1", 4) == 0;
    if (blob || der_is(bytes, DER_SEQUENCE)) {
        _cleanup_public_key_ struct public_key *key = NULL;
        if (!(blob ? public_key_parse_any(&key, bytes, err) : parse_der(&key, bytes, err)))
            return false;
        tpm_endorsement_key_from_key(out, key);
        return true;
    }
    return error_set(err, &tpm_endorsement_key_unknown, "protocol.md 2.3", NULL,
                     "%zu bytes are no TPM2B_PUBLIC, TPMT_PUBLIC, SubjectPublicKeyInfo, "
                     "certificate or RSA1 blob",
                     bytes.size);
}

void tpm_endorsement_key_done(struct tpm_endorsement_key *key)
{
    if (key != NULL)
        public_key_free(&key->key);
}

const uint8_t *tpm_endorsement_key_identity(const struct tpm_endorsement_key *key)
{
    return public_key_digest(key->key);
}

bool tpm_endorsement_key_is(const struct tpm_endorsement_key *key,
                            const struct public_key *certified, struct error *err)
{
    if (slice_equal(public_key_spki(key->key), public_key_spki(certified)))
        return true;
    return error_set(err, &tpm_endorsement_mismatch, "protocol.md 2.3", NULL,
                     "the endorsement certificate is for another key than the TPM's");
}
