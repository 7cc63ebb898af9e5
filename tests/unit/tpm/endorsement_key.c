/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/endorsement_key.h"

#include <stdlib.h>

#include "../simulated_tpm.h"
#include "tpm_test.h"

static const enum simulated_endorsement kinds[] = {SIMULATED_RSA_2048, SIMULATED_P256,
                                                   SIMULATED_P384};

/* The TPM2B_PUBLIC of a simulated key, to be altered: offsets of its TPMT_PUBLIC are 2 more. */
static void read_public(struct buf *out, enum simulated_endorsement kind)
{
    struct simulated_tpm *tpm = simulated_tpm_new(kind, DIGEST_SHA256);
    buf_init(out, 1024);
    buf_append(out, simulated_tpm_public(tpm));
    simulated_tpm_free(&tpm);
}

/* Forms of one key: all are the same host. */
static void test_forms(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        struct simulated_tpm *tpm = simulated_tpm_new(kinds[k], DIGEST_SHA256);
        struct slice sized = simulated_tpm_public(tpm);
        struct slice area = slice_of(sized.data + 2, sized.size - 2);
        struct tpm_endorsement_key key;
        assert_ok(tpm_endorsement_key_parse(&key, sized, err));
        assert_true(key.has_public_area);
        assert_int_equal(key.name_algorithm,
                         kinds[k] == SIMULATED_P384 ? DIGEST_SHA384 : DIGEST_SHA256);
        struct slice forms[] = {sized, area, public_key_spki(key.key),
                                simulated_tpm_certificate(tpm)};
        for (size_t i = 0; i < 4; i++) {
            struct tpm_endorsement_key other;
            assert_ok(tpm_endorsement_key_parse_any(&other, forms[i], err));
            assert_int_equal(other.has_public_area, i < 2);
            assert_int_equal(other.name_algorithm, key.name_algorithm);
            assert_memory_equal(tpm_endorsement_key_identity(&other),
                                tpm_endorsement_key_identity(&key), 32);
            assert_ok(tpm_endorsement_key_is(&key, other.key, err));
            tpm_endorsement_key_done(&other);
        }
        uint8_t identity[32];
        digest_sha256(identity, public_key_spki(key.key));
        assert_memory_equal(tpm_endorsement_key_identity(&key), identity, 32);
        tpm_endorsement_key_done(&key);
        simulated_tpm_free(&tpm);
    }
    tpm_endorsement_key_done(NULL);
}

/* A Windows RSA1 blob of the key. */
static void test_blob(void **state)
{
    (void)state;
    struct buf area, blob;
    struct tpm_endorsement_key key, other;
    read_public(&area, SIMULATED_RSA_2048);
    assert_ok(tpm_endorsement_key_parse(&key, buf_slice(&area), err));
    buf_init(&blob, 1024);
    buf_append_text(&blob, "RSA1");
    buf_append_u32_le(&blob, 2048);
    buf_append_u32_le(&blob, 3);
    buf_append_u32_le(&blob, 256);
    buf_append_u64_le(&blob, 0);
    buf_append_bytes(&blob, "\x01\x00\x01", 3);
    buf_append_bytes(&blob, area.data + area.size - 256, 256);
    assert_ok(tpm_endorsement_key_parse_any(&other, buf_slice(&blob), err));
    assert_ok(tpm_endorsement_key_is(&key, other.key, err));
    tpm_endorsement_key_done(&other);
    blob.size--;
    assert_refused(tpm_endorsement_key_parse_any(&other, buf_slice(&blob), err),
                   "crypto.key-malformed");
    tpm_endorsement_key_done(&key);
    buf_done(&area);
    buf_done(&blob);
}

static void test_other_key(void **state)
{
    (void)state;
    struct buf a, b;
    struct tpm_endorsement_key one, other;
    read_public(&a, SIMULATED_P256);
    read_public(&b, SIMULATED_P256);
    assert_ok(tpm_endorsement_key_parse(&one, buf_slice(&a), err));
    assert_ok(tpm_endorsement_key_parse(&other, buf_slice(&b), err));
    assert_refused(tpm_endorsement_key_is(&one, other.key, err), "tpm.endorsement-mismatch");
    tpm_endorsement_key_done(&one);
    tpm_endorsement_key_done(&other);
    buf_done(&a);
    buf_done(&b);
}

/* protocol.md 2.3: restricted, decrypt, fixedTPM, fixedParent, not sign; each by its name. */
static void test_attributes(void **state)
{
    (void)state;
    static const struct {
        uint32_t attributes;
        const char *words;
    } wrong[] = {
        {0x000200b2, "restricted"},  {0x000100b2, "decrypt"},     {0x000300b0, "fixedTPM"},
        {0x000300a2, "fixedParent"}, {0x000700b2, "sign is set"}, {0, "restricted"},
    };
    struct buf area;
    read_public(&area, SIMULATED_RSA_2048);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct tpm_endorsement_key key;
        struct error err;
        for (int byte = 0; byte < 4; byte++)
            area.data[6 + byte] = (uint8_t)(wrong[i].attributes >> (24 - 8 * byte));
        assert_refused_with(tpm_endorsement_key_parse(&key, buf_slice(&area), &err), &err,
                            "tpm.endorsement-attributes");
        assert_non_null(strstr(err.message, wrong[i].words));
        assert_refused_with(tpm_endorsement_key_parse_any(&key, buf_slice(&area), &err), &err,
                            "tpm.endorsement-attributes");
    }
    buf_done(&area);
}

/* The same keys with fields that an endorsement key does not have: bytes of the TPM2B_PUBLIC in
 * hex, then the bytes of a modulus. */
static void test_wrong_fields(void **state)
{
    (void)state;
    static const struct {
        const char *head; /* up to the size of the modulus */
        size_t modulus;
        const char *code;
    } areas[] = {
        {"0001000b000300b20000"
         "000600800043"
         "0010"
         "0800"
         "00000000"
         "0100",
         256, NULL},
        {"00010004000300b20000"
         "000600800043"
         "0010"
         "0800"
         "00000000"
         "0100",
         256, "tpm.endorsement-attributes"}, /* SHA-1 */
        {"0001000b000300b20000"
         "0010"
         "0010"
         "0800"
         "00000000"
         "0100",
         256, "tpm.endorsement-attributes"}, /* no symmetric algorithm */
        {"0001000b000300b20000"
         "000600800043"
         "0017000b"
         "0800"
         "00000000"
         "0100",
         256, "tpm.endorsement-attributes"}, /* a scheme */
        {"0001000b000300b20000"
         "000600800043"
         "0010"
         "0400"
         "00000000"
         "0080",
         128, "crypto.key-too-small"},
        {"0001000b000300b20000"
         "000600800043"
         "0010"
         "0800"
         "00000002"
         "0100",
         256, "crypto.key-malformed"}, /* an even exponent */
        {"0001000b000300b20000"
         "000600800043"
         "0010"
         "0800"
         "00000000"
         "0080",
         128, "tpm.public-malformed"}, /* fewer bytes than bits */
        {"0008000b000300b20000"
         "000600800043"
         "0010"
         "0800"
         "00000000"
         "0100",
         256, "tpm.public-malformed"}, /* a keyed hash: no TPMT_PUBLIC that is known */
        {"00010012000300b20000"
         "000600800043"
         "0010"
         "0800"
         "00000000"
         "0100",
         256, "tpm.public-unsupported"}, /* SM3 */
        {"0001000b000300b20000"
         "002600800043"
         "0010"
         "0800"
         "00000000"
         "0100",
         256, "tpm.public-unsupported"}, /* Camellia */
        {"0001000b000300b20000"
         "000600800043"
         "00ff"
         "0800"
         "00000000"
         "0100",
         256, "tpm.public-unsupported"}, /* a scheme that is none */
        {"0001000b000300b2001000000000000000000000000000000000"
         "000600800043"
         "0010"
         "0800"
         "00000000"
         "0100",
         256, "tpm.public-malformed"}, /* an authPolicy of 16 bytes */
    };
    for (size_t i = 0; i < sizeof areas / sizeof areas[0]; i++) {
        struct buf area;
        struct tpm_endorsement_key key;
        from_hex(&area, areas[i].head);
        for (size_t j = 0; j < areas[i].modulus; j++)
            buf_append_u8(&area, 0xff);
        if (areas[i].code == NULL) {
            assert_ok(tpm_endorsement_key_parse(&key, buf_slice(&area), err));
            assert_int_equal(public_key_bits(key.key), 2048);
            tpm_endorsement_key_done(&key);
        } else {
            assert_refused(tpm_endorsement_key_parse(&key, buf_slice(&area), err), areas[i].code);
        }
        buf_done(&area);
    }
}

/* Cut at every byte, with the size before it right and wrong. */
static void test_truncation(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        struct buf whole;
        read_public(&whole, kinds[k]);
        for (size_t size = 0; size < whole.size; size++) {
            uint8_t *cut = malloc(size + 1);
            struct tpm_endorsement_key key;
            memcpy(cut, whole.data, size);
            assert_refused(tpm_endorsement_key_parse(&key, slice_of(cut, size), err),
                           "tpm.public-malformed");
            if (size >= 2) {
                cut[0] = (uint8_t)((size - 2) >> 8);
                cut[1] = (uint8_t)(size - 2);
                assert_refused(tpm_endorsement_key_parse(&key, slice_of(cut, size), err),
                               "tpm.public-malformed");
            }
            free(cut);
        }
        buf_append_u8(&whole, 0);
        struct tpm_endorsement_key key;
        assert_refused(tpm_endorsement_key_parse(&key, buf_slice(&whole), err),
                       "tpm.public-malformed");
        buf_done(&whole);
    }
}

static void test_unknown_bytes(void **state)
{
    (void)state;
    static const char *const bytes[] = {"", "00", "41", "4d5a9000", "0400aabb", "3003"};
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
        struct buf in;
        struct tpm_endorsement_key key;
        from_hex(&in, bytes[i]);
        assert_refused(tpm_endorsement_key_parse_any(&key, buf_slice(&in), err),
                       "tpm.endorsement-key-unknown");
        buf_done(&in);
    }
    static uint8_t large[TPM_PUBLIC_SIZE_MAX + 3] = {4, 1};
    struct tpm_endorsement_key key;
    assert_refused(tpm_endorsement_key_parse(&key, slice_of(large, sizeof large), err),
                   "tpm.public-malformed");
}

/* Templates of larger keys have SHA-384 names (TCG EK Credential Profile, H-3 and H-6). */
static void test_name_algorithm_of_keys(void **state)
{
    (void)state;
    uint8_t modulus[384];
    memset(modulus, 0xff, sizeof modulus);
    static const struct {
        size_t size;
        enum digest_algorithm algorithm;
    } keys[] = {{256, DIGEST_SHA256}, {384, DIGEST_SHA384}};
    for (size_t i = 0; i < 2; i++) {
        _cleanup_public_key_ struct public_key *key = NULL;
        assert_ok(public_key_of_rsa(&key, slice_of(modulus, keys[i].size),
                                    slice_of("\x01\x00\x01", 3), err));
        struct tpm_endorsement_key endorsement;
        tpm_endorsement_key_from_key(&endorsement, key);
        assert_int_equal(endorsement.name_algorithm, keys[i].algorithm);
        assert_false(endorsement.has_public_area);
        tpm_endorsement_key_done(&endorsement);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),         cmocka_unit_test(test_blob),
        cmocka_unit_test(test_other_key),     cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_wrong_fields),  cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_unknown_bytes), cmocka_unit_test(test_name_algorithm_of_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
