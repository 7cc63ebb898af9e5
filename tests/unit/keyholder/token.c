/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/token.h"

#include "crypto/random.h"
#include "softhsm.h"

#define ALPHA "pkcs11:token=alpha"
#define BETA "pkcs11:token=beta"

static void fill(void)
{
    softhsm_make_token("alpha");
    softhsm_make_token("beta");
    CK_SESSION_HANDLE session = softhsm_login("alpha");
    softhsm_generate(session, (struct softhsm_key){"sign", 1, 2048, .sign = true});
    softhsm_generate(session, (struct softhsm_key){"decrypt", 2, 2048, .decrypt = true});
    softhsm_generate(session,
                     (struct softhsm_key){"confirm", 3, 2048, .sign = true, .confirm = true});
    softhsm_generate(session, (struct softhsm_key){"small", 4, 1024, .sign = true});
    softhsm_generate(session, (struct softhsm_key){"twin", 5, 2048, .sign = true});
    softhsm_generate(session, (struct softhsm_key){"twin", 6, 2048, .sign = true});
}

static int set_up_group(void **state)
{
    (void)state;
    softhsm_make_template(fill);
    return 0;
}

static struct token *token;

static int set_up(void **state)
{
    (void)state;
    softhsm_set_up();
    struct token_options options = softhsm_options(ALPHA);
    assert_ok(token_open(&token, &options, err));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    token_close(&token);
    softhsm_tear_down();
    return 0;
}

/* Another token in place of the test's. */
static void open_again(struct token_options options)
{
    token_close(&token);
    assert_ok(token_open(&token, &options, err));
}

static struct token_key *open_key(const char *uri, enum key_purpose purpose)
{
    struct token_key *key = NULL;
    assert_ok(token_key_open(&key, token, 0, uri, purpose, err));
    return key;
}

static struct digest some_digest(enum signature_algorithm algorithm)
{
    struct digest digest;
    digest_compute(&digest, signature_digest(algorithm), slice_from_text("a message"));
    return digest;
}

static bool sign(struct token_key *key, unsigned worker, enum signature_algorithm algorithm,
                 struct error *err)
{
    struct digest digest = some_digest(algorithm);
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, 1024);
    return token_operations.sign(key, worker, algorithm, digest_slice(&digest), &signature, err) &&
           public_key_verify(token_key_public(key), algorithm, slice_from_text("a message"),
                             buf_slice(&signature), err);
}

static bool decrypt(struct token_key *key, unsigned worker, enum encryption_algorithm algorithm,
                    struct error *err)
{
    _cleanup_buf_ struct buf ciphertext;
    buf_init(&ciphertext, 1024);
    _cleanup_secret_ struct secret plain = SECRET_EMPTY;
    assert_true(public_key_encrypt(&ciphertext, token_key_public(key), algorithm,
                                   slice_from_text("a secret"), NULL));
    if (!token_operations.decrypt(key, worker, algorithm, buf_slice(&ciphertext), &plain, err))
        return false;
    assert_true(slice_equals_text(secret_slice(&plain), "a secret"));
    return true;
}

/* Opening. */

static void test_describe(void **state)
{
    (void)state;
    struct token_description description;
    assert_ok(token_check(token, 0, &description, err));
    assert_string_equal(description.label, "alpha");
    assert_string_equal(description.manufacturer, "SoftHSM project");
    assert_int_equal(strlen(description.serial), 16);
    assert_true(description.login);
}

static void test_text_without_padding(void **state)
{
    (void)state;
    struct token_description description;
    faulty_rules("C_GetTokenInfo lie");
    assert_ok(token_check(token, 0, &description, err));
    assert_string_equal(description.model, "????????????????");
}

static void test_module(void **state)
{
    (void)state;
    struct token_options options = softhsm_options(ALPHA);
    struct token *other;
    options.module = "softhsm.so";
    assert_refused(token_open(&other, &options, err), "token.module");
    options.module = "/nowhere/softhsm.so";
    assert_refused(token_open(&other, &options, err), "token.module");
    options.module = "/usr/lib/x86_64-linux-gnu/libz.so.1";
    assert_refused(token_open(&other, &options, err), "token.module");
}

static void test_initialisation_fails(void **state)
{
    (void)state;
    token_close(&token);
    struct token_options options = softhsm_options(ALPHA);
    faulty_rules("C_Initialize fail 0x5");
    assert_refused(token_open(&token, &options, err), "token.failed");
    /* CKR_CANT_LOCK: no threads. */
    faulty_rules("C_Initialize fail 0xA once");
    assert_refused(token_open(&token, &options, err), "token.module");
    options.workers = 1;
    faulty_rules("C_Initialize fail 0xA once");
    assert_ok(token_open(&token, &options, err));
}

static void test_uri_refused(void **state)
{
    (void)state;
    struct token_options options = softhsm_options("pkcs11:token=alpha?pin-value=1234");
    struct token *other;
    assert_refused(token_open(&other, &options, err), "token.uri-secret");
    options.uri = "pkcs11:object=key";
    assert_refused(token_open(&other, &options, err), "token.uri");
}

static void test_absent(void **state)
{
    (void)state;
    open_again(softhsm_options("pkcs11:token=gamma"));
    assert_refused(token_check(token, 0, NULL, err), "token.absent");
    struct error failure = {0};
    assert_false(token_check(token, 0, NULL, &failure));
    assert_int_equal(error_kind(&failure), ERROR_UNAVAILABLE);
    assert_string_equal(failure.object, "pkcs11:token=gamma");
}

static void test_ambiguous(void **state)
{
    (void)state;
    open_again(softhsm_options("pkcs11:manufacturer=SoftHSM%20project"));
    assert_refused(token_check(token, 0, NULL, err), "token.ambiguous");
}

static void test_serial_and_slot(void **state)
{
    (void)state;
    struct token_description description;
    assert_ok(token_check(token, 0, &description, err));
    _cleanup_free_ char *uri =
        memory_format("pkcs11:serial=%s;slot-id=%lu", description.serial, description.slot);
    open_again(softhsm_options(uri));
    assert_ok(token_check(token, 0, NULL, err));
    _cleanup_free_ char *other =
        memory_format("pkcs11:serial=%s;slot-id=%lu", description.serial, description.slot + 1);
    open_again(softhsm_options(other));
    assert_refused(token_check(token, 0, NULL, err), "token.absent");
}

static void test_slots_without_end(void **state)
{
    (void)state;
    faulty_rules("C_GetSlotList long");
    assert_refused(token_check(token, 0, NULL, err), "token.wrong-answer");
    faulty_rules("C_GetSlotList lie");
    assert_refused(token_check(token, 0, NULL, err), "token.absent");
    faulty_rules("");
    assert_ok(token_check(token, 0, NULL, err));
}

/* Keys. */

static void test_key(void **state)
{
    (void)state;
    _cleanup_token_key_ struct token_key *key =
        open_key("pkcs11:object=sign", KEY_PURPOSE_GUARDIAN_SIGNING);
    assert_int_equal(public_key_bits(token_key_public(key)), 2048);
    for (enum signature_algorithm algorithm = SIGNATURE_RSA_PKCS1_SHA256;
         algorithm <= SIGNATURE_RSA_PSS_SHA256; algorithm++)
        assert_ok(sign(key, 0, algorithm, err));
    assert_refused(sign(key, 0, SIGNATURE_ECDSA_SHA256, err), "token.mechanism");
}

static void test_key_by_id(void **state)
{
    (void)state;
    _cleanup_token_key_ struct token_key *key =
        open_key("pkcs11:token=alpha;id=%01;type=private", KEY_PURPOSE_GUARDIAN_SIGNING);
    assert_ok(sign(key, 1, SIGNATURE_RSA_PKCS1_SHA256, err));
}

static void test_key_refused(void **state)
{
    (void)state;
    struct token_key *key = NULL;
    const enum key_purpose signing = KEY_PURPOSE_GUARDIAN_SIGNING;
    assert_refused(token_key_open(&key, token, 0, "pkcs11:object=nothing", signing, err),
                   "token.key-missing");
    assert_refused(token_key_open(&key, token, 0, "pkcs11:object=sign;id=%02", signing, err),
                   "token.key-missing");
    assert_refused(token_key_open(&key, token, 0, "pkcs11:token=beta;object=sign", signing, err),
                   "token.key-missing");
    assert_refused(token_key_open(&key, token, 0, "pkcs11:object=twin", signing, err),
                   "token.key-ambiguous");
    assert_refused(token_key_open(&key, token, 0, "pkcs11:object=small", signing, err),
                   "token.key-unsupported");
    assert_refused(token_key_open(&key, token, 0, "pkcs11:object=decrypt", signing, err),
                   "token.key-usage");
    assert_refused(
        token_key_open(&key, token, 0, "pkcs11:object=sign", KEY_PURPOSE_GUARDIAN_ENCRYPTION, err),
        "token.key-usage");
    assert_refused(token_key_open(&key, token, 0, "pkcs11:token=alpha", signing, err), "token.uri");
    assert_refused(
        token_key_open(&key, token, 0, "pkcs11:object=sign?pin-source=/etc/pin", signing, err),
        "token.uri-secret");
    assert_null(key);
}

static void test_key_that_may_not_sign(void **state)
{
    (void)state;
    _cleanup_token_key_ struct token_key *key =
        open_key("pkcs11:object=decrypt", KEY_PURPOSE_GUARDIAN_ENCRYPTION);
    assert_refused(sign(key, 0, SIGNATURE_RSA_PKCS1_SHA256, err), "token.key-usage");
}

static void test_expected_key(void **state)
{
    (void)state;
    _cleanup_token_key_ struct token_key *key =
        open_key("pkcs11:object=sign", KEY_PURPOSE_GUARDIAN_SIGNING);
    _cleanup_public_key_ struct public_key *public_key =
        public_key_ref((struct public_key *)token_key_public(key));
    _cleanup_token_key_ struct token_key *same = NULL, *other = NULL, *missing = NULL;
    const enum key_purpose signing = KEY_PURPOSE_GUARDIAN_SIGNING;
    assert_ok(token_key_expect(&same, token, "pkcs11:id=%01", signing, public_key, err));
    assert_ok(sign(same, 0, SIGNATURE_RSA_PKCS1_SHA256, err));
    assert_ok(token_key_expect(&other, token, "pkcs11:id=%05", signing, public_key, err));
    assert_refused(sign(other, 0, SIGNATURE_RSA_PKCS1_SHA256, err), "token.key-changed");
    assert_ok(token_key_expect(&missing, token, "pkcs11:id=%09", signing, public_key, err));
    assert_refused(sign(missing, 0, SIGNATURE_RSA_PKCS1_SHA256, err), "token.key-changed");
}

static void test_decrypt(void **state)
{
    (void)state;
    _cleanup_token_key_ struct token_key *key =
        open_key("pkcs11:object=decrypt", KEY_PURPOSE_GUARDIAN_ENCRYPTION);
    assert_ok(decrypt(key, 0, ENCRYPTION_RSA_OAEP_SHA1, err));
    assert_refused(decrypt(key, 0, ENCRYPTION_RSA_OAEP_SHA256, err), "token.mechanism");
}

static void test_decrypt_raw(void **state)
{
    (void)state;
    struct token_options options = softhsm_options(ALPHA);
    options.raw_rsa = true;
    open_again(options);
    _cleanup_token_key_ struct token_key *key =
        open_key("pkcs11:object=decrypt", KEY_PURPOSE_GUARDIAN_ENCRYPTION);
    for (int i = 0; i < 20; i++)
        assert_ok(decrypt(key, 0, ENCRYPTION_RSA_OAEP_SHA256, err));
    assert_ok(decrypt(key, 0, ENCRYPTION_RSA_OAEP_SHA1, err));
}

/* A ciphertext of a stranger costs no session, whatever the module makes of it. */
static void refuse_ciphertexts(struct token_key *key, enum encryption_algorithm algorithm)
{
    uint8_t noise[256];
    struct secret plain = SECRET_EMPTY;
    random_bytes(noise, sizeof noise);
    noise[0] = 0;
    assert_ok(decrypt(key, 0, algorithm, err));
    unsigned long opened = faulty_calls("C_OpenSession");
    assert_refused(
        token_operations.decrypt(key, 0, algorithm, slice_of(noise, sizeof noise), &plain, err),
        "crypto.decryption-failed");
    memset(noise, 0xff, sizeof noise); /* larger than the modulus */
    assert_refused(
        token_operations.decrypt(key, 0, algorithm, slice_of(noise, sizeof noise), &plain, err),
        "crypto.decryption-failed");
    assert_refused(token_operations.decrypt(key, 0, algorithm, slice_of(noise, 255), &plain, err),
                   "crypto.decryption-failed");
    assert_int_equal(faulty_calls("C_OpenSession"), opened);
    assert_null(plain.data);
}

static void test_decrypt_noise(void **state)
{
    (void)state;
    struct token_options options = softhsm_options(ALPHA);
    options.raw_rsa = true;
    open_again(options);
    _cleanup_token_key_ struct token_key *key =
        open_key("pkcs11:object=decrypt", KEY_PURPOSE_GUARDIAN_ENCRYPTION);
    refuse_ciphertexts(key, ENCRYPTION_RSA_OAEP_SHA1);
    refuse_ciphertexts(key, ENCRYPTION_RSA_OAEP_SHA256);
}

/* A module that leaves an operation open that failed, as a real one does: the ciphertext is at
 * fault all the same, and others are decrypted as before. */
static void test_decrypt_left_open(void **state)
{
    (void)state;
    uint8_t noise[256] = {0};
    struct secret plain = SECRET_EMPTY;
    _cleanup_token_key_ struct token_key *key =
        open_key("pkcs11:object=decrypt", KEY_PURPOSE_GUARDIAN_ENCRYPTION);
    assert_ok(decrypt(key, 0, ENCRYPTION_RSA_OAEP_SHA1, err));
    faulty_rules("C_Decrypt fail 0x5 once");
    assert_refused(token_operations.decrypt(key, 0, ENCRYPTION_RSA_OAEP_SHA1,
                                            slice_of(noise, sizeof noise), &plain, err),
                   "crypto.decryption-failed");
    faulty_rules("C_Decrypt fail 0x5 once");
    assert_ok(decrypt(key, 0, ENCRYPTION_RSA_OAEP_SHA1, err));
    faulty_rules("C_Decrypt fail 0x5");
    assert_refused(decrypt(key, 0, ENCRYPTION_RSA_OAEP_SHA1, err), "token.lost");
    faulty_rules("");
    assert_ok(decrypt(key, 0, ENCRYPTION_RSA_OAEP_SHA1, err));
}

static void test_always_authenticate(void **state)
{
    (void)state;
    _cleanup_token_key_ struct token_key *key =
        open_key("pkcs11:object=confirm", KEY_PURPOSE_GUARDIAN_SIGNING);
    unsigned long logins = faulty_calls("C_Login");
    assert_ok(sign(key, 0, SIGNATURE_RSA_PKCS1_SHA256, err));
    assert_ok(sign(key, 0, SIGNATURE_RSA_PKCS1_SHA256, err));
    assert_int_equal(faulty_calls("C_Login"), logins + 2);
    /* A PIN that is wrong by now is not tried again, and leaves no operation behind. */
    faulty_rules("C_Login fail 0xA0");
    assert_refused(sign(key, 0, SIGNATURE_RSA_PKCS1_SHA256, err), "token.pin-wrong");
    faulty_rules("");
    assert_refused(sign(key, 0, SIGNATURE_RSA_PKCS1_SHA256, err), "token.pin-wrong");
    token_set_pin(token, softhsm_options(ALPHA).pin);
    assert_ok(sign(key, 0, SIGNATURE_RSA_PKCS1_SHA256, err));
}

/* Lies. */

static void test_wrong_signature(void **state)
{
    (void)state;
    _cleanup_token_key_ struct token_key *key =
        open_key("pkcs11:object=sign", KEY_PURPOSE_GUARDIAN_SIGNING);
    faulty_rules("C_Sign lie");
    assert_refused(sign(key, 0, SIGNATURE_RSA_PKCS1_SHA256, err), "token.wrong-answer");
    faulty_rules("C_Sign long");
    assert_refused(sign(key, 0, SIGNATURE_RSA_PKCS1_SHA256, err), "token.wrong-answer");
    /* CKR_BUFFER_TOO_SMALL */
    faulty_rules("C_Sign fail 0x150");
    assert_refused(sign(key, 0, SIGNATURE_RSA_PKCS1_SHA256, err), "token.failed");
    faulty_rules("");
    assert_ok(sign(key, 0, SIGNATURE_RSA_PKCS1_SHA256, err));
}

static void test_wrong_plaintext(void **state)
{
    (void)state;
    _cleanup_token_key_ struct token_key *key =
        open_key("pkcs11:object=decrypt", KEY_PURPOSE_GUARDIAN_ENCRYPTION);
    faulty_rules("C_Decrypt long");
    assert_refused(decrypt(key, 0, ENCRYPTION_RSA_OAEP_SHA1, err), "token.wrong-answer");
    faulty_rules("C_Decrypt lie");
    assert_refused(decrypt(key, 0, ENCRYPTION_RSA_OAEP_SHA1, err), "token.wrong-answer");
    faulty_rules("");
    assert_ok(decrypt(key, 0, ENCRYPTION_RSA_OAEP_SHA1, err));
}

static void test_lengths_of_attributes(void **state)
{
    (void)state;
    struct token_key *key = NULL;
    faulty_rules("C_GetAttributeValue long");
    assert_refused(
        token_key_open(&key, token, 0, "pkcs11:object=sign", KEY_PURPOSE_GUARDIAN_SIGNING, err),
        "token.wrong-answer");
    faulty_rules("C_FindObjects long");
    assert_refused(
        token_key_open(&key, token, 0, "pkcs11:object=sign", KEY_PURPOSE_GUARDIAN_SIGNING, err),
        "token.wrong-answer");
    /* CKR_ATTRIBUTE_TYPE_INVALID: it tells nothing at all. */
    faulty_rules("C_GetAttributeValue fail 0x12");
    assert_refused(
        token_key_open(&key, token, 0, "pkcs11:object=sign", KEY_PURPOSE_GUARDIAN_SIGNING, err),
        "token.key-unsupported");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_describe),
        TEST(test_text_without_padding),
        TEST(test_module),
        TEST(test_initialisation_fails),
        TEST(test_uri_refused),
        TEST(test_absent),
        TEST(test_ambiguous),
        TEST(test_serial_and_slot),
        TEST(test_slots_without_end),
        TEST(test_key),
        TEST(test_key_by_id),
        TEST(test_key_refused),
        TEST(test_key_that_may_not_sign),
        TEST(test_expected_key),
        TEST(test_decrypt),
        TEST(test_decrypt_raw),
        TEST(test_decrypt_noise),
        TEST(test_decrypt_left_open),
        TEST(test_always_authenticate),
        TEST(test_wrong_signature),
        TEST(test_wrong_plaintext),
        TEST(test_lengths_of_attributes),
    };
    return cmocka_run_group_tests(tests, set_up_group, softhsm_remove_template);
}
