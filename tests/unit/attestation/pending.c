/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm_client.h"

#include "attestation/pending.h"
#include "policy/errors.h"
#include "store/backend.h"
#include "store/errors.h"

static struct attestation_boot pending_of(struct fixture *fixture, const char *host)
{
    struct attestation_boot boot = {0};
    assert_ok(attestation_boot_load_pending(&boot, fixture->store, host, err));
    return boot;
}

static bool has(struct fixture *fixture, enum store_kind kind, const char *host)
{
    return store_get(fixture->store, kind, host, NULL, NULL, NULL);
}

/* Boots are written by another thread; a service that ends has written them. */
static void settle(struct fixture *fixture)
{
    start_service(fixture, "n1");
}

/* A boot that differs from the baseline, and whose policies it would pass otherwise. */
static void other_firmware(struct host *host)
{
    static const enum digest_algorithm bank[] = {DIGEST_SHA256};
    struct log_linux boot;
    _cleanup_log_builder_ struct log_builder builder;
    log_builder_init(&builder, bank, 1);
    log_linux_init(&boot);
    log_linux_build(&builder, &boot);
    log_builder_hashed(&builder, 0, EVENTLOG_POST_CODE, slice_from_text("new firmware"),
                       slice_from_text("firmware"));
    host_boot(host, log_builder_slice(&builder));
}

static void test_pass_fail_pass(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host;
    struct log_linux good;
    good_host(fixture, &host);
    struct client client = {.host = &host};
    assert_int_equal(client_type(fixture, &client), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
    settle(fixture);
    assert_true(has(fixture, STORE_LAST_BOOT, "n1"));
    assert_false(has(fixture, STORE_PENDING, "n1"));
    struct attestation_boot boot = {0};
    assert_ok(attestation_boot_load_last(&boot, fixture->store, "n1", err));
    assert_true(boot.proven);
    assert_int_equal(boot.reason_count, 0);
    assert_true(slice_equal(buf_slice(&boot.log), buf_slice(&host.log)));
    attestation_boot_done(&boot);

    host_boot_without_secure_boot(&host);
    assert_int_equal(client_type(fixture, &client), ATTESTATION_REPLY_POLICY_EVALUATION_ERROR);
    settle(fixture);
    boot = pending_of(fixture, "n1");
    assert_string_equal(boot.host, "n1");
    assert_false(boot.proven); /* refused at once: the TPM was not asked */
    assert_int_equal(boot.profile, EVENTLOG_PROFILE_LINUX);
    assert_int_equal(boot.bank, DIGEST_SHA256);
    assert_true(boot.reason_count > 0);
    assert_true(slice_equal(buf_slice(&boot.log), buf_slice(&host.log)));
    uint8_t digest[32];
    digest_sha256(digest, buf_slice(&host.log));
    assert_memory_equal(boot.digest, digest, sizeof digest);
    bool found = false;
    for (size_t i = 0; i < boot.reason_count; i++)
        found = found || strcmp(boot.reasons[i].policy, "Hgs_SecureBootEnabled") == 0;
    assert_true(found);
    attestation_boot_done(&boot);
    assert_true(has(fixture, STORE_LAST_BOOT, "n1"));

    log_linux_init(&good);
    host_boot_linux(&host, &good);
    assert_int_equal(client_type(fixture, &client), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
    settle(fixture);
    assert_false(has(fixture, STORE_PENDING, "n1")); /* it passes: nothing is pending */
}

/* The store's revision moves only when something was written. */
static void test_no_write_twice(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host;
    int64_t before, after;
    good_host(fixture, &host);
    struct client client = {.host = &host};
    assert_int_equal(client_type(fixture, &client), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
    settle(fixture);
    assert_ok(store_revision(fixture->store, &before, err));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(client_type(fixture, &client), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
        settle(fixture);
    }
    assert_ok(store_revision(fixture->store, &after, err));
    assert_int_equal(after, before);
}

/* A what-if proves the boot by the TPM; what is only claimed never takes its place. */
static void test_proven_stays(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host;
    struct attestation_reply reply;
    good_host(fixture, &host);
    other_firmware(&host);
    struct client what_if = {.host = &host, .what_if = true};
    client_run(fixture, &what_if, &reply);
    assert_int_equal(reply.type, ATTESTATION_REPLY_EVALUATION);
    attestation_reply_done(&reply);
    settle(fixture);
    struct attestation_boot boot = pending_of(fixture, "n1");
    assert_true(boot.proven);
    attestation_boot_done(&boot);
    host_boot_without_secure_boot(&host);
    fixture->clock.offset += 3600;
    struct client client = {.host = &host};
    assert_int_equal(client_type(fixture, &client), ATTESTATION_REPLY_POLICY_EVALUATION_ERROR);
    settle(fixture);
    boot = pending_of(fixture, "n1");
    assert_true(boot.proven);
    attestation_boot_done(&boot);
}

/* Claims cost the store at most one write in some seconds. */
static void test_claims_are_limited(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host;
    uint8_t first[32];
    good_host(fixture, &host);
    struct client client = {.host = &host};
    host_boot_without_secure_boot(&host);
    assert_int_equal(client_type(fixture, &client), ATTESTATION_REPLY_POLICY_EVALUATION_ERROR);
    settle(fixture);
    struct attestation_boot boot = pending_of(fixture, "n1");
    memcpy(first, boot.digest, sizeof first);
    attestation_boot_done(&boot);
    fixture->clock.offset -= 1; /* whatever the test takes, it is within the time */
    other_firmware(&host);
    assert_int_equal(client_type(fixture, &client), ATTESTATION_REPLY_POLICY_EVALUATION_ERROR);
    settle(fixture);
    boot = pending_of(fixture, "n1");
    assert_memory_equal(boot.digest, first, sizeof first);
    attestation_boot_done(&boot);
    fixture->clock.offset += ATTESTATION_PENDING_CLAIM_SECONDS + 60;
    assert_int_equal(client_type(fixture, &client), ATTESTATION_REPLY_POLICY_EVALUATION_ERROR);
    settle(fixture);
    boot = pending_of(fixture, "n1");
    assert_memory_not_equal(boot.digest, first, sizeof first);
    attestation_boot_done(&boot);
    /* A clock that was ahead keeps nothing for as long as it was. */
    fixture->clock.offset -= 3600;
    host_boot_without_secure_boot(&host);
    assert_int_equal(client_type(fixture, &client), ATTESTATION_REPLY_POLICY_EVALUATION_ERROR);
    settle(fixture);
    boot = pending_of(fixture, "n1");
    assert_in_range(boot.time, clock_now(&fixture->clock) - 60, clock_now(&fixture->clock));
    attestation_boot_done(&boot);
}

/* The issue: re-attesting after a firmware update is one command. */
static void test_approve(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_host_ struct host host, neighbour;
    good_host(fixture, &host);
    other_firmware(&host);
    struct client client = {.host = &host};
    assert_client_refused(fixture, &client, ATTESTATION_REPLY_POLICY_EVALUATION_ERROR,
                          "attestation.policies-failed");
    settle(fixture);
    struct attestation_boot boot = pending_of(fixture, "n1");
    struct policy policy;
    int64_t now = clock_now(&fixture->clock);
    assert_refused(attestation_pending_policy(&policy, &boot, BASELINE_PCRS_DEFAULT, "Hgs_X", 0,
                                              now, "root", err),
                   &policy_name);
    assert_ok(attestation_pending_policy(&policy, &boot, BASELINE_PCRS_DEFAULT, "update", now + 60,
                                         now, "root", err));
    assert_int_equal(policy.scope, POLICY_FOR_HOST);
    assert_string_equal(policy.scope_name, "n1");
    add_policy(fixture, &policy);
    assert_int_equal(client_type(fixture, &client), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
    /* not for others */
    host_init(&neighbour, SIMULATED_P256, EVENTLOG_PROFILE_LINUX);
    other_firmware(&neighbour);
    register_good(fixture, "n2", &neighbour);
    struct client other = {.host = &neighbour};
    assert_client_refused(fixture, &other, ATTESTATION_REPLY_POLICY_EVALUATION_ERROR,
                          "attestation.policies-failed");
    /* and not for ever */
    fixture->clock.offset += 120;
    assert_client_refused(fixture, &client, ATTESTATION_REPLY_POLICY_EVALUATION_ERROR,
                          "attestation.policies-failed");
    buf_reset(&boot.log);
    assert_refused(
        attestation_pending_policy(&policy, &boot, BASELINE_PCRS_DEFAULT, "x", 0, now, "root", err),
        &attestation_boot_log_missing);
    attestation_boot_done(&boot);
}

/* A host that is removed leaves nothing; whoever attests meanwhile writes nothing for it. */
static void test_removed_host(void **state)
{
    struct fixture *fixture = *state;
    static const uint8_t digest[32] = {1};
    struct verdict verdict = {.passed = true};
    struct attestation_pending *pending = attestation_pending_new(fixture->store);
    struct attestation_boot_seen seen = {.host = "gone",
                                         .bank = DIGEST_SHA256,
                                         .version = POLICY_VERSION_2,
                                         .verdict = &verdict,
                                         .log = slice_from_text("log"),
                                         .digest = digest};
    attestation_pending_note(pending, &seen);
    attestation_pending_settle(pending);
    assert_false(has(fixture, STORE_LAST_BOOT, "gone"));
    struct attestation_pending_drops drops;
    attestation_pending_dropped(pending, &drops);
    assert_int_equal(drops.count, 0);
    assert_int_equal(drops.time, 0);
    attestation_pending_free(&pending);
    assert_null(pending);
    attestation_pending_free(&pending);
}

/* A store that answers nobody before its gate is opened. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t opened;
    bool open;
};

static bool get_behind_gate(void *state, enum store_kind kind, const char *key, struct buf *value,
                            int64_t *revision, struct error *err)
{
    struct gate *gate = state;
    (void)kind;
    (void)value;
    (void)revision;
    pthread_mutex_lock(&gate->lock);
    while (!gate->open)
        pthread_cond_wait(&gate->opened, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
    return error_set(err, &store_not_found, NULL, key, "is not there");
}

static void open_gate(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->open = true;
    pthread_cond_broadcast(&gate->opened);
    pthread_mutex_unlock(&gate->lock);
}

static void close_nothing(void *state)
{
    (void)state;
}

static const struct store_backend gate_backend = {
    .name = "gate", .close = close_nothing, .get = get_behind_gate};
#define GATE_CLOSED                                                \
    {                                                              \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false \
    }

/* More than the queue holds are dropped, and counted, and nobody waits for a store that hangs. */
static void test_full_queue(void **state)
{
    (void)state;
    struct gate gate = GATE_CLOSED;
    struct store *store = store_new(&gate_backend, &gate);
    uint8_t digest[32] = {0};
    struct verdict verdict = {.passed = true};
    struct attestation_pending *pending = attestation_pending_new(store);
    struct attestation_boot_seen seen = {.host = "n1",
                                         .bank = DIGEST_SHA256,
                                         .version = POLICY_VERSION_2,
                                         .verdict = &verdict,
                                         .log = slice_from_text("log"),
                                         .digest = digest};
    for (int i = 0; i < 100; i++) { /* the queue's 64, one in hand */
        digest[0]++;
        seen.time = 1000 + i;
        attestation_pending_note(pending, &seen);
    }
    struct attestation_pending_drops drops;
    attestation_pending_dropped(pending, &drops);
    assert_in_range(drops.count, 100 - 65, 100 - 64);
    assert_int_equal(drops.time, 1099);
    assert_string_equal(drops.host, "n1");
    open_gate(&gate);
    attestation_pending_settle(pending);
    attestation_pending_free(&pending);
    store_close(&store);
}

/* Logs that take too much together are dropped before their number is reached. */
static void test_full_bytes(void **state)
{
    (void)state;
    struct gate gate = GATE_CLOSED;
    struct store *store = store_new(&gate_backend, &gate);
    uint8_t digest[32] = {0};
    struct verdict verdict = {.passed = true};
    _cleanup_buf_ struct buf log;
    buf_init(&log, ATTESTATION_BOOT_LOG_MAX);
    memset(buf_reserve(&log, ATTESTATION_BOOT_LOG_MAX), 1, ATTESTATION_BOOT_LOG_MAX);
    buf_added(&log, ATTESTATION_BOOT_LOG_MAX);
    struct attestation_pending *pending = attestation_pending_new(store);
    struct attestation_boot_seen seen = {.host = "n1",
                                         .bank = DIGEST_SHA256,
                                         .version = POLICY_VERSION_2,
                                         .verdict = &verdict,
                                         .log = buf_slice(&log),
                                         .digest = digest};
    for (int i = 0; i < 12; i++) { /* 16 MiB wait, 2 MiB in hand */
        digest[0]++;
        attestation_pending_note(pending, &seen);
    }
    struct attestation_pending_drops drops;
    attestation_pending_dropped(pending, &drops);
    assert_in_range(drops.count, 12 - 9, 12 - 8);
    open_gate(&gate);
    attestation_pending_settle(pending);
    attestation_pending_free(&pending);
    store_close(&store);
}

static bool put_nothing(void *state, const struct store_change *changes, size_t count,
                        int64_t *revision, struct error *err)
{
    (void)state;
    (void)count;
    (void)revision;
    return error_set(err, &store_unusable, NULL, changes[0].key, "the disk is full");
}

static bool get_a_host(void *state, enum store_kind kind, const char *key, struct buf *value,
                       int64_t *revision, struct error *err)
{
    (void)state;
    (void)value;
    (void)revision;
    return kind == STORE_HOST || error_set(err, &store_not_found, NULL, key, "is not there");
}

static const struct store_backend full_backend = {
    .name = "full", .close = close_nothing, .get = get_a_host, .commit = put_nothing};

/* What the store does not take is counted, too. */
static void test_store_refuses(void **state)
{
    (void)state;
    static const uint8_t digest[32] = {1};
    struct store *store = store_new(&full_backend, NULL);
    struct verdict verdict = {.passed = true};
    struct attestation_pending *pending = attestation_pending_new(store);
    struct attestation_boot_seen seen = {.host = "n1",
                                         .time = 7,
                                         .bank = DIGEST_SHA256,
                                         .version = POLICY_VERSION_2,
                                         .verdict = &verdict,
                                         .log = slice_from_text("log"),
                                         .digest = digest};
    struct attestation_pending_drops drops;
    attestation_pending_note(pending, &seen);
    attestation_pending_settle(pending);
    attestation_pending_dropped(pending, &drops);
    assert_int_equal(drops.count, 1);
    assert_int_equal(drops.time, 7);
    assert_string_equal(drops.host, "n1");
    attestation_pending_free(&pending);
    store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_pass_fail_pass),    FIXTURE_TEST(test_no_write_twice),
        FIXTURE_TEST(test_proven_stays),      FIXTURE_TEST(test_claims_are_limited),
        FIXTURE_TEST(test_approve),           FIXTURE_TEST(test_removed_host),
        cmocka_unit_test(test_full_queue),    cmocka_unit_test(test_full_bytes),
        cmocka_unit_test(test_store_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
