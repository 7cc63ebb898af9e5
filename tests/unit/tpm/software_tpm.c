/* SPDX-License-Identifier: Apache-2.0 */

/* The whole exchange of protocol.md 2.3 with a real (software) TPM: commands built here, responses
 * verified here, nothing between but the bus. */

#include "tpm_test.h"

#include "../software_tpm.h"

#include "crypto/private_key.h"
#include "tpm/response.h"

#define PCRS 0x0000f0ffu        /* 0–7, 12–15 */
#define POLICY_PCRS 0x00004095u /* 0, 2, 4, 7, 14: tpm2_createpolicy takes at most eight */

static struct software_tpm tpm;

static int set_up(void **state)
{
    (void)state;
    software_tpm_start(&tpm);
    /* Something else than zero. */
    software_tpm_tool(
        &tpm,
        "tpm2_pcrextend 0:sha256=$(printf %064d 1) 7:sha256=$(printf %064d 2) "
        "14:sha256=$(printf %064d 3) && tpm2_readpublic -c 0x81010001 -o rsa.pub -n rsa.name && "
        "tpm2_readpublic -c 0x81010016 -o ecc.pub -n ecc.name && "
        "tpm2_pcrread sha256:0,1,2,3,4,5,6,7,12,13,14,15 -o pcrs && "
        "tpm2_createpolicy --policy-pcr "
        "-l sha256:0,2,4,7,14 -L policy");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    software_tpm_stop(&tpm);
    return 0;
}

/* What the server of an exchange has. */
struct exchange {
    struct tpm_endorsement_key key;
    struct tpm_session sessions[TPM_SESSIONS_MAX];
    struct tpm_pcr_selection reads[TPM_PCR_READS_MAX];
    struct tpm_identity_template identity;
    struct buf commands[TPM_SESSIONS_MAX], responses[TPM_SESSIONS_MAX];
};

static void relay(struct exchange *exchange, uint32_t handle)
{
    for (size_t i = 0; i < TPM_SESSIONS_MAX; i++) {
        struct slice command = buf_slice(&exchange->commands[i]);
        assert_ok(tpm_command_is_allowed(command, handle, err));
        software_tpm_execute(&tpm, command, &exchange->responses[i]);
        assert_int_equal(tpm_response_code(buf_slice(&exchange->responses[i])), 0);
        buf_reset(&exchange->commands[i]);
    }
}

/* The registers as tpm2_pcrread read them. */
static void read_bank(struct tpm_pcr_bank *bank)
{
    struct buf values;
    struct reader reader = reader_of(software_tpm_file(&values, &tpm, "pcrs"));
    *bank = (struct tpm_pcr_bank){.algorithm = DIGEST_SHA256};
    for (unsigned i = 0; i < TPM_PCR_COUNT; i++)
        if (PCRS >> i & 1)
            tpm_pcr_set(bank, i, reader_bytes(&reader, 32));
    assert_true(reader_done(&reader));
    buf_done(&values);
}

static void begin(struct exchange *exchange, const char *public_file, uint32_t handle)
{
    struct buf area;
    memset(exchange, 0, sizeof *exchange);
    for (size_t i = 0; i < TPM_SESSIONS_MAX; i++) {
        buf_init(&exchange->commands[i], TPM_COMMAND_SIZE_MAX);
        buf_init(&exchange->responses[i], TPM_RESPONSE_SIZE_MAX);
    }
    software_tpm_file(&area, &tpm, public_file);
    assert_ok(tpm_endorsement_key_parse(&exchange->key, buf_slice(&area), err));
    buf_done(&area);
    assert_ok(tpm_sessions_start(exchange->sessions, exchange->commands, TPM_SESSIONS_MAX,
                                 &exchange->key, handle, err));
    relay(exchange, handle);
    for (size_t i = 0; i < TPM_SESSIONS_MAX; i++)
        assert_ok(
            tpm_session_started(&exchange->sessions[i], buf_slice(&exchange->responses[i]), err));
}

static void end(struct exchange *exchange)
{
    for (size_t i = 0; i < TPM_SESSIONS_MAX; i++) {
        buf_done(&exchange->commands[i]);
        buf_done(&exchange->responses[i]);
        tpm_session_done(&exchange->sessions[i]);
    }
    tpm_endorsement_key_done(&exchange->key);
}

/* Has the TPM run the three commands. */
static void run(struct exchange *exchange, enum tpm_identity_use use, uint32_t handle)
{
    struct tpm_pcr_selection selection = {DIGEST_SHA256, PCRS};
    struct tpm_pcr_bank claimed;
    read_bank(&claimed);
    tpm_identity_template_make(&exchange->identity, use, selection, &claimed);
    assert_int_equal(tpm_pcr_split(exchange->reads, selection), 2);
    tpm_command_create_primary(&exchange->commands[0], &exchange->sessions[0], &exchange->identity);
    tpm_command_pcr_read(&exchange->commands[1], &exchange->sessions[1], exchange->reads[0]);
    tpm_command_pcr_read(&exchange->commands[2], &exchange->sessions[2], exchange->reads[1]);
    relay(exchange, handle);
}

static void flush(uint32_t handle)
{
    struct buf command, response;
    buf_init(&command, TPM_COMMAND_SIZE_MAX);
    buf_init(&response, TPM_RESPONSE_SIZE_MAX);
    tpm_command_flush_context(&command, handle);
    software_tpm_execute(&tpm, buf_slice(&command), &response);
    assert_int_equal(tpm_response_code(buf_slice(&response)), 0);
    buf_done(&command);
    buf_done(&response);
}

static void check_exchange(const char *public_file, uint32_t handle, enum tpm_identity_use use)
{
    struct exchange exchange;
    begin(&exchange, public_file, handle);
    run(&exchange, use, handle);
    _cleanup_tpm_created_key_ struct tpm_created_key created = {0};
    assert_ok(tpm_response_created(&created, &exchange.sessions[0], &exchange.identity,
                                   buf_slice(&exchange.responses[0]), err));
    assert_int_equal(public_key_bits(created.key), 2048);
    struct tpm_pcr_read reads[2];
    for (size_t i = 0; i < 2; i++)
        assert_ok(tpm_response_pcrs(&reads[i], &exchange.sessions[1 + i], exchange.reads[i],
                                    buf_slice(&exchange.responses[1 + i]), err));
    struct tpm_pcr_bank bank, expected;
    assert_ok(tpm_pcr_reads_join(&bank, reads, 2, false, err));
    read_bank(&expected);
    assert_int_equal(bank.present, PCRS);
    assert_int_equal(tpm_pcr_differing(&bank, &expected, PCRS), 0);
    /* What one session answered is not believed of another. */
    assert_refused(tpm_response_pcrs(&reads[0], &exchange.sessions[2], exchange.reads[0],
                                     buf_slice(&exchange.responses[1]), err),
                   "tpm.response-hmac");
    flush(tpm_response_handle(buf_slice(&exchange.responses[0])));
    end(&exchange);
}

static void test_rsa(void **state)
{
    (void)state;
    check_exchange("rsa.pub", SOFTWARE_TPM_RSA, TPM_IDENTITY_DECRYPT);
    check_exchange("rsa.pub", SOFTWARE_TPM_RSA, TPM_IDENTITY_SIGN);
}

static void test_p384(void **state)
{
    (void)state;
    check_exchange("ecc.pub", SOFTWARE_TPM_P384, TPM_IDENTITY_DECRYPT);
}

/* The policy that tpm2_createpolicy computes for the same registers. */
static void test_policy_digest(void **state)
{
    (void)state;
    struct tpm_pcr_bank bank;
    struct buf policy;
    uint8_t digest[DIGEST_SHA256_SIZE];
    read_bank(&bank);
    tpm_pcr_policy_digest(digest, (struct tpm_pcr_selection){DIGEST_SHA256, POLICY_PCRS}, &bank);
    assert_slice_equal(software_tpm_file(&policy, &tpm, "policy"), slice_of(digest, sizeof digest));
    buf_done(&policy);
}

/* Names as tpm2_readpublic writes them. */
static void test_names(void **state)
{
    (void)state;
    static const char *const files[][2] = {{"rsa.pub", "rsa.name"}, {"ecc.pub", "ecc.name"}};
    for (size_t i = 0; i < 2; i++) {
        struct buf file, expected;
        struct tpm_public area;
        uint8_t name[TPM_NAME_SIZE_MAX];
        assert_ok(tpm_public_parse_sized(&area, software_tpm_file(&file, &tpm, files[i][0]), err));
        assert_slice_equal(software_tpm_file(&expected, &tpm, files[i][1]),
                           slice_of(name, tpm_public_name(name, &area)));
        buf_done(&file);
        buf_done(&expected);
    }
}

/* The identity key works while its registers hold, and not once one is extended. */
static void test_key_under_policy(void **state)
{
    (void)state;
    struct exchange exchange;
    struct tpm_pcr_bank bank;
    struct tpm_pcr_selection selection = {DIGEST_SHA256, POLICY_PCRS};
    begin(&exchange, "rsa.pub", SOFTWARE_TPM_RSA);
    read_bank(&bank);
    tpm_identity_template_make(&exchange.identity, TPM_IDENTITY_DECRYPT, selection, &bank);
    tpm_command_create_primary(&exchange.commands[0], &exchange.sessions[0], &exchange.identity);
    tpm_command_pcr_read(&exchange.commands[1], &exchange.sessions[1], selection);
    tpm_command_pcr_read(&exchange.commands[2], &exchange.sessions[2], selection);
    relay(&exchange, SOFTWARE_TPM_RSA);
    _cleanup_tpm_created_key_ struct tpm_created_key created = {0};
    assert_ok(tpm_response_created(&created, &exchange.sessions[0], &exchange.identity,
                                   buf_slice(&exchange.responses[0]), err));
    char *path = memory_format("%s/key.der", tpm.folder);
    assert_ok(file_replace(path, public_key_spki(created.key), 0600, err));
    free(path);
    char *command = memory_format(
        "echo secret > plain && openssl pkeyutl -encrypt -pubin -keyform der -inkey key.der "
        "-in plain -out cipher && decrypt() { tpm2_startauthsession --policy-session -S s.ctx && "
        "tpm2_policypcr -S s.ctx -l sha256:0,2,4,7,14 && "
        "tpm2_rsadecrypt -c 0x%x -s rsaes -p session:s.ctx -o out cipher; "
        "status=$?; tpm2_flushcontext s.ctx; return $status; } && "
        "decrypt && cmp out plain && tpm2_pcrextend 4:sha256=$(printf %%064d 4) && "
        "! decrypt 2>refusal && grep -qi 0x99d refusal",
        created.handle);
    software_tpm_tool(&tpm, command);
    free(command);
    end(&exchange);
}

/* ReadPublic of the endorsement key over a session of its own; names as the TPM has them. */
static void test_read_public(void **state)
{
    (void)state;
    struct exchange exchange;
    begin(&exchange, "rsa.pub", SOFTWARE_TPM_RSA);
    struct buf file;
    struct tpm_public area;
    uint8_t name[TPM_NAME_SIZE_MAX];
    assert_ok(tpm_public_parse_sized(&area, software_tpm_file(&file, &tpm, "rsa.pub"), err));
    struct slice named = slice_of(name, tpm_public_name(name, &area));
    tpm_command_read_public(&exchange.commands[0], &exchange.sessions[0], SOFTWARE_TPM_RSA, named);
    tpm_command_pcr_read(&exchange.commands[1], &exchange.sessions[1],
                         (struct tpm_pcr_selection){DIGEST_SHA256, 1});
    tpm_command_pcr_read(&exchange.commands[2], &exchange.sessions[2],
                         (struct tpm_pcr_selection){DIGEST_SHA384, 1});
    relay(&exchange, SOFTWARE_TPM_RSA);
    struct slice read;
    struct slice response = buf_slice(&exchange.responses[0]);
    assert_ok(tpm_response_public(&read, &exchange.sessions[0], named, response, err));
    assert_slice_equal(read, area.area);
    name[5] ^= 1;
    assert_refused(tpm_response_public(&read, &exchange.sessions[0], named, response, err),
                   "tpm.name-wrong");
    struct tpm_pcr_read pcrs;
    assert_ok(tpm_response_pcrs(&pcrs, &exchange.sessions[2],
                                (struct tpm_pcr_selection){DIGEST_SHA384, 1},
                                buf_slice(&exchange.responses[2]), err));
    buf_done(&file);
    end(&exchange);
}

/* A TPM that is asked for more than eight registers leaves some out, with a valid HMAC. */
static void test_shrunk_selection(void **state)
{
    (void)state;
    struct exchange exchange;
    begin(&exchange, "rsa.pub", SOFTWARE_TPM_RSA);
    struct tpm_pcr_selection eight = {DIGEST_SHA256, 0xff};
    for (size_t i = 0; i < TPM_SESSIONS_MAX; i++)
        tpm_command_pcr_read(&exchange.commands[i], &exchange.sessions[i], eight);
    relay(&exchange, SOFTWARE_TPM_RSA);
    struct tpm_pcr_read read;
    assert_refused(tpm_response_pcrs(&read, &exchange.sessions[0],
                                     (struct tpm_pcr_selection){DIGEST_SHA256, 0x1ff},
                                     buf_slice(&exchange.responses[0]), err),
                   "tpm.selection-altered");
    end(&exchange);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rsa),
        cmocka_unit_test(test_p384),
        cmocka_unit_test(test_policy_digest),
        cmocka_unit_test(test_read_public),
        cmocka_unit_test(test_shrunk_selection),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_key_under_policy),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
