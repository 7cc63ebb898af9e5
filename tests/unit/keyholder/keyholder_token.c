/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How calls find the process of their key. What a token's process does with them is not this test's
 * matter: here it is a second keyholder of software keys, which answers the same messages.
 */
#include "keyholder/keyholder_token.h"

#include <stdatomic.h>

#include "base/file.h"
#include "base/memory.h"
#include "crypto/private_key.h"
#include "keyholder/errors.h"
#include "running.h"

#define MESSAGE slice_from_text("what is signed")
#define PLAIN slice_from_text("a transport key")

static struct running software, hsm;
static int hsm_channels[4]; /* two for its own client, two for the token's place */
static struct keyholder *both;
static unsigned token;
static atomic_uint stuck_calls;
static struct public_key *software_signing, *software_encryption, *hsm_signing, *hsm_encryption;

static void stuck(void *context)
{
    atomic_fetch_add((atomic_uint *)context, 1);
}

/* Keys are made once, by a process of the same folder: that takes seconds in a sanitized build. */
static struct made_key {
    struct running *running;
    enum key_purpose purpose;
    struct public_key **key;
    struct buf sealed;
} keys[] = {
    {&software, KEY_PURPOSE_GUARDIAN_SIGNING, &software_signing, {0}},
    {&software, KEY_PURPOSE_GUARDIAN_ENCRYPTION, &software_encryption, {0}},
    {&hsm, KEY_PURPOSE_GUARDIAN_SIGNING, &hsm_signing, {0}},
    {&hsm, KEY_PURPOSE_GUARDIAN_ENCRYPTION, &hsm_encryption, {0}},
};
#define KEYS (sizeof keys / sizeof keys[0])

static void spawn(struct running *running, int *channels, size_t count)
{
    running_spawn(running, channels, count);
    running->keyholder = keyholder_new(channels, 2);
}

static void end(struct running *running)
{
    keyholder_free(&running->keyholder);
    assert_int_equal(running_wait(running), 0);
}

static int make_keys(void **state)
{
    (void)state;
    int channels[2];
    struct running *const all[] = {&software, &hsm};
    for (size_t i = 0; i < 2; i++) {
        folder_make(all[i]->folder);
        spawn(all[i], channels, 2);
        for (size_t k = 0; k < KEYS; k++) {
            if (keys[k].running != all[i])
                continue;
            buf_init(&keys[k].sealed, KEYHOLDER_SEALED_MAX);
            *keys[k].key =
                running_key(all[i], keys[k].purpose, PRIVATE_KEY_RSA_2048, &keys[k].sealed);
        }
        end(all[i]);
    }
    return 0;
}

static int remove_keys(void **state)
{
    (void)state;
    for (size_t k = 0; k < KEYS; k++) {
        public_key_free(keys[k].key);
        buf_done(&keys[k].sealed);
    }
    folder_remove(software.folder);
    folder_remove(hsm.folder);
    return 0;
}

static int start(void **state)
{
    (void)state;
    int channels[2];
    atomic_store(&stuck_calls, 0);
    spawn(&software, channels, 2);
    spawn(&hsm, hsm_channels, 4);
    for (size_t k = 0; k < KEYS; k++)
        assert_ok(
            keyholder_load(keys[k].running->keyholder, buf_slice(&keys[k].sealed), NULL, err));
    both = software.keyholder;
    token = keyholder_token_add(both, "hsm", 2000, stuck, &stuck_calls);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    kill(hsm.pid, SIGCONT); /* in case a test failed while it was stopped */
    file_close(&hsm_channels[2]);
    file_close(&hsm_channels[3]);
    end(&software);
    end(&hsm);
    return 0;
}

/* Takes the channels over. */
static void start_token(struct keyholder *keyholder, unsigned number)
{
    keyholder_token_replace(keyholder, number, hsm_channels + 2, 2);
    hsm_channels[2] = hsm_channels[3] = -1;
}

static void is_there(void)
{
    start_token(both, token);
    keyholder_token_assign(both, token, public_key_digest(hsm_signing), NULL);
    keyholder_token_assign(both, token, public_key_digest(hsm_encryption), NULL);
}

static bool sign(const struct public_key *key, struct error *err)
{
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, 1024);
    return keyholder_sign(both, public_key_digest(key), SIGNATURE_RSA_PKCS1_SHA256, MESSAGE,
                          &signature, err) &&
           public_key_verify(key, SIGNATURE_RSA_PKCS1_SHA256, MESSAGE, buf_slice(&signature), err);
}

static bool roll(const struct public_key *encryption, const struct public_key *signing, bool *right,
                 struct error *err)
{
    _cleanup_buf_ struct buf ciphertext, signature;
    _cleanup_secret_ struct secret plain = SECRET_EMPTY;
    bool opened = false;
    buf_init(&ciphertext, 1024);
    buf_init(&signature, 1024);
    if (!public_key_encrypt(&ciphertext, encryption, ENCRYPTION_RSA_OAEP_SHA256, PLAIN, err))
        return false;
    const struct keyholder_roll wanted = {.decrypting_key_id = public_key_digest(encryption),
                                          .encryption = ENCRYPTION_RSA_OAEP_SHA256,
                                          .ciphertext = buf_slice(&ciphertext),
                                          .signing_key_id = public_key_digest(signing),
                                          .signature = SIGNATURE_RSA_PSS_SHA256,
                                          .message = MESSAGE};
    if (!keyholder_roll(both, &wanted, &plain, &opened, &signature, err)) {
        assert_null(plain.data); /* whoever tries another key would leave it behind */
        return false;
    }
    *right =
        opened && slice_equal(secret_slice(&plain), PLAIN) &&
        public_key_verify(signing, SIGNATURE_RSA_PSS_SHA256, MESSAGE, buf_slice(&signature), err);
    return true;
}

static void each_key_is_used_where_it_is(void **state)
{
    (void)state;
    is_there();
    assert_int_equal(keyholder_token_count(both), 1);
    assert_string_equal(keyholder_token_name(both, token), "token hsm");
    assert_int_equal(keyholder_token_named(both, "hsm"), token);
    assert_int_equal(keyholder_token_named(both, "other"), 0);
    assert_int_equal(keyholder_token_of(both, public_key_digest(hsm_signing)), token);
    assert_int_equal(keyholder_token_of(both, public_key_digest(software_signing)), 0);
    assert_ok(sign(software_signing, err));
    assert_ok(sign(hsm_signing, err));
    assert_true(keyholder_token_alive(both, token));
}

static void a_roll_may_need_two_processes(void **state)
{
    (void)state;
    const struct public_key *const encryptions[] = {software_encryption, hsm_encryption};
    const struct public_key *const signings[] = {software_signing, hsm_signing};
    is_there();
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < 2; k++) {
            bool right = false;
            assert_ok(roll(encryptions[i], signings[k], &right, err));
            assert_true(right);
        }
    }
}

/* A ciphertext that does not open is no error, wherever the keys are. */
static void a_roll_apart_tells_no_more_than_one_together(void **state)
{
    (void)state;
    uint8_t garbage[256] = {1};
    const struct public_key *const signings[] = {software_signing, hsm_signing};
    is_there();
    for (size_t i = 0; i < 2; i++) {
        _cleanup_buf_ struct buf signature;
        _cleanup_secret_ struct secret plain = SECRET_EMPTY;
        bool opened = true;
        buf_init(&signature, 1024);
        const struct keyholder_roll wanted = {.decrypting_key_id =
                                                  public_key_digest(hsm_encryption),
                                              .encryption = ENCRYPTION_RSA_OAEP_SHA1,
                                              .ciphertext = slice_of(garbage, sizeof garbage),
                                              .signing_key_id = public_key_digest(signings[i]),
                                              .signature = SIGNATURE_RSA_PKCS1_SHA256,
                                              .message = MESSAGE};
        assert_ok(keyholder_roll(both, &wanted, &plain, &opened, &signature, err));
        assert_false(opened);
        assert_int_equal(plain.size, 0);
        assert_int_equal(signature.size, 256);
    }
}

static void a_token_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct error found = {0};
    bool right;
    keyholder_token_assign(both, token, public_key_digest(hsm_signing), NULL);
    keyholder_token_assign(both, token, public_key_digest(hsm_encryption), NULL);
    assert_false(keyholder_token_alive(both, token));
    assert_false(sign(hsm_signing, &found));
    assert_ptr_equal(found.code, &keyholder_token_away);
    assert_string_equal(found.object, "token hsm");
    assert_refused(roll(software_encryption, hsm_signing, &right, err), "keyholder.token-away");
    assert_refused(roll(hsm_encryption, software_signing, &right, err), "keyholder.token-away");
    assert_ok(sign(software_signing, err));
    assert_ok(roll(software_encryption, software_signing, &right, err));
}

static void a_new_process_has_to_be_told_of_its_keys(void **state)
{
    (void)state;
    bool right;
    is_there();
    assert_ok(sign(hsm_signing, err));
    keyholder_token_replace(both, token, NULL, 0);
    assert_refused(sign(hsm_signing, err), "keyholder.token-away");
    assert_refused(roll(hsm_encryption, hsm_signing, &right, err), "keyholder.token-away");
}

/* It is known, only not to the process of now: try again. */
static void a_key_that_its_process_lacks_is_retryable(void **state)
{
    (void)state;
    is_there();
    keyholder_token_assign(both, token, public_key_digest(software_signing), NULL);
    assert_refused(sign(software_signing, err), "keyholder.token-away");
    assert_refused(keyholder_forget(both, public_key_digest(software_signing), err),
                   "keyholder.token-away");
    assert_ok(sign(software_signing, err)); /* nobody says any more that it is in a token */
}

static void a_key_of_no_token_says_so(void **state)
{
    (void)state;
    struct error trouble = {0};
    error_set(&trouble, &keyholder_token_away, NULL, "pkcs11:token=x", "no section has it");
    keyholder_token_assign(both, 0, public_key_digest(hsm_signing), &trouble);
    assert_int_equal(keyholder_token_of(both, public_key_digest(hsm_signing)), 0);
    struct error found = {0};
    assert_false(sign(hsm_signing, &found));
    assert_string_equal(found.object, "pkcs11:token=x");
}

/* Another kind of keyholder answers in step, and refuses. */
static void software_keyholders_know_no_tokens(void **state)
{
    (void)state;
    struct keyholder_abilities abilities;
    _cleanup_public_key_ struct public_key *key = NULL;
    _cleanup_buf_ struct buf text, more;
    buf_init(&text, 1024);
    buf_init(&more, 1024);
    is_there();
    assert_refused(keyholder_token_check(both, token, &text, &more, err), "keyholder.message");
    assert_refused(keyholder_token_expect(both, token, KEY_PURPOSE_GUARDIAN_SIGNING,
                                          "pkcs11:token=a;object=b", hsm_signing, err),
                   "keyholder.message");
    assert_refused(keyholder_token_find(both, token, KEY_PURPOSE_GUARDIAN_SIGNING,
                                        "pkcs11:token=a;object=b", &key, &text, &abilities, err),
                   "keyholder.message");
    assert_refused(keyholder_token_make(both, token, KEY_PURPOSE_GUARDIAN_SIGNING,
                                        PRIVATE_KEY_RSA_2048, "pkcs11:token=a;object=b", &key, err),
                   "keyholder.message");
    assert_refused(keyholder_token_find(both, token, KEY_PURPOSE_GUARDIAN_SIGNING, "nonsense", &key,
                                        &text, &abilities, err),
                   "token.uri");
    assert_ok(sign(hsm_signing, err));
}

/* A token that hangs: its own deadline counts, somebody is told, and software keys go on. */
static void a_token_that_hangs_is_told(void **state)
{
    (void)state;
    struct keyholder *short_lived = keyholder_new(NULL, 0);
    unsigned number = keyholder_token_add(short_lived, "hung", 100, stuck, &stuck_calls);
    int status;
    assert_int_equal(kill(hsm.pid, SIGSTOP), 0);
    assert_int_equal(waitpid(hsm.pid, &status, WUNTRACED), hsm.pid);
    assert_true(WIFSTOPPED(status));
    start_token(short_lived, number);
    keyholder_token_assign(short_lived, number, public_key_digest(hsm_signing), NULL);
    for (int i = 0; i < 2; i++) {
        _cleanup_buf_ struct buf signature;
        buf_init(&signature, 1024);
        assert_refused(keyholder_sign(short_lived, public_key_digest(hsm_signing),
                                      SIGNATURE_RSA_PKCS1_SHA256, MESSAGE, &signature, err),
                       "keyholder.token-stuck");
        assert_ok(sign(software_signing, err));
    }
    assert_int_equal(atomic_load(&stuck_calls), 1); /* no channel is left */
    assert_int_equal(kill(hsm.pid, SIGCONT), 0);
    keyholder_free(&short_lived);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_key_is_used_where_it_is, start, stop),
        cmocka_unit_test_setup_teardown(a_roll_may_need_two_processes, start, stop),
        cmocka_unit_test_setup_teardown(a_roll_apart_tells_no_more_than_one_together, start, stop),
        cmocka_unit_test_setup_teardown(a_token_that_is_not_there_is_named, start, stop),
        cmocka_unit_test_setup_teardown(a_new_process_has_to_be_told_of_its_keys, start, stop),
        cmocka_unit_test_setup_teardown(a_key_that_its_process_lacks_is_retryable, start, stop),
        cmocka_unit_test_setup_teardown(a_key_of_no_token_says_so, start, stop),
        cmocka_unit_test_setup_teardown(software_keyholders_know_no_tokens, start, stop),
        cmocka_unit_test_setup_teardown(a_token_that_hangs_is_told, start, stop),
    };
    return cmocka_run_group_tests(tests, make_keys, remove_keys);
}
