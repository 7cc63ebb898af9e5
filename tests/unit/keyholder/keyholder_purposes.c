/* SPDX-License-Identifier: Apache-2.0 */

/* Each purpose: what a key may be used for, and everything else is refused. */

#include "keyholder_calls.h"

#include "crypto/certificate_request.h"
#include "crypto/der.h"
#include "crypto/name.h"

static void a_guardian_signing_key_only_signs(void **state)
{
    (void)state;
    _cleanup_public_key_ struct public_key *key =
        running_key(&running, KEY_PURPOSE_GUARDIAN_SIGNING, PRIVATE_KEY_RSA_2048, NULL);
    signs(key, SIGNATURE_RSA_PKCS1_SHA256);
    signs(key, SIGNATURE_RSA_PKCS1_SHA384);
    signs(key, SIGNATURE_RSA_PKCS1_SHA512);
    signs(key, SIGNATURE_RSA_PSS_SHA256);
    does_not_sign(key, SIGNATURE_ECDSA_SHA256, "keyholder.purpose");
    does_not_decrypt(key, "keyholder.purpose");
    does_not_checkpoint(key, "keyholder.purpose");
}

static void a_guardian_encryption_key_only_decrypts(void **state)
{
    (void)state;
    _cleanup_public_key_ struct public_key *key =
        running_key(&running, KEY_PURPOSE_GUARDIAN_ENCRYPTION, PRIVATE_KEY_RSA_2048, NULL);
    for (enum encryption_algorithm algorithm = ENCRYPTION_RSA_OAEP_SHA256;
         algorithm <= ENCRYPTION_RSA_OAEP_SHA1; algorithm++) {
        _cleanup_secret_ struct secret plain = SECRET_EMPTY;
        assert_ok(decrypt(key, algorithm, &plain, err));
        assert_true(slice_equals_text(secret_slice(&plain), "a transport key"));
    }
    for (enum signature_algorithm algorithm = SIGNATURE_RSA_PKCS1_SHA256;
         algorithm <= SIGNATURE_ECDSA_SHA384; algorithm++)
        does_not_sign(key, algorithm, "keyholder.purpose");
    does_not_checkpoint(key, "keyholder.purpose");
    does_not_decrypt(key, "crypto.decryption-failed");
}

/* A roll by these keys, of a ciphertext that is for `decrypting`, spoilt or not. */
static bool roll_with(const struct public_key *decrypting, const struct public_key *signing,
                      bool spoilt, struct secret *plain, bool *opened, struct buf *signature,
                      struct error *why)
{
    _cleanup_buf_ struct buf ciphertext;
    buf_init(&ciphertext, 1024);
    assert_ok(public_key_encrypt(&ciphertext, decrypting, ENCRYPTION_RSA_OAEP_SHA256,
                                 slice_from_text("a transport key"), err));
    ciphertext.data[100] ^= spoilt;
    const struct keyholder_roll roll = {
        .decrypting_key_id = public_key_digest(decrypting),
        .encryption = ENCRYPTION_RSA_OAEP_SHA256,
        .ciphertext = buf_slice(&ciphertext),
        .signing_key_id = public_key_digest(signing),
        .signature = SIGNATURE_RSA_PKCS1_SHA256,
        .message = slice_from_text("a key protector"),
    };
    return keyholder_roll(running.keyholder, &roll, plain, opened, signature, why);
}

static void a_roll_decrypts_and_signs(void **state)
{
    (void)state;
    _cleanup_public_key_ struct public_key *encryption =
        running_key(&running, KEY_PURPOSE_GUARDIAN_ENCRYPTION, PRIVATE_KEY_RSA_2048, NULL);
    _cleanup_public_key_ struct public_key *signing =
        running_key(&running, KEY_PURPOSE_GUARDIAN_SIGNING, PRIVATE_KEY_RSA_2048, NULL);
    for (int spoilt = 0; spoilt <= 1; spoilt++) {
        _cleanup_secret_ struct secret plain = SECRET_EMPTY;
        _cleanup_buf_ struct buf signature;
        bool opened = spoilt;
        buf_init(&signature, 1024);
        assert_ok(roll_with(encryption, signing, spoilt, &plain, &opened, &signature, err));
        assert_int_equal(opened, !spoilt);
        assert_true(slice_equals_text(secret_slice(&plain), spoilt ? "" : "a transport key"));
        assert_ok(public_key_verify(signing, SIGNATURE_RSA_PKCS1_SHA256,
                                    slice_from_text("a key protector"), buf_slice(&signature),
                                    err));
    }
}

static void a_roll_keeps_to_purposes(void **state)
{
    (void)state;
    _cleanup_public_key_ struct public_key *encryption =
        running_key(&running, KEY_PURPOSE_GUARDIAN_ENCRYPTION, PRIVATE_KEY_RSA_2048, NULL);
    _cleanup_public_key_ struct public_key *signing =
        running_key(&running, KEY_PURPOSE_GUARDIAN_SIGNING, PRIVATE_KEY_RSA_2048, NULL);
    _cleanup_private_key_ struct private_key *stranger = NULL;
    assert_ok(private_key_generate(&stranger, PRIVATE_KEY_RSA_2048, err));
    const struct public_key *unknown = private_key_public(stranger);
    const struct {
        const struct public_key *decrypting, *signing;
        const char *code;
    } rows[] = {
        {signing, signing, "keyholder.purpose"},
        {encryption, encryption, "keyholder.purpose"},
        {unknown, signing, "keyholder.key-unknown"},
        {encryption, unknown, "keyholder.key-unknown"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        _cleanup_secret_ struct secret plain = SECRET_EMPTY;
        _cleanup_buf_ struct buf signature;
        bool opened;
        buf_init(&signature, 1024);
        assert_refused(
            roll_with(rows[i].decrypting, rows[i].signing, false, &plain, &opened, &signature, err),
            rows[i].code);
        assert_null(plain.data);
        assert_int_equal(signature.size, 0);
    }
}

/* Requests are signed by keys that may sign nothing else, so only what is a request for that very
 * key is. */
static void certificate_requests_are_signed_and_nothing_like_them(void **state)
{
    (void)state;
    _cleanup_public_key_ struct public_key *key =
        running_key(&running, KEY_PURPOSE_GUARDIAN_ENCRYPTION, PRIVATE_KEY_RSA_2048, NULL);
    _cleanup_public_key_ struct public_key *other =
        running_key(&running, KEY_PURPOSE_ATTESTATION_SIGNER, PRIVATE_KEY_RSA_2048, NULL);
    _cleanup_buf_ struct buf name, der, signature;
    buf_init(&name, 1024);
    buf_init(&der, CERTIFICATE_REQUEST_SIZE_MAX);
    buf_init(&signature, 1024);
    assert_ok(name_parse(&name, "CN=x", err));
    struct certificate_request_template wanted = {buf_slice(&name), CERTIFICATE_KEY_ENCIPHERMENT};
    struct keyholder_key reference = {running.keyholder, key},
                         of_other = {running.keyholder, other};
    struct signer signer = keyholder_request_signer(&reference);
    assert_ok(certificate_request_issue(&der, &wanted, &signer, err));

    /* The request's first element is what was signed. */
    struct reader outer = reader_of(buf_slice(&der));
    struct reader inside = der_enter(&outer, DER_SEQUENCE);
    struct slice info = der_read_element(&inside);
    const uint8_t *id = public_key_digest(key);
    assert_ok(keyholder_request(running.keyholder, id, info, &signature, err));
    assert_ok(public_key_verify(key, SIGNATURE_RSA_PKCS1_SHA256, info, buf_slice(&signature), err));
    buf_reset(&signature);
    assert_refused(keyholder_request(running.keyholder, id, MESSAGE, &signature, err),
                   "crypto.request-malformed");
    assert_refused(keyholder_request(running.keyholder, id, buf_slice(&der), &signature, err),
                   "crypto.request-malformed");
    assert_refused(keyholder_request(running.keyholder, id, slice_of(info.data, info.size - 1),
                                     &signature, err),
                   "crypto.request-malformed");
    assert_refused(
        keyholder_request(running.keyholder, public_key_digest(other), info, &signature, err),
        "crypto.request-malformed");
    assert_int_equal(signature.size, 0);
    signer = keyholder_request_signer(&of_other); /* a signer of certificates issues its own */
    buf_reset(&der);
    assert_refused(certificate_request_issue(&der, &wanted, &signer, err), "keyholder.purpose");
}

static void an_attestation_signer_signs_certificates_only(void **state)
{
    (void)state;
    _cleanup_public_key_ struct public_key *rsa =
        running_key(&running, KEY_PURPOSE_ATTESTATION_SIGNER, PRIVATE_KEY_RSA_2048, NULL);
    signs(rsa, SIGNATURE_RSA_PKCS1_SHA256);
    does_not_sign(rsa, SIGNATURE_RSA_PKCS1_SHA384, "keyholder.purpose");
    does_not_sign(rsa, SIGNATURE_RSA_PKCS1_SHA512, "keyholder.purpose");
    does_not_sign(rsa, SIGNATURE_RSA_PSS_SHA256, "keyholder.purpose");
    does_not_sign(rsa, SIGNATURE_ECDSA_SHA256, "crypto.key-unsupported");
    does_not_decrypt(rsa, "keyholder.purpose");
    does_not_checkpoint(rsa, "keyholder.purpose");
    _cleanup_public_key_ struct public_key *p256 =
        running_key(&running, KEY_PURPOSE_ATTESTATION_SIGNER, PRIVATE_KEY_P256, NULL);
    signs(p256, SIGNATURE_ECDSA_SHA256);
    _cleanup_public_key_ struct public_key *p384 =
        running_key(&running, KEY_PURPOSE_ATTESTATION_SIGNER, PRIVATE_KEY_P384, NULL);
    signs(p384, SIGNATURE_ECDSA_SHA384);
    does_not_sign(p384, SIGNATURE_RSA_PKCS1_SHA256, "crypto.key-unsupported");
}

static void a_communications_key_signs(void **state)
{
    (void)state;
    _cleanup_public_key_ struct public_key *key =
        running_key(&running, KEY_PURPOSE_COMMUNICATIONS, PRIVATE_KEY_RSA_2048, NULL);
    signs(key, SIGNATURE_RSA_PKCS1_SHA256);
    does_not_decrypt(key, "keyholder.purpose");
    does_not_checkpoint(key, "keyholder.purpose");
}

static void an_audit_key_signs_checkpoints_only(void **state)
{
    (void)state;
    _cleanup_public_key_ struct public_key *key =
        running_key(&running, KEY_PURPOSE_AUDIT, PRIVATE_KEY_P256, NULL);
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, 1024);
    assert_ok(checkpoint(key, &signature, err));
    static const uint8_t numbers[] = {8, 7, 6, 5, 4, 3, 2, 1};
    static const uint8_t time[] = {0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    static const uint8_t head[32] = {0xAB, [31] = 0xCD};
    struct buf message;
    buf_init(&message, 128);
    buf_append_text(&message, "HGS-AUDIT-CHECKPOINT-1");
    buf_append_bytes(&message, numbers, sizeof numbers);
    buf_append_bytes(&message, head, sizeof head);
    buf_append_bytes(&message, time, sizeof time);
    assert_ok(public_key_verify(key, SIGNATURE_ECDSA_SHA256, buf_slice(&message),
                                buf_slice(&signature), err));
    buf_done(&message);
    for (enum signature_algorithm algorithm = SIGNATURE_RSA_PKCS1_SHA256;
         algorithm <= SIGNATURE_ECDSA_SHA384; algorithm++)
        does_not_sign(key, algorithm, "keyholder.purpose");
    does_not_decrypt(key, "keyholder.purpose");
}

static void keys_of_the_wrong_kind_are_not_made(void **state)
{
    (void)state;
    static const struct {
        enum key_purpose purpose;
        enum private_key_kind kind;
    } refused[] = {
        {KEY_PURPOSE_GUARDIAN_SIGNING, PRIVATE_KEY_P256},
        {KEY_PURPOSE_GUARDIAN_ENCRYPTION, PRIVATE_KEY_P256},
        {KEY_PURPOSE_GUARDIAN_ENCRYPTION, PRIVATE_KEY_P384},
        {KEY_PURPOSE_COMMUNICATIONS, PRIVATE_KEY_P256},
        {KEY_PURPOSE_AUDIT, PRIVATE_KEY_P384},
        {KEY_PURPOSE_AUDIT, PRIVATE_KEY_RSA_2048},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        _cleanup_buf_ struct buf sealed;
        buf_init(&sealed, KEYHOLDER_SEALED_MAX);
        _cleanup_public_key_ struct public_key *key = NULL;
        assert_refused(keyholder_generate(running.keyholder, refused[i].purpose, refused[i].kind,
                                          &key, &sealed, err),
                       "crypto.key-unsupported");
        assert_null(key);
        assert_int_equal(sealed.size, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYHOLDER_TEST(a_guardian_signing_key_only_signs),
        KEYHOLDER_TEST(a_guardian_encryption_key_only_decrypts),
        KEYHOLDER_TEST(a_roll_decrypts_and_signs),
        KEYHOLDER_TEST(a_roll_keeps_to_purposes),
        KEYHOLDER_TEST(certificate_requests_are_signed_and_nothing_like_them),
        KEYHOLDER_TEST(an_attestation_signer_signs_certificates_only),
        KEYHOLDER_TEST(a_communications_key_signs),
        KEYHOLDER_TEST(an_audit_key_signs_checkpoints_only),
        KEYHOLDER_TEST(keys_of_the_wrong_kind_are_not_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
