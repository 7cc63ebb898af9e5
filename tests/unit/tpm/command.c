/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/command.h"

#include <stdlib.h>

#include "simulated_exchange.h"

#define ENDORSEMENT 0x81010001

/* A TPM takes what is built (response.c), and refuses it when a bit of what is covered is another.
 */
static void test_altered_commands(void **state)
{
    (void)state;
    struct simulated_exchange x;
    exchange_begin(&x, SIMULATED_P256);
    tpm_command_create_primary(&x.command, &x.sessions[0], &x.identity);
    /* Behind the handle and the authorisation's size: session, nonce, attributes, HMAC, parameters.
     */
    for (size_t i = 22; i < x.command.size; i++) {
        x.command.data[i] ^= 1;
        simulated_tpm_execute(x.tpm, buf_slice(&x.command), &x.response);
        assert_int_not_equal(tpm_response_code(buf_slice(&x.response)), 0);
        x.command.data[i] ^= 1;
    }
    simulated_tpm_execute(x.tpm, buf_slice(&x.command), &x.response);
    assert_int_equal(tpm_response_code(buf_slice(&x.response)), 0);
    exchange_end(&x);
}

static void test_nonces_are_fresh(void **state)
{
    (void)state;
    struct simulated_exchange x;
    exchange_begin(&x, SIMULATED_P256);
    struct tpm_session again = x.sessions[0];
    tpm_command_pcr_read(&x.command, &x.sessions[0], x.reads[0]);
    struct buf second;
    buf_init(&second, TPM_COMMAND_SIZE_MAX);
    tpm_command_pcr_read(&second, &again, x.reads[0]);
    assert_int_equal(second.size, x.command.size);
    assert_memory_not_equal(again.nonce_caller, x.sessions[0].nonce_caller, TPM_NONCE_SIZE);
    assert_memory_not_equal(second.data, x.command.data, second.size);
    buf_done(&second);
    exchange_end(&x);
}

static void test_names(void **state)
{
    (void)state;
    char text[32];
    assert_string_equal(tpm_command_name(TPM_CC_PCR_READ, text), "PCR_Read");
    assert_string_equal(tpm_command_name(0x17f, text), "command 0x0000017F");
    struct buf command;
    buf_init(&command, 64);
    tpm_command_flush_context(&command, 0x80000001);
    assert_int_equal(tpm_command_code(buf_slice(&command)), TPM_CC_FLUSH_CONTEXT);
    assert_int_equal(tpm_command_code(slice_of(command.data, 9)), 0);
    buf_done(&command);
}

/* What a service may ask a host's TPM for, and what not. */
static void test_allowed(void **state)
{
    (void)state;
    static const struct {
        const char *command; /* in hex */
        const char *code;    /* NULL: allowed */
    } commands[] = {
        {"80010000001200000176"
         "81010001"
         "40000007",
         NULL},
        {"80010000001200000176"
         "81010002"
         "40000007",
         "tpm.command-refused"},
        {"80010000001200000176"
         "81010001"
         "81010001",
         "tpm.command-refused"},
        {"80010000000e00000176"
         "81010001",
         "tpm.command-malformed"},
        {"80020000000e00000131"
         "40000007",
         NULL},
        {"80020000000e00000131"
         "40000001",
         "tpm.command-refused"}, /* owner */
        {"80020000000e00000131"
         "4000000b",
         "tpm.command-refused"}, /* endorsement */
        {"80020000000e00000131"
         "4000000c",
         "tpm.command-refused"}, /* platform */
        {"80020000000e00000153"
         "80000000",
         NULL},
        {"80020000000e00000153"
         "81010001",
         NULL},
        {"80020000000e00000153"
         "81000001",
         "tpm.command-refused"},
        {"80010000000e00000173"
         "80ffffff",
         NULL},
        {"80010000000e00000173"
         "81000001",
         "tpm.command-refused"},
        {"80010000000a0000017e", NULL},
        {"80010000000e00000165"
         "80000000",
         NULL},
        {"80010000000e00000165"
         "02000000",
         NULL},
        {"80010000000e00000165"
         "03000000",
         NULL},
        {"80010000000e00000165"
         "81010001",
         "tpm.command-refused"},
        {"80010000000e00000126"
         "4000000c",
         "tpm.command-refused"}, /* Clear */
        {"80010000000e00000182"
         "00000000",
         "tpm.command-refused"}, /* PCR_Extend */
        {"80010000000c00000145"
         "0000",
         "tpm.command-refused"},                         /* Shutdown */
        {"80010000000a0000017b", "tpm.command-refused"}, /* GetRandom */
        {"80010000000a00000000", "tpm.command-refused"},
        {"80010000000b0000017e", "tpm.command-malformed"},
        {"80010000000a0000017e"
         "00",
         "tpm.command-malformed"},
        {"00c40000000a0000017e", "tpm.command-malformed"},
        {"80010000000a000001", "tpm.command-malformed"},
        {"", "tpm.command-malformed"},
    };
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        struct buf command;
        from_hex(&command, commands[i].command);
        if (commands[i].code == NULL)
            assert_ok(tpm_command_is_allowed(buf_slice(&command), ENDORSEMENT, err));
        else
            assert_refused(tpm_command_is_allowed(buf_slice(&command), ENDORSEMENT, err),
                           commands[i].code);
        buf_done(&command);
    }
    static uint8_t large[TPM_COMMAND_SIZE_MAX + 1] = {0x80, 1, 0, 0, 0x10, 1, 0, 0, 1, 0x7e};
    assert_refused(tpm_command_is_allowed(slice_of(large, sizeof large), ENDORSEMENT, err),
                   "tpm.command-malformed");
}

/* An endorsement key that is loaded as a transient object may not be flushed by the service. */
static void test_transient_endorsement_key(void **state)
{
    (void)state;
    struct buf command;
    buf_init(&command, 64);
    tpm_command_flush_context(&command, 0x80000001);
    assert_ok(tpm_command_is_allowed(buf_slice(&command), 0x80000000, err));
    assert_refused(tpm_command_is_allowed(buf_slice(&command), 0x80000001, err),
                   "tpm.command-refused");
    buf_done(&command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_altered_commands),
        cmocka_unit_test(test_nonces_are_fresh),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_allowed),
        cmocka_unit_test(test_transient_endorsement_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
