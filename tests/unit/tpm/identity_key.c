/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/identity_key.h"

#include "tpm_test.h"

static const struct tpm_pcr_selection selection = {DIGEST_SHA256, 0x81};

static void make(struct tpm_identity_template *identity, enum tpm_identity_use use)
{
    struct tpm_pcr_bank bank = {.algorithm = DIGEST_SHA256, .present = 0xff};
    tpm_identity_template_make(identity, use, selection, &bank);
}

/* The template, and what a TPM makes of it: head and policy the same, a modulus at the end. */
static void write_public(struct buf *out, const struct tpm_identity_template *identity)
{
    buf_init(out, TPM_PUBLIC_SIZE_MAX);
    tpm_identity_template_format(out, identity);
    out->size -= 2 + sizeof identity->unique;
    buf_append_u16_be(out, 256);
    for (size_t i = 0; i < 256; i++)
        buf_append_u8(out, 0xff);
}

/* protocol.md 2.3, "Template of the identity key", field by field. */
static void test_template(void **state)
{
    (void)state;
    static const enum tpm_identity_use uses[] = {TPM_IDENTITY_DECRYPT, TPM_IDENTITY_SIGN};
    for (size_t i = 0; i < 2; i++) {
        struct tpm_identity_template identity, other;
        struct tpm_public area;
        struct buf bytes, expected;
        make(&identity, uses[i]);
        make(&other, uses[i]);
        assert_memory_equal(identity.policy, other.policy, sizeof identity.policy);
        assert_memory_not_equal(identity.unique, other.unique, sizeof identity.unique);
        buf_init(&bytes, TPM_PUBLIC_SIZE_MAX);
        tpm_identity_template_format(&bytes, &identity);
        from_hex(&expected, "0001000b");
        buf_append_u32_be(&expected, uses[i] == TPM_IDENTITY_SIGN ? 0x000404b2 : 0x000204b2);
        buf_append_u16_be(&expected, 32);
        buf_append_bytes(&expected, identity.policy, 32);
        buf_append_u16_be(&expected, 0x10);
        buf_append_u16_be(&expected, 0x10);
        buf_append_u16_be(&expected, 2048);
        buf_append_u32_be(&expected, 0);
        buf_append_u16_be(&expected, 32);
        buf_append_bytes(&expected, identity.unique, 32);
        assert_slice_equal(buf_slice(&bytes), buf_slice(&expected));
        buf_done(&bytes);
        buf_done(&expected);
        /* What it becomes reads as a public area. */
        write_public(&bytes, &identity);
        assert_ok(tpm_public_parse(&area, buf_slice(&bytes), err));
        assert_false(area.attributes & TPM_USER_WITH_AUTH);
        buf_done(&bytes);
    }
}

static void test_check(void **state)
{
    (void)state;
    struct tpm_identity_template identity;
    struct public_key *key = NULL;
    struct error refusal = {0};
    struct buf area;
    make(&identity, TPM_IDENTITY_DECRYPT);
    write_public(&area, &identity);
    assert_ok(tpm_identity_key_check(&key, &identity, buf_slice(&area), err));
    assert_int_equal(public_key_bits(key), 2048);
    public_key_free(&key);
    /* Each bit before the modulus is the template's; each refusal is for a reason of its own. */
    for (size_t bit = 0; bit < 8 * (area.size - 256); bit++) {
        area.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        memset(&refusal, 0, sizeof refusal);
        assert_false(tpm_identity_key_check(&key, &identity, buf_slice(&area), &refusal));
        assert_non_null(refusal.code);
        area.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    /* An even modulus is no RSA key's. */
    area.data[area.size - 1] = 0xfe;
    assert_refused_with(tpm_identity_key_check(&key, &identity, buf_slice(&area), &refusal),
                        &refusal, "crypto.key-malformed");
    buf_done(&area);
}

static void test_wrong_use(void **state)
{
    (void)state;
    struct tpm_identity_template decrypt, sign;
    struct public_key *key = NULL;
    struct error err;
    struct buf area;
    make(&decrypt, TPM_IDENTITY_DECRYPT);
    sign = decrypt;
    sign.use = TPM_IDENTITY_SIGN;
    write_public(&area, &sign);
    assert_refused_with(tpm_identity_key_check(&key, &decrypt, buf_slice(&area), &err), &err,
                        "tpm.key-altered");
    assert_non_null(strstr(err.message, "attributes"));
    buf_done(&area);
}

/* Attributes one by one: what is cleared or set is not what was asked for. */
static void test_attributes(void **state)
{
    (void)state;
    struct tpm_identity_template identity;
    struct public_key *key = NULL;
    struct buf area;
    make(&identity, TPM_IDENTITY_DECRYPT);
    write_public(&area, &identity);
    for (int bit = 0; bit < 32; bit++) {
        struct error err;
        uint8_t *byte = &area.data[4 + 3 - bit / 8];
        *byte ^= (uint8_t)(1 << bit % 8);
        assert_refused_with(tpm_identity_key_check(&key, &identity, buf_slice(&area), &err), &err,
                            "tpm.key-altered");
        if (bit == 1)
            assert_non_null(strstr(err.message, "fixedTPM"));
        if (bit == 6)
            assert_non_null(strstr(err.message, "userWithAuth"));
        *byte ^= (uint8_t)(1 << bit % 8);
    }
    buf_done(&area);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_template),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_wrong_use),
        cmocka_unit_test(test_attributes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
