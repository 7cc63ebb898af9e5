/* SPDX-License-Identifier: Apache-2.0 */

/* A service that is asked about itself; and its state, which the store's commits change under it.
 */

#include "fixture.h"

#include <stdatomic.h>

static void assert_info(struct fixture *fixture, const char *expected)
{
    _cleanup_buf_ struct buf out;
    buf_init(&out, VECTOR_MAX);
    attestation_get_info(fixture->service, &out);
    assert_string_equal(buf_text(&out), expected);
}

static void test_not_initialised(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_buf_ struct buf out;
    buf_init(&out, VECTOR_MAX);
    assert_int_equal(attestation_current_mode(fixture->service), ATTESTATION_MODE_UNKNOWN);
    assert_info(fixture, "{\"__type\":\"ServiceInfoReply:#Microsoft.Windows.RemoteAttestation."
                         "Core\",\"FunctionalLevel\":2,\"OperationMode\":0,"
                         "\"SupportedFunctionalLevels\":[1,2]}");
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_UNAVAILABLE_ERROR);
    assert_string_equal(trail.event, "attestation.failed");
    assert_string_equal(trail_text("code"), "attestation.not-initialized");
    struct attestation_reply reply;
    attestation_signing_certificates(fixture->service, &out);
    assert_ok(attestation_reply_parse(&reply, buf_slice(&out), err));
    assert_int_equal(reply.type, ATTESTATION_REPLY_UNAVAILABLE_ERROR);
    assert_true(reply.retryable);
    assert_true(tick(fixture) > clock_now(&fixture->clock));
    assert_refused(attestation_signer_renew(fixture->service, err), &attestation_not_initialized);
    int64_t count;
    assert_ok(store_count(fixture->store, STORE_ATTESTATION_SIGNER, &count, err));
    assert_int_equal(count, 0);
}

static void test_info(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_buf_ struct buf expected;
    testing_vector(&expected, "MS-HGSA_2.2.2.10_service_info.json");
    initialise(fixture);
    assert_info(fixture, buf_text(&expected));
    assert_int_equal(attestation_host_count(fixture->service), 3);
}

static void test_damaged_records(void **state)
{
    struct fixture *fixture = *state;
    struct error problem;
    initialise(fixture);
    assert_false(attestation_problem(fixture->service, &problem));
    change(fixture, STORE_HOST, "p256", "{}");
    assert_true(attestation_problem(fixture->service, &problem));
    assert_ptr_equal(problem.code, &base_json_malformed);
    assert_int_equal(type_of(fixture, "p256"), ATTESTATION_REPLY_UNAUTHORIZED_ERROR);
    change(fixture, STORE_SETTING, "attestation", "{\"health_certificate_seconds\":1}");
    assert_true(attestation_problem(fixture->service, &problem));
    assert_ptr_equal(problem.code, &attestation_settings_malformed);
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
    change(fixture, STORE_SETTING, "service", "{\"mode\":\"none\"}");
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_UNAVAILABLE_ERROR);
    start_service(fixture, "n1"); /* damaged records do not keep it from starting */
    assert_true(attestation_problem(fixture->service, &problem));
    assert_int_equal(attestation_host_count(fixture->service), 2);
}

/* A start finds what was there; lost commits are found by reading again; old ones do not return. */
static void test_reload(void **state)
{
    struct fixture *fixture = *state;
    initialise(fixture);
    start_service(fixture, "n1");
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
    struct store_change gone = {
        .kind = STORE_HOST, .key = "rsa", .remove = true, .expected = STORE_ANY};
    assert_ok(store_commit(fixture->store, &gone, 1, NULL, err));
    attestation_apply(fixture->service, NULL, 0);
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_UNAUTHORIZED_ERROR);
    assert_int_equal(attestation_host_count(fixture->service), 2);

    struct attestation_host host;
    _cleanup_buf_ struct buf key, record;
    testing_decode(&key, json_get(fixture->vectors, "rsa-pkcs1"), "host_key");
    assert_ok(attestation_host_init(&host, "rsa", buf_slice(&key), 0, "root", err));
    buf_init(&record, VECTOR_MAX);
    attestation_host_format(&record, &host);
    attestation_host_done(&host);
    struct store_change old = {
        .kind = STORE_HOST, .key = "rsa", .value = buf_slice(&record), .expected = 1};
    attestation_apply(fixture->service, &old, 1);
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_UNAUTHORIZED_ERROR);
}

static void test_host_find(void **state)
{
    struct fixture *fixture = *state;
    char name[ATTESTATION_NAME_SIZE];
    uint8_t id[ATTESTATION_HOST_ID_SIZE] = {0};
    initialise(fixture);
    assert_false(attestation_host_find(fixture->service, ATTESTATION_MODE_HOST_KEY, id, name));
    struct attestation_host host;
    _cleanup_buf_ struct buf key;
    testing_decode(&key, json_get(fixture->vectors, "p384"), "host_key");
    assert_ok(attestation_host_init(&host, "x", buf_slice(&key), 0, "root", err));
    assert_true(
        attestation_host_find(fixture->service, ATTESTATION_MODE_HOST_KEY, host.key_id, name));
    assert_string_equal(name, "p384");
    attestation_host_done(&host);
}

static void note_by(struct fixture *fixture, const char *request, int64_t offset)
{
    _cleanup_buf_ struct buf out;
    buf_init(&out, VECTOR_MAX);
    attestation_attest(fixture->service, ATTESTATION_DOOR_HOST_KEY, 2, slice_from_text(request),
                       "192.0.2.1", &offset, &out);
}

/* Only what proved who it is has a clock here. */
static void test_host_clocks(void **state)
{
    struct fixture *fixture = *state;
    struct attestation_host_clock clock;
    struct attestation_host_clocks *clocks = attestation_clocks_of_hosts(fixture->service);
    int64_t bound, tolerance;
    initialise(fixture);
    note_by(fixture, "{}", 7200); /* refused */
    assert_false(attestation_host_clocks_find(clocks, "rsa", &clock));
    note_by(fixture, request_of(fixture, "rsa-pkcs1"), 3600);
    assert_true(attestation_host_clocks_find(clocks, "rsa", &clock));
    assert_int_equal(clock.offset, 3600);
    assert_int_equal(attestation_host_clocks_off(clocks), 1);
    attestation_host_clock_note(fixture->service, "p256", -7200);
    assert_int_equal(attestation_host_clocks_off(clocks), 2);
    assert_true(attestation_host_clocks_find(clocks, "p256", &clock));
    change(fixture, STORE_HOST, "p256", NULL);
    assert_false(attestation_host_clocks_find(clocks, "p256", &clock));
    change(fixture, STORE_SETTING, "attestation",
           "{\"clock_tolerance_seconds\":60,\"clock_warning_seconds\":900}");
    attestation_clock_settings(fixture->service, &bound, &tolerance);
    assert_int_equal(bound, 900);
    assert_int_equal(tolerance, 60);
}

struct attesting {
    struct fixture *fixture;
    atomic_uint passed, refused;
};

static void *attest_often(void *context)
{
    struct attesting *attesting = context;
    const char *request = request_of(attesting->fixture, "p256");
    for (int i = 0; i < 40; i++) {
        _cleanup_buf_ struct buf out;
        buf_init(&out, VECTOR_MAX);
        attestation_attest(attesting->fixture->service, ATTESTATION_DOOR_HOST_KEY, 2,
                           slice_from_text(request), "192.0.2.1", NULL, &out);
        bool passed = strstr(buf_text(&out), "HealthCertificateReply") != NULL;
        atomic_fetch_add(passed ? &attesting->passed : &attesting->refused, 1);
    }
    return NULL;
}

/* Workers, while everything they read is replaced under them again and again. */
static void test_workers(void **state)
{
    struct fixture *fixture = *state;
    struct attesting attesting = {.fixture = fixture};
    pthread_t threads[4];
    initialise(fixture);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, attest_often, &attesting), 0);
    for (int i = 0; i < 20; i++) {
        change(fixture, STORE_SETTING, "attestation", "{\"health_certificate_seconds\":3600}");
        register_host(fixture, "other", i % 2 == 0 ? "p384" : "rsa-pkcs1");
        attestation_apply(fixture->service, NULL, 0);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&attesting.passed), 160);
    assert_int_equal(atomic_load(&attesting.refused), 0);
}

static void test_fixed_replies(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf out, unavailable;
    testing_vector(&unavailable, "MS-HGSA_2.2.2.22_unavailable_error.json");
    buf_init(&out, VECTOR_MAX);
    attestation_unavailable(&out);
    assert_string_equal(buf_text(&out), buf_text(&unavailable));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_not_initialised), FIXTURE_TEST(test_info),
        FIXTURE_TEST(test_damaged_records), FIXTURE_TEST(test_reload),
        FIXTURE_TEST(test_host_find),       FIXTURE_TEST(test_host_clocks),
        FIXTURE_TEST(test_workers),         cmocka_unit_test(test_fixed_replies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
