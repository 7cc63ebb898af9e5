/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "attestation/tpm_identity.h"

static const uint8_t exponent[] = {0, 1, 0, 1};

/* Claims of a host with an encryption key and a signing key of these moduli. */
static struct eventlog_claims claims_of(struct slice encryption, struct slice signing)
{
    struct eventlog_claims claims = {.profile = EVENTLOG_PROFILE_WINDOWS};
    struct slice e = slice_of(exponent, sizeof exponent);
    claims.vsm_idk = (struct eventlog_vsm_key){.exponent = e, .modulus = encryption};
    if (signing.size > 0)
        claims.vsm_idks = (struct eventlog_vsm_key){.exponent = e, .modulus = signing};
    claims.claims[EVENTLOG_CLAIM_VSM_RUNNING].value = EVENTLOG_GOOD;
    return claims;
}

static struct slice modulus_of(uint8_t bytes[257], uint8_t filler)
{
    memset(bytes, filler, 257);
    bytes[0] = 0; /* as integers are written that might look negative */
    bytes[1] |= 0x80;
    bytes[256] |= 1;
    return slice_of(bytes, 257);
}

static struct attestation_evidence evidence_for(const uint8_t *requested, size_t count)
{
    struct attestation_evidence evidence = {.requested_count = count};
    memcpy(evidence.requested, requested, count);
    return evidence;
}

static const uint8_t both[] = {ATTESTATION_RESULT_SIGNING_CERTIFICATE,
                               ATTESTATION_RESULT_ENCRYPTION_CERTIFICATE};

static void each_certificate_has_its_key(void **state)
{
    (void)state;
    uint8_t one[257], two[257];
    struct eventlog_claims claims = claims_of(modulus_of(one, 0x33), modulus_of(two, 0x55));
    _cleanup_attestation_evidence_ struct attestation_evidence evidence = evidence_for(both, 2);
    assert_ok(attestation_tpm_identity_measured(&evidence, &claims, false, err));
    assert_true(evidence.signing_key_protected);
    for (size_t i = 0; i < 2; i++) {
        struct slice spki = public_key_spki(evidence.identity_keys[i]);
        const uint8_t *modulus = i == 0 ? two : one;
        assert_int_equal(public_key_bits(evidence.identity_keys[i]), 2048);
        assert_non_null(memmem(spki.data, spki.size, modulus, 257));
    }
}

static void a_signing_key_needs_secure_mode(void **state)
{
    (void)state;
    uint8_t one[257], two[257];
    struct eventlog_claims claims = claims_of(modulus_of(one, 0x33), modulus_of(two, 0x55));
    static const enum eventlog_value values[] = {EVENTLOG_UNKNOWN, EVENTLOG_BAD};
    for (size_t i = 0; i < 2; i++) {
        _cleanup_attestation_evidence_ struct attestation_evidence refused = evidence_for(both, 1);
        _cleanup_attestation_evidence_ struct attestation_evidence allowed = evidence_for(both, 1);
        claims.claims[EVENTLOG_CLAIM_VSM_RUNNING].value = values[i];
        assert_refused(attestation_tpm_identity_measured(&refused, &claims, false, err),
                       &attestation_content_refused);
        assert_ok(attestation_tpm_identity_measured(&allowed, &claims, true, err));
        assert_false(allowed.signing_key_protected);
    }
    struct eventlog_claims none = claims_of(modulus_of(one, 0x33), SLICE_EMPTY);
    _cleanup_attestation_evidence_ struct attestation_evidence refused = evidence_for(both, 1);
    assert_refused(attestation_tpm_identity_measured(&refused, &none, false, err),
                   &attestation_content_refused);
    assert_refused(attestation_tpm_identity_measured(&refused, &none, true, err),
                   &attestation_identity_key);
}

static void unusable_keys_are_refused(void **state)
{
    (void)state;
    static const uint8_t encryption[] = {ATTESTATION_RESULT_ENCRYPTION_CERTIFICATE};
    uint8_t modulus[257], even[257], zeros[257] = {0};
    modulus_of(modulus, 0x33);
    modulus_of(even, 0x32);
    even[256] = 0x32;
    const struct slice bad[] = {
        SLICE_EMPTY, slice_of(zeros, sizeof zeros), slice_of(even, sizeof even),
        slice_of(modulus, 129), /* 1024 bits */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct eventlog_claims claims = claims_of(bad[i], SLICE_EMPTY);
        _cleanup_attestation_evidence_ struct attestation_evidence evidence =
            evidence_for(encryption, 1);
        assert_refused(attestation_tpm_identity_measured(&evidence, &claims, false, err),
                       &attestation_identity_key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_certificate_has_its_key),
        cmocka_unit_test(a_signing_key_needs_secure_mode),
        cmocka_unit_test(unusable_keys_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
