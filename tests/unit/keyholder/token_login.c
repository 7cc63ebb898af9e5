/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/token_login.h"

#include "softhsm.h"

/* PKCS#11 v2.40 3.2, flags of CK_TOKEN_INFO, and results of C_Login, as rules write them. */
#define COUNT_LOW "C_GetTokenInfo set 0x10000;"
#define FINAL_TRY "C_GetTokenInfo set 0x20000;"
#define LOCKED "C_GetTokenInfo set 0x40000;"
#define TO_BE_CHANGED "C_GetTokenInfo set 0x80000;"
#define PIN_PAD "C_GetTokenInfo set 0x100;"
#define NO_PIN "C_GetTokenInfo clear 0x8;"
#define NOT_INITIALIZED "C_GetTokenInfo clear 0x400;"
#define NO_LOGIN "C_GetTokenInfo clear 0x4;"

static struct token *token;

static void fill(void)
{
    softhsm_make_token("alpha");
}

static int set_up_group(void **state)
{
    (void)state;
    softhsm_make_template(fill);
    return 0;
}

static void open_knowing(const char *pin, struct refused_pins *refused_pins)
{
    struct token_options options = softhsm_options("pkcs11:token=alpha");
    _cleanup_secret_ struct secret secret = SECRET_EMPTY;
    secret_copy(&secret, slice_from_text(pin));
    options.pin = pin[0] != 0 ? &secret : NULL;
    options.refused_pins = refused_pins;
    assert_ok(token_open(&token, &options, err));
}

static void open_with(const char *pin)
{
    open_knowing(pin, NULL);
}

static void give_pin(const char *pin)
{
    _cleanup_secret_ struct secret secret = SECRET_EMPTY;
    secret_copy(&secret, slice_from_text(pin));
    token_set_pin(token, &secret);
}

static int set_up(void **state)
{
    (void)state;
    softhsm_set_up();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    token_close(&token);
    softhsm_tear_down();
    return 0;
}

static void test_once_for_all(void **state)
{
    (void)state;
    open_with(SOFTHSM_PIN);
    unsigned long logins = faulty_calls("C_Login");
    assert_ok(token_check(token, 0, NULL, err));
    assert_ok(token_check(token, 1, NULL, err));
    assert_int_equal(faulty_calls("C_Login"), logins + 1);
}

static void test_wrong_pin(void **state)
{
    (void)state;
    open_with("4321");
    unsigned long logins = faulty_calls("C_Login");
    assert_refused(token_check(token, 0, NULL, err), "token.pin-wrong");
    assert_refused(token_check(token, 0, NULL, err), "token.pin-wrong");
    assert_refused(token_check(token, 1, NULL, err), "token.pin-wrong");
    assert_int_equal(faulty_calls("C_Login"), logins + 1);
    give_pin(SOFTHSM_PIN);
    assert_ok(token_check(token, 0, NULL, err));
    assert_int_equal(faulty_calls("C_Login"), logins + 2);
}

/* What a process before this one found out (refused_pins.h). */
static void test_refused_before(void **state)
{
    (void)state;
    struct refused_pins *refused = NULL;
    int memory = -1;
    assert_ok(refused_pins_make(&refused, &memory, err));
    open_knowing("4321", refused);
    unsigned long logins = faulty_calls("C_Login");
    assert_refused(token_check(token, 0, NULL, err), "token.pin-wrong");
    for (int i = 0; i < 3; i++) {
        token_close(&token);
        open_knowing("4321", refused);
        assert_refused(token_check(token, 0, NULL, err), "token.pin-wrong");
    }
    assert_int_equal(faulty_calls("C_Login"), logins + 1);
    /* An administrator may insist on it. */
    give_pin("4321");
    assert_refused(token_check(token, 0, NULL, err), "token.pin-wrong");
    assert_int_equal(faulty_calls("C_Login"), logins + 2);
    /* Another one is tried, and that one is good does not make the first one better. */
    token_close(&token);
    open_knowing(SOFTHSM_PIN, refused);
    assert_ok(token_check(token, 0, NULL, err));
    token_close(&token);
    open_knowing("4321", refused);
    assert_refused(token_check(token, 0, NULL, err), "token.pin-wrong");
    assert_int_equal(faulty_calls("C_Login"), logins + 3);
    /* A PIN that the token takes after all is good again. */
    refused_pins_add(refused, slice_from_text(SOFTHSM_PIN));
    give_pin(SOFTHSM_PIN);
    assert_ok(token_check(token, 0, NULL, err));
    assert_false(refused_pins_has(refused, slice_from_text(SOFTHSM_PIN)));
    token_close(&token);
    refused_pins_free(&refused);
    close(memory);
}

/* The right PIN is tried while tries are left, and the last one is not. */
static void test_tries(void **state)
{
    (void)state;
    open_with(SOFTHSM_PIN);
    unsigned long logins = faulty_calls("C_Login");
    faulty_rules(FINAL_TRY);
    assert_refused(token_check(token, 0, NULL, err), "token.pin-last-try");
    faulty_rules(LOCKED);
    assert_refused(token_check(token, 0, NULL, err), "token.pin-locked");
    assert_int_equal(faulty_calls("C_Login"), logins);
    faulty_rules(COUNT_LOW);
    assert_ok(token_check(token, 0, NULL, err));
}

static void test_missing_pin(void **state)
{
    (void)state;
    open_with("");
    assert_refused(token_check(token, 0, NULL, err), "token.pin-missing");
    give_pin(SOFTHSM_PIN);
    assert_ok(token_check(token, 0, NULL, err));
}

static void test_flags(void **state)
{
    (void)state;
    open_with(SOFTHSM_PIN);
    unsigned long logins = faulty_calls("C_Login");
    faulty_rules(PIN_PAD);
    assert_refused(token_check(token, 0, NULL, err), "token.pin-pad");
    faulty_rules(NO_PIN);
    assert_refused(token_check(token, 0, NULL, err), "token.unready");
    faulty_rules(NOT_INITIALIZED);
    assert_refused(token_check(token, 0, NULL, err), "token.unready");
    faulty_rules(TO_BE_CHANGED);
    assert_refused(token_check(token, 0, NULL, err), "token.pin-expired");
    assert_int_equal(faulty_calls("C_Login"), logins);
}

static void test_no_login(void **state)
{
    (void)state;
    open_with("");
    faulty_rules(NO_LOGIN);
    struct token_description description;
    assert_ok(token_check(token, 0, &description, err));
    assert_false(description.login);
}

static void test_results(void **state)
{
    (void)state;
    open_with(SOFTHSM_PIN);
    /* CKR_PIN_EXPIRED, CKR_USER_PIN_NOT_INITIALIZED, a vendor's own. */
    faulty_rules("C_Login fail 0xA3");
    assert_refused(token_check(token, 0, NULL, err), "token.pin-expired");
    faulty_rules("C_Login fail 0x102");
    assert_refused(token_check(token, 0, NULL, err), "token.unready");
    faulty_rules("C_Login fail 0x80000042");
    assert_refused(token_check(token, 0, NULL, err), "token.failed");
    /* CKR_PIN_LOCKED says nothing of this PIN: once it is unlocked, it does. */
    faulty_rules("C_Login fail 0xA4");
    assert_refused(token_check(token, 0, NULL, err), "token.pin-locked");
    faulty_rules("");
    assert_ok(token_check(token, 0, NULL, err));
}

/* An HSM that is ill while it looks at a PIN is not given it again and again within one call. */
static void test_ill_at_login(void **state)
{
    (void)state;
    open_with(SOFTHSM_PIN);
    unsigned long logins = faulty_calls("C_Login");
    faulty_rules("C_Login fail 0x30");
    assert_refused(token_check(token, 0, NULL, err), "token.failed");
    assert_int_equal(faulty_calls("C_Login"), logins + 1);
    faulty_rules("");
    assert_ok(token_check(token, 0, NULL, err));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_once_for_all), TEST(test_wrong_pin),   TEST(test_refused_before),
        TEST(test_tries),        TEST(test_missing_pin), TEST(test_flags),
        TEST(test_no_login),     TEST(test_results),     TEST(test_ill_at_login),
    };
    return cmocka_run_group_tests(tests, set_up_group, softhsm_remove_template);
}
