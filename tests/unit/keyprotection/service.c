/* SPDX-License-Identifier: Apache-2.0 */
/* The service: nothing leaves before it is written down; refusals are written down too. */
#include "../wait.h"
#include "world.h"

#include "base/file.h"
#include "keyholder/keyholder_token.h"
#include "keyprotection/service.h"

#include <pthread.h>
#include <semaphore.h>
#include <sys/resource.h>
#include <time.h>

static char audit_folder[FOLDER_SIZE];
static struct audit *audit;
static struct clock test_clock;

static int setup(void **state)
{
    make_world(state);
    folder_make(audit_folder);
    test_clock.offset = NOW - (int64_t)time(NULL);
    struct audit_options options = {
        .folder = audit_folder,
        .node = "n1",
        .rotate_size = 64 * 1024 * 1024,
        .checkpoint_every = 1000,
        .clock = &test_clock,
    };
    assert_ok(audit_start(&audit, &options, err));
    return 0;
}

static int teardown(void **state)
{
    audit_stop(&audit);
    folder_remove(audit_folder);
    return free_world(state);
}

static bool host_is_known;

static bool name_host(void *context, const char *identity, char name[KEYPROTECTION_NAME_SIZE])
{
    assert_null(context);
    if (!host_is_known || strcmp(identity, HOST) != 0)
        return false;
    snprintf(name, KEYPROTECTION_NAME_SIZE, "n1");
    return true;
}

/* What was handed over to a token's workers; they are this test itself. */
static struct {
    bool full;
    unsigned token, count;
    void (*go_on)(void *work);
    void *work;
} handed;

static bool hand_over(void *context, unsigned token, void (*go_on)(void *work), void *work)
{
    assert_null(context);
    handed.token = token;
    handed.count++;
    handed.go_on = go_on;
    handed.work = work;
    return !handed.full;
}

static struct keyprotection_service *start_service(struct keyholder *keyholder)
{
    struct keyprotection_service *service = NULL;
    struct keyprotection_options options = {.store = world.store,
                                            .keyholder = keyholder,
                                            .audit = audit,
                                            .clock = &test_clock,
                                            .name_host = name_host,
                                            .hand_over = hand_over};
    assert_ok(keyprotection_service_new(&service, &options, err));
    return service;
}

/* A reply that is waited for. */
struct waiting {
    sem_t replied;
    int replies;
    unsigned status;
    struct buf body;
    bool recorded; /* the trail held key.released when the reply came */
};

static void read_trail(struct buf *out)
{
    char path[128];
    snprintf(path, sizeof path, "%s/audit.log", audit_folder);
    buf_init(out, 16 * 1024 * 1024);
    assert_ok(file_read(out, path, err));
}

static bool trail_holds(const char *text)
{
    _cleanup_buf_ struct buf trail;
    read_trail(&trail);
    return strstr(buf_text(&trail), text) != NULL;
}

static void take_reply(void *context, unsigned status, struct buf *body)
{
    struct waiting *waiting = context;
    waiting->status = status;
    waiting->replies++;
    waiting->recorded = trail_holds("key.released");
    buf_init(&waiting->body, 4 * 1024 * 1024);
    buf_move(&waiting->body, body);
    sem_post(&waiting->replied);
}

static void waiting_done(struct waiting *waiting)
{
    buf_done(&waiting->body);
    sem_destroy(&waiting->replied);
}
#define _cleanup_waiting_ __attribute__((cleanup(waiting_done)))

static void make_request(struct buf *request, struct buf *ingress, const struct guardian *guardian)
{
    struct secret key = SECRET_EMPTY;
    struct certificate_template form = health_form();
    struct certificate *health = issue_health(&form);
    make_protector(ingress, &key, guardian);
    buf_init(request, MESSAGE_SIZE_MAX);
    roll_request_format(request, buf_slice(ingress), certificate_der(health),
                        ENCRYPTION_RSA_OAEP_SHA256);
    certificate_free(&health);
    secret_done(&key);
}

static void ask(struct waiting *waiting, struct keyprotection_service *service,
                struct slice request)
{
    *waiting = (struct waiting){0};
    sem_init(&waiting->replied, 0, 0);
    keyprotection_roll(service, 2, request, "127.0.0.1", NULL, take_reply, waiting);
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 30;
    assert_int_equal(sem_timedwait(&waiting->replied, &deadline), 0);
    assert_int_equal(waiting->replies, 1);
}

static void expect_error(struct waiting *waiting, unsigned status, const char *code)
{
    _cleanup_buf_ struct buf name, message;
    buf_init(&name, 4096);
    buf_init(&message, 4096);
    assert_int_equal(waiting->status, status);
    assert_ok(roll_error_parse(&name, &message, buf_slice(&waiting->body), err));
    assert_string_equal(buf_text(&name), code);
}

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
        cmocka_unit_test(what_needs_a_token_is_done_by_its_workers),
        cmocka_unit_test(a_roll_waits_for_each_token_in_its_own_queue),
        cmocka_unit_test(a_token_that_is_away_is_retryable),
        cmocka_unit_test(metadata_waits_for_its_token_elsewhere),
        cmocka_unit_test(metadata_names_the_key_that_fails),
        cmocka_unit_test(metadata_names_a_key_that_no_token_has),
        cmocka_unit_test(metadata_with_a_key_for_something_else_is_our_fault),
        cmocka_unit_test(metadata_waits_for_each_token_in_its_own_queue),
        cmocka_unit_test(changes_are_applied),
        cmocka_unit_test(a_damaged_record_is_told),
        cmocka_unit_test(a_full_queue_is_retryable),
        cmocka_unit_test(snapshots_change_under_rolls),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
