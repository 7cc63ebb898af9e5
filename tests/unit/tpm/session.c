/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/session.h"

#include <stdlib.h>

#include "simulated_exchange.h"

static void test_travels(void **state)
{
    (void)state;
    struct simulated_exchange x;
    exchange_begin(&x, SIMULATED_P256);
    /* As the sealed state carries it: three behind each other, before and after its use. */
    for (int used = 0; used < 2; used++) {
        struct buf bytes;
        buf_init(&bytes, TPM_SESSIONS_MAX * TPM_SESSION_FORMAT_MAX);
        for (size_t i = 0; i < TPM_SESSIONS_MAX; i++)
            tpm_session_format(&bytes, &x.sessions[i]);
        struct reader reader = reader_of(buf_slice(&bytes));
        for (size_t i = 0; i < TPM_SESSIONS_MAX; i++) {
            struct tpm_session read;
            assert_ok(tpm_session_parse(&read, &reader, err));
            assert_memory_equal(&read, &x.sessions[i], sizeof read);
            tpm_session_done(&read);
        }
        assert_true(reader_done(&reader));
        buf_done(&bytes);
        if (used == 0)
            exchange_read(&x, 0, 0);
    }
    exchange_end(&x);
    tpm_session_done(NULL);
}

/* A salt is the same for all that were started together, and is gone when the key is there. */
static void test_salt(void **state)
{
    (void)state;
    static const struct {
        enum simulated_endorsement kind;
        size_t salt_size;
    } kinds[] = {{SIMULATED_RSA_2048, 32}, {SIMULATED_P256, 32}, {SIMULATED_P384, 48}};
    for (size_t k = 0; k < 3; k++) {
        struct simulated_tpm *tpm = simulated_tpm_new(kinds[k].kind, DIGEST_SHA256);
        struct tpm_endorsement_key key;
        struct tpm_session sessions[2][TPM_SESSIONS_MAX];
        struct buf commands[TPM_SESSIONS_MAX], response;
        for (size_t i = 0; i < TPM_SESSIONS_MAX; i++)
            buf_init(&commands[i], TPM_COMMAND_SIZE_MAX);
        buf_init(&response, TPM_RESPONSE_SIZE_MAX);
        assert_ok(tpm_endorsement_key_parse(&key, simulated_tpm_public(tpm), err));
        for (size_t round = 0; round < 2; round++)
            assert_ok(tpm_sessions_start(sessions[round], commands, TPM_SESSIONS_MAX, &key,
                                         simulated_tpm_handle(tpm), err));
        struct tpm_session *first = &sessions[0][0];
        assert_int_equal(first->salt_size, kinds[k].salt_size);
        assert_memory_equal(first->salt, sessions[0][2].salt, first->salt_size);
        assert_memory_not_equal(first->salt, sessions[1][0].salt, first->salt_size);
        assert_memory_not_equal(first->nonce_caller, sessions[0][1].nonce_caller, TPM_NONCE_SIZE);
        /* Only the first round's command: the buffer has both. */
        struct reader reader = reader_of(slice_of(commands[0].data + 2, 4));
        simulated_tpm_execute(tpm, slice_of(commands[0].data, reader_u32_be(&reader)), &response);
        assert_ok(tpm_session_started(first, buf_slice(&response), err));
        assert_int_equal(first->salt_size, 0);
        static const uint8_t zero[DIGEST_SIZE_MAX];
        assert_memory_equal(first->salt, zero, sizeof zero);
        assert_int_equal(first->handle >> 24, 2);
        assert_refused(tpm_session_started(first, buf_slice(&response), err),
                       "tpm.response-unexpected");
        for (size_t i = 0; i < TPM_SESSIONS_MAX; i++)
            buf_done(&commands[i]);
        buf_done(&response);
        tpm_endorsement_key_done(&key);
        simulated_tpm_free(&tpm);
    }
}

/* Responses to StartAuthSession that are none. */
static void test_responses(void **state)
{
    (void)state;
    static const struct {
        const char *head; /* up to the nonce, in hex */
        size_t nonce;
        const char *code;
    } responses[] = {
        {"80010000003000000000"
         "02000000"
         "0020",
         32, NULL},
        {"80010000000a00000903", 0, "tpm.response-code"},
        {"80010000002000000000"
         "02000000"
         "0010",
         16, "tpm.response-malformed"},
        {"80010000003000000000"
         "03000000"
         "0020",
         32, "tpm.response-malformed"}, /* a policy's */
        {"80010000003000000000"
         "80000000"
         "0020",
         32, "tpm.response-malformed"},
        {"80020000003000000000"
         "02000000"
         "0020",
         32, "tpm.response-malformed"},
        {"80010000003100000000"
         "02000000"
         "0020",
         32, "tpm.response-malformed"},
        {"80010000003100000000"
         "02000000"
         "0020",
         33, "tpm.response-malformed"},
        {"80010000000a00000000", 0, "tpm.response-malformed"},
        {"", 0, "tpm.response-malformed"},
    };
    for (size_t i = 0; i < sizeof responses / sizeof responses[0]; i++) {
        struct buf response;
        struct tpm_session session = {.salt_size = 32};
        from_hex(&response, responses[i].head);
        for (size_t j = 0; j < responses[i].nonce; j++)
            buf_append_u8(&response, (uint8_t)j);
        if (responses[i].code == NULL) {
            assert_ok(tpm_session_started(&session, buf_slice(&response), err));
            assert_int_equal(session.handle, 0x02000000);
        } else {
            assert_refused(tpm_session_started(&session, buf_slice(&response), err),
                           responses[i].code);
            assert_int_equal(session.handle, 0);
        }
        buf_done(&response);
    }
}

static void test_short_nonce_of_a_tpm(void **state)
{
    (void)state;
    struct simulated_tpm *tpm = simulated_tpm_new(SIMULATED_P256, DIGEST_SHA256);
    struct tpm_endorsement_key key;
    struct tpm_session session;
    struct buf command, response;
    buf_init(&command, TPM_COMMAND_SIZE_MAX);
    buf_init(&response, TPM_RESPONSE_SIZE_MAX);
    assert_ok(tpm_endorsement_key_parse(&key, simulated_tpm_public(tpm), err));
    assert_ok(tpm_sessions_start(&session, &command, 1, &key, simulated_tpm_handle(tpm), err));
    simulated_tpm_lie(tpm, SIMULATED_NONCE_SHORT);
    simulated_tpm_execute(tpm, buf_slice(&command), &response);
    assert_refused(tpm_session_started(&session, buf_slice(&response), err),
                   "tpm.response-malformed");
    tpm_endorsement_key_done(&key);
    simulated_tpm_free(&tpm);
    buf_done(&command);
    buf_done(&response);
}

/* State that was cut, or that contradicts itself. */
static void test_malformed_state(void **state)
{
    (void)state;
    struct tpm_session session = {.handle = 0x02000000, .command = TPM_CC_PCR_READ}, read;
    struct buf bytes;
    buf_init(&bytes, TPM_SESSION_FORMAT_MAX);
    tpm_session_format(&bytes, &session);
    for (size_t size = 0; size < bytes.size; size++) {
        uint8_t *cut = malloc(size + 1);
        memcpy(cut, bytes.data, size);
        struct reader reader = reader_of(slice_of(cut, size));
        assert_refused(tpm_session_parse(&read, &reader, err), "tpm.session-malformed");
        free(cut);
    }
    buf_reset(&bytes);
    session.handle = 0; /* neither started nor to be started */
    tpm_session_format(&bytes, &session);
    struct reader reader = reader_of(buf_slice(&bytes));
    assert_refused(tpm_session_parse(&read, &reader, err), "tpm.session-malformed");
    bytes.data[bytes.size - 1] = 65; /* a longer salt than any */
    for (size_t i = 0; i < 65; i++)
        buf_append_u8(&bytes, 0);
    reader = reader_of(buf_slice(&bytes));
    assert_refused(tpm_session_parse(&read, &reader, err), "tpm.session-malformed");
    buf_done(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_travels),         cmocka_unit_test(test_salt),
        cmocka_unit_test(test_responses),       cmocka_unit_test(test_short_nonce_of_a_tpm),
        cmocka_unit_test(test_malformed_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
