/* SPDX-License-Identifier: Apache-2.0 */

/* The service: nothing leaves before it is written down; refusals are written down too. */

#include "../wait.h"
#include "service_fixture.h"

#include <pthread.h>
#include <sys/resource.h>

static void refusals_are_recorded(void **state)
{
    (void)state;
    struct keyprotection_service *service = start_service(world.running.keyholder);
    _cleanup_buf_ struct buf request, ingress;
    _cleanup_waiting_ struct waiting waiting, malformed;
    make_request(&request, &ingress, NULL);
    ask(&waiting, service, buf_slice(&request));
    expect_error(&waiting, 400, "InvalidProtectorException");
    ask(&malformed, service, slice_from_text("<x/>"));
    expect_error(&malformed, 400, "InvalidProtectorException");
    /* Who is not trusted only claims to be a host. */
    _cleanup_waiting_ struct waiting foreign;
    _cleanup_buf_ struct buf foreign_request;
    buf_init(&foreign_request, MESSAGE_SIZE_MAX);
    roll_request_format(&foreign_request, buf_slice(&ingress), certificate_der(world.owner.signing),
                        ENCRYPTION_RSA_OAEP_SHA256);
    ask(&foreign, service, buf_slice(&foreign_request));
    expect_error(&foreign, 403, "HealthCertificateException");
    /* A refusal is not waited for: what is waited for comes behind it. */
    assert_ok(audit_append_wait(audit, "test.end", SLICE_EMPTY, err));
    assert_true(trail_holds("key.refused"));
    assert_true(trail_holds("keyprotection.guardian-gone"));
    assert_true(trail_holds("keyprotection.request-malformed"));
    assert_true(trail_holds("\"host\":\"" HOST));
    host_is_known = true; /* then records are found by the name that administrators gave it */
    _cleanup_waiting_ struct waiting known;
    ask(&known, service, buf_slice(&request));
    host_is_known = false;
    assert_ok(audit_append_wait(audit, "test.end", SLICE_EMPTY, err));
    assert_true(trail_holds("\"host\":\"n1\",\"key_id\":\"00112233445566778899aabb"));
    assert_true(trail_holds("\"claimed_host\":\"owner signing\""));
    assert_false(trail_holds("\"host\":\"owner signing\""));
    assert_true(trail_holds("127.0.0.1"));
    assert_false(trail_holds("key.released"));
    keyprotection_service_free(&service);
}

static void a_body_that_is_not_looked_at_is_refused(void **state)
{
    (void)state;
    struct keyprotection_service *service = start_service(world.running.keyholder);
    _cleanup_waiting_ struct waiting waiting = {0};
    sem_init(&waiting.replied, 0, 0);
    keyprotection_refuse_request(service, "192.0.2.7", "its Content-Type is not XML's", take_reply,
                                 &waiting);
    assert_int_equal(waiting.replies, 1);
    expect_error(&waiting, 400, "InvalidProtectorException");
    assert_ok(audit_append_wait(audit, "test.end", SLICE_EMPTY, err));
    assert_true(
        trail_holds("\"event\":\"key.refused\",\"code\":\"keyprotection.request-malformed\","
                    "\"reason\":\"its Content-Type is not XML's\",\"peer\":\"192.0.2.7\""));
    keyprotection_service_free(&service);
}

static void a_release_is_on_disk_before_it_leaves(void **state)
{
    (void)state;
    struct keyprotection_service *service = start_service(world.running.keyholder);
    _cleanup_buf_ struct buf request, ingress;
    _cleanup_waiting_ struct waiting waiting;
    make_request(&request, &ingress, &world.service.guardian);
    assert_false(trail_holds("key.released"));
    ask(&waiting, service, buf_slice(&request));
    assert_int_equal(waiting.status, 200);
    assert_true(waiting.recorded);
    _cleanup_roll_response_ struct roll_response response = {0};
    assert_ok(roll_response_parse(&response, buf_slice(&waiting.body), err));
    const struct slice digested[] = {buf_slice(&ingress), buf_slice(&response.egress_protector)};
    for (size_t i = 0; i < 2; i++) {
        char text[65];
        uint8_t digest[32];
        digest_sha256(digest, digested[i]);
        assert_true(trail_holds(hex_format(slice_of(digest, 32), text)));
    }
    keyprotection_service_free(&service);
}

static void a_keyholder_that_is_away_is_retryable(void **state)
{
    (void)state;
    struct keyholder *away = keyholder_new(NULL, 0);
    keyholder_set_deadline(away, 50);
    struct keyprotection_service *service = start_service(away);
    _cleanup_buf_ struct buf request, ingress;
    _cleanup_waiting_ struct waiting waiting, metadata = {0};
    make_request(&request, &ingress, &world.service.guardian);
    ask(&waiting, service, buf_slice(&request));
    expect_error(&waiting, 503, "ServiceUnavailableException");
    sem_init(&metadata.replied, 0, 0);
    keyprotection_metadata(service, take_reply, &metadata);
    expect_error(&metadata, 503, "ServiceUnavailableException");
    keyprotection_service_free(&service);
    keyholder_free(&away);
}

/* The disk is full, as far as this process can tell. */
static void nothing_leaves_that_cannot_be_recorded(void **state)
{
    (void)state;
    struct keyprotection_service *service = start_service(world.running.keyholder);
    _cleanup_buf_ struct buf request, ingress, trail;
    make_request(&request, &ingress, &world.service.guardian);
    read_trail(&trail);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit free_space, full;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &free_space), 0);
    full = free_space;
    full.rlim_cur = trail.size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    for (int i = 0; i < 2; i++) { /* found out, then known */
        _cleanup_waiting_ struct waiting waiting;
        ask(&waiting, service, buf_slice(&request));
        expect_error(&waiting, 503, "ServiceUnavailableException");
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &free_space), 0);
    WAIT_UNTIL(audit_healthy(audit, NULL));
    _cleanup_waiting_ struct waiting again;
    ask(&again, service, buf_slice(&request));
    assert_int_equal(again.status, 200);
    keyprotection_service_free(&service);
}

static void metadata_is_signed_once_and_kept(void **state)
{
    (void)state;
    struct keyprotection_service *service = start_service(world.running.keyholder);
    _cleanup_waiting_ struct waiting first = {0}, second = {0};
    sem_init(&first.replied, 0, 0);
    sem_init(&second.replied, 0, 0);
    keyprotection_metadata(service, take_reply, &first);
    assert_int_equal(first.status, 200);
    keyprotection_metadata(service, take_reply, &second);
    assert_true(slice_equal(buf_slice(&first.body), buf_slice(&second.body)));
    struct metadata_checks checks = {.allow_untrusted_root = true, .now = NOW};
    struct guardian guardian = {0};
    assert_ok(metadata_parse(&guardian, buf_slice(&first.body), &checks, err));
    assert_true(slice_equal(certificate_der(guardian.encryption),
                            certificate_der(world.service.guardian.encryption)));
    guardian_done(&guardian);
    keyprotection_service_free(&service);
}

static void changes_are_applied(void **state)
{
    (void)state;
    struct keyprotection_service *service = start_service(world.running.keyholder);
    _cleanup_buf_ struct buf request, ingress, signer;
    make_request(&request, &ingress, &world.service.guardian);
    char key[65], name[2][KEYPROTECTION_CERTIFICATE_KEY_SIZE];
    hex_format(slice_of(certificate_facts(world.signer)->thumbprint, 32), key);
    struct store_change gone = {.kind = STORE_ATTESTATION_SIGNER, .key = key, .remove = true};
    keyprotection_apply(service, &gone, 1);
    _cleanup_waiting_ struct waiting refused, denied, released, bare = {0}, unsigned_ = {0};
    ask(&refused, service, buf_slice(&request));
    expect_error(&refused, 403, "HealthCertificateException");

    format_signer_record(&signer, world.signer, 0);
    struct store_change back = {
        .kind = STORE_TRUSTED_SIGNER, .key = key, .value = buf_slice(&signer)};
    struct store_change deny = {.kind = STORE_TRUSTED_SIGNER, .key = "all"};
    char all[64];
    snprintf(all, sizeof all, "{\"deny_before\":%d}", NOW);
    deny.value = slice_from_text(all);
    const struct store_change both[] = {back, deny};
    keyprotection_apply(service, both, 2);
    ask(&denied, service, buf_slice(&request));
    expect_error(&denied, 403, "HealthCertificateException");
    deny.remove = true;
    keyprotection_apply(service, &deny, 1);
    ask(&released, service, buf_slice(&request));
    assert_int_equal(released.status, 200);
    assert_ok(keyprotection_healthy(service, err));

    /* MS-KPS 3.1.5.1.2.3 looks for the encryption certificate first. */
    struct store_change removed[] = {{.kind = STORE_CERTIFICATE, .remove = true},
                                     {.kind = STORE_CERTIFICATE, .remove = true}};
    const struct guardian *guardian = &world.service.guardian;
    removed[0].key = keyprotection_certificate_record_key(
        KEYPROTECTION_SIGNING, certificate_facts(guardian->signing)->thumbprint, name[0]);
    removed[1].key = keyprotection_certificate_record_key(
        KEYPROTECTION_ENCRYPTION, certificate_facts(guardian->encryption)->thumbprint, name[1]);
    keyprotection_apply(service, &removed[0], 1);
    sem_init(&unsigned_.replied, 0, 0);
    keyprotection_metadata(service, take_reply, &unsigned_);
    expect_error(&unsigned_, 500, "Primary Signing Certificate not found");
    keyprotection_apply(service, &removed[1], 1);
    sem_init(&bare.replied, 0, 0);
    keyprotection_metadata(service, take_reply, &bare);
    expect_error(&bare, 500, "Primary Encryption Certificate not found");
    keyprotection_service_free(&service);
}

static void a_damaged_record_is_told(void **state)
{
    (void)state;
    struct keyprotection_service *service = start_service(world.running.keyholder);
    struct store_change change = {
        .kind = STORE_TRUSTED_SIGNER, .key = "aa", .value = slice_from_text("?")};
    keyprotection_apply(service, &change, 1);
    assert_refused(keyprotection_healthy(service, err), "keyprotection.record");
    keyprotection_service_free(&service);
}

static void a_full_queue_is_retryable(void **state)
{
    (void)state;
    _cleanup_waiting_ struct waiting waiting = {0};
    sem_init(&waiting.replied, 0, 0);
    keyprotection_unavailable(take_reply, &waiting);
    expect_error(&waiting, 503, "ServiceUnavailableException");
}

/* Rolls while the configuration changes under them. */
struct rolling_thread {
    struct keyprotection_service *service;
    struct slice request;
    unsigned released;
};

static void *roll_repeatedly(void *context)
{
    struct rolling_thread *thread = context;
    for (int i = 0; i < 10; i++) {
        _cleanup_waiting_ struct waiting waiting;
        ask(&waiting, thread->service, thread->request);
        thread->released += waiting.status == 200;
    }
    return NULL;
}

static void snapshots_change_under_rolls(void **state)
{
    (void)state;
    struct keyprotection_service *service = start_service(world.running.keyholder);
    _cleanup_buf_ struct buf request, ingress;
    make_request(&request, &ingress, &world.service.guardian);
    struct rolling_thread threads[2];
    pthread_t ids[2];
    for (int i = 0; i < 2; i++) {
        threads[i] = (struct rolling_thread){service, buf_slice(&request), 0};
        assert_int_equal(pthread_create(&ids[i], NULL, roll_repeatedly, &threads[i]), 0);
    }
    struct store_change change = {.kind = STORE_SETTING,
                                  .key = KEYPROTECTION_SETTING,
                                  .value = slice_from_text("{\"max_offline_unwraps\":1}")};
    for (int i = 0; i < 200; i++)
        keyprotection_apply(service, &change, 1);
    for (int i = 0; i < 2; i++) {
        pthread_join(ids[i], NULL);
        assert_int_equal(threads[i].released, 10);
    }
    keyprotection_service_free(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_are_recorded),
        cmocka_unit_test(a_body_that_is_not_looked_at_is_refused),
        cmocka_unit_test(a_release_is_on_disk_before_it_leaves),
        cmocka_unit_test(a_keyholder_that_is_away_is_retryable),
        cmocka_unit_test(nothing_leaves_that_cannot_be_recorded),
        cmocka_unit_test(metadata_is_signed_once_and_kept),
        cmocka_unit_test(changes_are_applied),
        cmocka_unit_test(a_damaged_record_is_told),
        cmocka_unit_test(a_full_queue_is_retryable),
        cmocka_unit_test(snapshots_change_under_rolls),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
