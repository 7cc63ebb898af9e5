/* SPDX-License-Identifier: Apache-2.0 */

/* Releases and metadata that need keys of tokens, which have workers and troubles of their own. */

#include "service_fixture.h"

#include "keyholder/keyholder_token.h"

/* From now on the key is said to be in the token; token 0: with the software keyholder again. */
static void move_key(const struct certificate *certificate, unsigned token)
{
    keyholder_token_assign(world.running.keyholder, token,
                           public_key_digest(certificate_key(certificate)), NULL);
}

static unsigned token_named(const char *name)
{
    unsigned token = keyholder_token_named(world.running.keyholder, name);
    return token != 0 ? token
                      : keyholder_token_add(world.running.keyholder, name, 1000, NULL, NULL);
}

static unsigned a_token(void)
{
    return token_named("hsm");
}

static void start_waiting(struct waiting *waiting)
{
    *waiting = (struct waiting){0};
    sem_init(&waiting->replied, 0, 0);
    memset(&handed, 0, sizeof handed);
}

/* Either key in a token is enough. */
static void what_needs_a_token_is_done_by_its_workers(void **state)
{
    (void)state;
    struct certificate *const certificates[] = {world.service.guardian.encryption,
                                                world.service.guardian.signing};
    struct keyprotection_service *service = start_service(world.running.keyholder);
    _cleanup_buf_ struct buf request, ingress;
    make_request(&request, &ingress, &world.service.guardian);
    for (size_t i = 0; i < 2; i++) {
        _cleanup_waiting_ struct waiting waiting;
        start_waiting(&waiting);
        move_key(certificates[i], a_token());
        keyprotection_roll(service, 2, buf_slice(&request), "127.0.0.1", NULL, take_reply,
                           &waiting);
        assert_int_equal(handed.count, 1);
        assert_int_equal(handed.token, a_token());
        assert_int_equal(waiting.replies, 0);
        move_key(certificates[i], 0);
        handed.go_on(handed.work);
        sem_wait(&waiting.replied);
        assert_int_equal(waiting.status, 200);
        assert_true(waiting.recorded);
    }
    _cleanup_waiting_ struct waiting software;
    start_waiting(&software);
    ask(&software, service, buf_slice(&request));
    assert_int_equal(handed.count, 0);
    assert_int_equal(software.status, 200);
    keyprotection_service_free(&service);
}

/* Its keys lie in two tokens: each is used by its own token's workers. */
static void a_roll_waits_for_each_token_in_its_own_queue(void **state)
{
    (void)state;
    const struct certificate *encryption = world.service.guardian.encryption;
    const struct certificate *signing = world.service.guardian.signing;
    struct keyprotection_service *service = start_service(world.running.keyholder);
    _cleanup_buf_ struct buf request, ingress;
    make_request(&request, &ingress, &world.service.guardian);
    for (int round = 0; round < 3; round++) {
        _cleanup_waiting_ struct waiting waiting;
        start_waiting(&waiting);
        move_key(encryption, a_token());
        move_key(signing, token_named("other"));
        keyprotection_roll(service, 2, buf_slice(&request), "127.0.0.1", NULL, take_reply,
                           &waiting);
        assert_int_equal(handed.token, a_token());
        if (round < 2)
            move_key(encryption, 0);
        handed.full = round == 1;
        handed.go_on(handed.work);
        if (round == 0) {
            assert_int_equal(waiting.replies, 0);
            assert_int_equal(handed.count, 2);
            assert_int_equal(handed.token, token_named("other"));
            move_key(signing, 0);
            handed.go_on(handed.work);
        }
        sem_wait(&waiting.replied);
        if (round == 0) {
            assert_int_equal(waiting.status, 200);
            assert_true(waiting.recorded);
        } else { /* the second queue is full; the first token is away */
            assert_int_equal(handed.count, round == 1 ? 2 : 1);
            expect_error(&waiting, 503, "ServiceUnavailableException");
        }
    }
    move_key(encryption, 0);
    move_key(signing, 0);
    keyprotection_service_free(&service);
}

static void a_token_that_is_away_is_retryable(void **state)
{
    (void)state;
    struct keyprotection_service *service = start_service(world.running.keyholder);
    _cleanup_buf_ struct buf request, ingress;
    _cleanup_waiting_ struct waiting waiting, full;
    make_request(&request, &ingress, &world.service.guardian);
    move_key(world.service.guardian.encryption, a_token());
    start_waiting(&waiting);
    keyprotection_roll(service, 2, buf_slice(&request), "127.0.0.1", NULL, take_reply, &waiting);
    handed.go_on(handed.work);
    sem_wait(&waiting.replied);
    expect_error(&waiting, 503, "ServiceUnavailableException");

    start_waiting(&full);
    handed.full = true;
    keyprotection_roll(service, 2, buf_slice(&request), "127.0.0.1", NULL, take_reply, &full);
    assert_int_equal(full.replies, 1);
    expect_error(&full, 503, "ServiceUnavailableException");
    assert_ok(audit_append_wait(audit, "test.end", SLICE_EMPTY, err));
    assert_true(trail_holds("keyholder.token-away"));
    assert_true(trail_holds("keyprotection.busy"));
    move_key(world.service.guardian.encryption, 0);
    keyprotection_service_free(&service);
}

static void metadata_waits_for_its_token_elsewhere(void **state)
{
    (void)state;
    struct keyprotection_service *service = start_service(world.running.keyholder);
    _cleanup_waiting_ struct waiting waiting, full, kept;
    move_key(world.service.guardian.signing, a_token());
    start_waiting(&full);
    handed.full = true;
    keyprotection_metadata(service, take_reply, &full);
    expect_error(&full, 503, "ServiceUnavailableException");
    start_waiting(&waiting);
    keyprotection_metadata(service, take_reply, &waiting);
    assert_int_equal(waiting.replies, 0);
    assert_int_equal(handed.token, a_token());
    move_key(world.service.guardian.signing, 0);
    handed.go_on(handed.work);
    assert_int_equal(waiting.status, 200);
    move_key(world.service.guardian.signing, a_token());
    start_waiting(&kept);
    keyprotection_metadata(service, take_reply, &kept);
    assert_int_equal(handed.count, 0);
    assert_int_equal(kept.status, 200);
    move_key(world.service.guardian.signing, 0);
    keyprotection_service_free(&service);
}

/* As if an administrator added it, as the primary one. */
static struct store_change certificate_change(struct buf *value, char *name,
                                              enum keyprotection_certificate_type type,
                                              struct certificate *certificate)
{
    struct keyprotection_certificate it = {
        .type = type, .certificate = certificate, .primary = true, .enabled = true, .added = NOW};
    memcpy(it.key_id, public_key_digest(certificate_key(certificate)), 32);
    buf_init(value, 65536);
    keyprotection_certificate_format(value, &it);
    keyprotection_certificate_record_key(type, certificate_facts(certificate)->thumbprint, name);
    return (struct store_change){.kind = STORE_CERTIFICATE, .key = name, .value = buf_slice(value)};
}

/* Its message holds all of these words, and none that is only for the log. */
static void expect_words(struct waiting *waiting, const char *const words[], size_t count)
{
    _cleanup_buf_ struct buf name, message;
    buf_init(&name, 4096);
    buf_init(&message, 4096);
    assert_ok(roll_error_parse(&name, &message, buf_slice(&waiting->body), err));
    for (size_t i = 0; i < count; i++)
        if (strstr(buf_text(&message), words[i]) == NULL)
            fail_msg("no \"%s\" in: %s", words[i], buf_text(&message));
    assert_null(strstr(buf_text(&message), "for the log"));
}

/* Whatever a token says that cannot sign: it is named, and nobody signs in its place. */
static void metadata_names_the_key_that_fails(void **state)
{
    (void)state;
    static const struct error_code *const codes[] = {&token_absent, &token_module, &token_key_usage,
                                                     &token_key_missing, &keyholder_token_away};
    const struct certificate *signing = world.service.guardian.signing;
    char thumbprint[65];
    hex_format(slice_of(certificate_facts(signing)->thumbprint, 32), thumbprint);
    struct keyprotection_service *service = start_service(world.running.keyholder);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct error trouble = {0};
        _cleanup_waiting_ struct waiting waiting;
        error_set(&trouble, codes[i], NULL, "uri", "words for the log");
        keyholder_token_assign(world.running.keyholder, a_token(),
                               public_key_digest(certificate_key(signing)), &trouble);
        start_waiting(&waiting);
        keyprotection_metadata(service, take_reply, &waiting);
        handed.go_on(handed.work);
        expect_error(&waiting, 503, "ServiceUnavailableException");
        const char *const words[] = {"keyprotection.metadata-unsigned",
                                     "primary signing certificate",
                                     thumbprint,
                                     "token hsm",
                                     codes[i]->name,
                                     "hgsctl server test"};
        expect_words(&waiting, words, sizeof words / sizeof words[0]);
    }
    move_key(signing, 0);
    keyprotection_service_free(&service);
}

static void metadata_names_a_key_that_no_token_has(void **state)
{
    (void)state;
    const struct certificate *signing = world.service.guardian.signing;
    struct keyprotection_service *service = start_service(world.running.keyholder);
    struct error trouble = {0};
    _cleanup_waiting_ struct waiting waiting;
    error_set(&trouble, &keyholder_token_away, NULL, "uri", "words for the log");
    keyholder_token_assign(world.running.keyholder, 0, public_key_digest(certificate_key(signing)),
                           &trouble);
    start_waiting(&waiting);
    keyprotection_metadata(service, take_reply, &waiting);
    expect_error(&waiting, 503, "ServiceUnavailableException");
    const char *const words[] = {"keyprotection.metadata-unsigned",
                                 "a token that this node does not know", "keyholder.token-away"};
    expect_words(&waiting, words, 3);
    move_key(signing, 0);
    keyprotection_service_free(&service);
}

/* A fault of ours is no token's. */
static void metadata_with_a_key_for_something_else_is_our_fault(void **state)
{
    (void)state;
    struct running *running = &world.running;
    struct public_key *key =
        running_key(running, KEY_PURPOSE_GUARDIAN_ENCRYPTION, PRIVATE_KEY_RSA_2048, NULL);
    struct keyprotection_service *service = start_service(running->keyholder);
    struct certificate_template form = {.subject_cn = "wrong",
                                        .subject_key = key,
                                        .not_before = NOW - HOUR,
                                        .not_after = NOW + HOUR,
                                        .issuer = world.signer,
                                        .usage = CERTIFICATE_DIGITAL_SIGNATURE};
    struct certificate *wrong = issue_health(&form);
    _cleanup_buf_ struct buf value;
    char name[KEYPROTECTION_CERTIFICATE_KEY_SIZE];
    struct store_change change =
        certificate_change(&value, name, KEYPROTECTION_COMMUNICATIONS, wrong);
    keyprotection_apply(service, &change, 1);
    _cleanup_waiting_ struct waiting waiting;
    start_waiting(&waiting);
    keyprotection_metadata(service, take_reply, &waiting);
    expect_error(&waiting, 500, "InternalException");
    keyprotection_service_free(&service);
    certificate_free(&wrong);
    public_key_free(&key);
}

/* The signing key is in one token, that of communications in another: each signs in its turn. */
static void metadata_waits_for_each_token_in_its_own_queue(void **state)
{
    (void)state;
    struct running *running = &world.running;
    const struct certificate *signing = world.service.guardian.signing;
    struct public_key *key =
        running_key(running, KEY_PURPOSE_COMMUNICATIONS, PRIVATE_KEY_RSA_2048, NULL);
    struct keyholder_key reference = {running->keyholder, key};
    struct signer signer = keyholder_signer(&reference);
    struct certificate_template form = {.subject_cn = "communications",
                                        .subject_key = key,
                                        .not_before = NOW - HOUR,
                                        .not_after = NOW + HOUR,
                                        .usage = CERTIFICATE_DIGITAL_SIGNATURE};
    struct certificate *communications = issue(&form, &signer);
    struct keyprotection_service *service = start_service(running->keyholder);
    _cleanup_buf_ struct buf value;
    char name[KEYPROTECTION_CERTIFICATE_KEY_SIZE];
    struct store_change change =
        certificate_change(&value, name, KEYPROTECTION_COMMUNICATIONS, communications);
    keyprotection_apply(service, &change, 1);

    _cleanup_waiting_ struct waiting waiting, kept;
    start_waiting(&waiting);
    move_key(signing, a_token());
    move_key(communications, token_named("other"));
    keyprotection_metadata(service, take_reply, &waiting);
    assert_int_equal(handed.token, a_token());
    move_key(signing, 0);
    handed.go_on(handed.work);
    assert_int_equal(waiting.replies, 0);
    assert_int_equal(handed.count, 2);
    assert_int_equal(handed.token, token_named("other"));
    move_key(communications, 0);
    handed.go_on(handed.work);
    assert_int_equal(waiting.status, 200);
    struct metadata_checks checks = {.allow_untrusted_root = true, .now = NOW};
    struct guardian guardian = {0};
    assert_ok(metadata_parse(&guardian, buf_slice(&waiting.body), &checks, err));
    guardian_done(&guardian);

    /* What does not change the certificates does not have them sign anew. */
    move_key(signing, a_token());
    struct store_change setting = {.kind = STORE_SETTING,
                                   .key = KEYPROTECTION_SETTING,
                                   .value = slice_from_text("{\"max_offline_unwraps\":1}")};
    keyprotection_apply(service, &setting, 1);
    start_waiting(&kept);
    keyprotection_metadata(service, take_reply, &kept);
    assert_int_equal(kept.status, 200);
    keyprotection_apply(service, &change, 1);
    _cleanup_waiting_ struct waiting anew;
    start_waiting(&anew);
    keyprotection_metadata(service, take_reply, &anew);
    assert_int_equal(handed.token, a_token());
    move_key(signing, 0);
    handed.go_on(handed.work);
    assert_int_equal(anew.status, 200);
    keyprotection_service_free(&service);
    certificate_free(&communications);
    public_key_free(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_needs_a_token_is_done_by_its_workers),
        cmocka_unit_test(a_roll_waits_for_each_token_in_its_own_queue),
        cmocka_unit_test(a_token_that_is_away_is_retryable),
        cmocka_unit_test(metadata_waits_for_its_token_elsewhere),
        cmocka_unit_test(metadata_names_the_key_that_fails),
        cmocka_unit_test(metadata_names_a_key_that_no_token_has),
        cmocka_unit_test(metadata_with_a_key_for_something_else_is_our_fault),
        cmocka_unit_test(metadata_waits_for_each_token_in_its_own_queue),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
