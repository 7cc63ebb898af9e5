/* SPDX-License-Identifier: Apache-2.0 */

/* Many threads at a time, and a keyholder that is killed or stopped under them. */

#include "keyholder_calls.h"

#include <pthread.h>

#define THREADS 8
#define ROUNDS 40

struct load {
    pthread_t thread;
    const struct public_key *signing, *encryption, *audit;
    unsigned done, away;
    struct error unexpected;
};

/* Counts what was done and what failed because the process is away; keeps anything else. */
static bool counted(struct load *load, bool ok, const struct error *err)
{
    if (ok)
        load->done++;
    else if (err->code == &keyholder_away)
        load->away++;
    else
        load->unexpected = *err;
    return ok;
}

static bool round_of(struct load *load)
{
    struct error err = {0};
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, 1024);
    _cleanup_secret_ struct secret plain = SECRET_EMPTY;
    if (!counted(load, sign(load->signing, SIGNATURE_RSA_PKCS1_SHA256, &signature, &err), &err))
        return false;
    if (!public_key_verify(load->signing, SIGNATURE_RSA_PKCS1_SHA256, MESSAGE,
                           buf_slice(&signature), &load->unexpected))
        return false;
    if (!counted(load, decrypt(load->encryption, ENCRYPTION_RSA_OAEP_SHA256, &plain, &err), &err))
        return false;
    if (!slice_equals_text(secret_slice(&plain), "a transport key"))
        return error_set(&load->unexpected, &keyholder_message, NULL, NULL, "another plaintext");
    buf_reset(&signature);
    return counted(load, checkpoint(load->audit, &signature, &err), &err);
}

static void *rounds(void *context)
{
    struct load *load = context;
    for (int i = 0; i < ROUNDS && round_of(load); i++)
        ;
    return NULL;
}

static void *until_away(void *context)
{
    struct load *load = context;
    while (round_of(load))
        ;
    return NULL;
}

static void start_loads(struct load *loads, void *(*run)(void *), const struct public_key *signing,
                        const struct public_key *encryption, const struct public_key *audit)
{
    for (size_t i = 0; i < THREADS; i++) {
        loads[i] = (struct load){.signing = signing, .encryption = encryption, .audit = audit};
        assert_int_equal(pthread_create(&loads[i].thread, NULL, run, &loads[i]), 0);
    }
}

static void nothing_unexpected(const struct load *load)
{
    char text[1200];
    if (load->unexpected.code != NULL)
        fail_msg("%s", error_format(&load->unexpected, text, sizeof text));
}

static void eight_threads_share_four_channels(void **state)
{
    (void)state;
    _cleanup_public_key_ struct public_key *signing =
        running_key(&running, KEY_PURPOSE_GUARDIAN_SIGNING, PRIVATE_KEY_RSA_2048, NULL);
    _cleanup_public_key_ struct public_key *encryption =
        running_key(&running, KEY_PURPOSE_GUARDIAN_ENCRYPTION, PRIVATE_KEY_RSA_2048, NULL);
    _cleanup_public_key_ struct public_key *audit =
        running_key(&running, KEY_PURPOSE_AUDIT, PRIVATE_KEY_P256, NULL);
    struct load loads[THREADS];
    start_loads(loads, rounds, signing, encryption, audit);
    /* Keys come and go meanwhile. */
    for (int i = 0; i < 20; i++) {
        _cleanup_public_key_ struct public_key *other =
            running_key(&running, KEY_PURPOSE_AUDIT, PRIVATE_KEY_P256, NULL);
        assert_ok(keyholder_forget(running.keyholder, public_key_digest(other), err));
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(loads[i].thread, NULL);
        nothing_unexpected(&loads[i]);
        assert_int_equal(loads[i].done, 3 * ROUNDS);
    }
    assert_true(keyholder_alive(running.keyholder));
}

static void when_it_is_killed_calls_fail_and_afterwards_work_again(void **state)
{
    (void)state;
    struct buf sealed[3];
    for (size_t i = 0; i < 3; i++)
        buf_init(&sealed[i], KEYHOLDER_SEALED_MAX);
    _cleanup_public_key_ struct public_key *signing =
        running_key(&running, KEY_PURPOSE_GUARDIAN_SIGNING, PRIVATE_KEY_RSA_2048, &sealed[0]);
    _cleanup_public_key_ struct public_key *encryption =
        running_key(&running, KEY_PURPOSE_GUARDIAN_ENCRYPTION, PRIVATE_KEY_RSA_2048, &sealed[1]);
    _cleanup_public_key_ struct public_key *audit =
        running_key(&running, KEY_PURPOSE_AUDIT, PRIVATE_KEY_P256, &sealed[2]);
    for (int killing = 0; killing < 3; killing++) {
        struct load loads[THREADS];
        start_loads(loads, until_away, signing, encryption, audit);
        running_kill(&running);
        for (size_t i = 0; i < THREADS; i++) {
            pthread_join(loads[i].thread, NULL);
            nothing_unexpected(&loads[i]);
            assert_int_equal(loads[i].away, 1);
        }
        assert_false(keyholder_alive(running.keyholder));
        does_not_sign(signing, SIGNATURE_RSA_PKCS1_SHA256, "keyholder.away");

        int sockets[4];
        running_spawn(&running, sockets, 4);
        keyholder_replace(running.keyholder, sockets, 4);
        does_not_sign(signing, SIGNATURE_RSA_PKCS1_SHA256, "keyholder.key-unknown");
        for (size_t i = 0; i < 3; i++)
            assert_ok(keyholder_load(running.keyholder, buf_slice(&sealed[i]), NULL, err));
        signs(signing, SIGNATURE_RSA_PKCS1_SHA256);
        assert_true(keyholder_alive(running.keyholder));
    }
    for (size_t i = 0; i < 3; i++)
        buf_done(&sealed[i]);
}

static void a_stopped_keyholder_holds_nobody_up_beyond_the_deadline(void **state)
{
    (void)state;
    _cleanup_public_key_ struct public_key *key =
        running_key(&running, KEY_PURPOSE_AUDIT, PRIVATE_KEY_P256, NULL);
    keyholder_set_deadline(running.keyholder, 100);
    assert_int_equal(kill(running.pid, SIGSTOP), 0);
    int status;
    assert_int_equal(waitpid(running.pid, &status, WUNTRACED), running.pid);
    assert_true(WIFSTOPPED(status));
    does_not_checkpoint(key, "keyholder.stuck");
    assert_false(keyholder_alive(running.keyholder));
    assert_int_equal(kill(running.pid, SIGCONT), 0);
    keyholder_set_deadline(running.keyholder, 10000);
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, 1024);
    assert_ok(checkpoint(key, &signature, err));
    assert_true(keyholder_alive(running.keyholder));
}

static void count_stuck(void *context)
{
    (*(unsigned *)context)++;
}

/* What takes a minute is not asked of one that does not answer what takes no time; who finds that
 * out has told of it. */
static void nobody_waits_a_minute_for_a_stopped_keyholder(void **state)
{
    (void)state;
    unsigned told = 0;
    struct public_key *key = NULL;
    _cleanup_buf_ struct buf sealed;
    buf_init(&sealed, KEYHOLDER_SEALED_MAX);
    assert_ok(keyholder_answers(running.keyholder, err));
    keyholder_set_deadline(running.keyholder, 100);
    keyholder_watch(running.keyholder, count_stuck, &told);
    assert_int_equal(kill(running.pid, SIGSTOP), 0);
    int status;
    assert_int_equal(waitpid(running.pid, &status, WUNTRACED), running.pid);
    assert_refused(keyholder_generate(running.keyholder, KEY_PURPOSE_AUDIT, PRIVATE_KEY_P256, &key,
                                      &sealed, err),
                   "keyholder.stuck");
    assert_int_equal(told, 1);
    running_kill(&running);
    keyholder_replace(running.keyholder, NULL, 0);
    assert_refused(keyholder_answers(running.keyholder, err), "keyholder.away");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYHOLDER_TEST(eight_threads_share_four_channels),
        KEYHOLDER_TEST(when_it_is_killed_calls_fail_and_afterwards_work_again),
        KEYHOLDER_TEST(a_stopped_keyholder_holds_nobody_up_beyond_the_deadline),
        KEYHOLDER_TEST(nobody_waits_a_minute_for_a_stopped_keyholder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
