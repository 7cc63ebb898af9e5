/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/keyring.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "../testing.h"

/* Keys of another kind than software: what a token's would be. They count, and wait when told. */
struct fake {
    atomic_int signed_count, done_count;
    pthread_barrier_t *pause; /* met twice within a signature */
    unsigned worker;
};

static bool fake_sign(void *key, unsigned worker, enum signature_algorithm algorithm,
                      struct slice digest, struct buf *out, struct error *err)
{
    (void)algorithm;
    (void)err;
    struct fake *fake = key;
    fake->worker = worker;
    if (fake->pause != NULL) {
        pthread_barrier_wait(fake->pause);
        pthread_barrier_wait(fake->pause);
    }
    /* Whoever holds a key for an operation keeps it alive. */
    assert_int_equal(atomic_load(&fake->done_count), 0);
    atomic_fetch_add(&fake->signed_count, 1);
    buf_append(out, digest);
    return true;
}

static bool fake_decrypt(void *key, unsigned worker, enum encryption_algorithm algorithm,
                         struct slice ciphertext, struct secret *out, struct error *err)
{
    (void)key;
    (void)worker;
    (void)algorithm;
    (void)err;
    secret_copy(out, ciphertext);
    return true;
}

static void fake_done(void *key)
{
    atomic_fetch_add(&((struct fake *)key)->done_count, 1);
}

static const struct key_operations fake_operations = {fake_sign, fake_decrypt, fake_done};

static struct private_key *private_keys[2];
static const struct public_key *public_keys[2];
static struct keyring *keyring;

static int make_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        if (!private_key_generate(&private_keys[i], PRIVATE_KEY_P256, NULL))
            return -1;
        public_keys[i] = private_key_public(private_keys[i]);
    }
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    private_key_free(&private_keys[0]);
    private_key_free(&private_keys[1]);
    return 0;
}

static int make_keyring(void **state)
{
    (void)state;
    keyring = keyring_new();
    return 0;
}

static int free_keyring(void **state)
{
    (void)state;
    keyring_free(&keyring);
    return 0;
}

static void add(enum key_purpose purpose, size_t key, struct fake *fake)
{
    assert_ok(keyring_add(keyring, purpose, public_keys[key], &fake_operations, fake, err));
}

static bool sign(unsigned worker, size_t key, struct error *err)
{
    static const uint8_t digest[32] = {1};
    _cleanup_buf_ struct buf out;
    buf_init(&out, 100);
    return keyring_sign(keyring, worker, public_key_digest(public_keys[key]),
                        SIGNATURE_ECDSA_SHA256, slice_of(digest, sizeof digest), &out, err);
}

static void operations_reach_the_key_with_the_worker(void **state)
{
    (void)state;
    struct fake fakes[2] = {0};
    add(KEY_PURPOSE_ATTESTATION_SIGNER, 0, &fakes[0]);
    add(KEY_PURPOSE_ATTESTATION_SIGNER, 1, &fakes[1]);
    assert_ok(sign(7, 1, err));
    assert_int_equal(atomic_load(&fakes[0].signed_count), 0);
    assert_int_equal(atomic_load(&fakes[1].signed_count), 1);
    assert_int_equal(fakes[1].worker, 7);
    keyring_free(&keyring);
    assert_int_equal(atomic_load(&fakes[0].done_count), 1);
    assert_int_equal(atomic_load(&fakes[1].done_count), 1);
}

static void twice_is_once(void **state)
{
    (void)state;
    struct fake first = {0}, second = {0};
    add(KEY_PURPOSE_ATTESTATION_SIGNER, 0, &first);
    add(KEY_PURPOSE_ATTESTATION_SIGNER, 0, &second);
    assert_int_equal(atomic_load(&second.done_count), 1);
    assert_ok(sign(0, 0, err));
    assert_int_equal(atomic_load(&first.signed_count), 1);
    assert_ok(keyring_forget(keyring, public_key_digest(public_keys[0]), err));
    assert_int_equal(atomic_load(&first.done_count), 1);
    assert_refused(sign(0, 0, err), "keyholder.key-unknown");
}

static void a_second_purpose_adds_and_does_not_widen_the_first(void **state)
{
    (void)state;
    struct fake audit = {0}, signer = {0};
    add(KEY_PURPOSE_AUDIT, 0, &audit);
    assert_refused(sign(0, 0, err), "keyholder.purpose");
    add(KEY_PURPOSE_ATTESTATION_SIGNER, 0, &signer);
    assert_ok(sign(0, 0, err));
    assert_int_equal(atomic_load(&audit.signed_count), 0);
    assert_int_equal(atomic_load(&signer.signed_count), 1);
    assert_ok(keyring_forget(keyring, public_key_digest(public_keys[0]), err));
    assert_int_equal(atomic_load(&audit.done_count), 1);
    assert_int_equal(atomic_load(&signer.done_count), 1);
}

static void *sign_in_thread(void *context)
{
    return sign(0, 0, context) ? (void *)1 : NULL;
}

static void a_forgotten_key_lives_until_its_operation_ends(void **state)
{
    (void)state;
    pthread_barrier_t pause;
    pthread_barrier_init(&pause, NULL, 2);
    struct fake fake = {.pause = &pause};
    struct error error = {0};
    add(KEY_PURPOSE_ATTESTATION_SIGNER, 0, &fake);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, sign_in_thread, &error), 0);
    pthread_barrier_wait(&pause);
    assert_ok(keyring_forget(keyring, public_key_digest(public_keys[0]), err));
    assert_int_equal(atomic_load(&fake.done_count), 0);
    pthread_barrier_wait(&pause);
    void *signed_well;
    pthread_join(thread, &signed_well);
    assert_non_null(signed_well);
    assert_int_equal(atomic_load(&fake.done_count), 1);
    pthread_barrier_destroy(&pause);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, make_keyring, free_keyring)
    const struct CMUnitTest tests[] = {
        TEST(operations_reach_the_key_with_the_worker),
        TEST(twice_is_once),
        TEST(a_second_purpose_adds_and_does_not_widen_the_first),
        TEST(a_forgotten_key_lives_until_its_operation_ends),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
