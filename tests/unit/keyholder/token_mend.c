/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/token_mend.h"

#include "../wait.h"
#include "softhsm.h"

static struct token *token;
static struct token_key *key;

static int set_up(void **state)
{
    (void)state;
    softhsm_set_up();
    struct token_options options = softhsm_options("pkcs11:token=alpha");
    assert_ok(token_open(&token, &options, err));
    assert_ok(
        token_key_open(&key, token, 0, "pkcs11:object=sign", KEY_PURPOSE_GUARDIAN_SIGNING, err));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    token_key_free(&key);
    token_close(&token);
    softhsm_tear_down();
    return 0;
}

static bool sign(unsigned worker, struct error *err)
{
    struct digest digest;
    digest_compute(&digest, DIGEST_SHA256, slice_from_text("a message"));
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, 1024);
    return token_operations.sign(key, worker, SIGNATURE_RSA_PKCS1_SHA256, digest_slice(&digest),
                                 &signature, err);
}

static bool signs_or_is_away(unsigned worker)
{
    struct error err = {0};
    if (sign(worker, &err))
        return true;
    assert_int_equal(error_kind(&err), ERROR_UNAVAILABLE);
    return false;
}

/* One loss of any kind is mended within the operation that meets it. */
static void test_one_loss(void **state)
{
    (void)state;
    static const char *const losses[] = {
        "0x5",   /* CKR_GENERAL_ERROR */
        "0x30",  /* CKR_DEVICE_ERROR */
        "0x32",  /* CKR_DEVICE_REMOVED */
        "0x60",  /* CKR_KEY_HANDLE_INVALID */
        "0x90",  /* CKR_OPERATION_ACTIVE */
        "0xB0",  /* CKR_SESSION_CLOSED */
        "0xB3",  /* CKR_SESSION_HANDLE_INVALID */
        "0xE0",  /* CKR_TOKEN_NOT_PRESENT */
        "0x101", /* CKR_USER_NOT_LOGGED_IN */
        "0x190", /* CKR_CRYPTOKI_NOT_INITIALIZED */
    };
    static const char *const functions[] = {"C_SignInit", "C_Sign"};
    for (size_t i = 0; i < sizeof losses / sizeof losses[0] * 2; i++) {
        _cleanup_free_ char *rule =
            memory_format("%s fail %s once", functions[i % 2], losses[i / 2]);
        print_message("%s\n", rule);
        faulty_rules(rule);
        /* The module is initialised again only now and then. */
        if (i / 2 == 9)
            WAIT_UNTIL(signs_or_is_away(0));
        else
            assert_ok(sign(0, err));
        faulty_rules("");
        assert_ok(sign(1, err));
    }
}

static void test_loss_that_stays(void **state)
{
    (void)state;
    faulty_rules("C_Sign fail 0x30");
    assert_refused(sign(0, err), "token.lost");
    struct error failure = {0};
    assert_false(sign(0, &failure));
    assert_int_equal(error_kind(&failure), ERROR_UNAVAILABLE);
    assert_non_null(strstr(failure.message, "CKR_DEVICE_ERROR"));
    faulty_rules("");
    assert_ok(sign(0, err));
}

/* Everything that a session is made with fails, and comes back. */
static void test_away(void **state)
{
    (void)state;
    static const char *const rules[] = {
        "C_Sign fail 0xE0; C_GetSlotList lie",       "C_Sign fail 0xE0; C_OpenSession fail 0xE0",
        "C_Sign fail 0xE0; C_OpenSession fail 0x30", "C_Sign fail 0xE0; C_GetSlotList fail 0x5",
        "C_Sign fail 0x190; C_Initialize fail 0x30", "C_Sign fail 0xE0; C_GetTokenInfo fail 0xE1",
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        print_message("%s\n", rules[i]);
        faulty_rules(rules[i]);
        struct error failure = {0};
        assert_false(sign(0, &failure));
        assert_int_equal(error_kind(&failure), ERROR_UNAVAILABLE);
        faulty_rules("");
        WAIT_UNTIL(signs_or_is_away(0));
        WAIT_UNTIL(signs_or_is_away(1));
    }
}

/* Requests do not each wait for a token that is away. */
static void test_failure_is_remembered(void **state)
{
    (void)state;
    faulty_rules("C_Sign fail 0xE0; C_GetSlotList lie");
    int64_t start = clock_monotonic_ms();
    assert_refused(sign(0, err), "token.absent");
    unsigned long looks = faulty_calls("C_GetSlotList");
    struct error failure = {0};
    assert_false(sign(0, &failure));
    assert_string_equal(failure.code->name, "token.absent");
    if (clock_monotonic_ms() - start < TOKEN_RETRY_MS)
        assert_int_equal(faulty_calls("C_GetSlotList"), looks);
    /* Who asks expressly is answered anew. */
    assert_refused(token_check(token, 0, NULL, err), "token.absent");
    assert_true(faulty_calls("C_GetSlotList") > looks);
    faulty_rules("");
    assert_ok(token_check(token, 0, NULL, err));
    assert_ok(sign(0, err));
}

static void test_no_session_left(void **state)
{
    (void)state;
    faulty_rules("C_OpenSession fail 0xB1");
    assert_ok(sign(0, err));
    assert_refused(token_check(token, 1, NULL, err), "token.busy");
    assert_ok(sign(0, err));
    faulty_rules("");
    assert_ok(token_check(token, 1, NULL, err));
}

/* What is really lost: somebody logged out, closed our sessions, ended the module. */
static void test_closed_behind_us(void **state)
{
    (void)state;
    CK_SLOT_ID slots[4];
    CK_ULONG count = 4;
    assert_ok(sign(1, err));
    assert_int_equal(softhsm->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    assert_int_equal(softhsm->C_CloseAllSessions(slots[0]), CKR_OK);
    assert_ok(sign(0, err));
    assert_ok(sign(1, err));
    CK_SESSION_HANDLE session;
    assert_int_equal(softhsm->C_OpenSession(slots[0], CKF_SERIAL_SESSION, NULL, NULL, &session),
                     CKR_OK);
    assert_int_equal(softhsm->C_Logout(session), CKR_OK);
    assert_ok(sign(0, err));
    assert_ok(sign(1, err));
    assert_int_equal(softhsm->C_Finalize(NULL), CKR_OK);
    assert_ok(sign(0, err));
    assert_ok(sign(1, err));
}

/* The folder with the token is taken away and brought back; the slot may be another one. */
static void test_unplugged(void **state)
{
    (void)state;
    softhsm_unplug();
    assert_int_equal(softhsm->C_Finalize(NULL), CKR_OK);
    assert_refused(sign(0, err), "token.absent");
    softhsm_plug();
    WAIT_UNTIL(signs_or_is_away(0));
    WAIT_UNTIL(signs_or_is_away(1));
}

static void test_another_token_of_that_name(void **state)
{
    (void)state;
    softhsm_unplug();
    softhsm->C_Finalize(NULL);
    assert_int_equal(softhsm->C_Initialize(NULL), CKR_OK);
    softhsm_make_token("alpha");
    softhsm_generate(softhsm_login("alpha"), (struct softhsm_key){"sign", 1, 2048, .sign = true});
    softhsm->C_Finalize(NULL);
    assert_refused(sign(0, err), "token.key-changed");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_one_loss),
        TEST(test_loss_that_stays),
        TEST(test_away),
        TEST(test_failure_is_remembered),
        TEST(test_no_session_left),
        TEST(test_closed_behind_us),
        TEST(test_unplugged),
        TEST(test_another_token_of_that_name),
    };
    return cmocka_run_group_tests(tests, softhsm_make_signing_template, softhsm_remove_template);
}
