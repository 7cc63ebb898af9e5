/* SPDX-License-Identifier: Apache-2.0 */
#include "softhsm.h"

#define PKCS1                                                              \
    (1u << SIGNATURE_RSA_PKCS1_SHA256 | 1u << SIGNATURE_RSA_PKCS1_SHA384 | \
     1u << SIGNATURE_RSA_PKCS1_SHA512)
#define PSS (1u << SIGNATURE_RSA_PSS_SHA256)
#define OAEP_SHA1 (1u << ENCRYPTION_RSA_OAEP_SHA1)
#define OAEP_SHA256 (1u << ENCRYPTION_RSA_OAEP_SHA256)

static struct token *token;

static void fill(void)
{
    softhsm_make_token("alpha");
    CK_SESSION_HANDLE session = softhsm_login("alpha");
    softhsm_generate(session, (struct softhsm_key){"sign", 1, 2048, .sign = true});
    softhsm_generate(session, (struct softhsm_key){"decrypt", 2, 2048, .decrypt = true});
}

static int set_up_group(void **state)
{
    (void)state;
    softhsm_make_template(fill);
    return 0;
}

static void open_token(bool raw_rsa)
{
    struct token_options options = softhsm_options("pkcs11:token=alpha");
    options.raw_rsa = raw_rsa;
    token_close(&token);
    assert_ok(token_open(&token, &options, err));
}

static int set_up(void **state)
{
    (void)state;
    softhsm_set_up();
    open_token(false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    token_close(&token);
    softhsm_tear_down();
    return 0;
}

/* A fresh key each time: what it can do is learned, not remembered. */
static bool probe(struct token_abilities *out, enum key_purpose purpose, const char *rules,
                  struct error *err)
{
    _cleanup_token_key_ struct token_key *key = NULL;
    faulty_rules("");
    const char *uri =
        purpose == KEY_PURPOSE_GUARDIAN_ENCRYPTION ? "pkcs11:object=decrypt" : "pkcs11:object=sign";
    if (!token_key_open(&key, token, 0, uri, purpose, err))
        return false;
    faulty_rules(rules);
    return token_key_probe(key, 0, out, err);
}

static void test_signing(void **state)
{
    (void)state;
    struct token_abilities abilities;
    assert_ok(probe(&abilities, KEY_PURPOSE_GUARDIAN_SIGNING, "", err));
    assert_int_equal(abilities.signatures, PKCS1 | PSS);
    assert_int_equal(abilities.encryptions, 0);
    assert_int_equal(abilities.raw, 0);
}

static void test_encryption(void **state)
{
    (void)state;
    struct token_abilities abilities;
    assert_ok(probe(&abilities, KEY_PURPOSE_GUARDIAN_ENCRYPTION, "", err));
    assert_int_equal(abilities.signatures, 0);
    assert_int_equal(abilities.encryptions, OAEP_SHA1);
    assert_int_equal(abilities.raw, 0);
}

static void test_raw(void **state)
{
    (void)state;
    struct token_abilities abilities;
    open_token(true);
    assert_ok(probe(&abilities, KEY_PURPOSE_GUARDIAN_ENCRYPTION, "", err));
    assert_int_equal(abilities.encryptions, OAEP_SHA1 | OAEP_SHA256);
    assert_int_equal(abilities.raw, OAEP_SHA256);
}

/* CKR_MECHANISM_INVALID for all, and results with which a token that knows less answers. */
static void test_unable(void **state)
{
    (void)state;
    struct token_abilities abilities;
    const enum key_purpose signing = KEY_PURPOSE_GUARDIAN_SIGNING,
                           encryption = KEY_PURPOSE_GUARDIAN_ENCRYPTION;
    assert_refused(probe(&abilities, signing, "C_SignInit fail 0x70", err), "token.mechanism");
    assert_refused(probe(&abilities, signing, "C_Sign fail 0x5", err), "token.mechanism");
    assert_refused(probe(&abilities, encryption, "C_DecryptInit fail 0x70", err),
                   "token.mechanism");
    assert_refused(probe(&abilities, encryption, "C_Decrypt fail 0x6", err), "token.mechanism");
    /* The first one alone, and it is the one that a guardian needs; or not. */
    assert_refused(probe(&abilities, signing, "C_SignInit fail 0x70 once", err), "token.mechanism");
    assert_ok(probe(&abilities, encryption, "C_DecryptInit fail 0x70 once", err));
    assert_int_equal(abilities.encryptions, OAEP_SHA1);
}

static void test_lies(void **state)
{
    (void)state;
    struct token_abilities abilities;
    const enum key_purpose signing = KEY_PURPOSE_GUARDIAN_SIGNING,
                           encryption = KEY_PURPOSE_GUARDIAN_ENCRYPTION;
    assert_refused(probe(&abilities, signing, "C_Sign lie once", err), "token.wrong-answer");
    assert_refused(probe(&abilities, signing, "C_Sign long", err), "token.wrong-answer");
    assert_refused(probe(&abilities, encryption, "C_Decrypt lie", err), "token.wrong-answer");
    assert_refused(probe(&abilities, encryption, "C_Decrypt long", err), "token.wrong-answer");
    open_token(true);
    assert_refused(probe(&abilities, encryption, "C_Decrypt lie once", err), "token.wrong-answer");
}

/* A token that goes away meanwhile has not shown that it knows nothing. */
static void test_away(void **state)
{
    (void)state;
    struct token_abilities abilities;
    assert_refused(probe(&abilities, KEY_PURPOSE_GUARDIAN_SIGNING,
                         "C_SignInit fail 0xE0; C_GetSlotList lie", err),
                   "token.absent");
    assert_refused(probe(&abilities, KEY_PURPOSE_GUARDIAN_SIGNING,
                         "C_SignInit fail 0x30; C_GetSessionInfo fail 0x30", err),
                   "token.failed");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_signing), TEST(test_encryption), TEST(test_raw),
        TEST(test_unable),  TEST(test_lies),       TEST(test_away),
    };
    return cmocka_run_group_tests(tests, set_up_group, softhsm_remove_template);
}
