/* SPDX-License-Identifier: Apache-2.0 */
/* Several threads, and several tokens. */
#include "keyholder/token_session.h"

#include <pthread.h>

#include "../wait.h"
#include "softhsm.h"

#define THREADS 4
#define ROUNDS 12

static const char *const labels[] = {"alpha", "beta"};

static void fill(void)
{
    for (size_t i = 0; i < 2; i++) {
        softhsm_make_token(labels[i]);
        CK_SESSION_HANDLE session = softhsm_login(labels[i]);
        softhsm_generate(session, (struct softhsm_key){"sign", 1, 2048, .sign = true});
        softhsm_generate(session, (struct softhsm_key){"decrypt", 2, 2048, .decrypt = true});
    }
}

static int set_up_group(void **state)
{
    (void)state;
    softhsm_make_template(fill);
    return 0;
}

static struct fixture {
    struct token *token;
    struct token_key *signing, *decrypting;
} fixtures[2];

static void open_fixture(struct fixture *fixture, const char *label, unsigned workers)
{
    _cleanup_free_ char *uri = memory_format("pkcs11:token=%s", label);
    struct token_options options = softhsm_options(uri);
    options.workers = workers;
    assert_ok(token_open(&fixture->token, &options, err));
    assert_ok(token_key_open(&fixture->signing, fixture->token, 0, "pkcs11:object=sign",
                             KEY_PURPOSE_GUARDIAN_SIGNING, err));
    assert_ok(token_key_open(&fixture->decrypting, fixture->token, 0, "pkcs11:object=decrypt",
                             KEY_PURPOSE_GUARDIAN_ENCRYPTION, err));
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
    faulty_rules("");
    for (size_t i = 0; i < 2; i++) {
        token_key_free(&fixtures[i].signing);
        token_key_free(&fixtures[i].decrypting);
    }
    /* The first one initialised the module, and ends it. */
    token_close(&fixtures[1].token);
    token_close(&fixtures[0].token);
    softhsm_tear_down();
    return 0;
}

static bool sign(struct fixture *fixture, unsigned worker, struct error *err)
{
    struct digest digest;
    digest_compute(&digest, DIGEST_SHA256, slice_from_text("a message"));
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, 1024);
    return token_operations.sign(fixture->signing, worker, SIGNATURE_RSA_PKCS1_SHA256,
                                 digest_slice(&digest), &signature, err);
}

static bool decrypt(struct fixture *fixture, unsigned worker, struct error *err)
{
    _cleanup_buf_ struct buf ciphertext;
    buf_init(&ciphertext, 1024);
    _cleanup_secret_ struct secret plain = SECRET_EMPTY;
    return public_key_encrypt(&ciphertext, token_key_public(fixture->decrypting),
                              ENCRYPTION_RSA_OAEP_SHA1, slice_from_text("a secret"), err) &&
           token_operations.decrypt(fixture->decrypting, worker, ENCRYPTION_RSA_OAEP_SHA1,
                                    buf_slice(&ciphertext), &plain, err) &&
           slice_equals_text(secret_slice(&plain), "a secret");
}

struct runner {
    pthread_t thread;
    struct fixture *fixture;
    unsigned worker;
    unsigned done;        /* out */
    struct error failure; /* out: the last */
};

static void *run(void *argument)
{
    struct runner *runner = argument;
    for (int i = 0; i < ROUNDS; i++)
        runner->done += sign(runner->fixture, runner->worker, &runner->failure) &&
                        decrypt(runner->fixture, runner->worker, &runner->failure);
    return NULL;
}

static void run_all(struct runner *runners, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_create(&runners[i].thread, NULL, run, &runners[i]), 0);
    for (size_t i = 0; i < count; i++)
        pthread_join(runners[i].thread, NULL);
}

static void assert_all_done(const struct runner *runners, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (runners[i].done != ROUNDS)
            fail_msg("%u of %d done: %s", runners[i].done, ROUNDS, runners[i].failure.message);
}

static void test_two_tokens(void **state)
{
    (void)state;
    struct runner runners[2 * THREADS] = {0};
    for (unsigned i = 0; i < 2; i++)
        open_fixture(&fixtures[i], labels[i], THREADS);
    for (unsigned i = 0; i < 2 * THREADS; i++) {
        runners[i].fixture = &fixtures[i % 2];
        runners[i].worker = i / 2;
    }
    run_all(runners, 2 * THREADS);
    assert_all_done(runners, 2 * THREADS);
}

/* Fewer sessions than threads: they take turns. */
static void test_few_sessions(void **state)
{
    (void)state;
    struct runner runners[THREADS] = {0};
    unsigned long opened = faulty_calls("C_OpenSession");
    open_fixture(&fixtures[0], "alpha", 2);
    for (unsigned i = 0; i < THREADS; i++) {
        runners[i].fixture = &fixtures[0];
        runners[i].worker = i;
    }
    run_all(runners, THREADS);
    assert_all_done(runners, THREADS);
    assert_int_equal(faulty_calls("C_OpenSession"), opened + 2);
}

/* While all of them work everything is lost: each error is one that may be tried again, and what
 * comes after works. */
static void test_losses_under_load(void **state)
{
    (void)state;
    static const char *const losses[] = {"0xB3", "0xE0", "0x101", "0x30", "0x190"};
    struct runner runners[THREADS] = {0};
    open_fixture(&fixtures[0], "alpha", THREADS);
    for (size_t loss = 0; loss < sizeof losses / sizeof losses[0]; loss++) {
        _cleanup_free_ char *rules =
            memory_format("C_Sign fail %s once; C_Sign fail %s once; C_Decrypt fail %s once; "
                          "C_SignInit fail %s once",
                          losses[loss], losses[loss], losses[loss], losses[loss]);
        faulty_rules(rules);
        for (unsigned i = 0; i < THREADS; i++)
            runners[i] = (struct runner){.fixture = &fixtures[0], .worker = i};
        run_all(runners, THREADS);
        for (unsigned i = 0; i < THREADS; i++)
            if (runners[i].failure.code != NULL)
                assert_int_equal(error_kind(&runners[i].failure), ERROR_UNAVAILABLE);
    }
    faulty_rules("");
    assert_ok(token_check(fixtures[0].token, 0, NULL, err));
    for (unsigned i = 0; i < THREADS; i++)
        runners[i] = (struct runner){.fixture = &fixtures[0], .worker = i};
    run_all(runners, THREADS);
    assert_all_done(runners, THREADS);
}

static void *sign_once(void *argument)
{
    struct runner *runner = argument;
    runner->done = sign(runner->fixture, runner->worker, &runner->failure);
    return NULL;
}

/* A call that does not return costs one session; who finds no other, or needs the module to be
 * initialised again, is told so. */
static void test_hanging_call(void **state)
{
    (void)state;
    open_fixture(&fixtures[0], "alpha", 2);
    struct runner runner = {.fixture = &fixtures[0], .worker = 0};
    struct runner other = {.fixture = &fixtures[0], .worker = 1};
    assert_ok(sign(&fixtures[0], 1, err));
    faulty_rules("C_SignInit hang");
    assert_int_equal(pthread_create(&runner.thread, NULL, sign_once, &runner), 0);
    WAIT_UNTIL(faulty_hanging() >= 1);
    assert_ok(decrypt(&fixtures[0], 1, err));
    assert_ok(decrypt(&fixtures[0], 0, err));
    assert_int_equal(pthread_create(&other.thread, NULL, sign_once, &other), 0);
    WAIT_UNTIL(faulty_hanging() >= 2);
    assert_refused(decrypt(&fixtures[0], 0, err), "token.busy");
    assert_refused(decrypt(&fixtures[0], 1, err), "token.busy");
    faulty_rules("");
    pthread_join(runner.thread, NULL);
    pthread_join(other.thread, NULL);
    assert_int_equal(runner.done + other.done, 2);
    faulty_rules("C_SignInit hang; C_DecryptInit fail 0x190");
    assert_int_equal(pthread_create(&runner.thread, NULL, sign_once, &runner), 0);
    WAIT_UNTIL(faulty_hanging() >= 1);
    assert_refused(decrypt(&fixtures[0], 1, err), "token.busy");
    faulty_rules("");
    pthread_join(runner.thread, NULL);
    assert_int_equal(runner.done, 1);
    assert_ok(token_check(fixtures[0].token, 1, NULL, err));
    assert_ok(decrypt(&fixtures[0], 0, err));
}

/* Nor does a login that does not return: sessions that work go on working. */
static void test_hanging_login(void **state)
{
    (void)state;
    open_fixture(&fixtures[0], "alpha", 2);
    struct runner runner = {.fixture = &fixtures[0], .worker = 1};
    assert_ok(sign(&fixtures[0], 0, err));
    faulty_rules("C_OpenSession hang");
    assert_int_equal(pthread_create(&runner.thread, NULL, sign_once, &runner), 0);
    WAIT_UNTIL(faulty_hanging() >= 1);
    for (int i = 0; i < 3; i++)
        assert_ok(sign(&fixtures[0], 0, err));
    _cleanup_secret_ struct secret pin = SECRET_EMPTY;
    secret_copy(&pin, slice_from_text(SOFTHSM_PIN));
    token_set_pin(fixtures[0].token, &pin);
    faulty_rules("C_OpenSession hang; C_SignInit fail 0xB3");
    assert_refused(sign(&fixtures[0], 0, err), "token.busy");
    faulty_rules("");
    pthread_join(runner.thread, NULL);
    assert_int_equal(runner.done, 1);
    assert_ok(sign(&fixtures[0], 0, err));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_two_tokens),   TEST(test_few_sessions),  TEST(test_losses_under_load),
        TEST(test_hanging_call), TEST(test_hanging_login),
    };
    return cmocka_run_group_tests(tests, set_up_group, softhsm_remove_template);
}
