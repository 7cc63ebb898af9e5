/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/signer.h"
#include "tool.h"

static void test_signer_of_key(void **state)
{
    (void)state;
    static const struct {
        enum private_key_kind kind;
        enum signature_algorithm usual, unsuitable;
    } cases[] = {
        {PRIVATE_KEY_RSA_2048, SIGNATURE_RSA_PKCS1_SHA256, SIGNATURE_ECDSA_SHA256},
        {PRIVATE_KEY_P256, SIGNATURE_ECDSA_SHA256, SIGNATURE_RSA_PSS_SHA256},
        {PRIVATE_KEY_P384, SIGNATURE_ECDSA_SHA384, (enum signature_algorithm)77},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct private_key *key = NULL;
        assert_true(private_key_generate(&key, cases[i].kind, NULL));
        struct signer signer = signer_of_key(key);
        enum signature_algorithm usual = signer_algorithm(signer.public_key);
        assert_int_equal(usual, cases[i].usual);
        struct buf signature;
        struct slice message = slice_from_text("what is signed");
        buf_init(&signature, 1000);
        assert_ok(signer.sign(signer.context, usual, message, &signature, err));
        assert_ok(public_key_verify(signer.public_key, usual, message, buf_slice(&signature), err));
        assert_refused(signer.sign(signer.context, cases[i].unsuitable, message, &signature, err),
                       "crypto.key-unsupported");
        buf_done(&signature);
        private_key_free(&key);
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(signature_name(SIGNATURE_RSA_PKCS1_SHA256), "rsa-pkcs1-sha256");
    assert_string_equal(signature_name(SIGNATURE_RSA_PKCS1_SHA384), "rsa-pkcs1-sha384");
    assert_string_equal(signature_name(SIGNATURE_RSA_PKCS1_SHA512), "rsa-pkcs1-sha512");
    assert_string_equal(signature_name(SIGNATURE_RSA_PSS_SHA256), "rsa-pss-sha256");
    assert_string_equal(signature_name(SIGNATURE_ECDSA_SHA256), "ecdsa-sha256");
    assert_string_equal(signature_name(SIGNATURE_ECDSA_SHA384), "ecdsa-sha384");
    assert_null(signature_name((enum signature_algorithm)0));
    assert_null(signature_name((enum signature_algorithm)7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signer_of_key),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, tool_set_up, tool_tear_down);
}
