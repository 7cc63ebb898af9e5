/* SPDX-License-Identifier: Apache-2.0 */

/* The last step of an exchange: what it accepts without the event log, when it wants the log, and
 * what an attacker could try in between with the log and the registers. */

#include "tpm_exchange_fixture.h"

#include "attestation/boot.h"

static void assert_last_boot(const struct host *host)
{
    struct attestation_boot boot = {0};
    assert_ok(attestation_boot_load_last(&boot, fixture->store, "n1", err));
    assert_true(boot.proven);
    assert_true(slice_equal(buf_slice(&boot.log), buf_slice(&host->log)));
    attestation_boot_done(&boot);
}

/* A boot that is not remembered yet takes its log along, once. */
static void test_log_goes_along_once(void **state)
{
    _cleanup_host_ struct host host;
    uint8_t digest[DIGEST_SHA256_SIZE];
    char boot[2 * DIGEST_SHA256_SIZE + 1];
    fixture = *state;
    exchange_host(&host, false);
    assert_true(state_size(&host) > host.log.size);
    attestation_settle(fixture->service);
    assert_last_boot(&host);
    assert_true(state_size(&host) < host.log.size);
    digest_sha256(digest, buf_slice(&host.log));
    hex_format(slice_of(digest, sizeof digest), boot);
    assert_string_equal(trail_text("boot"), boot);
    /* whoever removes what is remembered has it remembered anew */
    attestation_settle(fixture->service);
    change(fixture, STORE_LAST_BOOT, "n1", NULL);
    assert_true(state_size(&host) > host.log.size);
    attestation_settle(fixture->service);
    assert_last_boot(&host);
}

/* A client may send it again. */
static void test_log_sent_again(void **state)
{
    fixture = *state;
    for (int remembered = 0; remembered < 2; remembered++) {
        _cleanup_host_ struct host host;
        exchange_host(&host, remembered != 0);
        assert_passes(&(struct client){.host = &host, .sends_log_again = true}, LAST + 1);
    }
}

/* The last request goes to client->kept instead. */
static void end_at_another(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)context;
    if (round == LAST)
        fixture->service = client->kept;
}

/* The node that ends the exchange has not seen its beginning. */
static void test_another_node_remembers(void **state)
{
    _cleanup_host_ struct host host;
    fixture = *state;
    exchange_host(&host, false);
    struct attestation_options options = {.store = fixture->store,
                                          .keyholder = fixture->keyholder,
                                          .clock = &fixture->clock,
                                          .node = "n1"};
    struct attestation_service *first = fixture->service, *second;
    int64_t revision;
    assert_ok(attestation_service_new(&second, &options, &revision, err));
    struct client client = {.host = &host, .alter = end_at_another, .kept = second};
    assert_passes(&client, LAST + 1);
    attestation_settle(second);
    assert_last_boot(&host);
    /* of a boot that only one of them remembers, both can end an attestation */
    client.kept = first;
    assert_passes(&client, LAST + 1);
    assert_ptr_equal(fixture->service, first);
    client.kept = second;
    assert_passes(&client, LAST + 1);
    fixture->service = first;
    attestation_service_free(&second);
    assert_last_boot(&host);
}

/* What is pending goes when the host passes, also without the log. */
static void test_nothing_stays_pending(void **state)
{
    _cleanup_host_ struct host host, twin;
    fixture = *state;
    exchange_host(&host, true);
    /* somebody who knows no more than the host's public key claims another boot */
    twin = host;
    buf_init(&twin.log, RTPM_LOG_MAX);
    buf_init(&twin.ima, RTPM_LOG_MAX);
    twin.tpm = host.tpm;
    struct tpm_pcr_bank held = *simulated_tpm_pcrs(host.tpm);
    host_boot_without_secure_boot(&twin);
    expect_refused(&(struct client){.host = &twin}, "attestation.policies-failed", false);
    twin.tpm = NULL;
    *simulated_tpm_pcrs(host.tpm) = held;
    attestation_settle(fixture->service);
    assert_true(store_get(fixture->store, STORE_PENDING, "n1", NULL, NULL, NULL));
    assert_passes(&(struct client){.host = &host}, LAST + 1);
    attestation_settle(fixture->service);
    assert_false(store_get(fixture->store, STORE_PENDING, "n1", NULL, NULL, NULL));
    assert_last_boot(&host);
}

static void other_log(struct client *client, unsigned round, struct rtpm_context *context)
{
    if (round == LAST)
        context->log = slice_of(client->host->log.data, client->host->log.size - 1);
}

/* A copy of the state that can be altered; valid until the next call. */
static struct buf altered;

static void copy_state(struct rtpm_context *context)
{
    buf_done(&altered);
    buf_init(&altered, RTPM_STATE_MAX);
    buf_append(&altered, context->state.bytes);
    context->state.bytes = buf_slice(&altered);
}

static void alter_kept_log(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)client;
    if (round != LAST)
        return;
    copy_state(context);
    altered.data[altered.size - 1] ^= 1;
}

/* Where none belongs. */
static void add_kept_log(struct client *client, unsigned round, struct rtpm_context *context)
{
    if (round != LAST)
        return;
    copy_state(context);
    buf_append(&altered, buf_slice(&client->host->log));
    context->state.bytes = buf_slice(&altered);
}

static void test_another_log(void **state)
{
    static const struct {
        bool remembered;
        client_alter *alter;
        const char *code;
    } cases[] = {
        {false, other_log, "attestation.log-changed"},
        {true, other_log, "attestation.log-changed"},
        {false, cut_kept_log, "attestation.context-incomplete"},
        {false, alter_kept_log, "attestation.log-changed"},
        {false, add_kept_log, "attestation.log-changed"},
        {true, add_kept_log, "attestation.state-refused"},
    };
    fixture = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        _cleanup_host_ struct host host;
        exchange_host(&host, cases[i].remembered);
        expect_refused(&(struct client){.host = &host, .alter = cases[i].alter}, cases[i].code,
                       false);
    }
    buf_done(&altered);
}

static unsigned extended; /* the register that is extended in between */
static const char *word;  /* by the digest of this */

/* Behind the first step, which saw the good values, and before the TPM reads. */
static void extend(struct client *client, unsigned round, struct rtpm_context *context)
{
    struct digest digest;
    (void)context;
    digest_compute(&digest, DIGEST_SHA256, slice_from_text(word));
    if (round == 0)
        simulated_tpm_extend(client->host->tpm, extended, digest_slice(&digest));
}

static void test_registers_change(void **state)
{
    static const struct {
        enum eventlog_profile profile;
        unsigned pcr;
        const char *word, *code; /* NULL: it passes */
    } cases[] = {
        {EVENTLOG_PROFILE_LINUX, 0, "evil", "attestation.pcr-changed"},
        {EVENTLOG_PROFILE_LINUX, 7, "evil", "attestation.pcr-changed"},
        {EVENTLOG_PROFILE_LINUX, 14, "evil", "attestation.pcr-changed"},
        {EVENTLOG_PROFILE_LINUX, 11, "evil", "attestation.log-mismatch"},
        {EVENTLOG_PROFILE_LINUX, 11, "sysinit", NULL}, /* systemd's word */
        {EVENTLOG_PROFILE_LINUX, 10, "a file", NULL},  /* that nobody reads */
        {EVENTLOG_PROFILE_WINDOWS, 0, "evil", "attestation.log-mismatch"},
        {EVENTLOG_PROFILE_WINDOWS, 12, "evil", "attestation.log-mismatch"},
        {EVENTLOG_PROFILE_WINDOWS, 11, "sysinit", "attestation.log-mismatch"},
    };
    fixture = *state;
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        _cleanup_host_ struct host host;
        exchange_host_of(&host, cases[i / 2].profile, i % 2 != 0);
        struct client client = {.host = &host, .alter = extend};
        extended = cases[i / 2].pcr;
        word = cases[i / 2].word;
        const char *code = cases[i / 2].code;
        if (code == NULL)
            assert_passes(&client, LAST + 1);
        else
            expect_refused(&client, code, strcmp(code, "attestation.pcr-changed") == 0);
    }
}

/* A good boot begins the exchange, and another system, within its time, ends it. */
static void reboot(struct client *client, unsigned round, struct rtpm_context *context)
{
    struct log_windows windows;
    (void)context;
    if (round != 1)
        return;
    log_windows_init(&windows);
    windows.is_secure_boot_on = false;
    if (client->host->profile == EVENTLOG_PROFILE_LINUX)
        host_boot_without_secure_boot(client->host);
    else
        host_boot_windows(client->host, &windows);
}

static void test_another_boot_ends_it(void **state)
{
    fixture = *state;
    for (int i = 0; i < 4; i++) {
        _cleanup_host_ struct host host;
        enum eventlog_profile profile =
            i / 2 == 0 ? EVENTLOG_PROFILE_LINUX : EVENTLOG_PROFILE_WINDOWS;
        exchange_host_of(&host, profile, i % 2 != 0);
        expect_refused(&(struct client){.host = &host, .alter = reboot},
                       i / 2 == 0 ? "attestation.pcr-changed" : "attestation.log-mismatch",
                       i / 2 == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_log_goes_along_once),
        FIXTURE_TEST(test_log_sent_again),
        FIXTURE_TEST(test_another_node_remembers),
        FIXTURE_TEST(test_nothing_stays_pending),
        FIXTURE_TEST(test_another_log),
        FIXTURE_TEST(test_registers_change),
        FIXTURE_TEST(test_another_boot_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
