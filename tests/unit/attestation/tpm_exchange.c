/* SPDX-License-Identifier: Apache-2.0 */

/* The last step of an exchange: what it accepts without the event log, when it wants the log, and
 * what an attacker could try in between. Each attack is tried on a host whose boot is remembered,
 * where the first step's verdict stands, and on one whose boot is judged again. */

#include "tpm_fixture.h"

#include "attestation/boot.h"
#include "eventlog/ima.h"

#define VSM_LAUNCH_TYPE 0x00050012 /* SIPAEVENT_VSM_LAUNCH_TYPE */
#define LAST 2                     /* the number of the last request of v2.0 */

static struct fixture *fixture; /* of the test that runs */

static void good_host_of(struct host *host, enum eventlog_profile profile, bool remembered)
{
    initialise_tpm(fixture);
    host_init(host, SIMULATED_P256, profile);
    add_baseline(fixture, "model", host);
    register_good(fixture, "n1", host);
    change(fixture, STORE_LAST_BOOT, "n1", NULL);
    if (!remembered)
        return;
    struct client client = {.host = host};
    assert_int_equal(client_type(fixture, &client), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
    attestation_settle(fixture->service);
}

static void good_host(struct host *host, bool remembered)
{
    good_host_of(host, EVENTLOG_PROFILE_LINUX, remembered);
}

/* It is refused with this code, retryable or not. */
static void expect_refused(struct client *client, const char *code, bool retryable)
{
    struct attestation_reply reply = {0};
    client_run(fixture, client, &reply);
    if (!attestation_reply_is_error(reply.type) || strcmp(trail_text("code"), code) != 0)
        fail_msg("%s, %s; wanted %s", attestation_reply_name(reply.type), trail.fields, code);
    assert_int_equal(reply.retryable, retryable);
    attestation_reply_done(&reply);
}

static void assert_passes(struct client *client, unsigned rounds)
{
    enum attestation_reply_type type = client_type(fixture, client);
    if (type != ATTESTATION_REPLY_HEALTH_CERTIFICATE)
        fail_msg("%s: %s", attestation_reply_name(type), trail.fields);
    assert_int_equal(client->rounds, rounds);
}

/* ---- with the log and without ---- */

/* Notes how large the state is that comes back. */
static void measure_state(struct client *client, unsigned round, struct rtpm_context *context)
{
    if (round == LAST) {
        *(size_t *)client->kept = context->state.bytes.size;
        assert_int_equal(context->log.size, 0);
    }
}

static size_t state_size(struct host *host)
{
    size_t size = 0;
    struct client client = {.host = host, .alter = measure_state, .kept = &size};
    assert_passes(&client, LAST + 1);
    return size;
}

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
    good_host(&host, false);
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
        good_host(&host, remembered != 0);
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
    good_host(&host, false);
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
    struct log_linux boot;
    fixture = *state;
    good_host(&host, true);
    /* somebody who knows no more than the host's public key claims another boot */
    twin = host;
    buf_init(&twin.log, RTPM_LOG_MAX);
    buf_init(&twin.ima, RTPM_LOG_MAX);
    twin.tpm = host.tpm;
    log_linux_init(&boot);
    boot.is_secure_boot_on = false;
    struct tpm_pcr_bank held = *simulated_tpm_pcrs(host.tpm);
    host_boot_linux(&twin, &boot);
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

/* ---- another log ---- */

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

static void cut_kept_log(struct client *client, unsigned round, struct rtpm_context *context)
{
    if (round == LAST)
        context->state.bytes.size -= client->host->log.size;
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
        void (*alter)(struct client *client, unsigned round, struct rtpm_context *context);
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
        good_host(&host, cases[i].remembered);
        expect_refused(&(struct client){.host = &host, .alter = cases[i].alter}, cases[i].code,
                       false);
    }
    buf_done(&altered);
}

/* ---- other registers ---- */

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
        good_host_of(&host, cases[i / 2].profile, i % 2 != 0);
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
    struct log_linux boot;
    struct log_windows windows;
    (void)context;
    if (round != 1)
        return;
    log_linux_init(&boot);
    boot.is_secure_boot_on = false;
    log_windows_init(&windows);
    windows.is_secure_boot_on = false;
    if (client->host->profile == EVENTLOG_PROFILE_LINUX)
        host_boot_linux(client->host, &boot);
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
        good_host_of(&host, profile, i % 2 != 0);
        expect_refused(&(struct client){.host = &host, .alter = reboot},
                       i / 2 == 0 ? "attestation.pcr-changed" : "attestation.log-mismatch",
                       i / 2 == 0);
    }
}

/* ---- other policies ---- */

static void remove_policy(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)client;
    (void)context;
    if (round == LAST)
        change(fixture, STORE_POLICY, "kernel", NULL);
}

static void add_one(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)context;
    if (round == LAST)
        add_baseline(fixture, "another", client->host);
}

static const char *const set_names[] = {"rack"};

static void into_a_set(struct client *client, unsigned round, struct rtpm_context *context)
{
    struct attestation_registration registration = {.profile = client->host->profile,
                                                    .version = POLICY_VERSION_2,
                                                    .sets = set_names,
                                                    .set_count = 1};
    (void)context;
    if (round == LAST)
        assert_ok(register_tpm(fixture, "n1", client->host, &registration, true, err));
}

static void to_another_profile(struct client *client, unsigned round, struct rtpm_context *context)
{
    struct attestation_registration registration = {.profile = EVENTLOG_PROFILE_WINDOWS,
                                                    .version = POLICY_VERSION_2};
    (void)context;
    if (round == LAST)
        assert_ok(register_tpm(fixture, "n1", client->host, &registration, true, err));
}

static void to_another_version(struct client *client, unsigned round, struct rtpm_context *context)
{
    struct attestation_registration registration = {
        .profile = client->host->profile, .version = POLICY_VERSION_1, .force = true};
    (void)context;
    if (round == LAST)
        assert_ok(register_tpm(fixture, "n1", client->host, &registration, true, err));
}

static void test_policies_change(void **state)
{
    static void (*const changes[])(struct client * client, unsigned round,
                                   struct rtpm_context *context) = {
        remove_policy, add_one, into_a_set, to_another_profile, to_another_version};
    fixture = *state;
    for (size_t i = 0; i < 2 * sizeof changes / sizeof changes[0]; i++) {
        _cleanup_host_ struct host host;
        good_host(&host, i % 2 != 0);
        expect_refused(&(struct client){.host = &host, .alter = changes[i / 2]},
                       "attestation.policies-changed", true);
        change(fixture, STORE_POLICY, "another", NULL);
    }
}

static void wait_a_minute(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)client;
    (void)context;
    if (round == LAST)
        fixture->clock.offset += 60;
}

/* The baseline ends while the host attests. */
static void test_policy_ends(void **state)
{
    fixture = *state;
    for (int remembered = 0; remembered < 2; remembered++) {
        _cleanup_host_ struct host host;
        good_host(&host, false);
        add_baseline_until(fixture, &host, clock_now(&fixture->clock) + 90);
        struct client client = {.host = &host, .alter = wait_a_minute};
        if (remembered) {
            struct client before = {.host = &host};
            assert_passes(&before, LAST + 1);
            attestation_settle(fixture->service);
        }
        assert_passes(&client, LAST + 1); /* 30 s before its end */
        fixture->clock.offset -= 30;
        attestation_settle(fixture->service);
        if (!remembered)
            change(fixture, STORE_LAST_BOOT, "n1", NULL);
        if (remembered)
            expect_refused(&client, "attestation.policies-changed", true);
        else
            expect_refused(&client, "attestation.policies-failed", false);
    }
}

static void protect_signing_keys(struct client *client, unsigned round,
                                 struct rtpm_context *context)
{
    (void)client;
    (void)context;
    if (round == LAST)
        change(fixture, STORE_SETTING, "attestation", "{\"allow_unprotected_signing_keys\":false}");
}

/* Of a Windows host, whose keys the first step took from the log. */
static void test_signing_is_forbidden_meanwhile(void **state)
{
    _cleanup_host_ struct host host;
    struct log_windows boot;
    fixture = *state;
    good_host_of(&host, EVENTLOG_PROFILE_WINDOWS, false);
    struct client client = {
        .host = &host, .requested = {ATTESTATION_RESULT_SIGNING_CERTIFICATE}, .requested_count = 1};
    log_windows_init(&boot);
    log_windows_set(&boot, VSM_LAUNCH_TYPE, 0);
    host_boot_windows(&host, &boot);
    for (int i = 0; i < 2; i++) {
        change(fixture, STORE_SETTING, "attestation", "{\"allow_unprotected_signing_keys\":true}");
        tick(fixture);
        client.alter = NULL;
        assert_passes(&client, LAST + 1);
        attestation_settle(fixture->service);
        if (i == 0)
            change(fixture, STORE_LAST_BOOT, "n1", NULL);
        client.alter = protect_signing_keys;
        expect_refused(&client, "attestation.content-refused", false);
    }
}

/* ---- another bank ---- */

/* Its TPM has a bank of SHA-384 with the same log's events, as firmware would have filled it. */
static void good_host_384(struct host *host, enum digest_algorithm registered)
{
    static const enum digest_algorithm banks[] = {DIGEST_SHA256, DIGEST_SHA384};
    struct attestation_registration registration = {
        .profile = EVENTLOG_PROFILE_LINUX, .version = POLICY_VERSION_2, .bank = registered};
    _cleanup_log_builder_ struct log_builder builder;
    struct log_linux boot;
    struct eventlog log;
    initialise_tpm(fixture);
    *host = (struct host){.tpm = simulated_tpm_new(SIMULATED_P256, DIGEST_SHA384),
                          .profile = EVENTLOG_PROFILE_LINUX};
    buf_init(&host->log, RTPM_LOG_MAX);
    buf_init(&host->ima, RTPM_LOG_MAX);
    log_linux_init(&boot);
    log_builder_init(&builder, banks, 2);
    log_linux_build(&builder, &boot);
    buf_append(&host->log, log_builder_slice(&builder));
    assert_ok(eventlog_parse(&log, buf_slice(&host->log), err));
    assert_ok(eventlog_replay(simulated_tpm_pcrs(host->tpm), &log, DIGEST_SHA384, err));
    eventlog_done(&log);
    add_baseline(fixture, "model", host);
    assert_ok(register_tpm(fixture, "n1", host, &registration, true, err));
}

static void to_another_bank(struct client *client, unsigned round, struct rtpm_context *context)
{
    struct attestation_registration registration = {
        .profile = client->host->profile, .version = POLICY_VERSION_2, .bank = DIGEST_SHA256};
    (void)context;
    if (round == LAST)
        assert_ok(register_tpm(fixture, "n1", client->host, &registration, true, err));
}

/* A host attests by the bank that it is registered for, however good another looks. */
static void test_bank(void **state)
{
    _cleanup_host_ struct host host;
    fixture = *state;
    good_host_384(&host, 0); /* SHA-256 */
    struct client client = {.host = &host};
    expect_refused(&client, "attestation.pcr-bank", false);
    assert_int_equal(client.rounds, 1);
    assert_non_null(strstr(trail_text("reason"), "sha384"));
    host_done(&host);
    good_host_384(&host, DIGEST_SHA384);
    client.host = &host;
    assert_passes(&client, LAST + 1);
    client.alter = to_another_bank;
    expect_refused(&client, "attestation.policies-changed", true);
    client.alter = NULL;
    expect_refused(&client, "attestation.pcr-bank", false);
    host_done(&host);
    good_host(&host, true);
    assert_passes(&(struct client){.host = &host}, LAST + 1);
}

/* ---- a boot that passed before ---- */

static void extend_one(struct host *host)
{
    struct digest digest;
    digest_compute(&digest, DIGEST_SHA256, slice_from_text("evil"));
    simulated_tpm_extend(host->tpm, 7, digest_slice(&digest));
}

static void boot_otherwise(struct host *host)
{
    struct log_linux boot;
    log_linux_init(&boot);
    boot.is_secure_boot_on = false;
    host_boot_linux(host, &boot);
}

/* What its digest covers, so that the line proves nothing any more. */
static void alter_line(struct host *host)
{
    static const char name[] = "kernel_cmdline: ";
    uint8_t *line = memmem(host->log.data, host->log.size, name, sizeof name - 1);
    assert_non_null(line);
    line[sizeof name + 3] ^= 1;
}

static void without_policy(struct host *host)
{
    (void)host;
    change(fixture, STORE_POLICY, "kernel", NULL);
}

static void without_baseline(struct host *host)
{
    (void)host;
    change(fixture, STORE_POLICY, "model", NULL);
}

static void as_version_1(struct host *host)
{
    struct attestation_registration registration = {
        .profile = host->profile, .version = POLICY_VERSION_1, .force = true};
    assert_ok(register_tpm(fixture, "n1", host, &registration, true, err));
}

/* The first step remembers a boot that passed, and nothing beside it. */
static void test_first_step_remembers_no_more(void **state)
{
    static const struct {
        void (*change)(struct host *host);
        const char *code;
    } cases[] = {
        {extend_one, "attestation.log-mismatch"},
        {boot_otherwise, "attestation.policies-failed"},
        {alter_line, "attestation.policies-failed"},
        {without_policy, "attestation.policies-failed"},
        {without_baseline, "attestation.policies-failed"},
        {as_version_1, "attestation.policies-failed"},
    };
    fixture = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        _cleanup_host_ struct host host;
        good_host(&host, true);
        struct client client = {.host = &host};
        assert_passes(&client, LAST + 1);
        cases[i].change(&host);
        expect_refused(&client, cases[i].code, false);
        assert_int_equal(client.rounds, 1);
        expect_refused(&client, cases[i].code, false); /* nor a boot that failed */
    }
}

/* A policy that has an end is looked at each time. */
static void test_first_step_sees_ends(void **state)
{
    _cleanup_host_ struct host host;
    fixture = *state;
    good_host(&host, true);
    add_baseline_until(fixture, &host, clock_now(&fixture->clock) + 90);
    struct client client = {.host = &host};
    for (int i = 0; i < 2; i++)
        assert_passes(&client, LAST + 1);
    fixture->clock.offset += 90;
    expect_refused(&client, "attestation.policies-failed", false);
}

/* ---- another IMA list ---- */

/* Measures as IMA does: an entry of the list, and PCR 10. fields are the template's. */
static void measure(struct host *host, const char *template, struct slice fields)
{
    struct digest sha1, sha256;
    digest_compute(&sha1, DIGEST_SHA1, fields);
    digest_compute(&sha256, DIGEST_SHA256, fields);
    buf_append_u32_le(&host->ima, IMA_PCR);
    buf_append(&host->ima, digest_slice(&sha1));
    buf_append_u32_le(&host->ima, (uint32_t)strlen(template));
    buf_append_text(&host->ima, template);
    buf_append_u32_le(&host->ima, (uint32_t)fields.size);
    buf_append(&host->ima, fields);
    simulated_tpm_extend(host->tpm, IMA_PCR, digest_slice(&sha256));
}

static void append_field(struct buf *out, const void *bytes, size_t size)
{
    buf_append_u32_le(out, (uint32_t)size);
    buf_append_bytes(out, bytes, size);
}

/* d-ng and n-ng; for ima-buf also the buffer. */
static void measure_digest(struct host *host, const struct digest *digest, const char *name,
                           const char *text)
{
    uint8_t named[7 + 1 + DIGEST_SHA256_SIZE] = "sha256:";
    _cleanup_buf_ struct buf fields;
    buf_init(&fields, 1024);
    memcpy(named + 8, digest->value, DIGEST_SHA256_SIZE);
    append_field(&fields, named, sizeof named);
    append_field(&fields, name, strlen(name) + 1);
    if (text != NULL)
        append_field(&fields, text, strlen(text));
    measure(host, text == NULL ? "ima-ng" : "ima-buf", buf_slice(&fields));
}

static void measure_text(struct host *host, const char *name, const char *content, bool is_buffer)
{
    struct digest digest;
    digest_compute(&digest, DIGEST_SHA256, slice_from_text(content));
    measure_digest(host, &digest, name, is_buffer ? content : NULL);
}

static void measure_aggregate(struct host *host)
{
    struct slice values[10];
    struct digest digest;
    for (unsigned pcr = 0; pcr < 10; pcr++)
        values[pcr] = tpm_pcr_value(simulated_tpm_pcrs(host->tpm), pcr);
    digest_compute_parts(&digest, DIGEST_SHA256, values, 10);
    measure_digest(host, &digest, "boot_aggregate", NULL);
}

/* A host whose code integrity policy is a file that IMA measures. */
static void ima_host(struct host *host)
{
    good_host(host, false);
    struct policy policy = new_policy("kernel", POLICY_CI, EVENTLOG_PROFILE_LINUX);
    assert_ok(code_integrity_take_ima(&policy.ci, slice_from_text("rules"), err));
    add_policy(fixture, &policy);
    buf_reserve(&host->ima, 4096); /* what was sent stays where it is while the list grows */
    measure_aggregate(host);
    measure_text(host, "/etc/ima/ima-policy", "rules", false);
}

static void list_grows(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)context;
    if (round == 0)
        measure_text(client->host, "/bin/true", "true", false);
}

/* Another kernel is loaded behind the first step. */
static void kexec(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)context;
    if (round == 0)
        measure_text(client->host, "kexec-cmdline", "quiet", true);
}

/* … and the list does not say so. */
static void hidden_kexec(struct client *client, unsigned round, struct rtpm_context *context)
{
    static size_t honest;
    if (round == 0) {
        honest = client->host->ima.size;
        kexec(client, round, context);
    } else if (round == LAST) {
        context->ima_log.size = honest;
    }
}

static void no_list(struct client *client, unsigned round, struct rtpm_context *context)
{
    (void)client;
    if (round == LAST)
        context->ima_log = SLICE_EMPTY;
}

static void test_ima(void **state)
{
    static const struct {
        void (*alter)(struct client *client, unsigned round, struct rtpm_context *context);
        const char *code; /* NULL: it passes */
    } cases[] = {
        {NULL, NULL},
        {list_grows, NULL},
        {kexec, "attestation.policies-failed"},
        {hidden_kexec, "eventlog.ima-mismatch"},
        {no_list, "attestation.policies-failed"},
        {cut_kept_log, "attestation.context-incomplete"},
    };
    fixture = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        _cleanup_host_ struct host host;
        ima_host(&host);
        /* also when the boot is remembered: the list is of now */
        struct client client = {.host = &host};
        assert_passes(&client, LAST + 1);
        attestation_settle(fixture->service);
        assert_true(state_size(&host) > host.log.size);
        client.alter = cases[i].alter;
        if (cases[i].code == NULL)
            assert_passes(&client, LAST + 1);
        else
            expect_refused(&client, cases[i].code, false);
    }
}

/* What IMA has measured since is seen at once, also of a boot that passed before. */
static void test_ima_is_never_remembered(void **state)
{
    _cleanup_host_ struct host host;
    fixture = *state;
    ima_host(&host);
    struct client client = {.host = &host};
    for (int i = 0; i < 2; i++) {
        assert_passes(&client, LAST + 1);
        attestation_settle(fixture->service);
    }
    measure_text(&host, "kexec-cmdline", "quiet", true);
    expect_refused(&client, "attestation.policies-failed", false);
    assert_int_equal(client.rounds, 1);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_log_goes_along_once),
        TEST(test_log_sent_again),
        TEST(test_another_node_remembers),
        TEST(test_nothing_stays_pending),
        TEST(test_another_log),
        TEST(test_registers_change),
        TEST(test_another_boot_ends_it),
        TEST(test_policies_change),
        TEST(test_policy_ends),
        TEST(test_signing_is_forbidden_meanwhile),
        TEST(test_bank),
        TEST(test_first_step_remembers_no_more),
        TEST(test_first_step_sees_ends),
        TEST(test_ima),
        TEST(test_ima_is_never_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
