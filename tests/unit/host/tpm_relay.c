/* SPDX-License-Identifier: Apache-2.0 */
#include "host/tpm_relay.h"

#include "tpm_fixture.h"

#include "host/tpm_endorsement.h"
#include "tpm/command.h"
#include "tpm/response.h"

#define READ_PCRS 0x0000049Du  /* 0, 2, 3, 4, 7, 10 */
#define BOUND_PCRS 0x0000009Du /* without 10 */

/* The service's side of an exchange, as far as this host sees it. */
static struct host_tpm_endorsement endorsement;
static struct tpm_endorsement_key key;
static struct host_tpm_relay relay;
static struct buf command, response;

static int begin(void **state)
{
    (void)state;
    assert_ok(host_tpm_endorsement_find(&endorsement, device, "rsa-2048", err));
    assert_ok(tpm_endorsement_key_parse(&key, buf_slice(&endorsement.public_area), err));
    host_tpm_relay_init(&relay, device, endorsement.handle);
    buf_init(&command, HOST_TPM_COMMAND_MAX);
    buf_init(&response, HOST_TPM_COMMAND_MAX);
    return 0;
}

static int end(void **state)
{
    (void)state;
    host_tpm_relay_done(&relay);
    assert_empty();
    tpm_endorsement_key_done(&key);
    host_tpm_endorsement_done(&endorsement);
    buf_done(&command);
    buf_done(&response);
    return 0;
}

static void run(void)
{
    buf_reset(&response);
    assert_ok(host_tpm_relay_run(&relay, &response, buf_slice(&command), err));
}

static void start(struct tpm_session *session)
{
    buf_reset(&command);
    assert_ok(tpm_sessions_start(session, &command, 1, &key, endorsement.handle, err));
    run();
    assert_ok(tpm_session_started(session, buf_slice(&response), err));
}

static void read_pcrs(uint32_t pcrs)
{
    _cleanup_tpm_session_ struct tpm_session session = {0};
    start(&session);
    buf_reset(&command);
    tpm_command_pcr_read(&command, &session, (struct tpm_pcr_selection){DIGEST_SHA256, pcrs});
    run();
}

/* Gives what the service would certify. */
static struct public_key *create(uint32_t pcrs)
{
    _cleanup_tpm_session_ struct tpm_session session = {0};
    _cleanup_tpm_created_key_ struct tpm_created_key created = {0};
    struct tpm_identity_template identity;
    struct tpm_pcr_bank bank;
    assert_ok(host_tpm_pcrs_read(&bank, device, HOST_TPM_BANK_ANY, err));
    tpm_identity_template_make(&identity, TPM_IDENTITY_DECRYPT,
                               (struct tpm_pcr_selection){DIGEST_SHA256, pcrs}, &bank);
    start(&session);
    buf_reset(&command);
    tpm_command_create_primary(&command, &session, &identity);
    run();
    assert_ok(tpm_response_created(&created, &session, &identity, buf_slice(&response), err));
    return public_key_ref(created.key);
}

static void takes_the_key_that_the_service_had_made(void **state)
{
    (void)state;
    _cleanup_host_tpm_key_ struct host_tpm_key taken = {0};
    _cleanup_secret_ struct secret plain = SECRET_EMPTY;
    _cleanup_buf_ struct buf ciphertext;
    buf_init(&ciphertext, 1024);
    _cleanup_public_key_ struct public_key *made = create(BOUND_PCRS);
    read_pcrs(READ_PCRS);
    assert_ok(host_tpm_relay_take_key(&taken, &relay, err));
    host_tpm_relay_done(&relay);
    assert_empty();
    assert_int_equal(taken.selection.pcrs, BOUND_PCRS);
    assert_memory_equal(taken.digest, public_key_digest(made), sizeof taken.digest);
    assert_ok(public_key_encrypt(&ciphertext, made, ENCRYPTION_RSA_OAEP_SHA256,
                                 slice_from_text("secret"), err));
    assert_ok(host_tpm_key_decrypt(&plain, &taken, device, ENCRYPTION_RSA_OAEP_SHA256,
                                   buf_slice(&ciphertext), err));
    assert_true(slice_equals_text(secret_slice(&plain), "secret"));
}

static void takes_no_key_that_is_bound_to_something_else(void **state)
{
    (void)state;
    struct host_tpm_key taken = {0};
    assert_refused(host_tpm_relay_take_key(&taken, &relay, err), host_tpm_command);
    read_pcrs(BOUND_PCRS);
    assert_refused(host_tpm_relay_take_key(&taken, &relay, err), host_tpm_command);
    _cleanup_public_key_ struct public_key *made = create(0x00000001);
    assert_refused(host_tpm_relay_take_key(&taken, &relay, err), host_tpm_command);
}

/* Clear, GetRandom, NV_Read of the certificate, PCR_Extend, ContextSave: on no list, so not sent.
 */
static void runs_nothing_else(void **state)
{
    (void)state;
    static const uint32_t codes[] = {0x126, 0x17B, 0x14E, 0x182, 0x162};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        const uint8_t bytes[] = {
            0x80, 0x01, 0, 0, 0, 12, 0, 0, (uint8_t)(codes[i] >> 8), (uint8_t)codes[i], 0, 8};
        buf_reset(&response);
        assert_refused(host_tpm_relay_run(&relay, &response, slice_of(bytes, sizeof bytes), err),
                       host_tpm_command);
        assert_int_equal(response.size, 0);
    }
    assert_refused(host_tpm_relay_run(&relay, &response, SLICE_EMPTY, err), host_tpm_command);
}

static void reads_no_second_bank(void **state)
{
    (void)state;
    _cleanup_tpm_session_ struct tpm_session session = {0};
    read_pcrs(BOUND_PCRS);
    start(&session);
    buf_reset(&command);
    tpm_command_pcr_read(&command, &session, (struct tpm_pcr_selection){DIGEST_SHA384, 1});
    assert_refused(host_tpm_relay_run(&relay, &response, buf_slice(&command), err),
                   host_tpm_command);
}

/* What the TPM refuses ends the exchange, and the sessions that were begun do not stay. */
static void leaves_nothing_behind_when_the_tpm_refuses(void **state)
{
    (void)state;
    struct tpm_session sessions[2] = {0};
    start(&sessions[0]);
    start(&sessions[1]);
    assert_int_equal(count_handles(0x02000000u), 2);
    buf_reset(&command);
    tpm_command_pcr_read(&command, &sessions[0],
                         (struct tpm_pcr_selection){DIGEST_SHA256, BOUND_PCRS});
    command.data[command.size - 1] ^= 1; /* on the way: the session's HMAC no longer fits */
    assert_refused(host_tpm_relay_run(&relay, &response, buf_slice(&command), err),
                   host_tpm_failed);
    tpm_session_done(&sessions[0]);
    tpm_session_done(&sessions[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(takes_the_key_that_the_service_had_made, begin, end),
        cmocka_unit_test_setup_teardown(takes_no_key_that_is_bound_to_something_else, begin, end),
        cmocka_unit_test_setup_teardown(runs_nothing_else, begin, end),
        cmocka_unit_test_setup_teardown(reads_no_second_bank, begin, end),
        cmocka_unit_test_setup_teardown(leaves_nothing_behind_when_the_tpm_refuses, begin, end),
    };
    return cmocka_run_group_tests(tests, tpm_set_up, tpm_tear_down);
}
