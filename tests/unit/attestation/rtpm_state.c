/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "attestation/rtpm_state.h"
#include "crypto/random.h"

/* Three keys, the first of which seals. */
static void make_keys(struct attestation_sealing_set *keys)
{
    for (size_t i = 0; i < ATTESTATION_SEALING_KEYS; i++) {
        keys->keys[i] = SECRET_EMPTY;
        secret_init(&keys->keys[i], 32);
        random_bytes(keys->keys[i].data, 32);
    }
}

static const struct guid session = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
static const uint8_t endorsement_key[32] = {7};
static const struct rtpm_binding binding = {&session, endorsement_key};

/* As full as a state can be. */
static struct rtpm_state full(void)
{
    struct rtpm_state state = {
        .step = RTPM_STEP_SIGNING_COMMAND,
        .started = 1700000000,
        .version = 2,
        .what_if = true,
        .requested = {2, 1},
        .requested_count = 2,
        .policies = {0xaa},
        .until = 1700001000,
        .log = {0xbb},
        .replayed = {DIGEST_SHA384, 0x5555, {{0}}},
        .handle = 0x81010001,
        .selection = {DIGEST_SHA512, 0xffff},
        .sealed = {DIGEST_SHA512, 0x0fff},
        .identity_count = 2,
        .session_count = RTPM_COMMANDS_MAX,
        .key_count = RTPM_IDENTITY_KEYS_MAX,
        .signing_key_protected = true,
        .bank = {DIGEST_SHA512, 0xffff, {{0}}},
    };
    memset(state.host, 'h', sizeof state.host - 1);
    for (size_t i = 0; i < 2; i++) {
        state.identities[i].use = i == 0 ? TPM_IDENTITY_SIGN : TPM_IDENTITY_DECRYPT;
        memset(state.identities[i].policy, (int)i + 1, 32);
        memset(state.identities[i].unique, (int)i + 2, 32);
    }
    for (size_t i = 0; i < RTPM_COMMANDS_MAX; i++) {
        state.sessions[i].command = 0x131;
        state.sessions[i].handle = 0x02000000 + (uint32_t)i;
        random_bytes(state.sessions[i].nonce_caller, sizeof state.sessions[i].nonce_caller);
        random_bytes(state.sessions[i].nonce_tpm, sizeof state.sessions[i].nonce_tpm);
        random_bytes(state.sessions[i].key, sizeof state.sessions[i].key);
    }
    for (unsigned pcr = 0; pcr < 16; pcr++)
        memset(state.bank.values[pcr], (int)pcr, 64);
    for (unsigned pcr = 0; pcr < 16; pcr += 2)
        memset(state.replayed.values[pcr], 0x80 + (int)pcr, 48);
    for (size_t i = 0; i < RTPM_IDENTITY_KEYS_MAX; i++) {
        state.keys[i].size = RTPM_KEY_SIZE_MAX - i;
        memset(state.keys[i].der, 0x5a + (int)i, state.keys[i].size);
    }
    return state;
}

static void seal(struct rtpm_sealed *sealed, struct buf *bytes,
                 const struct attestation_sealing_set *keys)
{
    struct rtpm_state state = full();
    buf_init(bytes, RTPM_STATE_MAX);
    rtpm_state_seal(sealed, bytes, &state, keys, &binding);
    rtpm_state_done(&state);
}

static void survives_the_journey(void **test)
{
    (void)test;
    _cleanup_attestation_sealing_set_ struct attestation_sealing_set keys;
    _cleanup_rtpm_state_ struct rtpm_state sent = full(), got;
    _cleanup_buf_ struct buf bytes;
    struct rtpm_sealed sealed;
    make_keys(&keys);
    buf_init(&bytes, RTPM_STATE_MAX);
    rtpm_state_seal(&sealed, &bytes, &sent, &keys, &binding);
    assert_true(sealed.bytes.size <= RTPM_SEALED_MAX);
    assert_ok(rtpm_state_open(&got, &sealed, &keys, &binding, err));
    assert_int_equal(got.step, sent.step);
    assert_int_equal(got.started, sent.started);
    assert_int_equal(got.version, 2);
    assert_true(got.what_if);
    assert_int_equal(got.requested_count, 2);
    assert_memory_equal(got.requested, sent.requested, 2);
    assert_string_equal(got.host, sent.host);
    assert_memory_equal(got.policies, sent.policies, 32);
    assert_int_equal(got.until, sent.until);
    assert_memory_equal(got.log, sent.log, 32);
    assert_false(got.judges_again);
    assert_int_equal(got.kept_log.size, 0);
    assert_int_equal(got.replayed.algorithm, DIGEST_SHA384);
    assert_int_equal(got.replayed.present, 0x5555);
    for (unsigned pcr = 0; pcr < 16; pcr += 2)
        assert_true(
            slice_equal(tpm_pcr_value(&got.replayed, pcr), tpm_pcr_value(&sent.replayed, pcr)));
    assert_int_equal(got.handle, sent.handle);
    assert_int_equal(got.selection.pcrs, 0xffff);
    assert_int_equal(got.sealed.pcrs, 0x0fff);
    assert_int_equal(got.sealed.algorithm, DIGEST_SHA512);
    assert_int_equal(got.identity_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(got.identities[i].use, sent.identities[i].use);
        assert_memory_equal(got.identities[i].policy, sent.identities[i].policy, 32);
        assert_memory_equal(got.identities[i].unique, sent.identities[i].unique, 32);
    }
    assert_int_equal(got.session_count, RTPM_COMMANDS_MAX);
    for (size_t i = 0; i < RTPM_COMMANDS_MAX; i++) {
        assert_int_equal(got.sessions[i].command, sent.sessions[i].command);
        assert_int_equal(got.sessions[i].handle, sent.sessions[i].handle);
        assert_memory_equal(got.sessions[i].key, sent.sessions[i].key, TPM_SESSION_KEY_SIZE);
        assert_memory_equal(got.sessions[i].nonce_tpm, sent.sessions[i].nonce_tpm, TPM_NONCE_SIZE);
    }
    assert_int_equal(got.bank.present, 0xffff);
    for (unsigned pcr = 0; pcr < 16; pcr++)
        assert_true(slice_equal(tpm_pcr_value(&got.bank, pcr), tpm_pcr_value(&sent.bank, pcr)));
    assert_int_equal(got.key_count, RTPM_IDENTITY_KEYS_MAX);
    for (size_t i = 0; i < RTPM_IDENTITY_KEYS_MAX; i++) {
        assert_int_equal(got.keys[i].size, sent.keys[i].size);
        assert_memory_equal(got.keys[i].der, sent.keys[i].der, sent.keys[i].size);
    }
    assert_true(got.signing_key_protected);
}

/* A log goes along only where it is said so, and nothing else ever does. */
static void a_log_goes_along(void **test)
{
    (void)test;
    _cleanup_attestation_sealing_set_ struct attestation_sealing_set keys;
    _cleanup_rtpm_state_ struct rtpm_state sent = full(), got;
    _cleanup_buf_ struct buf bytes, plain;
    struct rtpm_sealed sealed;
    make_keys(&keys);
    buf_init(&bytes, RTPM_STATE_MAX);
    buf_init(&plain, RTPM_STATE_MAX);
    sent.kept_log = slice_from_text("a log");
    rtpm_state_seal(&sealed, &plain, &sent, &keys, &binding);
    assert_ok(rtpm_state_open(&got, &sealed, &keys, &binding, err));
    assert_int_equal(got.kept_log.size, 0);
    rtpm_state_done(&got);
    buf_append_text(&plain, "another");
    sealed.bytes = buf_slice(&plain);
    assert_refused(rtpm_state_open(&got, &sealed, &keys, &binding, err),
                   &attestation_state_refused);
    sent.judges_again = true;
    rtpm_state_seal(&sealed, &bytes, &sent, &keys, &binding);
    assert_ok(rtpm_state_open(&got, &sealed, &keys, &binding, err));
    assert_true(got.judges_again);
    assert_true(slice_equal(got.kept_log, sent.kept_log));
    rtpm_state_done(&got);
    sealed.bytes.size -= sent.kept_log.size; /* whoever wants it will miss it */
    assert_ok(rtpm_state_open(&got, &sealed, &keys, &binding, err));
    assert_true(got.judges_again);
    assert_int_equal(got.kept_log.size, 0);
    for (size_t size = 0; size < 8; size++) {
        sealed.bytes.size = size;
        assert_refused(rtpm_state_open(&got, &sealed, &keys, &binding, err),
                       &attestation_state_refused);
    }
}

static void nobody_reads_it(void **test)
{
    (void)test;
    _cleanup_attestation_sealing_set_ struct attestation_sealing_set keys;
    _cleanup_buf_ struct buf bytes, again;
    struct rtpm_sealed sealed, second;
    make_keys(&keys);
    seal(&sealed, &bytes, &keys);
    assert_null(memmem(bytes.data, bytes.size, "hhhhhhhh", 8));
    seal(&second, &again, &keys);
    assert_memory_not_equal(sealed.nonce, second.nonce, sizeof sealed.nonce);
}

static void every_changed_bit_is_refused(void **test)
{
    (void)test;
    _cleanup_attestation_sealing_set_ struct attestation_sealing_set keys;
    _cleanup_buf_ struct buf bytes;
    struct rtpm_sealed sealed;
    struct rtpm_state got;
    make_keys(&keys);
    seal(&sealed, &bytes, &keys);
    for (size_t i = 0; i < bytes.size; i++) {
        bytes.data[i] ^= (uint8_t)(1u << i % 8);
        assert_refused(rtpm_state_open(&got, &sealed, &keys, &binding, err),
                       &attestation_state_refused);
        bytes.data[i] ^= (uint8_t)(1u << i % 8);
    }
    sealed.nonce[0] ^= 1;
    assert_refused(rtpm_state_open(&got, &sealed, &keys, &binding, err),
                   &attestation_state_refused);
    sealed.nonce[0] ^= 1;
    sealed.tag[15] ^= 0x80;
    assert_refused(rtpm_state_open(&got, &sealed, &keys, &binding, err),
                   &attestation_state_refused);
    sealed.tag[15] ^= 0x80;
    sealed.bytes.size--;
    assert_refused(rtpm_state_open(&got, &sealed, &keys, &binding, err),
                   &attestation_state_refused);
    sealed.bytes.size++;
    assert_ok(rtpm_state_open(&got, &sealed, &keys, &binding, err));
    rtpm_state_done(&got);
}

static void another_session_key_or_cluster_is_refused(void **test)
{
    (void)test;
    _cleanup_attestation_sealing_set_ struct attestation_sealing_set keys, others;
    _cleanup_buf_ struct buf bytes;
    struct rtpm_sealed sealed;
    struct rtpm_state got;
    struct guid other_session = session;
    uint8_t other_key[32] = {8};
    other_session.bytes[15]++;
    make_keys(&keys);
    make_keys(&others);
    seal(&sealed, &bytes, &keys);
    const struct rtpm_binding bad[] = {{&other_session, endorsement_key}, {&session, other_key}};
    for (size_t i = 0; i < 2; i++)
        assert_refused(rtpm_state_open(&got, &sealed, &keys, &bad[i], err),
                       &attestation_state_refused);
    assert_refused(rtpm_state_open(&got, &sealed, &others, &binding, err),
                   &attestation_state_refused);
}

/* The key that sealed is another epoch's for the one who opens. */
static void keys_of_other_epochs_open(void **test)
{
    (void)test;
    _cleanup_attestation_sealing_set_ struct attestation_sealing_set keys;
    _cleanup_buf_ struct buf bytes;
    struct rtpm_sealed sealed;
    struct rtpm_state got;
    make_keys(&keys);
    seal(&sealed, &bytes, &keys);
    for (size_t i = 1; i < ATTESTATION_SEALING_KEYS; i++) {
        struct secret moved = keys.keys[0];
        keys.keys[0] = keys.keys[i];
        keys.keys[i] = moved;
        assert_ok(rtpm_state_open(&got, &sealed, &keys, &binding, err));
        rtpm_state_done(&got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_the_journey),
        cmocka_unit_test(a_log_goes_along),
        cmocka_unit_test(nobody_reads_it),
        cmocka_unit_test(every_changed_bit_is_refused),
        cmocka_unit_test(another_session_key_or_cluster_is_refused),
        cmocka_unit_test(keys_of_other_epochs_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
