/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/response.h"

#include <stdlib.h>

#include "simulated_exchange.h"

static const enum simulated_endorsement kinds[] = {SIMULATED_RSA_2048, SIMULATED_P256,
                                                   SIMULATED_P384};

/* The whole exchange with an honest TPM, whatever its endorsement key. */
static void test_honest(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        struct simulated_exchange x;
        exchange_begin(&x, kinds[k]);
        assert_int_equal(simulated_tpm_loaded(x.tpm), 3);
        _cleanup_tpm_created_key_ struct tpm_created_key created = {0};
        assert_ok(tpm_response_created(&created, &x.sessions[0], &x.identity,
                                       exchange_create(&x, 0), err));
        const struct private_key *made = simulated_tpm_identity_key(x.tpm);
        assert_slice_equal(public_key_spki(created.key), public_key_spki(private_key_public(made)));
        struct tpm_pcr_read reads[2];
        for (size_t i = 0; i < 2; i++)
            assert_ok(tpm_response_pcrs(&reads[i], &x.sessions[1 + i], x.reads[i],
                                        exchange_read(&x, 1 + i, i), err));
        struct tpm_pcr_bank bank;
        assert_ok(tpm_pcr_reads_join(&bank, reads, 2, false, err));
        assert_int_equal(bank.present, EXCHANGE_PCRS);
        assert_int_equal(tpm_pcr_differing(&bank, simulated_tpm_pcrs(x.tpm), EXCHANGE_PCRS), 0);
        /* Each session was used once and is gone; the key is left. */
        assert_int_equal(simulated_tpm_loaded(x.tpm), 1);
        tpm_command_flush_context(&x.command, created.handle);
        assert_int_equal(tpm_response_code(exchange_run(&x)), 0);
        assert_int_equal(simulated_tpm_loaded(x.tpm), 0);
        exchange_end(&x);
    }
}

/* Lies about PCR_Read and CreatePrimary, each with its own refusal. */
static void test_lies(void **state)
{
    (void)state;
    static const struct {
        enum simulated_lie lie;
        bool create;
        const char *code;
    } lies[] = {
        {SIMULATED_OTHER_SESSION, true, "tpm.response-hmac"},
        {SIMULATED_OTHER_SESSION, false, "tpm.response-hmac"},
        {SIMULATED_PARAMETERS, true, "tpm.response-hmac"},
        {SIMULATED_PARAMETERS, false, "tpm.response-hmac"},
        {SIMULATED_EXTERNAL_KEY, true, "tpm.response-hmac"},
        {SIMULATED_ATTRIBUTES, true, "tpm.response-attributes"},
        {SIMULATED_ATTRIBUTES, false, "tpm.response-attributes"},
        {SIMULATED_ATTRIBUTES_UNSAID, false, "tpm.response-hmac"},
        {SIMULATED_RESPONSE_CODE, true, "tpm.response-code"},
        {SIMULATED_RESPONSE_CODE, false, "tpm.response-code"},
        {SIMULATED_TRAILING, true, "tpm.response-malformed"},
        {SIMULATED_TRAILING, false, "tpm.response-malformed"},
        {SIMULATED_SIZE, true, "tpm.response-malformed"},
        {SIMULATED_SIZE, false, "tpm.response-malformed"},
        {SIMULATED_SELECTION_SHRUNK, false, "tpm.selection-altered"},
        {SIMULATED_SELECTION_BANK, false, "tpm.selection-altered"},
        {SIMULATED_DIGEST_MISSING, false, "tpm.pcr-count"},
        {SIMULATED_DIGEST_SIZE, false, "tpm.pcr-count"},
        {SIMULATED_FIXED_TPM_CLEAR, true, "tpm.key-altered"},
        {SIMULATED_USER_WITH_AUTH, true, "tpm.key-altered"},
        {SIMULATED_POLICY, true, "tpm.key-altered"},
        {SIMULATED_UNIQUE_SIZE, true, "tpm.key-altered"},
        {SIMULATED_NAME, true, "tpm.name-wrong"},
    };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct simulated_exchange x;
        exchange_begin(&x, SIMULATED_P256);
        simulated_tpm_lie(x.tpm, lies[i].lie);
        struct tpm_created_key created = {0};
        struct tpm_pcr_read read;
        if (lies[i].create)
            assert_refused(tpm_response_created(&created, &x.sessions[0], &x.identity,
                                                exchange_create(&x, 0), err),
                           lies[i].code);
        else
            assert_refused(
                tpm_response_pcrs(&read, &x.sessions[0], x.reads[0], exchange_read(&x, 0, 0), err),
                lies[i].code);
        assert_null(created.key);
        exchange_end(&x);
    }
}

/* What is refused about the key says what is wrong with it. */
static void test_altered_key_in_words(void **state)
{
    (void)state;
    static const struct {
        enum simulated_lie lie;
        const char *words;
    } lies[] = {
        {SIMULATED_FIXED_TPM_CLEAR, "fixedTPM"},
        {SIMULATED_USER_WITH_AUTH, "userWithAuth"},
        {SIMULATED_POLICY, "authPolicy"},
        {SIMULATED_UNIQUE_SIZE, "2048 bits"},
    };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct simulated_exchange x;
        struct error err = {0};
        exchange_begin(&x, SIMULATED_P256);
        simulated_tpm_lie(x.tpm, lies[i].lie);
        struct tpm_created_key created;
        assert_refused_with(tpm_response_created(&created, &x.sessions[0], &x.identity,
                                                 exchange_create(&x, 0), &err),
                            &err, "tpm.key-altered");
        assert_non_null(strstr(err.message, lies[i].words));
        exchange_end(&x);
    }
}

/* Where no key is created, the reads must be of one moment. */
static void test_stale_counter(void **state)
{
    (void)state;
    struct simulated_exchange x;
    exchange_begin(&x, SIMULATED_P256);
    simulated_tpm_lie(x.tpm, SIMULATED_COUNTER_MOVES);
    struct tpm_pcr_read reads[2];
    for (size_t i = 0; i < 2; i++)
        assert_ok(
            tpm_response_pcrs(&reads[i], &x.sessions[i], x.reads[i], exchange_read(&x, i, i), err));
    struct tpm_pcr_bank bank;
    assert_refused(tpm_pcr_reads_join(&bank, reads, 2, false, err), "tpm.pcr-counter");
    assert_ok(tpm_pcr_reads_join(&bank, reads, 2, true, err));
    assert_int_equal(bank.present, EXCHANGE_PCRS);
    exchange_end(&x);
}

/* A response to one command is none to another, and each session's is its own. */
static void test_foreign(void **state)
{
    (void)state;
    struct simulated_exchange x;
    exchange_begin(&x, SIMULATED_P256);
    struct tpm_created_key created;
    struct tpm_pcr_read read;
    struct slice area;
    struct slice response = exchange_read(&x, 0, 0);
    assert_refused(tpm_response_created(&created, &x.sessions[0], &x.identity, response, err),
                   "tpm.response-unexpected");
    assert_refused(tpm_response_public(&area, &x.sessions[0], SLICE_EMPTY, response, err),
                   "tpm.response-unexpected");
    /* A session that was not used yet. */
    assert_refused(tpm_response_pcrs(&read, &x.sessions[1], x.reads[0], response, err),
                   "tpm.response-unexpected");
    /* The other half's response, over its own session. */
    struct buf first;
    buf_init(&first, TPM_RESPONSE_SIZE_MAX);
    buf_append(&first, response);
    exchange_read(&x, 1, 1);
    assert_refused(tpm_response_pcrs(&read, &x.sessions[1], x.reads[1], buf_slice(&first), err),
                   "tpm.response-hmac");
    /* The right session's answer about another selection. */
    assert_refused(tpm_response_pcrs(&read, &x.sessions[0], x.reads[1], buf_slice(&first), err),
                   "tpm.selection-altered");
    /* The same response twice is the same response. */
    assert_ok(tpm_response_pcrs(&read, &x.sessions[0], x.reads[0], buf_slice(&first), err));
    buf_done(&first);
    exchange_end(&x);
}

/* Without a session (tag 0x8001) a response proves nothing. */
static void test_no_session(void **state)
{
    (void)state;
    struct simulated_exchange x;
    struct error err = {0};
    exchange_begin(&x, SIMULATED_P256);
    struct slice response = exchange_read(&x, 0, 0);
    struct buf plain;
    buf_init(&plain, TPM_RESPONSE_SIZE_MAX);
    buf_append(&plain, response);
    plain.data[1] = 1;
    struct tpm_pcr_read read;
    assert_refused_with(
        tpm_response_pcrs(&read, &x.sessions[0], x.reads[0], buf_slice(&plain), &err), &err,
        "tpm.response-malformed");
    assert_non_null(strstr(err.message, "no session"));
    buf_done(&plain);
    exchange_end(&x);
}

/* Cut at every byte with its size put right, so that only what is in it can tell. */
static void test_truncation(void **state)
{
    (void)state;
    struct simulated_exchange x;
    exchange_begin(&x, SIMULATED_P256);
    struct slice whole = exchange_create(&x, 0);
    struct tpm_created_key created = {0};
    for (size_t size = 0; size < whole.size; size++) {
        /* A copy of its own, so that a sanitizer sees a read behind it. */
        uint8_t *cut = malloc(size + 1);
        memcpy(cut, whole.data, size);
        if (size >= 6) {
            cut[4] = (uint8_t)(size >> 8);
            cut[5] = (uint8_t)size;
        }
        assert_refused(
            tpm_response_created(&created, &x.sessions[0], &x.identity, slice_of(cut, size), err),
            "tpm.response-malformed");
        free(cut);
    }
    assert_ok(tpm_response_created(&created, &x.sessions[0], &x.identity, whole, err));
    tpm_created_key_done(&created);
    exchange_end(&x);
}

/* Each bit of a response, flipped: none is accepted. */
static void test_flipped_bits(void **state)
{
    (void)state;
    struct simulated_exchange x;
    struct error err = {0};
    exchange_begin(&x, SIMULATED_P256);
    struct slice whole = exchange_read(&x, 0, 0);
    struct buf altered;
    buf_init(&altered, TPM_RESPONSE_SIZE_MAX);
    buf_append(&altered, whole);
    for (size_t bit = 0; bit < 8 * whole.size; bit++) {
        struct tpm_pcr_read read;
        altered.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        memset(&err, 0, sizeof err);
        assert_false(
            tpm_response_pcrs(&read, &x.sessions[0], x.reads[0], buf_slice(&altered), &err));
        assert_non_null(err.code);
        altered.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    buf_done(&altered);
    exchange_end(&x);
}

static void test_too_large(void **state)
{
    (void)state;
    struct simulated_exchange x;
    exchange_begin(&x, SIMULATED_P256);
    exchange_read(&x, 0, 0);
    static uint8_t large[TPM_RESPONSE_SIZE_MAX + 1] = {0x80, 0x02, 0, 0, 0x10, 1};
    struct tpm_pcr_read read;
    assert_refused(
        tpm_response_pcrs(&read, &x.sessions[0], x.reads[0], slice_of(large, sizeof large), err),
        "tpm.response-malformed");
    exchange_end(&x);
}

static void test_read_public(void **state)
{
    (void)state;
    struct simulated_exchange x;
    exchange_begin(&x, SIMULATED_RSA_2048);
    struct tpm_public parsed;
    struct slice own = simulated_tpm_public(x.tpm), read;
    assert_ok(tpm_public_parse_sized(&parsed, own, err));
    uint8_t name[TPM_NAME_SIZE_MAX];
    size_t size = tpm_public_name(name, &parsed);
    tpm_command_read_public(&x.command, &x.sessions[0], simulated_tpm_handle(x.tpm),
                            slice_of(name, size));
    struct slice response = exchange_run(&x);
    assert_ok(tpm_response_public(&read, &x.sessions[0], slice_of(name, size), response, err));
    assert_slice_equal(read, parsed.area);
    name[9] ^= 1;
    assert_refused(tpm_response_public(&read, &x.sessions[0], slice_of(name, size), response, err),
                   "tpm.name-wrong");
    exchange_end(&x);
}

static void test_codes_in_words(void **state)
{
    (void)state;
    char text[64];
    static const struct {
        uint32_t code;
        const char *words;
    } codes[] = {
        {0x99d, "TPM_RC_POLICY_FAIL (0x99d, session 1)"},
        {0x9a2, "TPM_RC_BAD_AUTH (0x9a2, session 1)"},
        {0x121, "TPM_RC_EXCLUSIVE (0x121)"},
        {0x1c4, "TPM_RC_VALUE (0x1c4, parameter 1)"},
        {0x18b, "TPM_RC_HANDLE (0x18b, handle 1)"},
        {0x903, "TPM_RC_SESSION_MEMORY (0x903)"},
        {0x7ff, "TPM_RC (0x7ff, parameter 7)"},
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        assert_string_equal(tpm_response_code_format(codes[i].code, text, sizeof text),
                            codes[i].words);
    assert_int_equal(tpm_response_code(slice_of("\x80\x01\0\0\0\x0a\0\0\x01", 9)), UINT32_MAX);
    assert_int_equal(tpm_response_code(slice_of("\x80\x01\0\0\0\x0a\0\0\x01\x01", 10)), 0x101);
    assert_int_equal(tpm_response_handle(slice_of("\x80\x01\0\0\0\x0a\0\0\x01\x01", 10)), 0);
    assert_int_equal(tpm_response_handle(slice_of("\x80\x01\0\0\0\x0e\0\0\0\0\2\0\0\1", 14)),
                     0x02000001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_honest),
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_altered_key_in_words),
        cmocka_unit_test(test_stale_counter),
        cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_no_session),
        cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_read_public),
        cmocka_unit_test(test_codes_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
