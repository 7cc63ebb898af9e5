/* SPDX-License-Identifier: Apache-2.0 */
#include "softhsm.h"

static struct token *token;

static int set_up(void **state)
{
    (void)state;
    softhsm_set_up();
    struct token_options options = softhsm_options("pkcs11:token=alpha");
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

static bool generate(struct token_key **key, const char *uri, enum key_purpose purpose,
                     struct error *err)
{
    return token_key_generate(key, token, 0, uri, purpose, 2048, err);
}

/* All objects of the token, as the user sees them. */
static size_t count_objects(void)
{
    CK_SLOT_ID slots[4];
    CK_ULONG count = 4;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE handles[64];
    assert_int_equal(softhsm->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    assert_int_equal(softhsm->C_OpenSession(slots[0], CKF_SERIAL_SESSION, NULL, NULL, &session),
                     CKR_OK);
    assert_int_equal(softhsm->C_FindObjectsInit(session, NULL, 0), CKR_OK);
    assert_int_equal(softhsm->C_FindObjects(session, handles, 64, &count), CKR_OK);
    assert_int_equal(softhsm->C_FindObjectsFinal(session), CKR_OK);
    assert_int_equal(softhsm->C_CloseSession(session), CKR_OK);
    return count;
}

static void test_signing_key(void **state)
{
    (void)state;
    _cleanup_token_key_ struct token_key *key = NULL, *same = NULL;
    struct token_key *other = NULL;
    struct token_abilities abilities;
    assert_ok(generate(&key, "pkcs11:object=new", KEY_PURPOSE_GUARDIAN_SIGNING, err));
    assert_ok(token_key_probe(key, 0, &abilities, err));
    assert_int_equal(public_key_bits(token_key_public(key)), 2048);
    assert_ok(
        token_key_open(&same, token, 0, "pkcs11:object=new", KEY_PURPOSE_COMMUNICATIONS, err));
    assert_memory_equal(public_key_digest(token_key_public(key)),
                        public_key_digest(token_key_public(same)), 32);
    /* For its purpose alone. */
    assert_refused(
        token_key_open(&other, token, 0, "pkcs11:object=new", KEY_PURPOSE_GUARDIAN_ENCRYPTION, err),
        "token.key-usage");
}

static void test_encryption_key(void **state)
{
    (void)state;
    _cleanup_token_key_ struct token_key *key = NULL, *by_label = NULL;
    assert_ok(generate(&key, "pkcs11:id=%ab%cd", KEY_PURPOSE_GUARDIAN_ENCRYPTION, err));
    assert_ok(token_key_open(&by_label, token, 0, "pkcs11:object=abcd",
                             KEY_PURPOSE_GUARDIAN_ENCRYPTION, err));
    /* It signs the request for its certificate. */
    struct digest digest;
    digest_compute(&digest, DIGEST_SHA256, slice_from_text("a request"));
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, 1024);
    assert_ok(token_operations.sign(key, 0, SIGNATURE_RSA_PKCS1_SHA256, digest_slice(&digest),
                                    &signature, err));
}

static void test_never_over_another(void **state)
{
    (void)state;
    struct token_key *key = NULL;
    assert_ok(token_check(token, 0, NULL, err));
    size_t objects = count_objects();
    const enum key_purpose signing = KEY_PURPOSE_GUARDIAN_SIGNING;
    assert_refused(generate(&key, "pkcs11:object=sign", signing, err), "token.key-exists");
    assert_refused(generate(&key, "pkcs11:id=%01", signing, err), "token.key-exists");
    assert_refused(generate(&key, "pkcs11:object=new;id=%01", signing, err), "token.key-exists");
    assert_refused(generate(&key, "pkcs11:token=alpha", signing, err), "token.uri");
    assert_int_equal(count_objects(), objects);
}

static void test_nothing_left_behind(void **state)
{
    (void)state;
    struct token_key *key = NULL;
    assert_ok(token_check(token, 0, NULL, err));
    size_t objects = count_objects();
    const enum key_purpose signing = KEY_PURPOSE_GUARDIAN_SIGNING;
    faulty_rules("C_Sign lie");
    assert_refused(generate(&key, "pkcs11:object=new", signing, err), "token.wrong-answer");
    faulty_rules("C_SignInit fail 0x70");
    assert_refused(generate(&key, "pkcs11:object=new", signing, err), "token.mechanism");
    faulty_rules("C_GenerateKeyPair fail 0x70");
    assert_refused(generate(&key, "pkcs11:object=new", signing, err), "token.mechanism");
    /* CKR_TOKEN_WRITE_PROTECTED */
    faulty_rules("C_GenerateKeyPair fail 0xE2");
    assert_refused(generate(&key, "pkcs11:object=new", signing, err), "token.failed");
    faulty_rules("");
    assert_int_equal(count_objects(), objects);
    assert_null(key);
    assert_ok(generate(&key, "pkcs11:object=new", signing, err));
    token_key_free(&key);
}

static void test_what_cannot_be_removed(void **state)
{
    (void)state;
    struct token_key *key = NULL;
    struct error failure = {0};
    faulty_rules("C_Sign lie; C_DestroyObject fail 0x6");
    assert_false(generate(&key, "pkcs11:object=new", KEY_PURPOSE_GUARDIAN_SIGNING, &failure));
    assert_string_equal(failure.code->name, "token.wrong-answer");
    assert_non_null(strstr(failure.message, "could not be removed"));
}

static void test_label_too_long(void **state)
{
    (void)state;
    char uri[512] = "pkcs11:object=";
    memset(uri + strlen(uri), 'a', 300);
    struct token_key *key = NULL;
    assert_refused(generate(&key, uri, KEY_PURPOSE_GUARDIAN_SIGNING, err), "token.uri");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_signing_key),
        TEST(test_encryption_key),
        TEST(test_never_over_another),
        TEST(test_nothing_left_behind),
        TEST(test_what_cannot_be_removed),
        TEST(test_label_too_long),
    };
    return cmocka_run_group_tests(tests, softhsm_make_signing_template, softhsm_remove_template);
}
